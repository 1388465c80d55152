"""An event file that is read while somebody writes it: what has come since the last look, column by column."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Ours

from .protobuf import Event, Unreadable, read_event
from .records import BEFORE, BEHIND, frames, masked_crc, masked_crcs, rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: What the names of event files have in them.
MARK = ".tfevents."
#: So much is read at a time.
CHUNK = 4 << 20
#: A longer record holds a picture, a sound or a graph: it is passed over unread.
LONGEST_READ = 64 << 20
#: Records up to this length are taken apart side by side, where there are some of one length.
_SHORT, _SOME = 1024, 8
_NO_STEP = -(2**63)


@dataclass(slots=True)
class Points:
    """Points of one tag as equally long arrays: steps, wall times (nanoseconds since the epoch) and values."""

    steps: Array
    times: Array
    values: Array


@dataclass(frozen=True, slots=True)
class Said:
    """What a record says in words: hyperparameters, texts by tag. ``place`` and ``length`` are of the whole record."""

    place: int
    length: int
    hparams: dict[str, Any] | None
    texts: list[tuple[str, str]]


@dataclass(slots=True)
class News:
    """What one look at a file found.

    ``said`` is in the order of the file. ``damaged`` counts records whose checksum does not fit. ``broken`` is True
    where the file cannot be read any further, ``more`` where a next look finds something at once.
    """

    points: dict[str, Points] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    others: int = 0
    damaged: int = 0
    broken: bool = False
    more: bool = False

    @property
    def tells(self) -> bool:
        """True where there is something that a run is made for: scalars or hyperparameters."""
        return bool(self.points) or any(said.hparams for said in self.said)


class EventFile:
    """Reads an event file from where the last look ended; a record that is not whole yet is left for the next one."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        #: False once something in it can be no record.
        self.readable = True
        self._without_step: dict[str, int] = {}

    def has_grown(self) -> bool:
        """True where there are bytes that were not read yet."""
        try:
            return self.readable and self.path.stat().st_size > self.offset
        except OSError:
            return False

    def read(self) -> News:
        """What has come, up to a few megabytes. A file that is gone or cannot be read has nothing to say."""
        news = News()
        if not self.readable:
            return news
        try:
            data, size = self._stretch(CHUNK)
            found = frames(data)
            if not len(found.starts) and found.wanted > len(data) and not found.broken:
                if found.wanted > LONGEST_READ:
                    if size >= self.offset + found.wanted:
                        self.offset += found.wanted
                        news.others, news.more = 1, True
                    return news
                data, size = self._stretch(found.wanted)
                found = frames(data)
        except OSError:
            return news
        self._take(data, found.starts, found.lengths, news)
        self.offset += found.end
        if found.broken:
            self.readable, news.broken = False, True
        news.more = len(found.starts) > 0 and size > self.offset and self.readable
        return news

    def _stretch(self, most: int) -> tuple[bytes, int]:
        with open(Ours(self.path), "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(self.offset)
            return file.read(most), size

    def _take(self, data: bytes, starts: Array, lengths: Array, news: News) -> None:
        import numpy as np

        columns = _Columns()
        singles: list[tuple[int, int]] = []
        for length in np.unique(lengths).tolist():
            alike = starts[lengths == length]
            if length <= _SHORT and len(alike) >= _SOME:
                singles += _take_alike(data, alike, length, columns, news)
            else:
                singles += [(start, length) for start in alike.tolist()]
        for start, length in sorted(singles):
            self._take_one(data, start, length, columns, news)
        news.points = columns.gathered(self._without_step)

    def _take_one(self, data: bytes, start: int, length: int, columns: _Columns, news: News) -> None:
        content = data[start : start + length]
        try:
            event = read_event(content)
        except Unreadable:
            news.damaged += 1
            return
        if not (event.scalars or event.hparams is not None or event.texts):
            # Pictures and histograms are not looked into, so nothing depends on their checksum.
            news.others += event.others
            return
        if masked_crc(content).to_bytes(BEHIND, "little") != data[start + length : start + length + BEHIND]:
            news.damaged += 1
            return
        news.others += event.others
        if event.hparams is not None or event.texts:
            place = self.offset + start - BEFORE
            news.said.append(Said(place, BEFORE + length + BEHIND, event.hparams, event.texts))
        for tag, value in event.scalars:
            columns.add_one(start, tag, event, value)


def _take_alike(data: bytes, at: Array, length: int, columns: _Columns, news: News) -> Iterator[tuple[int, int]]:
    """Takes the scalars among records of one length, all of one tag at once; answers the records that are none."""
    import numpy as np

    table = rows(data, at, length + BEHIND)
    content = table[:, :length]
    stored = np.ascontiguousarray(table[:, length:]).view("<u4")[:, 0]
    whole = masked_crcs(content) == stored
    news.damaged += int(len(at) - whole.sum())
    content, at = content[whole], at[whole]
    while len(at):
        shape = _shape(content[0].tobytes())
        if shape is None:
            yield int(at[0]), length
            content, at = content[1:], at[1:]
            continue
        fixed = np.ones(length, bool)
        fixed[1:9] = fixed[shape.step : shape.step_end] = fixed[shape.value : shape.value + 4] = False
        same = (content[:, fixed] == content[0, fixed]).all(axis=1)
        digits = content[:, shape.step : shape.step_end]
        same &= ((digits ^ digits[0]) < 0x80).all(axis=1)
        chosen = content[same]
        columns.add(shape.tag, at[same], _steps(chosen[:, shape.step : shape.step_end]), chosen, shape.value)
        content, at = content[~same], at[~same]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where in a scalar's record its step (as digits of seven bits) and its value stand."""

    tag: str
    step: int
    step_end: int
    value: int


def _shape(content: bytes) -> _Shape | None:
    """The shape of an event that holds one scalar and nothing else; None for any other."""
    try:
        event = read_event(content)
    except Unreadable:
        return None
    if len(event.scalars) != 1 or event.texts or event.others or event.hparams is not None or content[:1] != b"\x09":
        return None
    tag = event.scalars[0][0]
    start = end = 9
    if content[9] == 0x10:
        start = end = 10
        while content[end] > 0x7F:
            end += 1
        end += 1
    name = tag.encode()
    found = content.find(name + b"\x15", end)
    value = found + len(name) + 1
    if not name or found < 0 or value + 4 > len(content):
        return None
    return _Shape(tag, start, end, value)


def _steps(digits: Array) -> Array:
    """The numbers behind the varints of one length, a row each; without any digit they have no step."""
    import numpy as np

    if not digits.shape[1]:
        return np.full(len(digits), _NO_STEP, np.int64)
    steps = np.zeros(len(digits), np.uint64)
    for place, column in enumerate(digits.T):
        steps |= (column & 0x7F).astype(np.uint64) << np.uint64(7 * place)
    return steps.view(np.int64)


class _Columns:
    """Points as they are found, tag by tag, with their places in the file, by which they are put in order."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[Array, Array, Array, Array]]] = {}
        self._single: dict[str, list[tuple[int, int, float, float]]] = {}

    def add(self, tag: str, places: Array, steps: Array, content: Array, value: int) -> None:
        import numpy as np

        times = np.ascontiguousarray(content[:, 1:9]).view("<f8")[:, 0]
        values = np.ascontiguousarray(content[:, value : value + 4]).view("<f4")[:, 0]
        self._found.setdefault(tag, []).append((places, steps, times, values.astype(np.float64)))

    def add_one(self, place: int, tag: str, event: Event, value: float) -> None:
        step = _NO_STEP if event.step is None else event.step
        self._single.setdefault(tag, []).append((place, step, event.wall_time, value))

    def gathered(self, without_step: dict[str, int]) -> dict[str, Points]:
        """All points in the order of the file. Those without a step are counted, from ``without_step`` on."""
        import numpy as np

        for tag, single in self._single.items():
            places, steps, times, values = zip(*single, strict=True)
            columns = np.array(places), np.array(steps, np.int64), np.array(times), np.array(values, np.float64)
            self._found.setdefault(tag, []).append(columns)
        gathered = {}
        for tag, parts in self._found.items():
            place, step, time, value = (np.concatenate(column) for column in zip(*parts, strict=True))
            order = np.argsort(place, kind="stable")
            step, time, value = step[order], time[order], value[order]
            missing = step == _NO_STEP
            count = int(missing.sum())
            if count:
                first = without_step.get(tag, 0)
                step[missing] = np.arange(first, first + count)
                without_step[tag] = first + count
            gathered[tag] = Points(step, _nanoseconds(time), value)
        return gathered


def _nanoseconds(seconds: Array) -> Array:
    """Times as whole nanoseconds; what is no time of this era is the first moment of it."""
    import numpy as np

    sound = np.where(np.isfinite(seconds) & (seconds > 0) & (seconds < 9e9), seconds, 0.0)
    whole = np.floor(sound)
    return (whole.astype(np.int64) * 10**9) + np.rint((sound - whole) * 1e9).astype(np.int64)
