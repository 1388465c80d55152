"""What an event says, read from its protocol buffer: scalars, hyperparameters, texts; of all else that it is there.

Written down from the definitions of TensorFlow (``event.proto``, ``summary.proto``, ``tensor.proto``) and of
TensorBoard's plugin for hyperparameters (``plugin_data.proto``); the numbers of the fields stand beside their names.
Nothing of TensorBoard or protobuf is imported for it: a program that writes event files some other way need not have
them, and one that has them is not made to load more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct, error
from typing import Any

_DOUBLE, _FLOAT = Struct("<d"), Struct("<f")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Event
WALL_TIME, STEP, SUMMARY = 1, 2, 5
# Summary, and its Value
VALUE = 1
TAG, SIMPLE_VALUE, HISTOGRAM, IMAGE, HISTO, AUDIO, TENSOR, METADATA = 1, 2, 3, 4, 5, 6, 8, 9
# SummaryMetadata, and its PluginData
PLUGIN_DATA, PLUGIN_NAME, PLUGIN_CONTENT = 1, 1, 2
# TensorProto: its fields with values, by the numbers of its types
DTYPE, SHAPE, CONTENT, STRING_VALUE = 1, 2, 4, 8
_TYPES = {1: (5, "<f4"), 2: (6, "<f8"), 3: (7, "<i4"), 9: (10, "<i8")}
_STRINGS = 7
# HParamsPluginData, its SessionStartInfo and the entries of that map, google.protobuf.Value
SESSION_START, HPARAMS, KEY, ENTRY = 3, 1, 1, 2
NUMBER, STRING, BOOL = 2, 3, 4

Found = tuple[int, Any]


class Unreadable(ValueError):
    """These bytes are no protocol buffer of the kind that was expected."""


@dataclass(slots=True)
class Event:
    """One event: ``wall_time`` in seconds since the epoch, ``step`` None where the event has none.

    ``scalars`` and ``texts`` are pairs of tag and value. ``hparams`` are the hyperparameters of a session that starts.
    ``others`` counts summaries of other kinds.
    """

    wall_time: float = 0.0
    step: int | None = None
    scalars: list[tuple[str, float]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    hparams: dict[str, Any] | None = None
    others: int = 0


def read_event(data: bytes) -> Event:
    """The event in a record's content. Unreadable where there is none."""
    event = Event()
    try:
        for number, value in _fields(data):
            if number == WALL_TIME and isinstance(value, bytes):
                (event.wall_time,) = _DOUBLE.unpack(value)
            elif number == STEP and isinstance(value, int):
                event.step = value - (1 << 64) if value >> 63 else value
            elif number == SUMMARY:
                for inner, content in _fields(value):
                    if inner == VALUE:
                        _read_value(content, event)
    except (error, IndexError, TypeError, UnicodeDecodeError, OverflowError) as problem:
        raise Unreadable(f"no event: {problem}") from None
    return event


def _read_value(data: bytes, event: Event) -> None:
    tag, plugin, content = "", "", b""
    tensor = simple = None
    for number, value in _fields(data):
        if number == TAG:
            tag = value.decode()
        elif number == SIMPLE_VALUE:
            (simple,) = _FLOAT.unpack(value)
        elif number == TENSOR:
            tensor = value
        elif number == METADATA:
            plugin, content = _plugin(value)
    if plugin == "hparams":
        started = _last(content, SESSION_START)
        if started is not None:
            event.hparams = dict(_hparams(started))
    elif simple is not None:
        event.scalars.append((tag, simple))
    elif tensor is not None and plugin in ("", "scalars", "text"):
        found = _tensor(tensor)
        if isinstance(found, float):
            event.scalars.append((tag, found))
        elif isinstance(found, str):
            event.texts.append((tag.removesuffix("/text_summary"), found))
        else:
            event.others += 1
    else:
        event.others += 1


def _plugin(metadata: bytes) -> tuple[str, bytes]:
    data = _last(metadata, PLUGIN_DATA) or b""
    return (_last(data, PLUGIN_NAME) or b"").decode(), _last(data, PLUGIN_CONTENT) or b""


def _hparams(session: bytes) -> Iterator[tuple[str, Any]]:
    for number, entry in _fields(session):
        if number == HPARAMS:
            name = (_last(entry, KEY) or b"").decode()
            yield name, _plain(_last(entry, ENTRY) or b"")


def _plain(value: bytes) -> Any:
    """A ``google.protobuf.Value`` as the Python value that it was made from; None for lists and structures."""
    for number, content in _fields(value):
        if number == NUMBER:
            plain = float(_DOUBLE.unpack(content)[0])
            return int(plain) if plain.is_integer() and abs(plain) < 2**53 else plain
        if number == STRING:
            return content.decode()
        if number == BOOL:
            return bool(content)
    return None


def _tensor(data: bytes) -> float | str | None:
    """The one number, or the texts, line by line, of a tensor; None for one that is neither."""
    kind, content, texts = 0, b"", []
    listed: dict[int, bytes | int] = {}
    for number, value in _fields(data):
        if number == DTYPE:
            kind = value
        elif number == CONTENT:
            content = value
        elif number == STRING_VALUE:
            texts.append(value.decode())
        elif number != SHAPE:
            listed[number] = value
    if kind == _STRINGS:
        return "\n".join(texts) if texts else None
    if kind not in _TYPES:
        return None
    number, form = _TYPES[kind]
    value = listed.get(number)
    size = int(form[2:])
    if isinstance(value, int):  # a varint that is not packed
        return float(value)
    if value is not None and form[1] == "i":
        return _packed(value)
    raw = content if value is None else value
    if len(raw) != size:
        return None
    if form[1] == "i":
        return float(int.from_bytes(raw, "little", signed=True))
    return float((_FLOAT if size == 4 else _DOUBLE).unpack(raw)[0])


def _packed(data: bytes) -> float | None:
    """The one varint of a packed list; None where there are others."""
    value, at = _varint(data, 0)
    if at != len(data):
        return None
    return float(value - (1 << 64) if value >> 63 else value)


def _last(data: bytes, wanted: int) -> Any | None:
    """The value of a field that stands once; the last one counts, as protocol buffers have it."""
    found = None
    for number, value in _fields(data):
        if number == wanted:
            found = value
    return found


def _fields(data: bytes) -> Iterator[Found]:
    """Each field's number with its value: an int, or bytes (four or eight of them for the fixed kinds)."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise Unreadable(f"no event: field of kind {kind}")
        stop = at + size
        if stop > end:
            raise Unreadable("no event: a field reaches past its end")
        yield key >> 3, data[at:stop]
        at = stop


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise Unreadable("no event: a number of more than 64 bits")


def scalar_event(wall_time: float, step: int, tag: str, value: float) -> bytes:
    """An event with one scalar, as ``SummaryWriter.add_scalar`` writes it."""
    name = tag.encode()
    inner = b"\x0a" + _number(len(name)) + name + b"\x15" + _FLOAT.pack(value)
    summary = b"\x0a" + _number(len(inner)) + inner
    count = b"\x10" + _number(step & (1 << 64) - 1) if step else b""
    return b"\x09" + _DOUBLE.pack(wall_time) + count + b"\x2a" + _number(len(summary)) + summary


def version_event(wall_time: float) -> bytes:
    """The event that an event file begins with."""
    version = b"brain.Event:2"
    return b"\x09" + _DOUBLE.pack(wall_time) + b"\x1a" + _number(len(version)) + version


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
