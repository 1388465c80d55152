"""A command that needs a shell, as a script in which every value is a quoted variable.

The contexts that are followed are those of POSIX shells and bash: quotes, ``$(...)``, subshells. Where a value would be
expanded a second time (arithmetic, here-documents, back quotes, ``${...}``) the command is refused. What a value goes
into is followed: the variables that hold it, what a command with it prints, and the files and pipes that this goes to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .forbidden import Told, assigned, check_expansions, check_words, refuse
from .programs import start_of
from .templates import Expansion, Item, Placeholder, Word, has_value, literal

#: What the variables with the values are called.
_VARIABLE = "autotrack_parameter_"
#: Variables of the shell that hold what was said before.
_ARGUMENTS = frozenset("@*_123456789")
#: Words that give variables attributes: a number's value is an expression, a reference's is a name.
_DECLARING = frozenset("declare typeset local readonly integer".split())
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!_-]")
#: What is in ``${...}`` where it puts in a variable and reads nothing of it once more.
_READ_ONCE = re.compile(r"#?(?:\w+|[@*#?$!-])(?::?[-+=?][^$]*|##?[^$]*|%%?[^$]*)?", re.DOTALL)


@dataclass(slots=True)
class _Context:
    """What the shell is in: ``plain``, ``"``, ``'``, ``$'``, `````, ``${``; and the simple command there so far."""

    kind: str
    #: True within ``$(...)`` and back quotes, whose output is put in; then what it is made of.
    prints: bool = False
    names: set[str] = field(default_factory=set)
    carries: bool = False
    #: What stands in ``${...}``.
    text: str = ""
    words: list[Word] = field(default_factory=list)
    word: Word | None = None
    #: ``<`` or ``>`` where the word is the name of a file; and the files of the command.
    redirects: str = ""
    files: list[tuple[str, Word]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Command:
    """A simple command. ``pipes``: what it prints, another command reads."""

    words: list[Word]
    files: list[tuple[str, Word]]
    pipes: bool


class _Script:
    def __init__(self, values: Mapping[str, str], template: str, holds_values: bool) -> None:
        self.values = values
        self.template = template
        self.holds_values = holds_values
        self.names = {name: f"{_VARIABLE}{number}" for number, name in enumerate(values)}
        self.out: list[str] = []
        self.stack = [_Context("plain")]
        self.commands: list[_Command] = []

    @property
    def _commands(self) -> _Context:
        """The innermost context that has commands."""
        return next(context for context in reversed(self.stack) if context.kind in ("plain", "`"))

    def add_to_word(self, item: str | Placeholder | Expansion) -> None:
        commands = self._commands
        commands.word = [*(commands.word or []), item]
        for context in self.stack:
            if context.prints and not isinstance(item, str):
                context.carries |= isinstance(item, Placeholder) or item.carries
                context.names |= item.names if isinstance(item, Expansion) else set()

    def end_word(self) -> None:
        commands = self._commands
        if commands.word is None:
            return
        if commands.redirects:
            commands.files.append((commands.redirects, commands.word))
        else:
            commands.words.append(commands.word)
        commands.word, commands.redirects = None, ""

    def end_command(self, *, pipes: bool = False) -> None:
        self.end_word()
        commands = self._commands
        if self.holds_values and len(self.stack) > 1 and commands.words and literal(commands.words[0]) == "case":
            refuse(self.template, "case within parentheses is not followed")
        self.commands.append(_Command(commands.words, commands.files, pipes))
        commands.words, commands.files, commands.redirects = [], [], ""

    def value(self, placeholder: Placeholder) -> None:
        kinds = [context.kind for context in self.stack]
        if {"`", "${", "$'"}.intersection(kinds):
            refuse(self.template, "a value stands where the shell reads it once more")
        if self.out and self.out[-1] in ("$", "\\"):
            refuse(self.template, f"{self.out[-1]} stands before a value; a variable of the shell is ${{{{NAME}}}}")
        reference = f"${{{self.names[placeholder.name]}}}"
        self.out.append({"plain": f'"{reference}"', '"': reference, "'": f"'\"{reference}\"'"}[kinds[-1]])
        self.add_to_word(placeholder)

    def run(self, items: list[Item]) -> None:
        at = 0
        while at < len(items):
            item = items[at]
            at += 1
            if isinstance(item, Placeholder):
                self.value(item)
                continue
            following = items[at] if at < len(items) else ""
            kind = self.stack[-1].kind
            if item == "\\" and kind != "'" and isinstance(following, str) and following:
                self.out.append(item + following)
                at += 1
                self._escaped(kind, following)
                continue
            self.out.append(item)
            if kind == "plain" and item == "#" and self._commands.word is None:
                at = self._comment(items, at)
            elif item == "$" and kind in ("plain", '"', "`", "${"):
                at = self._dollar(kind, items, at)
            else:
                self._step(kind, item, following)

    def _escaped(self, kind: str, following: str) -> None:
        if kind == "${":
            self._only_without_values()
        elif kind in ('"', "$'"):
            kept = kind == "$'" or following not in '$`"\\\n'
            self.add_to_word(f"\\{following}" if kept else "" if following == "\n" else following)
        elif following != "\n":
            self.add_to_word(following)

    def _comment(self, items: list[Item], at: int) -> int:
        while at < len(items) and items[at] != "\n":
            item = items[at]
            self.out.append(item if isinstance(item, str) else "")
            at += 1
        return at

    def _dollar(self, kind: str, items: list[Item], at: int) -> int:
        """What follows a dollar; where to go on."""
        following = items[at] if at < len(items) else ""
        if kind == "${":
            self._only_without_values()
        if not isinstance(following, str):
            return at  # which is refused as soon as the value comes
        if following == "(":
            self.out.append(following)
            self.stack.append(_Context("plain", prints=True))
            return at + 1
        if following == "{":
            self.out.append(following)
            self.stack.append(_Context("${"))
            return at + 1
        if following == "'" and kind != '"':
            self.out.append(following)
            self.add_to_word("")
            self.stack.append(_Context("$'"))
            return at + 1
        text = "".join(item if isinstance(item, str) else "\0" for item in items[at : at + 200])
        name = _NAME.match(text)
        if name:
            self.out.append(name.group())
            self.add_to_word(Expansion(frozenset({name.group()}), splits=kind != '"'))
            return at + len(name.group())
        self.add_to_word("$" if following != '"' or kind == '"' else "")
        return at

    def _only_without_values(self) -> None:
        if self.holds_values:
            refuse(self.template, "what stands in ${...} is not followed")

    def _step(self, kind: str, item: str, following: Item) -> None:
        if kind in ("'", "$'"):
            if item == "'":
                self.stack.pop()
            else:
                self.add_to_word(item)
        elif kind == "${":
            self._within_braces(item)
        elif item == "`":
            if kind == "`":
                self.end_command()
                self._put_in(self.stack.pop())
            else:
                self.stack.append(_Context("`", prints=True))
        elif kind == '"':
            if item == '"':
                self.stack.pop()
            else:
                self.add_to_word(item)
        elif item in "\"'":
            self.add_to_word("")
            self.stack.append(_Context(item))
        elif item == "(":
            self.end_command()
            self.stack.append(_Context("plain"))
        elif item == ")":
            self.end_command()
            if len(self.stack) > 1:
                self._put_in(self.stack.pop())
        elif item in "<>" or (item == "&" and following == ">"):
            if literal(self._commands.word or []).isdigit() and not has_value(self._commands.word or []):
                self._commands.word = None  # the number of what is redirected
            self.end_word()
            self._commands.redirects = item if item in "<>" else ""
        elif item in "&|" and self._commands.redirects and self._commands.word is None and self.out[-2:-1] == [">"]:
            pass  # >& and >|
        elif item in ";|&\n":
            doubled = following == item or self.out[-2:-1] == [item]
            self.end_command(pipes=item == "|" and not doubled)
        elif item.isspace():
            self.end_word()
        else:
            self.add_to_word(item)

    def _within_braces(self, item: str) -> None:
        context = self.stack[-1]
        if item != "}":
            if item in "\"'`":
                self._only_without_values()
            context.text += item
            return
        self.stack.pop()
        names = frozenset(re.findall(r"\w+|[@*]", context.text))
        reads = not _READ_ONCE.fullmatch(context.text)
        self.add_to_word(Expansion(names, splits=self.stack[-1].kind != '"', reads=reads))

    def _put_in(self, closed: _Context) -> None:
        """What a command prints, in the word that it stands in."""
        if closed.prints:
            splits = self.stack[-1].kind != '"'
            self.add_to_word(Expansion(frozenset(closed.names), closed.carries, splits))

    def check(self) -> None:
        """UsageError where a value could be anything but an argument of a program that is spelled out."""
        if not self.holds_values:
            return
        told = Told(self.values, self.template, _ARGUMENTS.union(self.names.values()), is_shell=True)
        while True:  # what is assigned later may be used before, in a loop
            more = {name for each in self.commands for name, word in assigned(each.words) if told.holds(word)}
            if more <= told.tainted:
                break
            told = replace(told, tainted=told.tainted | more)
        written = self._written(told)
        is_fed = is_said = False
        for each in self.commands:
            for sign, word in each.files:
                check_expansions(word, told)
                if told.holds(word):
                    refuse(self.template, "a value would choose a file of the shell's")
                is_fed |= sign == "<" and (_file(word) in written or (None in written and _file(word) is None))
            if _runs(each.words).intersection(written):
                refuse(self.template, "a file that a value may be in would be run")
            texts = [literal(word) for word in each.words]
            if _DECLARING.intersection(texts) and any(text.startswith(("-", "+")) for text in texts):
                refuse(self.template, "variables with attributes read what is assigned to them once more")
            check_words(each.words, replace(told, is_fed=is_fed))
            is_said |= any(map(told.holds, each.words))
            is_fed |= each.pipes and is_said

    def _written(self, told: Told) -> set[str | None]:
        """The files that may hold a value: those that the commands' output goes to; None for one that is not known."""
        files = {_file(word) for each in self.commands for sign, word in each.files if sign == ">"}
        for each in self.commands:
            if each.words and literal(each.words[0]) in ("tee", "cp", "mv", "dd", "ln", "curl", "wget"):
                files |= {_file(word) for word in each.words[1:] if not told.holds(word)}
        return files - {"null", "1", "2", "stdout", "stderr"}


def _file(word: Word) -> str | None:
    """The name of a file, without its folder; None where it is not spelled out."""
    text = literal(word)
    return text.rpartition("/")[2] if all(isinstance(item, str) for item in word) else None


def _runs(words: Iterable[Word]) -> set[str | None]:
    """The files that a simple command may run: it, and a script that it is given, through whatever runs it."""
    found: set[str | None] = set()
    for word in words:
        text = literal(word)
        if text.startswith(("-", "+")):
            continue
        found.add(_file(word))
        if text not in (".", "source", "then", "do", "else", "if", "while", "!", "{") and start_of(text) is None:
            break
    return found - {None}


def script_of(
    items: list[Item], values: Mapping[str, str], appended: Mapping[str, str], template: str
) -> tuple[str, dict[str, str]]:
    """The script, and the variables with the values. ``appended`` follow the last command, as options."""
    holds_values = bool(appended) or any(isinstance(item, Placeholder) for item in items)
    script = _Script(values, template, holds_values)
    text = "".join(item if isinstance(item, str) else " " for item in items)
    if holds_values:
        for sign, what in (
            ("((", "arithmetic"),
            ("[[", "[[ ]]"),
            ("<<", "a here-document or here-string"),
            ("$[", "$["),
            ("<(", "what stands for a file"),
            (">(", "what stands for a file"),
        ):
            if sign in text:
                refuse(template, f"the shell reads values in {what} once more")
    script.run(items)
    for name in appended:
        script.out.append(" ")
        script.end_word()
        script.out.append(f"--{name} ")
        script.add_to_word(Placeholder(f"--{name}"))  # whoever gives the value chooses the option
        script.end_word()
        script.value(Placeholder(name))
    script.end_command()
    script.values = {**values, **{f"--{name}": f"--{name}" for name in appended}}
    script.check()
    return "".join(script.out), {script.names[name]: value for name, value in values.items()}
