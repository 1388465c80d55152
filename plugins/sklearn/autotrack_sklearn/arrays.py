"""Arrays out of ``.npy`` and ``.npz`` bytes, and zip files, taken only in the form in which honest tools write them.

numpy's own reader evaluates a header as Python text and allocates what that says. Here a header must match the one
form that ``numpy.save`` writes, and its shape must fit the bytes that follow. Source of the format:
``numpy.lib.format``.
"""

from __future__ import annotations

import ast
import functools
import io
import math
import re
import zipfile
from typing import Any

#: A header longer than this is refused by numpy too.
MAX_HEADER = 10_000
#: Unpacked, an archive may be this much larger than its bytes, or this large at least.
MAX_RATIO, FREE_BYTES = 50, 64 << 20
MAX_FILES = 1_000_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_HEADER = re.compile(
    r"\{'descr': (?P<descr>.+?), 'fortran_order': (?P<fortran>True|False), 'shape': \((?P<shape>[0-9, ]*)\), \} *\n"
)
_END_OF_ZIP = 22
_ENCRYPTED = 0x1


class Refused(ValueError):
    """The content is nothing that an honest tool writes; the text says what and where."""


def open_zip(content: bytes) -> zipfile.ZipFile:
    """The archive in the bytes, which holds nothing else: no other file before or behind it, no name twice, no bomb."""
    if content[:4] != b"PK\x03\x04":
        raise Refused("it does not begin as a zip file")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refused(f"it is a damaged zip file ({error})") from None
    entries = archive.infolist()
    if archive.comment or content[-_END_OF_ZIP:][:4] != b"PK\x05\x06":
        raise Refused("something stands behind the zip file")
    if len(entries) > MAX_FILES or len({entry.filename for entry in entries}) != len(entries):
        raise Refused("a name stands twice in it, or it holds more than a million files")
    for entry in entries:
        if _NAME.fullmatch(entry.filename) is None or entry.filename != entry.orig_filename:
            raise Refused(f"it holds a file named {entry.orig_filename[:80]!r}")
        if entry.flag_bits & _ENCRYPTED:
            raise Refused(f"its file {entry.filename} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(f"its file {entry.filename} is packed in a way (number {entry.compress_type}) not taken here")
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise Refused(f"its file {entry.filename} has two sizes")
    if sum(entry.compress_size for entry in entries) > len(content):
        raise Refused("its files lie over one another")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max(FREE_BYTES, MAX_RATIO * len(content)):
        raise Refused(f"{len(content)} bytes of it would become {unpacked}")
    return archive


def read(archive: zipfile.ZipFile, name: object, count: int = -1) -> bytes:
    """The bytes of one file of the archive, or the first ``count`` of them."""
    if not isinstance(name, str) or name not in archive.NameToInfo:
        raise Refused(f"it names a file {str(name)[:80]!r} that is not in it")
    try:
        with archive.open(name) as file:
            return file.read(count)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise Refused(f"its file {name} is damaged ({error})") from None
    except _zlib_error() as error:
        raise Refused(f"its file {name} is damaged ({error})") from None


@functools.cache
def _zlib_error() -> type[Exception]:
    import zlib

    return zlib.error


def check_array(archive: zipfile.ZipFile, name: object) -> None:
    """Refuses an ``.npy`` file of the archive whose header is odd or does not fit its size. Reads the header only."""
    head = read(archive, name, MAX_HEADER + 12)
    _header(head, archive.getinfo(str(name)).file_size, str(name))


def read_array(archive: zipfile.ZipFile, name: object) -> Any:
    """The array in an ``.npy`` file of the archive; read only, no object dtypes."""
    return to_array(read(archive, name), str(name))


def to_array(content: bytes, name: str) -> Any:
    """The array in the bytes of an ``.npy`` file."""
    import numpy as np

    dtype, fortran, shape, start = _header(content[: MAX_HEADER + 12], len(content), name)
    return np.ndarray(shape, dtype, content, start, order="F" if fortran else "C")


def _header(head: bytes, size: int, name: str) -> tuple[Any, bool, tuple[int, ...], int]:
    """dtype, order, shape and where the data start; the data must fill the file of ``size`` bytes to its end."""
    if head[:6] != b"\x93NUMPY" or head[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise Refused(f"its file {name} is no array")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    start = 8 + width + length
    text = head[8 + width : start]
    found = _HEADER.fullmatch(text.decode("utf-8" if head[6] == 3 else "latin-1", "replace"))
    if length > MAX_HEADER or len(text) != length or found is None:
        raise Refused(f"its array {name} has an odd header")
    dtype = _dtype(found["descr"])
    if dtype is None:
        raise Refused(f"its array {name} has a dtype that is not taken here: {found['descr'][:80]}")
    try:
        shape = tuple(int(part) for part in found["shape"].split(",") if part.strip())
    except ValueError:
        raise Refused(f"its array {name} has an odd header") from None
    count = math.prod(shape)
    if count * dtype.itemsize != size - start or (count and not dtype.itemsize) or len(shape) > 32:
        raise Refused(f"its array {name} says {found['descr'][:40]} of shape {shape}, which its bytes are not")
    return dtype, found["fortran"] == "True", shape, start


@functools.lru_cache(256)
def _dtype(text: str) -> Any:
    """The dtype that a header describes; None for objects and what is no dtype."""
    import numpy as np

    try:
        dtype = np.lib.format.descr_to_dtype(ast.literal_eval(text))
    except (ValueError, TypeError, SyntaxError, KeyError, IndexError, RecursionError, MemoryError, OverflowError):
        return None
    return None if dtype.hasobject else dtype


def check_sparse(content: bytes, name: str) -> tuple[int, int, int]:
    """Rows, columns and stored values of a ``scipy.sparse`` file; refused where indices point outside of the matrix."""
    import numpy as np

    archive = open_zip(content)
    found = {entry: read_array(archive, entry) for entry in archive.namelist()}

    def part(key: str) -> Any:
        if f"{key}.npy" not in found:
            raise Refused(f"its matrix {name} has no {key}")
        return found[f"{key}.npy"]

    shape, kind = part("shape"), part("format")
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or int(shape.min()) < 0 or kind.shape != ():
        raise Refused(f"its matrix {name} has an odd shape")
    rows, columns = (int(length) for length in shape)
    text = kind.item()
    form = text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)

    def within(indices: Any, length: int) -> None:
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            raise Refused(f"its matrix {name} has indices that are no list of whole numbers")
        if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= length):
            raise Refused(f"its matrix {name} has indices outside of its shape")

    data = part("data")
    if form in ("csr", "csc"):
        major, minor = (rows, columns) if form == "csr" else (columns, rows)
        indices, starts = part("indices"), part("indptr")
        within(indices, minor)
        within(starts, len(indices) + 1)
        if data.shape != indices.shape or len(starts) != major + 1 or int(starts[0]) or int(starts[-1]) > len(indices):
            raise Refused(f"its matrix {name} has parts that do not fit one another")
        if bool(np.any(starts[1:] < starts[:-1])):
            raise Refused(f"its matrix {name} has rows that end before they begin")
    elif form == "coo" and "coords.npy" not in found:
        within(part("row"), rows)
        within(part("col"), columns)
        if not data.shape == part("row").shape == part("col").shape:
            raise Refused(f"its matrix {name} has parts that do not fit one another")
    else:
        raise Refused(f"its matrix {name} is in the form {form[:20]!r}, which is not taken here")
    return rows, columns, len(data)
