from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autotrack.core.journal import Cursor, JournalReader, decode_points


@dataclass
class Contents:
    events: list[dict[str, Any]] = field(default_factory=list)
    points: list[tuple[int, int, float, int]] = field(default_factory=list)  # slot, step, value, series
    stamps: list[int] = field(default_factory=list)
    damaged: int = 0
    cursor: Cursor = field(default_factory=Cursor)
    reads: int = 0


def read_all(path: Path, *, final: bool = True, cursor: Cursor = Cursor(), max_bytes: int = 1 << 24) -> Contents:
    found = Contents(cursor=cursor)
    with JournalReader(path) as reader:
        while True:
            batch = reader.read(found.cursor, final=final, max_bytes=max_bytes)
            found.reads += 1
            assert found.reads < 5_000
            found.events += batch.events
            found.damaged += batch.damaged
            for first, data in batch.points:
                for index, step, stamp, bits, series in decode_points(data):
                    value = struct.unpack("<d", struct.pack("<q", bits))[0]
                    found.points.append((first + index, step, value, series))
                    found.stamps.append(stamp)
            assert batch.cursor.events >= found.cursor.events and batch.cursor.points >= found.cursor.points
            found.cursor = batch.cursor
            if not batch.more:
                return found


@pytest.fixture(name="read_all", scope="session")
def _read_all() -> Callable[..., Contents]:
    return read_all
