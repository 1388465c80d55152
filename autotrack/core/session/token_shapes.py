"""Finds credentials by their shape alone: tokens of known issuers, private keys, passwords in URLs, bearer headers.

The shapes are those that the issuers document. Everything is linear in the text, whatever the text: a rule looks for a
literal, then for one run of characters behind it; where that is too short, the whole run is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

Span = tuple[int, int]

_ALNUM, _WORD = r"[A-Za-z0-9]", r"[A-Za-z0-9_-]"


class Shape(NamedTuple):
    """``literal``, then at least ``least`` characters of ``body``; the secret begins with the literal."""

    literal: str
    body: re.Pattern[str]
    least: int
    #: True where the literal is part of ordinary words (``risk-``): nothing of a word may stand before it, and both
    #: digits and letters have to come after it.
    wordlike: bool = False


def _shape(literal: str, body: str, least: int, *, wordlike: bool = False) -> Shape:
    return Shape(literal, re.compile(f"{body}*"), least, wordlike)


SHAPES = (
    *(_shape(literal, r"[A-Z0-9]", 16) for literal in ("AKIA", "ASIA", "ABIA", "ACCA")),
    _shape("hf_", _ALNUM, 20),
    _shape("api_org_", _ALNUM, 20),
    *(_shape(f"gh{kind}_", _ALNUM, 30) for kind in "pousr"),
    _shape("github_pat_", r"\w", 22),
    *(_shape(literal, _WORD, 20) for literal in ("glpat-", "gldt-", "glrt-", "glptt-")),
    _shape("xox", r"[abeoprs]-" + _WORD, 12),
    _shape("xapp-", _WORD, 20),
    _shape("hooks.slack.com/services/", r"[A-Za-z0-9/]", 20),
    _shape("AIza", _WORD, 35),
    _shape("ya29.", _WORD, 20),
    _shape("npm_", _ALNUM, 30),
    _shape("pypi-", _WORD, 50),
    _shape("dop_v1_", r"[0-9a-f]", 40),
    _shape("dapi", r"[0-9a-f-]", 32),
    _shape("nvapi-", _WORD, 40),
    _shape("r8_", _ALNUM, 30),
    _shape("gsk_", _ALNUM, 40),
    _shape("SG.", r"[A-Za-z0-9_.-]", 40),
    *(_shape(f"k_{mode}_", _ALNUM, 16) for mode in ("live", "test")),  # sk_ and rk_
    _shape("AGE-SECRET-KEY-1", r"[A-Z0-9]", 40),
    _shape("eyJ", _WORD, 8),  # a JSON Web Token, if dots follow: see _spans_of
    _shape("sk-", _WORD, 20, wordlike=True),
    _shape("at_", _WORD, 32, wordlike=True),  # autotrack's own server tokens
    _shape("Bearer ", r"[A-Za-z0-9._~+/=-]", 16, wordlike=True),
    _shape("bearer ", r"[A-Za-z0-9._~+/=-]", 16, wordlike=True),
)
_AFTER_HEADER = re.compile(r"(?:\.[A-Za-z0-9_-]*){2,4}")
_BEFORE_WORD = re.compile(r"[A-Za-z0-9_]")
_ESCAPED = ("\\n", "\\r", "\\t")

#: What stands where a password would, in code and in documentation.
PLACEHOLDER = re.compile(
    r"\{[^{}]*\}|\$\{?\w+\}?|\$\{\{[^}]*\}\}|%\(?\w*\)?[sd]|<[^<>]*>|\[[^\[\]]*\]|\*+|x{3,}|X{3,}|\.\.\.|None|null|[Tt]rue|[Ff]alse"
)
_USERINFO = re.compile(r"""[^\s/?#"'`<>\\]{1,1000}@""")
#: Signed URLs of Azure, S3 and Google storage.
_SIGNATURE = re.compile(r"[?&](?:sig|(?:X-(?:Amz|Goog)-)?Signature)=([A-Za-z0-9%+/=_-]{8,})")

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
#: A key's own text follows the header, and not the rest of an expression that looks for it.
_KEY_TEXT = re.compile(r"""(?:\\[nr]|[\s+"'-]){1,20}(?:[A-Za-z0-9+/=]{16}|Proc-Type:|Version:)""")
_KEY_RUN = re.compile(r"""[A-Za-z0-9+/=:,.()\s\\"'-]*""")
_LONGEST_KEY = 20_000


def shaped_spans(text: str) -> Iterator[Span]:
    """Where credentials stand in the text, in no order; they may overlap."""
    for shape in SHAPES:
        if shape.literal in text:
            yield from _spans_of(shape, text)
    if "://" in text:
        yield from _url_passwords(text)
    if "sig=" in text or "Signature=" in text:
        yield from (found.span(1) for found in _SIGNATURE.finditer(text))
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)


def _spans_of(shape: Shape, text: str) -> Iterator[Span]:
    literal, width = shape.literal, len(shape.literal)
    at = text.find(literal)
    while at >= 0:
        after = at + width
        if not shape.wordlike or _starts_a_word(text, at):
            found = shape.body.match(text, after)
            end = found.end() if found else after
            if end - after >= shape.least and (not shape.wordlike or _mixed(text[after:end])):
                dots = _AFTER_HEADER.match(text, end) if literal == "eyJ" else None
                if literal != "eyJ" or dots:
                    end = dots.end() if dots else end
                    yield (after if literal.endswith(" ") else at), end
            after = max(after, end)  # what is too short from here is too short from any later place in the same run
        at = text.find(literal, after)


def _starts_a_word(text: str, at: int) -> bool:
    return at == 0 or not _BEFORE_WORD.match(text, at - 1) or text[max(0, at - 2) : at] in _ESCAPED


def _mixed(body: str) -> bool:
    """True for what nobody writes by hand: digits together with letters, not a few words with a number behind them."""
    digits = sum(map(body.count, "0123456789"))
    return digits >= 2 and digits < len(body) and not all(part.isdecimal() or part.isalpha() for part in _parts(body))


def _parts(body: str) -> list[str]:
    return [part for part in re.split(r"[-_./]", body) if part]


def _url_passwords(text: str) -> Iterator[Span]:
    at = text.find("://")
    while at >= 0:
        begin = at + 3
        found = _USERINFO.match(text, begin)
        if found:
            userinfo = text[begin : found.end() - 1]
            user, colon, password = userinfo.partition(":")
            if colon and password and not PLACEHOLDER.fullmatch(password):
                yield begin + len(user) + 1, found.end() - 1
            elif len(user) >= 20 and not colon and not PLACEHOLDER.fullmatch(user):
                yield begin, found.end() - 1  # a token in the user's place
        at = text.find("://", begin)


def _private_keys(text: str) -> Iterator[Span]:
    begins = _KEY_BEGINS.search(text)
    while begins:
        start = begins.end()
        if not _KEY_TEXT.match(text, start):
            begins = _KEY_BEGINS.search(text, start)
            continue
        end = text.find("-----END", start, start + _LONGEST_KEY)
        if end < 0:
            run = _KEY_RUN.match(text, start)
            end = run.end() if run else start
        while start < end:  # line by line, so that a diff keeps its lines and what they begin with
            line = text.find("\n", start, end)
            stop = line if line >= 0 else end
            first = start + 1 if text[start : start + 1] in ("+", "-", " ") else start
            if stop > first:
                yield first, stop
            start = stop + 1
        begins = _KEY_BEGINS.search(text, end)
