"""Files of rows, chunk by chunk, as Arrow record batches: CSV, JSON lines, parquet, Arrow."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import AutotrackError, UsageError, attempt

if TYPE_CHECKING:
    from autotrack.plugin import Schema

#: Endings of files, with what is in them.
FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_TYPES = {
    "boolean": "bool_",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
}


#: What pyarrow says of a cell: the number of its column, the type that was wanted, what is there.
_CONVERSION = re.compile(r"In CSV column #(\d+): CSV conversion error to (\w+): invalid value '(.*)'", re.DOTALL)


class Unreadable(AutotrackError):
    """An input that cannot be read; the message says where."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file of rows. ``rows`` is how many there are, where the file says so without being read."""

    path: Path
    format: str
    rows: int | None


def format_of(path: Path, said: str | None = None, option: str = "--format") -> str:
    """What is in a file, by what was said (with ``option``) or by its ending (UsageError)."""
    if said is not None:
        return said
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        holds = "holds" if option == "--format" else "is to hold"
        raise UsageError(f"what {path} {holds} cannot be told from its ending; say {option} csv|jsonl|parquet|arrow")
    return found


def open_input(path: Path, said: str | None = None) -> Input:
    """The file, looked at but not read (UsageError, Unreadable)."""
    kind = format_of(path, said)
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    rows = None
    if kind == "parquet":
        pyarrow = arrow()
        found, error = attempt(pyarrow.parquet.ParquetFile, path)
        if found is None:
            raise Unreadable(f"{path} is no parquet file: {str(error)[:200]}")
        rows = int(found.metadata.num_rows)
    return Input(path, kind, rows)


def chunks(source: Input, size: int, schema: Schema | None) -> Generator[Any, None, None]:
    """Record batches of at most ``size`` rows, in the file's order (Unreadable)."""
    reader = {"parquet": _parquet, "arrow": _arrow, "csv": _csv, "jsonl": _jsonl}[source.format]
    pyarrow = arrow()
    try:
        for batch in reader(source.path, size, schema):
            for start in range(0, batch.num_rows, size):
                yield batch.slice(start, size)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        what = _cell(source.path, str(error)) if source.format == "csv" else None
        raise Unreadable(f"{source.path} cannot be read: {what or str(error)[:300]}") from None


def _cell(path: Path, said: str) -> str | None:
    """The cell of a CSV file that pyarrow complains of, by the name of its column and the number of its row."""
    found = _CONVERSION.search(said)
    if found is None:
        return None
    at, kind, value = int(found[1]), found[2], found[3]
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        names = next(lines, [])
        rows = (row for row, cells in enumerate(lines) if len(cells) > at and cells[at] == value)
        row, _ = attempt(next, rows, None)
    if at >= len(names):
        return None
    return f"{'' if row is None else f'row {row}: '}column {names[at]!r} is of type {kind}, and {value[:100]!r} is not"


def _parquet(path: Path, size: int, schema: Schema | None) -> Iterator[Any]:
    file = arrow().parquet.ParquetFile(path, memory_map=True)
    there = set(file.schema_arrow.names)
    wanted = [str(name) for name in schema.names if name in there] if schema is not None and schema.columns else None
    yield from file.iter_batches(batch_size=size, columns=wanted or None)


def _arrow(path: Path, size: int, schema: Schema | None) -> Iterator[Any]:
    pyarrow = arrow()
    with pyarrow.memory_map(str(path)) as source:
        opened, _ = attempt(pyarrow.ipc.open_file, source)
        if opened is not None:
            for at in range(opened.num_record_batches):
                yield opened.get_batch(at)
            return
        source.seek(0)
        yield from pyarrow.ipc.open_stream(source)


def _csv(path: Path, size: int, schema: Schema | None) -> Iterator[Any]:
    """Types are those of the signature: what the first lines look like does not decide about the last."""
    pyarrow = arrow()
    types = {
        str(column.name): getattr(pyarrow, _TYPES[column.type.name])()
        for column in (schema.columns if schema is not None else ())
        if column.name is not None and column.type.name in _TYPES
    }
    convert = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    read = pyarrow.csv.ReadOptions(block_size=4 << 20)
    yield from pyarrow.csv.open_csv(path, read_options=read, convert_options=convert)


def _jsonl(path: Path, size: int, schema: Schema | None) -> Iterator[Any]:
    pyarrow = arrow()
    names = [str(name) for name in schema.names] if schema is not None and schema.columns else None
    rows: list[dict[str, Any]] = []

    def batch() -> Any:
        made = pyarrow.Table.from_pylist(
            rows if names is None else [{name: row.get(name) for name in names} for row in rows]
        )
        rows.clear()
        return made.combine_chunks().to_batches()[0]

    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            found, error = attempt(json.loads, line)
            if not isinstance(found, dict):
                said = f": {error}" if error is not None else ", but a JSON object is wanted"
                raise Unreadable(f"{path}, line {number} is no row{said}")
            rows.append(found)
            if len(rows) == size:
                yield batch()
    if rows:
        yield batch()


def arrow() -> Any:
    """pyarrow with what is needed of it (UsageError where it is not installed)."""
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise UsageError("predicting files needs pyarrow: pip install pyarrow") from None
    return pyarrow
