"""The journal file's bytes: what stands where, and how it is packed and checked.

One file a process. Integers are little endian.

    header block   two copies of the header (at 0 and at 2048), so that one flipped byte never costs the file
    extents        one behind the other from ``Header.page`` on, each with two copies of its own header (128 bytes)
      EVENTS       frames: length u32, crc32 u32, sequence u56 + flags u8, payload (JSON), padded to 8 bytes
      POINTS       slots of 32 bytes: step i64, time ns i64, value (float64 or int64 bits), series u32, crc32 u32

All that is not written yet is zero, and nothing that is written is all zero. A reader therefore needs no counters:
what is valid is there, what is zero is not there yet, and anything else is torn or damaged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, NamedTuple
from zlib import crc32

from autotrack.core.errors import JournalError

FORMAT = 1
SUFFIX = ".atj"
MAGIC = b"\x89ATJ\r\n\x1a\n"  # as PNG's: a transfer that rewrites line ends or cuts bytes to 7 bits shows here
EXTENT_MAGIC = b"\x89ATX\r\n\x1a\n"

HEADER_BLOCK = 4096
HEADER_COPY = 2048
EXTENT_HEADER = 128
EXTENT_COPY = 64
FIRST_EXTENT = 64 * 1024
LARGEST_EXTENT = 8 * 1024 * 1024

EVENTS = 1
POINTS = 2

SLOT = 32
#: Slots' worth of bytes that an extent's header takes: slot numbers inside an extent start here.
HEADER_SLOTS = EXTENT_HEADER // SLOT
#: The body of a slot for a float and for an integer; the crc of these 28 bytes follows.
F8 = Struct("<qqdI")
I8 = Struct("<qqqI")
SEALED = Struct("<28sI")
POINT = Struct("<qqqII")

FRAME = Struct("<IIQ")
_FRAME_CHECKED = Struct("<IQ")
#: Flags in the top byte of a frame's sequence: the same frame follows once more; this is that second one.
COPY_FOLLOWS = 1
IS_COPY = 2
SEQUENCE_MASK = (1 << 56) - 1
LARGEST_PAYLOAD = 1 << 30

_HEADER = Struct("<8sIII")  # magic, format, length of the JSON, crc32 of JSON and format
_EXTENT = Struct("<8s16sIIQQQ")  # magic, writer, kind, ordinal, offset, length, first slot
_CRC = Struct("<I")


@dataclass(frozen=True, slots=True)
class Header:
    """Who writes a journal, and where its first extent stands."""

    writer: str
    host: str
    boot_id: str
    pid: int
    pid_started: int | None
    pid_space: str
    created: int
    lease: bool
    page: int
    meta: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT


class ExtentHeader(NamedTuple):
    """One stretch of the file: ``offset`` and ``length`` in bytes, header included; ``first`` slot number."""

    kind: int
    ordinal: int
    offset: int
    length: int
    first: int


def encode_header(header: Header) -> bytes:
    """The header block, 4096 bytes (JournalError where ``meta`` is too long for it)."""
    record = {name: getattr(header, name) for name in Header.__slots__ if name != "format"}
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    copy = _HEADER.pack(MAGIC, header.format, len(text), _header_crc(header.format, text)) + text
    if len(copy) > HEADER_COPY:
        raise JournalError(f"the journal's header takes {len(copy)} bytes of {HEADER_COPY}: give it less meta")
    return copy.ljust(HEADER_COPY, b"\0") * 2


def decode_header(block: bytes) -> Header | None:
    """The header in the first 4096 bytes of a file, or None where they are no journal's.

    Raises JournalError where a newer autotrack wrote it.
    """
    for start in (0, HEADER_COPY):
        copy = block[start : start + HEADER_COPY]
        if len(copy) < _HEADER.size:
            break
        magic, number, length, crc = _HEADER.unpack_from(copy)
        text = copy[_HEADER.size : _HEADER.size + length]
        if magic != MAGIC or len(text) != length or _header_crc(number, text) != crc:
            continue
        if number > FORMAT:
            raise JournalError(
                f"a journal of format {number}, this autotrack reads up to {FORMAT}: install a newer one"
            )
        header = _header_of(text, number)
        if header is not None:
            return header
    return None


def _header_crc(number: int, text: bytes) -> int:
    return crc32(text, number)  # the number counts in: a flip there must not pass for a newer format


def _header_of(text: bytes, number: int) -> Header | None:
    try:
        record = json.loads(text)
        known = {name: record[name] for name in Header.__slots__ if name != "format"}
        header = Header(**known, format=number)
        bytes.fromhex(header.writer)
        if header.page < HEADER_BLOCK or header.page % HEADER_BLOCK:
            return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return header


def encode_extent(writer: bytes, extent: ExtentHeader) -> bytes:
    """An extent's header, 128 bytes."""
    packed = _EXTENT.pack(EXTENT_MAGIC, writer, extent.kind, extent.ordinal, extent.offset, extent.length, extent.first)
    return (packed + _CRC.pack(crc32(packed))).ljust(EXTENT_COPY, b"\0") * 2


def decode_extent(writer: bytes, offset: int, block: bytes) -> ExtentHeader | None:
    """The extent header in ``block``, which was read at ``offset``; None where there is none of this writer's.

    Writer and offset stand in the header, so that no payload can pass for one.
    """
    for start in (0, EXTENT_COPY):
        copy = block[start : start + EXTENT_COPY]
        if len(copy) < EXTENT_COPY:
            break
        if crc32(copy[: _EXTENT.size]) != _CRC.unpack_from(copy, _EXTENT.size)[0]:
            continue
        magic, who, kind, ordinal, where, length, first = _EXTENT.unpack_from(copy)
        if magic == EXTENT_MAGIC and who == writer and where == offset and length > EXTENT_HEADER:
            return ExtentHeader(kind, ordinal, where, length, first)
    return None


def encode_event(record: Mapping[str, Any]) -> bytes:
    """A record as JSON (JournalError where it cannot be said in JSON or in Unicode)."""
    try:
        payload = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise JournalError(f"a {record.get('k')!r} record cannot be written as JSON: {error}") from error
    if len(payload) > LARGEST_PAYLOAD:
        raise JournalError(f"a {record.get('k')!r} record of {len(payload)} bytes; the journal takes {LARGEST_PAYLOAD}")
    return payload


def encode_frame(sequence: int, payload: bytes, *, twice: bool = False) -> bytes:
    """One event as it stands in the file; ``twice`` for records that others stand on."""
    if not twice:
        return _frame(sequence, payload)
    return _frame(sequence | COPY_FOLLOWS << 56, payload) + _frame(sequence | IS_COPY << 56, payload)


def _frame(tagged: int, payload: bytes) -> bytes:
    length = len(payload)
    frame = FRAME.pack(length, frame_crc(length, tagged, payload), tagged) + payload
    return frame + b"\0" * (-len(frame) % 8)


def frame_crc(length: int, tagged: int, payload: bytes) -> int:
    """The checksum of a frame: over its length, its sequence with flags, and its payload."""
    return crc32(payload, crc32(_FRAME_CHECKED.pack(length, tagged)))


def frame_size(length: int) -> int:
    """Bytes that a frame with a payload of that length takes."""
    return FRAME.size + length + (-length % 8)
