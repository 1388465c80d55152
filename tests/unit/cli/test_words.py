"""Values as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.cli.words import SECOND, age, clip, duration, iso, number, pad, short_ids, size, width


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (30, "30 s ago"),
        (59.9, "60 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (29 * 86400, "29 d ago"),
        (-3600, "in the future"),
    ],
)
def test_age(seconds: float, said: str) -> None:
    now = 1_800_000_000 * SECOND
    assert age(now - int(seconds * SECOND), now) == said


def test_an_old_run_has_a_date() -> None:
    now = 1_800_000_000 * SECOND
    assert age(now - 40 * 86400 * SECOND, now).count("-") == 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 ms"),
        (0.012, "12 ms"),
        (0.4, "0.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1m 00s"),
        (3599.7, "1h 00m"),
        (200, "3m 20s"),
        (3900, "1h 05m"),
        (97200, "1d 03h"),
        (-5, "0 ms"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(int(seconds * SECOND)) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1434, "1.4 KiB"), (24_117_248, "23 MiB"), (2**40, "1.0 TiB")],
)
def test_size(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (3, "3"),
        (2**60, str(2**60)),
        (0.123456789, "0.12346"),
        (5.0, "5"),
        (1000000000.0, "1e+09"),
        (100000.0, "100000"),
        (1234567890.0, "1234567890"),
        (-12345678.0, "-12345678"),
        (12345678.5, "1.2346e+07"),
        (2.0**60, "1.1529e+18"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (-0.0, "0"),
        (1e-12, "1e-12"),
    ],
)
def test_number(value: float | None, said: str) -> None:
    assert number(value) == said


def test_iso_has_microseconds_and_copes_with_any_number() -> None:
    assert iso(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"
    assert iso(-1) == "1969-12-31T23:59:59.999999Z"
    assert iso(2**63 - 1) is not None
    assert iso(2**80) is None
    assert iso(None) is None


@given(st.text(), st.integers(1, 30))
def test_clipped_text_fits(text: str, room: int) -> None:
    assert width(clip(text, room)) <= room


def test_wide_characters_take_two_columns() -> None:
    assert width("模型") == 4
    assert pad("模型", 6) == "模型  "
    assert clip("模型模型", 5) == "模型…"


def test_short_ids_grow_until_they_differ() -> None:
    assert list(short_ids(["0" * 32, "1" * 32]).values()) == ["0" * 8, "1" * 8]
    assert list(short_ids(["0" * 10 + "a" * 22, "0" * 10 + "b" * 22]).values()) == ["0" * 10 + "a", "0" * 10 + "b"]
