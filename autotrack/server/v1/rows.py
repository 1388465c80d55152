"""The first rows of a table that a browser cannot read by itself (Parquet)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from autotrack.core.errors import UsageError
from autotrack.core.guard import attempt
from autotrack.store.files.rows import folder_of
from autotrack.store.search.places import places_of

from ..calls import Call
from ..routing import Table
from . import forms
from .permissions import READ_RUN

if TYPE_CHECKING:
    from pyarrow import RecordBatch

ROUTES = Table("/api/v1")
#: Rows and columns that are told, characters of a value, and bytes of a row group that is unpacked for that.
ROWS, COLUMNS, LONGEST, GROUP = 1000, 200, 300, 256 << 20


class Which(forms.Query):
    """A file of the run's."""

    path: forms.Text


@dataclass(frozen=True, slots=True)
class Rows:
    """The first rows of a table, each value as text; ``total`` is how many rows there are, ``types`` is of columns."""

    columns: list[str]
    types: list[str]
    rows: list[list[str]]
    total: int


@ROUTES.get("/runs/{run}/rows", READ_RUN, query=Which, answer=Rows)
def rows(call: Call) -> Rows:
    """The first rows of a Parquet file of a run."""
    path: str = call.query.path
    with call.services.store.reading() as connection:
        folder = folder_of(connection, places_of(connection, [call.path["run"]])[0].id)
    with call.services.store.artifacts.open(folder, path) as file:
        found, error = attempt(_read, file)
    if found is None:
        if isinstance(error, UsageError):
            raise error
        raise UsageError(f"{path[:200]!r} cannot be read as a table: {str(error)[:300] or type(error).__name__}")
    return found


def _read(file: BinaryIO) -> Rows:
    try:
        from pyarrow import parquet
    except ImportError:
        raise UsageError(
            "this server cannot read Parquet: pyarrow is missing there; `pip install pyarrow`, or download the file"
        ) from None
    table = parquet.ParquetFile(file)
    names = table.schema_arrow.names[:COLUMNS]
    types = [str(each.type)[:80] for each in list(table.schema_arrow)[:COLUMNS]]
    total = table.metadata.num_rows
    if table.metadata.num_row_groups and table.metadata.row_group(0).total_byte_size > GROUP:
        raise UsageError("its rows lie in groups that are too large to be unpacked for a page; download the file")
    kept: list[list[str]] = []
    for batch in table.iter_batches(ROWS, columns=names):
        kept += _texts(batch, ROWS - len(kept))
        if len(kept) >= ROWS:
            break
    return Rows(names, types, kept, total)


def _texts(batch: RecordBatch, most: int) -> list[list[str]]:
    columns = [[_text(value) for value in column.slice(0, most).to_pylist()] for column in batch.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:LONGEST]
