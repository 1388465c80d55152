"""Splits a filter into tokens, each with its place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autotrack.core.errors import FilterError

LONGEST = 8192

TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<text>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<backtick>`(?:[^`]|``)*`)
  | (?P<number>[+-]?(?:\d+\.?\d*|(?<![\w\])\"`])\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
  | (?P<signed>[+-](?:inf|infinity|nan)\b)
  | (?P<op>==|!=|<>|<=|>=|=|<|>)
  | (?P<punct>[(),])
  | (?P<dot>\.)
  | (?P<word>[\w$@/][\w$@/:+\-\[\]]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """``kind``: text, quoted, backtick, number, op, punct, dot, word or end. ``text`` is without its quotes."""

    kind: str
    text: str
    position: int
    end: int

    def is_word(self, word: str) -> bool:
        """True for this keyword in any case, unquoted."""
        return self.kind == "word" and self.text.upper() == word


def tokenize(text: str) -> list[Token]:
    """The tokens of a filter, with an ``end`` token after them (FilterError where a character fits nothing)."""
    if len(text) > LONGEST or len(text.encode("utf-8", "replace")) > LONGEST:
        raise FilterError(f"the filter is longer than {LONGEST:,} bytes", text[:80], 79)
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise FilterError(_complaint(text[position]), text, position)
        kind = match.lastgroup or ""
        found, position = match.group(), match.end()
        if kind == "space":
            continue
        if kind in ("text", "quoted", "backtick"):
            quote = found[0]
            found = found[1:-1].replace(quote * 2, quote)
        kind = "number" if kind == "signed" else kind
        tokens.append(Token(kind, found, match.start(), match.end()))
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _complaint(letter: str) -> str:
    if letter in "'\"`":
        return f"the {letter} is never closed"
    return f"{letter!r} means nothing here"
