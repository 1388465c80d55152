"""Event files that lie in folders already: which of them are one run, and what they hold."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.plugin import ForeignRun

from .eventfile import MARK, EventFile, News, Points
from .keeping import FOLDER, secret_places, without
from .naming import base_of, key_of, relative
from .protobuf import Unreadable, read_event
from .records import frames

#: The tag of an imported run that says how far each of its files was read.
READ = "tensorboard.read"


@dataclass(frozen=True, slots=True)
class Log:
    """The event files of one run: those of a folder, of folders below it and of folders for splits (``train``, ``val``)
    side by side. ``name`` is the folder as seen from where the search began."""

    name: str
    base: Path
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.files)


def find_logs(root: Path) -> list[Log]:
    """The logs under a folder, or in one file, by name."""
    files = [root] if root.is_file() else sorted(file for file in root.rglob(f"*{MARK}*") if file.is_file())
    groups: dict[Path, list[Path]] = {}
    for folder in sorted({file.parent for file in files}, key=lambda folder: len(folder.parts)):
        base = base_of(folder) if folder != root else folder
        base = next((above for above in base.parents if above in groups), base)
        groups.setdefault(base, []).extend(file for file in files if file.parent == folder)
    name = root.parent.name if root.is_file() else root.name
    return [
        Log(relative(base, root) if base != root and base.is_relative_to(root) else name, base, tuple(sorted(found)))
        for base, found in sorted(groups.items())
    ]


@dataclass(slots=True)
class _Found:
    points: dict[str, list[Points]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    secrets: dict[Path, list[tuple[int, int]]] = field(default_factory=dict)


def read_log(
    log: Log,
    experiment: str,
    known: Callable[[str], Mapping[str, str] | None],
    *,
    files: bool,
    progress: Callable[[int], None],
) -> ForeignRun | None:
    """What a log holds; None where its files begin with no event. Of a run that is ``known``, what came since.

    ``progress`` is told the bytes that were read.
    """
    first = _first_record(log.files)
    if first is None:
        return None
    content, began = first
    number = hashlib.blake2b(content, digest_size=16).hexdigest()
    before = json.loads((known(number) or {}).get(READ, "{}"))
    found, offsets, grown = _Found(), dict(before), []
    for path in log.files:
        name = _name(path, log.base)
        file = EventFile(path, int(before.get(name, 0)))
        start = file.offset
        for news in _read(file, progress):
            _take(news, path, log.base, found)
        offsets[name] = file.offset
        if file.offset != start or name not in before:
            grown.append(path)
    metrics = {key: _joined(parts) for key, parts in found.points.items()}
    last = max((int(columns.timestamps.max()) for columns in metrics.values()), default=began)
    return ForeignRun(
        id=number,
        name=log.name[-500:] or "tensorboard",
        experiment=experiment,
        started=began,
        ended=max(last, began),
        mark=json.dumps(offsets, sort_keys=True),
        params=found.params,
        tags={READ: json.dumps(offsets, sort_keys=True), "tensorboard.folder": str(log.base)},
        metrics=metrics,
        files={f"{FOLDER}/{_name(path, log.base)}": _content(path, found) for path in grown if files},
        notes=found.notes,
    )


def _read(file: EventFile, progress: Callable[[int], None]) -> Iterator[News]:
    more = file.has_grown()
    while more:
        before = file.offset
        news = file.read()
        progress(file.offset - before)
        yield news
        more = news.more


def _take(news: News, path: Path, base: Path, found: _Found) -> None:
    for tag, points in news.points.items():
        found.points.setdefault(key_of(tag, path.parent, base), []).append(points)
    for said in news.said:
        found.params.update(said.hparams or {})
    found.secrets.setdefault(path, []).extend(secret_places(news))
    if news.damaged:
        found.notes.append(f"{news.damaged} records of {path.name} are damaged and were left out")
    if news.broken:
        found.notes.append(f"{path.name} cannot be read to its end: past some byte no record begins")


def _joined(parts: list[Points]) -> Any:
    import numpy as np

    from autotrack.plugin import Columns

    return Columns(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def _content(path: Path, found: _Found) -> Path | bytes:
    secrets = found.secrets.get(path)
    return without(path, secrets) if secrets else path


def _name(path: Path, base: Path) -> str:
    inside = relative(path.parent, base)
    return f"{inside}/{path.name}" if inside else path.name


def _first_record(files: tuple[Path, ...]) -> tuple[bytes, int] | None:
    """The first event of the earliest file, which tells a log from any other: it holds the moment of its making."""
    found = []
    for path in files:
        with open(path, "rb") as stream:
            head = stream.read(4096)
        places = frames(head)
        if not len(places.starts):
            continue
        content = head[places.starts[0] : places.starts[0] + places.lengths[0]]
        try:
            moment = read_event(content).wall_time
        except Unreadable:
            continue
        if math.isfinite(moment) and 0 <= moment < 9e9:
            found.append((moment, f"{path.name} ".encode() + content))
    if not found:
        return None
    moment, content = min(found)
    return content, int(moment * 1e9)
