"""Scripts without what only people need: comments, indentation, spaces between tokens. Each line stays where it was.

A scanner, no parser: it tells strings, templates, regular expressions and comments apart and touches nothing within the
first three. That the rest is the same program is a test (``tests/ui/test_modules.py``: another scanner
reads the same tokens before and after).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<space>[^\S\n]+)
  | (?P<newline>\n)
  | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
  | (?P<word>\#?[\w$]+(?:(?<=\d)\.\d+)?)
  | (?P<other>[^\s\w])
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?![*/])(?:[^\\/\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.DOTALL)
#: What a regular expression can follow; after anything else a slash divides (as it does not in ``if (a) /b/.test(c)``,
#: which the test would find).
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%~^<>")
_WORDS_BEFORE_REGEX = frozenset(("return", "typeof", "case", "in", "of", "void", "delete", "await", "yield"))


def shrunk(script: str) -> str:
    """The same program in fewer bytes, on the same lines."""
    said: list[str] = []
    is_apart = False  # whether something that separates tokens stood before the next one
    last, last_kind = "\n", "newline"
    for kind, piece in _pieces(script):
        if kind in ("space", "comment"):
            newlines = piece.count("\n")
            said.append("\n" * newlines)
            last, is_apart = ("\n", False) if newlines else (last, True)
            continue
        # The flags of a regular expression would go on in a word that follows.
        if is_apart and _must_be_apart("a" if last_kind == "regex" else last[-1], piece[0]):
            said.append(" ")
        is_apart = False
        said.append(piece)
        last, last_kind = piece, kind
    return "".join(said)


def _must_be_apart(left: str, right: str) -> bool:
    """Whether two characters would be read otherwise with nothing between them."""
    if _is_of_word(left) and _is_of_word(right):
        return True
    return (left == right and left in "+-/") or (left == "/" and right == "*") or (left.isdigit() and right == ".")


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character in "_$#"


def _pieces(script: str) -> Iterator[tuple[str, str]]:
    """The kind and the text of all that a script consists of, in order."""
    at, last = 0, ""
    braces: list[int] = []  # of each template that is open, how many braces are open in its expression
    while at < len(script):
        first = script[at]
        kind = "other"
        if first == "`" or (first == "}" and braces and braces[-1] == 0):
            found = _TEMPLATE.match(script, at + 1)
            if first == "}":
                braces.pop()
            if found and found[0].endswith("{"):
                braces.append(0)
            kind = "template"
        elif first == "/" and (not last or last in _WORDS_BEFORE_REGEX or last[-1] in _BEFORE_REGEX):
            found = _REGEX.match(script, at) or _PIECE.match(script, at)
        else:
            found = _PIECE.match(script, at)
        if not found:
            line = script.count("\n", 0, at) + 1
            raise ValueError(f"line {line} of a script of the pages cannot be read: {script[at : at + 40]!r}")
        kind = found.lastgroup or ("template" if kind == "template" else "regex")
        if braces and kind == "other" and first in "{}":
            braces[-1] += 1 if first == "{" else -1
        piece = script[at : found.end()]
        if kind == "template" and "\n\n" in piece:  # empty lines are taken for nobody's when modules are joined
            raise ValueError(f"a template of the pages has an empty line, to be written as \\n\\n: {piece[:80]!r}")
        yield kind, piece
        if kind not in ("space", "comment", "newline"):
            last = piece
        at = found.end()
