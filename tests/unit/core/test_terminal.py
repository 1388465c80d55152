"""Text that is printed on somebody's terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.terminal import clean


@given(st.text())
def test_cleaned_text_cannot_move_the_cursor(text: str) -> None:
    shown = clean(text)
    assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_escape_sequences_are_spelled_out() -> None:
    assert clean("a\x1b[2Jb\nc") == "a\\x1b[2Jb\\nc"
    assert clean("abc\u202edef") == "abc\\u202edef"
    assert clean("größe 模型") == "größe 模型"
