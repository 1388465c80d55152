"""What counts as a key, a text and a number: one answer for every way in.

What comes back is what was logged, so nothing is cut, escaped or rounded here: a value that cannot be kept exactly is
refused with a ``UsageError`` that says why.
"""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from .errors import UsageError

#: The id of a run that is not recorded (on ranks above 0, and where autotrack is off).
NO_RUN = "0" * 32
MAX_KEY = 1000
MAX_NAME = 500
FLOAT_EXACT = 2**53
INT64 = 2**63

#: Code points that no database and no JSON reader takes: NUL and lone surrogates.
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_RUN_ID = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """A fresh 32-digit hexadecimal id. From the operating system, so that no random stream of the user's moves."""
    return os.urandom(16).hex()


def is_run_id(text: str) -> bool:
    """True for 32 hexadecimal digits in small letters."""
    return _RUN_ID.fullmatch(text) is not None


def check_text(text: str, what: str) -> str:
    """The text itself, if it can be kept; UsageError where it holds NUL or a lone surrogate."""
    if text.isascii() and "\x00" not in text:
        return text
    found = _UNFIT.search(text)
    if found:
        raise UsageError(
            f"{what} holds U+{ord(found.group()):04X} at character {found.start() + 1}, which cannot be kept; remove it"
        )
    return text


def printable(text: str) -> str:
    """The text with NUL and lone surrogates spelled out, for what is not the user's to correct (paths, tracebacks)."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")


def check_key(key: object, what: str = "key") -> str:
    """A key of a metric, param or tag: 1 to 1,000 characters of valid text."""
    if not isinstance(key, str):
        raise UsageError(f"a {what} must be a string, not {type(key).__name__}")
    if not 1 <= len(key) <= MAX_KEY:
        raise UsageError(f"a {what} must have 1 to {MAX_KEY} characters, this one has {len(key)}")
    return check_text(key, what)


def check_name(name: object, what: str) -> str:
    """A name of a run or an experiment: 1 to 500 characters of valid text."""
    if not isinstance(name, str):
        raise UsageError(f"the {what} must be a string, not {type(name).__name__}")
    if not 1 <= len(name) <= MAX_NAME:
        raise UsageError(f"the {what} must have 1 to {MAX_NAME} characters, this one has {len(name)}")
    return check_text(name, what)


def param_text(value: object, key: str) -> str:
    """The value as it is kept: ``str`` of it, in full. UsageError where it refuses to be shown."""
    if isinstance(value, str):
        return check_text(value, f"param {key!r}")
    return check_text(str(value), f"param {key!r}")


def flatten(params: Mapping[Any, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Nested mappings as dotted keys: ``{"a": {"b": 1}}`` gives ``a.b``."""
    for key, value in params.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and depth < 8:
            yield from flatten(value, f"{name}.", depth + 1)
        else:
            yield name, value


def number(value: object) -> tuple[Literal["f8"], float] | tuple[Literal["i8"], int]:
    """A metric value as it is stored: a float64, or an int64 where a float64 would round it.

    Takes whatever counts as one real number: int, float, bool, numpy and torch scalars and 0-d arrays, Decimal,
    Fraction. UsageError for everything else, text included.
    """
    kind = type(value)
    if isinstance(value, float):
        return "f8", float(value)
    if hasattr(kind, "__index__"):
        try:
            whole = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass  # a float tensor has __index__ too and refuses it
        else:
            if -FLOAT_EXACT <= whole <= FLOAT_EXACT:
                return "f8", float(whole)
            if -INT64 <= whole < INT64:
                return "i8", whole
            raise UsageError(f"{whole} does not fit into 64 bits")
    if hasattr(kind, "__float__") and not isinstance(value, (str, bytes)):
        try:
            return "f8", float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise UsageError(f"a metric must be one real number; this {kind.__name__} is not: {error}") from None
    raise UsageError(f"a metric must be one real number, not {kind.__name__}")


def check_step(step: object) -> int:
    """A step as a 64-bit integer."""
    if isinstance(step, (str, bytes)) or not hasattr(type(step), "__index__"):
        raise UsageError(f"a step must be an integer, not {type(step).__name__} ({step!r:.40})")
    whole = operator.index(step)  # type: ignore[arg-type]
    if not -INT64 <= whole < INT64:
        raise UsageError(f"step {whole} does not fit into 64 bits")
    return whole
