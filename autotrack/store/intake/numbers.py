"""Which texts are numbers: for params, which are text but may be searched as numbers."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|Infinity)\Z", re.ASCII)
LONGEST = 64


def as_number(text: str) -> float | None:
    """The number that a text spells, None where it spells none (or NaN)."""
    if len(text) > LONGEST or not NUMBER.match(text):
        return None
    return float(text)
