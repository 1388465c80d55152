"""Where a value would be read as code or as an option of an interpreter: such commands are refused, not escaped.

A value is one argument of the program and nothing else. Quoting cannot give that where a second program parses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from autotrack.plugin import UsageError

from .templates import Word, filled, has_value, literal

#: Programs that run a text, with the options before it; () where the first plain word is the text.
_INTERPRETERS = {
    r"(?:python|pypy)[\d.]*": r"-[A-Za-z]*c",
    r"(?:ba|da|z|k|a|fi)?sh": r"-[A-Za-z]*c",
    r"perl[\d.]*": r"-[A-Za-z]*[eE]",
    r"ruby[\d.]*|lua[\d.]*|Rscript|R|julia|osascript": r"-[A-Za-z]*[eE]|--eval|--print",
    r"node|nodejs|deno|bun": r"-[a-z]*[ep]|--eval|--print|eval",
    r"php[\d.]*": r"-[rBRE]",
    r"[gmn]?awk|sed|jq|ssh|su|watch|parallel": r"",
}
_PATTERNS = [(re.compile(name), re.compile(option) if option else None) for name, option in _INTERPRETERS.items()]
#: Words of the shell that read a value as a name, an expression or a script.
_SHELL_WORDS = frozenset(
    "eval let declare typeset local readonly unset read mapfile readarray source . trap alias".split()
)
#: Words after which a program's name comes.
BEFORE_PROGRAMS = frozenset(
    "then do else elif if while until ! { time exec command nohup env sudo nice builtin stdbuf setsid xargs".split()
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=.*", re.DOTALL)


def check_words(words: Sequence[Word], values: Mapping[str, str], template: str) -> None:
    """UsageError where a value in one simple command would choose the program or be run by it."""
    if not any(map(has_value, words)):
        return
    texts = [literal(word) for word in words]
    start = 0
    while start < len(words) and (
        texts[start] in BEFORE_PROGRAMS or (_ASSIGNMENT.fullmatch(texts[start]) and not _names(words[start]))
    ):
        start += 1
    if start < len(words) and has_value(words[start]):
        refuse(template, "a value would choose which program runs")
    found = _SHELL_WORDS.intersection(texts)
    if found and any(has_value(word) for word in words[texts.index(min(found, key=texts.index)) :]):
        refuse(template, f"`{min(found)}` reads its words once more")
    if any(text == "-v" and has_value(word) for text, word in zip(texts, words[1:], strict=False)):
        refuse(template, "-v takes a name, which the shell evaluates")
    for at, text in enumerate(texts):
        for pattern, option in _PATTERNS:
            if not has_value(words[at]) and pattern.fullmatch(text.rpartition("/")[2]):
                _check_interpreter(words[at + 1 :], option, values, template, text)


def _check_interpreter(
    words: Sequence[Word], option: re.Pattern[str] | None, values: Mapping[str, str], template: str, program: str
) -> None:
    for at, word in enumerate(words):
        value = filled(word, values)
        if has_value(word) and value.startswith("-"):
            refuse(template, f"{program} would read the value {value!r:.60} as an option")
        if option is None:
            if any(map(has_value, words)):
                refuse(template, f"{program} may run what it is given")
            return
        if option.fullmatch(literal(word)):
            if at + 1 < len(words) and has_value(words[at + 1]):
                refuse(template, f"{program} {literal(word)} runs what follows")
            return
        if not value.startswith("-"):
            return  # the script: what follows is the script's


def _names(word: Word) -> bool:
    """True where a value is part of the name that is assigned to."""
    head = word[: word.index("=")] if "=" in word else word
    return has_value(head)


def refuse(template: str, why: str) -> NoReturn:
    """The UsageError that says why a command is not run."""
    raise UsageError(
        f"the command {template!r:.200} is not run with these parameters: {why}; write it so that the value is an "
        "argument of your own program"
    )
