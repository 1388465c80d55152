"""Tables, record batches and arrays of Arrow as columns. pyarrow is there already: whoever calls holds one of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .categories import CategoryPart, Values
from .numeric import NumericPart
from .parts import Label, Part, Table, label
from .texts import Packed, TextPart

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def table(data: Any) -> Table:
    """The columns of a ``pyarrow.Table`` or ``RecordBatch``."""
    found = Table(f"pyarrow.{type(data).__name__}", data.num_rows, (data.num_rows, data.num_columns), data.nbytes)
    for name, values in zip(data.schema.names, data.columns, strict=True):
        found.add(label(name), column(label(name), values))
    return found


def array(data: Any) -> Table:
    """One unnamed column: a ``pyarrow.Array`` or ``ChunkedArray``."""
    found = Table(f"pyarrow.{type(data).__name__}", len(data), (len(data),), data.nbytes)
    found.add(label(None), column(label(None), data))
    return found


def column(name: Label, values: Any) -> Part:
    """The part for a ``ChunkedArray`` or ``Array``."""
    import numpy as np
    import pyarrow as pa

    kind, rows = values.type, len(values)
    if pa.types.is_dictionary(kind):
        return _dictionary(name, values)
    stored = _stored(kind)
    if stored is not None:
        dtype, logical = stored
        return NumericPart([name.token], rows, np.dtype(dtype), logical, _fetcher(values, np.dtype(dtype)))
    if pa.types.is_null(kind):
        return TextPart(name.token, rows, "null", lambda a, b: [None] * (b - a))
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    blobs = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    if texts or blobs:
        wanted = pa.large_string() if texts else pa.large_binary()
        logical = "string" if texts else "binary"
        return TextPart(name.token, rows, logical, lambda a, b: packed(values.slice(a, b - a), wanted))
    return TextPart(name.token, rows, str(kind), lambda a, b: values.slice(a, b - a).to_pylist())


def _stored(kind: Any) -> tuple[str, str] | None:
    """(numpy's name of the values as stored, the logical type) of what has a fixed size."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "?", "bool"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        name = str(kind.to_pandas_dtype().__name__)
        return f"<{'f' if 'float' in name else 'u' if name[0] == 'u' else 'i'}{kind.bit_width // 8}", name
    if pa.types.is_timestamp(kind):
        zone = f", {kind.tz}" if kind.tz else ""
        return f"<M8[{kind.unit}]", f"datetime64[{kind.unit}{zone}]"
    if pa.types.is_duration(kind):
        return f"<m8[{kind.unit}]", f"timedelta64[{kind.unit}]"
    if pa.types.is_date32(kind):
        return "<M8[D]", "date"
    if pa.types.is_date64(kind):
        return "<M8[ms]", "date64"
    if pa.types.is_time(kind):
        return f"<m8[{kind.unit}]", f"time[{kind.unit}]"
    return None


def _fetcher(values: Any, dtype: np.dtype[Any]) -> Any:
    import numpy as np
    import pyarrow as pa

    def numbers(piece: Any) -> Array:
        if dtype.kind in "mM":
            piece = piece.view(pa.int32() if piece.type.bit_width == 32 else pa.int64())
        if piece.null_count:
            piece = piece.fill_null(False if dtype.kind == "b" else pa.scalar(0, piece.type))
        array = np.asarray(piece.to_numpy(zero_copy_only=False))
        return array.astype("<i8", copy=False).view(dtype) if dtype.kind in "mM" else array

    def fetch(rows: slice, columns: slice) -> tuple[Array, Array | None]:
        part = values.slice(rows.start, rows.stop - rows.start)
        if rows.step and rows.step > 1:
            part = part.take(pa.array(np.arange(0, len(part), rows.step)))
        pieces = _pieces(part)
        together = [numbers(piece) for piece in pieces]
        block = together[0] if len(together) == 1 else np.concatenate(together) if together else np.empty(0, dtype)
        block = np.ascontiguousarray(block.view("u1") if dtype.kind == "b" else block)
        mask = np.concatenate([_nulls(piece) for piece in pieces]) if part.null_count else None
        return block[None, :], None if mask is None else mask[None, :]

    return fetch


def _pieces(values: Any) -> list[Any]:
    return list(values.chunks) if hasattr(values, "chunks") else [values]


def _nulls(piece: Any) -> Array:
    nulls: Array = piece.is_null().to_numpy(zero_copy_only=False)
    return nulls


def packed(values: Any, wanted: Any) -> Packed | list[Any]:
    """A piece of a text column; its bytes stay where they are if they lie in one chunk."""
    import numpy as np

    pieces = [piece for piece in _pieces(values) if len(piece)]
    if len(pieces) != 1:
        pieces = [values.combine_chunks()] if hasattr(values, "combine_chunks") else pieces
        pieces = _pieces(pieces[0]) if pieces and hasattr(pieces[0], "chunks") else pieces
    (piece,) = pieces
    piece = piece if _offset_bytes(piece.type) else piece.cast(wanted)
    buffers, width = piece.buffers(), _offset_bytes(piece.type)
    offsets = np.frombuffer(buffers[1], f"<i{width}", len(piece) + 1, piece.offset * width).astype(np.int64, copy=False)
    lengths = np.diff(offsets)
    first, last = int(offsets[0]), int(offsets[-1])
    data = memoryview(buffers[2])[first:last] if buffers[2] is not None else memoryview(b"")
    gone = None
    if piece.null_count:
        gone = _nulls(piece)
        if lengths[gone].any():  # a null may have bytes that nobody sees
            kept = [b"" if away else bytes(data[a - first : b - first])
                    for away, a, b in zip(gone.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]
            lengths = np.where(gone, 0, lengths)
            return Packed(b"".join(kept), np.cumsum(lengths) - lengths, lengths, gone)
    return Packed(data, offsets[:-1] - first, lengths, gone)


def _offset_bytes(kind: Any) -> int:
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return 4
    return 8 if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind) else 0


def _dictionary(name: Label, values: Any) -> Part:
    """A dictionary-encoded column; each of its chunks may have a dictionary of its own."""
    import numpy as np

    pieces = _pieces(values)
    ordered = bool(values.type.ordered)
    known = [Values(piece.dictionary.to_pylist(), ordered=ordered) for piece in pieces]
    ends = np.cumsum([len(piece) for piece in pieces]) if pieces else np.zeros(0, np.int64)

    def hashes(piece: Any, table: Values) -> Array:
        codes = piece.indices
        if codes.null_count:
            gone = _nulls(codes)
            plain = codes.fill_null(0).to_numpy(zero_copy_only=False).astype(np.intp) + 1
            return table.hashes[np.where(gone, 0, plain)]
        return table.hashes[codes.to_numpy(zero_copy_only=False).astype(np.intp) + 1]

    def fetch(rows: slice) -> Array:
        found = []
        for piece, table, end in zip(pieces, known, ends.tolist(), strict=True):
            begin = end - len(piece)
            a, b = max(rows.start, begin), min(rows.stop, end)
            if a < b:
                found.append(hashes(piece.slice(a - begin, b - a), table))
        together = np.concatenate(found) if found else np.empty(0, "<u8")
        return together[:: rows.step or 1]

    names = {table.logical for table in known}
    part = CategoryPart(name.token, len(values), names.pop() if len(names) == 1 else "category[object]", fetch)
    part.gaps = [gap for table in known for gap in table.cells.gaps]
    return part
