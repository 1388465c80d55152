"""What the page of a run is told of its event files: the scalars in them, thinned out."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

from autotrack.plugin import Request

from .eventfile import MARK, EventFile, Points

#: Bytes of one run's event files that are read for its page, and points of a tag that are told.
MOST_BYTES, MOST_POINTS = 64 << 20, 240


def scalars(request: Request) -> dict[str, Any]:
    """The scalars of a run's event files by folder and tag, and what was left out, if anything."""
    run = request.store.run(request.path["run"])
    files = [file for file in run.artifacts if MARK in file.path.rsplit("/", 1)[-1]]
    room, left_out = MOST_BYTES, 0
    parts: dict[tuple[str, str], list[Points]] = {}
    with tempfile.TemporaryDirectory(prefix="autotrack-tensorboard-") as folder:
        for file in files:
            if file.size > room:
                left_out += 1
                continue
            room -= file.size
            copy = Path(folder, "events")
            with request.open(run.id, file.path) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            for tag, points in _points(EventFile(copy)):
                parts.setdefault((file.path.rpartition("/")[0], tag), []).append(points)
    found = [{"folder": folder, "tag": tag, **_told(some)} for (folder, tag), some in sorted(parts.items())]
    note = f"{left_out} event files are too large to be read for a page; TensorBoard reads them" if left_out else None
    return {"scalars": found, "left_out": note}


def _points(file: EventFile) -> list[tuple[str, Points]]:
    found: list[tuple[str, Points]] = []
    more = file.has_grown()
    while more:
        news = file.read()
        found += news.points.items()
        more = news.more
    return found


def _told(parts: list[Points]) -> dict[str, Any]:
    import numpy as np

    steps = np.concatenate([part.steps for part in parts])
    values = np.concatenate([part.values for part in parts]).astype("f8")
    order = np.argsort(steps, kind="stable")
    if len(order) > MOST_POINTS:
        order = _thinned(order, values)
    return {"count": len(steps), "steps": steps[order].tolist(), "values": list(map(_said, values[order].tolist()))}


def _thinned(order: Any, values: Any) -> Any:
    """The first and the last of some points, and the least and the greatest of each stretch between."""
    import numpy as np

    kept = {0, len(order) - 1}
    for stretch in np.array_split(np.arange(len(order)), MOST_POINTS // 2 - 1):
        inside = values[order[stretch]]
        if np.isfinite(inside).any():
            kept |= {int(stretch[np.nanargmin(inside)]), int(stretch[np.nanargmax(inside)])}
    return order[sorted(kept)]


def _said(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
