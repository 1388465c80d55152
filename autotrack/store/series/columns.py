"""The columns of a chunk of many points, packed with numpy.

Each column is ``encoding u8, width u8, packed u8, reserved u8, length u32`` and a payload of that length. Encodings:
ARITHMETIC (start i64, stride i64), DELTA (start i64, least difference i64, then count-1 differences above it, unsigned,
``width`` bytes each), FLOAT (``width`` 4 or 8). ``packed`` payload data is byte-shuffled and deflated; it is used only
where it saves a third. Integer arithmetic wraps at 64 bits on both sides, so every int64 comes back.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

ARITHMETIC, DELTA, FLOAT = 0, 1, 2
COLUMN = struct.Struct("<BBBxI")
PAIR = struct.Struct("<qq")
SAMPLE = 1024
#: Bytes of a column from which on deflating it is tried: to set deflate up costs more than little data is worth.
WORTH = 1024
UNSIGNED: dict[int, np.dtype[Any]] = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<u8")}
FLOATS: dict[int, np.dtype[Any]] = {4: np.dtype("<f4"), 8: np.dtype("<f8")}

Array = np.ndarray[Any, Any]


def encode(steps: Array, times: Array, bits: Array, is_int: bool) -> bytes:
    """The three columns of int64 arrays of the same length, at least 1; ``times`` in the chunk's own unit."""
    values = _encode_int(bits) if is_int else _encode_float(bits.view(np.float64))
    return b"".join((_encode_int(steps), _encode_int(times), values))


def decode_into(data: bytes, offset: int, columns: tuple[Array, Array, Array]) -> None:
    """Fills int64 arrays of the chunk's length; ValueError, KeyError, struct.error or zlib.error where they are not."""
    for column in columns:
        offset = _decode_column(data, offset, len(column), column)


def _encode_int(values: Array) -> bytes:
    start = int(values[0])
    if len(values) == 1:
        return _column(ARITHMETIC, 0, PAIR.pack(start, 0))
    gaps = np.diff(values)
    least, most = int(gaps.min()), int(gaps.max())
    if least == most:
        return _column(ARITHMETIC, 0, PAIR.pack(start, least))
    width = next(width for width in (1, 2, 4, 8) if most - least < 1 << (8 * width))
    above = (gaps - least).view(np.uint64).astype(UNSIGNED[width])
    return _packed(DELTA, above, PAIR.pack(start, least))


def _encode_float(values: Array) -> bytes:
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
    # Compared as bits: NaN payloads and the sign of zero have to survive too.
    exact = np.array_equal(narrow.astype(np.float64).view(np.int64), values.view(np.int64))
    return _packed(FLOAT, narrow if exact else values, b"")


def _packed(encoding: int, data: Array, prefix: bytes) -> bytes:
    """A column with its data deflated if a sample of it says that this pays."""
    width = data.dtype.itemsize
    if data.nbytes >= WORTH:
        sample = _shuffled(data[:SAMPLE])
        if len(zlib.compress(sample, 1)) * 3 < len(sample) * 2:
            raw = sample if len(data) <= SAMPLE else _shuffled(data)
            packed = zlib.compress(raw, 1)
            if len(packed) * 3 < len(raw) * 2:
                return COLUMN.pack(encoding, width, 1, len(prefix) + len(packed)) + prefix + packed
    return _column(encoding, width, prefix + data.tobytes())


def _shuffled(data: Array) -> bytes:
    width = data.dtype.itemsize
    return np.ascontiguousarray(data.view(np.uint8).reshape(-1, width).T).tobytes()


def _column(encoding: int, width: int, payload: bytes) -> bytes:
    return COLUMN.pack(encoding, width, 0, len(payload)) + payload


def _decode_column(data: bytes, offset: int, count: int, out: Array) -> int:
    encoding, width, packed, length = COLUMN.unpack_from(data, offset)
    offset += COLUMN.size
    end: int = offset + length
    if end > len(data):
        raise ValueError("it is cut short")
    if encoding == FLOAT:
        out.view(np.float64)[:] = _plain(data, offset, end, packed, FLOATS[width], count)
        return end
    start, gap = PAIR.unpack_from(data, offset)
    if encoding == ARITHMETIC:
        # Multiplied as uint64, which wraps as the encoder's differences did.
        np.multiply(np.arange(count, dtype=np.uint64), np.uint64(gap % 2**64), out=out.view(np.uint64))
        out += np.int64(start)
    elif encoding == DELTA:
        above = _plain(data, offset + PAIR.size, end, packed, UNSIGNED[width], count - 1)
        out[0] = start
        np.add(above.astype(np.uint64).view(np.int64), np.int64(gap), out=out[1:])
        np.cumsum(out, out=out)
    else:
        raise ValueError(f"unknown encoding {encoding}")
    return end


def _plain(data: bytes, start: int, end: int, packed: int, dtype: np.dtype[Any], count: int) -> Array:
    if not packed:
        return np.frombuffer(data, dtype=dtype, count=count, offset=start)
    raw = np.frombuffer(zlib.decompress(memoryview(data)[start:end]), dtype=np.uint8)
    return np.ascontiguousarray(raw.reshape(dtype.itemsize, count).T).view(dtype).reshape(count)
