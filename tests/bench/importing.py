"""``import autotrack`` over a bare interpreter: CPU, memory, and what it drags in."""

from __future__ import annotations

from collections.abc import Iterator

from .harness import Place, Row, added, child, interleaved, median

HEAVY = ("numpy", "pandas", "sqlalchemy", "sqlite3", "wrapt", "click", "rich", "yaml", "http.client", "asyncio")


#: Its own report: what wait() tells of a child counts pages of the parent that it was forked from.
RESIDENT = "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmRSS')))"


def _memory(before: str) -> float:
    """Resident bytes of a fresh interpreter after the code."""
    return int(child(before + RESIDENT).out) * 1024.0


def rows(place: Place) -> Iterator[Row]:
    pairs = [(child("pass"), child("import autotrack")) for _ in range(place.scaled(21, 2))]
    bare = [pair[0].cpu for pair in pairs]
    ours = [pair[1].cpu for pair in pairs]
    yield Row(
        "import autotrack, CPU added",
        added(bare, ours),
        "s",
        0.06,
        floor=median(bare),
        floor_is="bare python",
        peers="MLflow 0.96 s, dvclive 0.13 s",
    )
    bytes_added = added(*interleaved(place.scaled(5, 1), lambda: _memory(""), lambda: _memory("import autotrack\n")))
    yield Row("import autotrack, memory added", bytes_added / 1e6, "MB", 15, peers="MLflow 155 MB")
    look = f"import sys, json, autotrack; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    yield Row("import autotrack, heavy modules loaded", float(len(child(look).json)), "", 0)
