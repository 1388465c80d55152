"""Values as a person reads them: ages, durations, sizes, numbers, and text in the room that there is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from autotrack.core.numbers import significant

SECOND = 1_000_000_000
ELLIPSIS = "…"


def width(text: str) -> int:
    """Terminal columns that the text takes: wide East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def clip(text: str, room: int) -> str:
    """The text in at most ``room`` columns, its end replaced by an ellipsis where it does not fit."""
    if width(text) <= room:
        return text
    kept = ""
    used = 0
    for character in text:
        used += width(character)
        if used > room - 1:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def pad(text: str, room: int, *, right: bool = False) -> str:
    """The text filled with spaces to ``room`` columns."""
    space = " " * max(0, room - width(text))
    return space + text if right else text + space


def iso(ns: int | None) -> str | None:
    """``2026-11-23T12:56:39.123456Z`` for nanoseconds since the epoch; None stays None."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, SECOND)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # a year that datetime has no room for
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def local_time(ns: int) -> str:
    """``2026-11-23 12:56:39`` on the reader's clock."""
    try:
        return f"{datetime.fromtimestamp(ns / SECOND).astimezone():%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return "unknown time"


def age(ns: int, now: int) -> str:
    """How long ago: ``just now``, ``3 min ago``, ``5 h ago``, ``2 d ago``, and from 30 days on the date."""
    seconds = (now - ns) / SECOND
    if seconds < -60:
        return "in the future"
    if seconds < 5:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    if seconds < 30 * 86400:
        return f"{int(seconds // 86400)} d ago"
    return local_time(ns)[:10]


def duration(ns: int) -> str:
    """A length of time in at most two units: ``12 ms``, ``0.4 s``, ``3m 20s``, ``1h 05m``, ``2d 03h``."""
    seconds = max(0, ns) / SECOND
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


def size(count: int) -> str:
    """Bytes as ``512 B``, ``1.4 KiB``, ``23 MiB``."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        value /= 1024
        if value < 1023.5 or unit == "PiB":
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def number(value: float | int | None) -> str:
    """A metric's value in five significant digits; whole numbers with all of theirs; nothing for None."""
    if value is None:
        return ""
    return "0" if value == 0 else significant(value, 5)


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 run``, ``3 runs``, ``12,000 runs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Each id's shortest common prefix of at least 8 characters that tells these ids apart."""
    every: Sequence[str] = list(dict.fromkeys(ids))
    length = 8
    while length < 32 and len({each[:length] for each in every}) < len(every):
        length += 1
    return {each: each[:length] for each in every}
