"""Takes secrets out of what is captured, before it is written anywhere: ``***`` stands where one was.

Two things give a secret away: its own shape (``token_shapes``) and the name that it is given (``secret_names``). Text
is either running text (messages, console output, arguments: what follows ``password=`` is masked) or source code
(diffs, files: a name is mostly a variable there, so only literals are masked). Time and memory are linear in the text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .secret_names import Secrecy, is_secret_name, secrecy
from .token_shapes import PLACEHOLDER, SHAPES, Span, shaped_spans

MASK = "***"

#: No text below this many characters holds a secret that could be told from other text.
_SHORTEST = 7
#: What a name that holds a secret has in it, in small letters.
_STEMS = tuple("passw passphrase passcode _pwd _pass secret token key credential auth bearer cookie jwt".split())
#: Up to here it is asked first whether there can be anything at all: most values of params are numbers and names.
_SHORT = 400
_LITERAL = re.compile("|".join(re.escape(shape.literal) for shape in SHAPES))

_NAME_BEFORE = re.compile(r"[\w.-]{0,80}\Z")
_NAME_AFTER = re.compile(r"[\w.-]{0,80}")
#: Between a name and its value: a closing quote or bracket, an annotation, then ``:``, ``=``, ``:=`` or ``=>``.
_JOINED = re.compile(
    r"""(?P<closed>\\*["'])?\]?(?P<sep>[ \t]{0,20}"""
    r"""(?::[ \t]{0,5}[A-Za-z_][\w.\[\], |]{0,60}[ \t]{0,5}=(?!=)|:=|=>|=(?!=)|:(?!:))[ \t]{0,20})"""
)
_QUOTE = re.compile(r"""(?:[rbfuRBFU]{0,2})(\\*(?:\"\"\"|'''|["']))""")
_LONGEST_LITERAL = 4000
_BARE = re.compile(r"""[^\s,;&"'`<>(){}\[\]\\|]+""")
_IN_QUERY = re.compile(r"""[^\s&#"'`<>(){}\\]+""")
#: So much of a bare value is looked at; where it is a secret, all of it is masked.
_LOOKED_AT = 200
_GAP = re.compile(r"[ \t]{1,5}[\"']?")
_SCHEME = re.compile(r"(?:Bearer|Basic|Token|Digest|Negotiate|ApiKey|AWS4-HMAC-SHA256)[ \t]+", re.IGNORECASE)
#: A line of its own: ``export KEY=value`` of a shell, ``key: value`` of YAML, with what a diff puts before it.
_LINE_SO_FAR = re.compile(r"[ +-]?[ \t]{0,80}(?:-[ \t]+)?(?:export[ \t]+|ENV[ \t]+|set[ \t]+)?[\"']?[\w.-]*\Z")
_LINE_REST = re.compile(r"[^\s#]{1,4000}(?=[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z))")
_CODE = re.compile(
    r"[A-Za-z_][\w.]*[\[({].*|.*[\[({,;]|[A-Z][A-Za-z]*|[A-Za-z_]\w*(?:\.\w+)+|(?:u?int|float)\d+|.*[\])}]"
)
_TYPES = frozenset(
    "str int bytes float bool object list dict tuple set type any none null true false bytearray".split()
)
#: Plain values that a weak name may well have.
_NUMBER = re.compile(r"[-+]?(?:[\d_]*\.\d++|[\d_]*\d)(?:[eE][-+]?\d++)?")
_DIGIT_AND_LETTER = re.compile(r"(?=.*?[A-Za-z])(?=.*?\d)", re.DOTALL)
#: Tells a program which secrets it is given, by their values: no shape and no name may say so of an argument.
_TOLD = "_AUTOTRACK_SECRETS"
#: A value of fewer characters is too much of a word to be masked wherever it stands.
_SHORTEST_TOLD = 5
_BLANK = re.compile(r"\s")
_EMPTY = frozenset(("", "None", "null", "True", "False", "true", "false", MASK))


def mask(text: str, *, source: bool = False) -> str:
    """The text with ``***`` in the place of each secret; ``source`` says that it is code or a diff."""
    return masked(text, source=source)[0]


def masked(text: str, *, source: bool = False) -> tuple[str, int]:
    """The text with its secrets masked, and how many there were."""
    told = sum(text.count(secret) for secret in _told)
    for secret in _told if told else ():
        text = text.replace(secret, MASK)
    if len(text) < _SHORTEST:
        return text, told
    lower = _lower(text)
    if len(text) <= _SHORT and not _may_hold_one(text, lower):
        return text, told
    spans = sorted({*shaped_spans(text), *_named_spans(text, lower, source)})
    hidden, count = _without(text, spans) if spans else (text, 0)
    return hidden, told + count


def secrets_told(secrets: Iterable[str]) -> dict[str, str]:
    """The variable by which a program that is started knows these secrets, and those of this one, by their values."""
    known = sorted({*_told, *(secret for secret in secrets if len(secret) >= _SHORTEST_TOLD)}, key=len, reverse=True)
    return {_TOLD: json.dumps(known)} if known else {}


def _read_told() -> tuple[str, ...]:
    try:
        found = json.loads(os.environ.get(_TOLD, "[]"))
    except ValueError:
        return ()
    return tuple(text for text in found if isinstance(text, str) and text) if isinstance(found, list) else ()


_told = _read_told()


def masked_source(content: bytes) -> tuple[bytes, int]:
    """A source file or a diff with its secrets masked, and how many there were. Any bytes; others stay as they are."""
    text = content.decode("utf-8", "surrogateescape")
    hidden, count = masked(text, source=True)
    return (hidden.encode("utf-8", "surrogateescape") if count else content), count


def mask_value(key: str, value: object) -> str:
    """The text of a value that is known by a name; ``***`` where the name says that it is a secret."""
    text = value if isinstance(value, str) else str(value)
    kind = secrecy(key)
    if kind == "none":
        return mask(text)
    if text in _EMPTY or (kind == "weak" and _NUMBER.fullmatch(text)):
        return text
    return MASK


def mask_document(document: Any) -> Any:
    """A document of dicts, lists and plain values with its texts masked, those under a telling key whole."""
    if isinstance(document, str):
        return mask(document)
    if isinstance(document, Mapping):
        return {
            key: mask_value(str(key), value) if isinstance(value, str) else mask_document(value)
            for key, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [value if type(value) in (float, int) else mask_document(value) for value in document]
    return document


def mask_url(url: str) -> str:
    """A URL without the password, token or signature that it carries."""
    return mask(url)


def mask_argv(arguments: Sequence[str], also: Container[str] = ()) -> list[str]:
    """Command-line arguments with their secrets masked: ``--password X``, ``--password=X``, ``-e KEY=X``, ``key=X``.

    ``also`` are options that are known to be secret, by their name in Python (``user_pin`` for ``--user-pin``).
    """
    hidden: list[str] = []
    awaited = False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        name = option.lstrip("-+")
        plain = bool(name) and not re.search(r"\s", option)
        if awaited and not (argument.startswith("--") and len(argument) > 2):
            hidden.append(MASK)
            awaited = False
            continue
        awaited = False
        told = name.replace("-", "_") in also
        if equals and plain and (told or is_secret_name(name)):
            hidden.append(f"{option}={MASK if told else mask_value(name, value)}")
        else:
            awaited = not equals and plain and argument.startswith("-") and (told or _takes_secret(name))
            hidden.append(mask(argument))
    return hidden


def _takes_secret(option: str) -> bool:
    """True for an option whose next argument is a secret, and not a switch such as ``--use-auth``."""
    return option != "auth" and is_secret_name(option)


def _may_hold_one(text: str, lower: str) -> bool:
    """False for nearly all short texts, in less than a microsecond: one scan a part is faster than a pattern of all."""
    if (
        "pass" in lower or "pwd" in lower or "secret" in lower or "token" in lower or "key" in lower
        or "credential" in lower or "auth" in lower or "bearer" in lower or "cookie" in lower or "jwt" in lower
        or "://" in lower or "sig" in lower
    ):  # fmt: skip
        return True
    if len(text) < 14:
        return False
    certain = "_" in text or "-" in text or "A" in text or "y" in text or "x" in text or "." in text or "d" in text
    return certain and _LITERAL.search(text) is not None


def _lower(text: str) -> str:
    lower = text.lower()
    if len(lower) != len(text):  # a few letters have two small ones: places would not agree
        lower = text.translate({code: code + 32 for code in range(65, 91)})
    return lower


def _without(text: str, spans: Iterable[Span]) -> tuple[str, int]:
    pieces: list[str] = []
    done, count = 0, 0
    for start, end in spans:
        if end <= done or text[start:end] == MASK:
            continue
        if start >= done:
            pieces += text[done:start], MASK
            count += 1
        done = end
    return "".join((*pieces, text[done:])), count


def _named_spans(text: str, lower: str, source: bool) -> Iterator[Span]:
    """Values that a telling name stands before."""
    seen = -1
    for at in sorted({place for stem in _STEMS if stem in lower for place in _places(lower, stem)}):
        if at < seen:
            continue
        before = _NAME_BEFORE.search(text, max(0, at - 80), at)
        start = before.start() if before else at
        after = _NAME_AFTER.match(text, at)
        end = after.end() if after else at
        seen = end
        name = text[start:end].rstrip(".-")
        kind = secrecy(name)
        if kind != "none":
            span = _value_span(text, start, end, name, kind, source)
            if span:
                seen = max(seen, span[1])
                yield span


def _places(lower: str, stem: str) -> Iterator[int]:
    at = lower.find(stem)
    while at >= 0:
        yield at
        at = lower.find(stem, at + len(stem))


def _value_span(text: str, start: int, end: int, name: str, kind: Secrecy, source: bool) -> Span | None:
    joined = _JOINED.match(text, end)
    if not joined:
        return _option_span(text, start, end, kind, source)
    at = joined.end()
    quote = _QUOTE.match(text, at)
    if quote:
        span = _literal(text, quote.end(), quote.group(1))
        scheme = _SCHEME.match(text, span[0], span[1])
        return _telling(text, (scheme.end(), span[1]) if scheme else span, "strong" if scheme else kind)
    scheme = _SCHEME.match(text, at)
    at = scheme.end() if scheme else at
    in_query = start > 0 and text[start - 1] in "?&" and "=" in joined["sep"]
    if source and not scheme and not in_query:
        return _own_line(text, start, at, joined, kind)
    return _bare(_IN_QUERY if in_query else _BARE, text, at, "strong" if scheme else kind)


def _bare(pattern: re.Pattern[str], text: str, at: int, kind: Secrecy) -> Span | None:
    """An unquoted value, judged by its beginning."""
    beginning = pattern.match(text, at, at + _LOOKED_AT)
    span = _telling(text, beginning.span() if beginning else None, kind)
    whole = pattern.match(text, at) if span else None
    return whole.span() if whole else None


def _literal(text: str, start: int, quote: str) -> Span:
    """From behind the opening quote to before the closing one, on this line unless it is a triple quote."""
    stop = min(len(text), start + _LONGEST_LITERAL)
    if len(quote.lstrip("\\")) == 1:
        line = text.find("\n", start, stop)
        stop = line if line >= 0 else stop
    end = text.find(quote, start, stop)
    while len(quote) == 1 and end > start and text[end - 1] == "\\" and text[end - 2 : end] != "\\\\":
        end = text.find(quote, end + 1, stop)
    return start, end if end >= 0 else stop


def _own_line(text: str, start: int, at: int, joined: re.Match[str], kind: Secrecy) -> Span | None:
    """``KEY=value`` and ``key: value`` that take a whole line of a settings file; code is left as it is."""
    line = text.rfind("\n", max(0, start - 200), start) + 1
    if not _LINE_SO_FAR.match(text[line:start] if start - line <= 200 else "?") or joined["closed"]:
        return None
    value = _LINE_REST.match(text, at)
    if not value:
        return None
    found, sep = value.group(), joined["sep"]
    if "=" in sep and (sep != "=" or not text[start : joined.start()].isupper()):
        return None  # an assignment of Python; in a settings file names are capitals and no blank stands around it
    if found.lower() in _TYPES or (":" in sep and _CODE.fullmatch(found)):
        return None
    if "=" in sep and re.fullmatch(r"[A-Za-z_][\w.]*[\[(].*", found):
        return None
    return _telling(text, value.span(), kind)


def _option_span(text: str, start: int, end: int, kind: Secrecy, source: bool) -> Span | None:
    """``--password X`` inside a line of text."""
    if text[max(0, start - 2) : start] != "--" and text[start : start + 2] != "--":
        return None
    gap = _GAP.match(text, end)
    if not gap or text[gap.end() : gap.end() + 1] == "-":
        return None
    return _bare(_BARE, text, gap.end(), "weak" if source else kind)


def _telling(text: str, span: Span | None, kind: Secrecy) -> Span | None:
    """The span if what stands there is a secret: no placeholder and, under a weak name, no plain word or number."""
    if span is None or span[0] >= span[1]:
        return None
    value = text[span[0] : span[1]]
    if value in _EMPTY or PLACEHOLDER.fullmatch(value):
        return None
    if kind == "strong":
        return span
    if len(value) < 8 or value.startswith(("/", "./", "~")) or _NUMBER.fullmatch(value):
        return None
    return span if _DIGIT_AND_LETTER.match(value) and not _BLANK.search(value) else None
