"""Predictions as an Arrow IPC stream, for clients that have columns and want columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .refused import Refused, unknown_type


def stream(answers: Any) -> bytes:
    """The answers as a table of one batch (a column ``predictions``, or the columns that they have)."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError:
        raise unknown_type("Arrow is written by pyarrow, which is not installed on this server") from None
    try:
        table = _table(answers, pyarrow)
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise Refused(406, "BAD_REQUEST", f"these predictions have no form in Arrow: {str(error)[:200]}") from None
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _table(answers: Any, pyarrow: Any) -> Any:
    if hasattr(answers, "to_arrow"):
        return answers.to_arrow()
    if hasattr(answers, "columns") and hasattr(answers, "iloc"):
        return pyarrow.Table.from_pandas(answers, preserve_index=False)
    if isinstance(answers, Mapping):
        return pyarrow.table({str(key): _column(value) for key, value in answers.items()})
    return pyarrow.table({"predictions": _column(answers)})


def _column(values: Any) -> Any:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    return list(values) if getattr(values, "ndim", 1) > 1 else values
