"""What an entry point starts: an argv wherever its command is a list of words, a shell only where it is more.

The words are found before values come in, so that a value is never parsed. Where a shell is needed (pipes, ``&&``,
redirections, variables), values travel as environment variables and the script holds quoted references to them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from .forbidden import Told, check_words
from .grammar import INTERPRETERS, EntryPoint
from .parameters import Values
from .shellscript import script_of
from .templates import Item, Placeholder, Word, filled, has_value, items_of, literal

_META = frozenset("|&;<>()*?[]$`\n{}")
#: First words that only a shell understands.
_SHELLS_OWN = frozenset(
    "cd export source . set unset if for while until case function exec eval ulimit umask trap time ! { [[ shopt wait "
    "alias local declare read let".split()
)
_SHELL = re.compile(r"(?:/(?:usr/)?bin/)?(?:ba|da)?sh")
#: The options of a shell up to the one behind which its script is.
_CODE = re.compile(r"(?:-[aefuxv]+ )*(?:-[aefuxv]*o (?:pipefail|errexit|nounset|xtrace) )*-[aefuxvl]*c")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The program's argv, and the variables that it needs besides those of its surroundings."""

    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_python(self) -> bool:
        """True where the program itself is Python."""
        return re.fullmatch(r"python[\d.]*", self.argv[0].rpartition("/")[2]) is not None


def command_line(entry: EntryPoint, values: Values) -> CommandLine:
    """The command line of an entry point with these values; UsageError where a value would be run as code."""
    if entry.script is not None:
        program = INTERPRETERS[entry.script.suffix]
        script = entry.name if not entry.name.startswith("-") else f"./{entry.name}"
        return CommandLine((*program, script, *_options(values.all)))
    template = (entry.command or "").strip()
    items = items_of(template, values.all)
    used = {item.name for item in items if not isinstance(item, str)}
    rest = {name: value for name, value in values.others.items() if name not in used}
    words = words_of(items)
    if words is None:
        script, variables = script_of(items, values.all, rest, template)
        return CommandLine((shutil.which("bash") or "/bin/sh", "-c", script), variables)
    if not rest and _is_script(words):
        script, variables = script_of(_items(words[-1]), values.all, {}, template)
        return CommandLine((*map(literal, words[:-1]), script), variables)
    # Whoever gives a value that is not declared chooses the option, too.
    appended = {f"\0{number}": word for number, word in enumerate(_options(rest))}
    options: list[Word] = [[Placeholder(name)] for name in appended]
    check_words([*words, *options], Told({**values.all, **appended}, template))
    return CommandLine((*(filled(word, values.all) for word in words), *_options(rest)))


def _items(word: Word) -> list[Item]:
    return [item for item in word if isinstance(item, str | Placeholder)]


def _is_script(words: list[Word]) -> bool:
    """True for ``sh -c '...'`` with values in the script, and nothing behind it: those values go as variables."""
    *options, script = words
    return (
        len(options) > 1
        and has_value(script)
        and not any(map(has_value, options))
        and _SHELL.fullmatch(literal(options[0])) is not None
        and _CODE.fullmatch(" ".join(map(literal, options[1:]))) is not None
    )


def _options(values: Mapping[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def words_of(items: list[Item]) -> list[Word] | None:
    """The command's words, as a shell would find them; None where it is more than words."""
    words: list[Word] = []
    word: Word | None = None
    quote = ""
    at = 0
    while at < len(items):
        item = items[at]
        at += 1
        if not isinstance(item, str):
            word = [*(word or []), item]
        elif quote == "'":
            if item == "'":
                quote = ""
            else:
                word = [*(word or []), item]
        elif item in "$`" or (not quote and item in _META):
            return None
        elif item == "\\":
            following = items[at] if at < len(items) else ""
            if not isinstance(following, str) or following in ("", "\n"):
                return None
            at += 1
            word = [*(word or []), *([item] if quote and following not in '"\\' else []), following]
        elif item == quote:
            quote = ""
        elif not quote and item in "'\"":
            quote = item
            word = word or []
        elif not quote and item.isspace():
            if word is not None:
                words.append(word)
            word = None
        elif not quote and word is None and item in "#~":
            return None
        else:
            word = [*(word or []), item]
    if quote:
        return None  # the shell says what is wrong with it
    if word is not None:
        words.append(word)
    first = "".join(item for item in words[0] if isinstance(item, str)) if words else ""
    return None if first in _SHELLS_OWN or _ASSIGNMENT.match(first) or not words else words


def with_path(variables: Mapping[str, str], folder: str) -> dict[str, str]:
    """The variables with a folder first on the path."""
    former = variables.get("PATH")
    return {**variables, "PATH": folder + os.pathsep + former if former else folder}
