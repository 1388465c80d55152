"""What a database field can hold. A value that one refused would keep all that come after it waiting in the journal."""

from __future__ import annotations

from typing import Any


def text(value: object) -> str | None:
    """What stands in a text column."""
    return None if value is None else str(value)


def whole(value: Any) -> int | None:
    """What stands in an integer column (OverflowError beyond 64 bits)."""
    return None if value is None else int64(value)


def int64(value: Any) -> int:
    """The value as a 64-bit integer (OverflowError, TypeError or ValueError where it is none)."""
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f"{number} does not fit into 64 bits")
    return number
