"""The frames of an event file: a length and its checksum, the content and its checksum, one record behind another.

The format is TensorFlow's TFRecord: length as 64 bits, little endian; a masked CRC-32C of those eight bytes; the
content; a masked CRC-32C of the content. A training that writes a hundred thousand scalars must not be slowed down by
our reading them again, so checksums of records of one length are worked out side by side, in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: Bytes of a record besides its content: before it and behind it.
BEFORE, BEHIND = 12, 4
#: No record is longer; a length beyond this, however well its checksum fits, is no length.
LONGEST = 1 << 31

_LENGTH = Struct("<Q")
_CRC = Struct("<I")
_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8


@dataclass(frozen=True, slots=True)
class Frames:
    """The whole records in a stretch of a file: where each one's content begins, and its length (int64 arrays).

    ``end`` is where the next record begins. ``broken`` is True where what stands there can be none: nothing after it
    can be found. ``wanted`` is how many bytes the next one takes, where its beginning is here.
    """

    starts: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    end: int
    broken: bool = False
    wanted: int = 0


def frames(data: bytes) -> Frames:
    """The whole records at the beginning of ``data``. Their lengths are checked, their contents are not."""
    import numpy as np

    places: list[int] = []
    add, length_at = places.append, _LENGTH.unpack_from
    at, last = 0, len(data) - BEFORE
    while at <= last:
        add(at)
        at += length_at(data, at)[0] + (BEFORE + BEHIND)
    wanted = 0
    if at > len(data):
        cut = places.pop()
        wanted, at = at - cut, cut
    starts = np.array(places, np.int64)
    heads = rows(data, starts, BEFORE)
    claimed = np.ascontiguousarray(heads[:, 8:]).view("<u4")[:, 0]
    wrong = masked_crcs(heads[:, :8]) != claimed
    lengths = np.ascontiguousarray(heads[:, :8]).view("<i8")[:, 0]
    if wrong.any():
        first = int(wrong.argmax())
        return Frames(starts[:first] + BEFORE, lengths[:first], places[first], broken=True)
    broken = False
    if wanted:
        crc = int.from_bytes(data[at + 8 : at + BEFORE], "little")
        broken = wanted > LONGEST or masked_crc(data[at : at + 8]) != crc
    return Frames(starts + BEFORE, lengths, at, broken, wanted)


def rows(data: bytes, starts: np.ndarray[Any, Any], length: int) -> np.ndarray[Any, Any]:
    """``length`` bytes from each of the places as a matrix of uint8, a row a place. They must lie inside ``data``."""
    import numpy as np

    if not len(starts):
        return np.empty((0, length), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), length)
    found: np.ndarray[Any, Any] = windows[starts]
    return found


def masked_crcs(content: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The masked CRC-32C of each row of a matrix of uint8."""
    import numpy as np

    count, length = content.shape
    crc = np.full(count, 0xFFFFFFFF, np.uint32)
    table = _pairs()
    if length >= 2:
        columns = np.ascontiguousarray(content[:, : length - length % 2]).view("<u2").T.astype(np.uint32)
        for column in columns:
            crc = table[(crc ^ column) & 0xFFFF] ^ (crc >> 16)
    if length % 2:
        crc = np.array(_singles(), np.uint32)[(crc ^ content[:, -1]) & 0xFF] ^ (crc >> 8)
    crc ^= np.uint32(0xFFFFFFFF)
    return ((crc >> 15) | (crc << 17)) + np.uint32(_MASK_DELTA)


def masked_crc(content: bytes) -> int:
    """The masked CRC-32C of some bytes."""
    crc = 0xFFFFFFFF
    table = _singles()
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def framed(content: bytes) -> bytes:
    """The content as one record of an event file."""
    length = len(content).to_bytes(8, "little")
    return length + _CRC.pack(masked_crc(length)) + content + _CRC.pack(masked_crc(content))


@cache
def _singles() -> tuple[int, ...]:
    """What a byte does to a CRC-32C."""
    found = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (_POLYNOMIAL if number & 1 else 0)
        found.append(number)
    return tuple(found)


@cache
def _pairs() -> np.ndarray[Any, Any]:
    """What two bytes, the first one low, do to a CRC-32C."""
    import numpy as np

    number = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(16):
        number = number >> 1 ^ np.where(number & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    return number
