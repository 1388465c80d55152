"""A model asked about every row of a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotrack.plugin import AutotrackError, UsageError, attempt, signature_of

from ..intake import Intake
from ..refused import Refused, failed
from ..rows import Rows, whole
from ..scorer import Scorer
from .ahead import Ahead
from .reading import Input, arrow, chunks, format_of, open_input
from .writing import Parts

#: Told how many rows are done, and of how many (None where that is not known).
Progress = Callable[[int, int | None], None]


class BadRows(AutotrackError):
    """Rows that the model does not take; the message says which."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """A finished job. ``resumed`` rows were done by an earlier one that was interrupted."""

    rows: int
    resumed: int
    seconds: float
    output: Path


def predict_file(
    scorer: Scorer,
    source: Path,
    output: Path,
    *,
    input_format: str | None = None,
    output_format: str | None = None,
    keep: Sequence[str] = (),
    chunk_rows: int = 65_536,
    progress: Progress = lambda done, total: None,
    begun: Ahead | None = None,
) -> Predicted:
    """Predictions for every row, in the input's order: in a column ``prediction``, or those that the model answers.

    ``keep`` are columns of the input that stand beside them. Chunks that are done are kept until the output is: the
    same call after an interruption goes on behind them. BadRows names the first row that is not taken. ``begun`` is the
    same input, where it is being read already (``Early``).
    """
    began = time.monotonic()
    opened = open_input(source, input_format)
    kind = format_of(output, output_format, "--output-format")
    if output.exists() and output.samefile(source):
        raise UsageError(f"{output} is the input itself; name another output")
    stat = source.stat()
    identity = {
        "model": scorer.model.digest,
        "input": [str(source.resolve()), stat.st_size, stat.st_mtime_ns],
        "chunk": chunk_rows,
        "keep": list(keep),
    }
    parts = Parts(output, identity)
    resumed = done = parts.rows
    progress(done, opened.rows)
    skip = done
    with closing(begun or _ahead(opened, chunk_rows, scorer.intake.schema, keep)) as batches:
        for batch in batches:
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            if skip:
                batch, skip = batch.slice(skip), 0
            parts.add(_predicted(scorer, batch, done, keep))
            done += batch.num_rows
            progress(done, opened.rows)
    if done == 0:
        raise UsageError(f"{source} has no rows")
    parts.finish(kind)
    return Predicted(done, resumed, time.monotonic() - began, output)


class Early:
    """The reading of an input that begins once it is known what the model takes, which is before it is loaded.

    To be closed.
    """

    def __init__(self, source: Path, input_format: str | None, keep: Sequence[str], chunk_rows: int) -> None:
        self.source = source
        self.input_format = input_format
        self.keep = keep
        self.chunk_rows = chunk_rows
        #: None where it did not begin: what is wrong with the input is said by ``predict_file``, with the model there.
        self.chunks: Ahead | None = None

    def begin(self, description: Any) -> None:
        """Begins, with what the model's folder says (``load``)."""
        self.chunks, _ = attempt(self._begun, description.signature)

    def _begun(self, signature: Any) -> Ahead:
        arrow()  # here, for threads that import at the same time are in each other's way
        schema = None if signature is None else signature_of(signature).inputs
        return _ahead(open_input(self.source, self.input_format), self.chunk_rows, schema, self.keep)

    def close(self) -> None:
        if self.chunks is not None:
            self.chunks.close()


def _ahead(opened: Input, chunk_rows: int, schema: Any, keep: Sequence[str]) -> Ahead:
    """The chunks of an input; all columns where some are to be kept."""
    return Ahead(chunks(opened, chunk_rows, None if keep else schema))


def _predicted(scorer: Scorer, batch: Any, first: int, keep: Sequence[str]) -> Any:
    pyarrow = arrow()
    try:
        rows = rows_of(scorer.intake, batch)
        answers, error = attempt(scorer.ask, rows, scorer.model.enforced_params(None))
        if error is not None:
            raise failed(error)
    except Refused as refusal:
        raise BadRows(f"rows {first:,} to {first + batch.num_rows - 1:,}: {refusal}") from None
    columns = _columns(answers, batch.num_rows, first)
    missing = [name for name in keep if name not in batch.schema.names]
    if missing:
        raise UsageError(f"there is no column {missing[0]!r} to keep; there are {', '.join(batch.schema.names[:20])}")
    kept = {name: batch.column(name) for name in keep}
    return pyarrow.record_batch({**kept, **{name: pyarrow.array(values) for name, values in columns.items()}})


def rows_of(intake: Intake, batch: Any) -> Rows:
    """A record batch as the model takes it: numbers of one type as one array, without a table in between (Refused)."""
    if intake.even is not None and all(name in batch.schema.names for name in intake.names or ()):
        parts = [_numbers(batch.column(name), intake.even) for name in intake.names or ()]
        if all(part is not None for part in parts):
            return Rows("matrix", np.stack(parts).T, batch.num_rows)  # by column, as a table of them would be kept
    if intake.names is None and intake.schema is not None and intake.schema.tensors:
        parts = [_numbers(column, None) for column in batch.columns]
        if parts and all(part is not None for part in parts):
            return intake.enforced(np.column_stack(parts))
    return intake.enforced(batch.to_pandas()) if batch.num_columns else whole([])


def _numbers(column: Any, dtype: str | None) -> Any:
    """A column without missing values as numpy has it; None where it is no such column, or of another type."""
    if column.null_count:
        return None
    found, _ = attempt(column.to_numpy, zero_copy_only=False)
    if found is None or found.dtype.kind not in "iuf":
        return None
    return found if dtype is None or found.dtype == np.dtype(dtype) else None


def _columns(answers: Any, count: int, first: int) -> dict[str, Any]:
    if hasattr(answers, "detach"):
        answers = answers.detach().cpu().numpy()
    if hasattr(answers, "columns") and hasattr(answers, "iloc"):
        found = {str(name): answers[name].to_numpy() for name in answers.columns}
    elif isinstance(answers, dict):
        found = {str(name): np.asarray(values) for name, values in answers.items()}
    else:
        found = {"prediction": np.asarray(answers)}
    found = {
        name: values
        if values.ndim == 1
        else values[:, 0]
        if values.ndim == 2 and values.shape[1] == 1
        else list(values)
        for name, values in found.items()
    }
    wrong = next((name for name, values in found.items() if len(values) != count), None)
    if wrong is not None:
        raise BadRows(
            f"rows {first:,} to {first + count - 1:,}: the model answered {len(found[wrong]):,} values for "
            f"{count:,} rows"
        )
    return found
