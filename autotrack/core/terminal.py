"""Text from anywhere, such that it cannot harm a terminal that it is printed on."""

from __future__ import annotations

import unicodedata

#: Characters that reorder what stands around them: a name must not be able to show as another name.
_REORDER = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def clean(text: str) -> str:
    """The text on one line, with control and reordering characters spelled out (``\\x1b``), safe to print."""
    if text.isprintable() and not any(character in _REORDER for character in text):
        return text
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    kind = unicodedata.category(character)
    if character in _REORDER or kind in ("Cc", "Cs", "Zl", "Zp"):
        point = ord(character)
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
    return character
