"""Numbers as a person reads them."""

from __future__ import annotations

import math

#: Whole numbers up to this one are exact as float64.
EXACT = 2**53
#: From this one on a whole number that has few significant digits is shorter with an exponent.
_LONG = 1e6


def significant(value: float | int, digits: int) -> str:
    """A number in so many significant digits. Whole numbers keep all of theirs: they count something, or name it."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{digits}g}"
    is_whole = math.isfinite(value) and 0 < abs(value) <= EXACT and value == int(value)
    return str(int(value)) if is_whole and (abs(value) < _LONG or float(text) != value) else text
