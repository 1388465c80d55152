"""Predictions as they come, kept so that an interrupted job can go on, and at the end made into one file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autotrack.plugin import UsageError, attempt

from .reading import arrow

#: Chunks that lie beside the output until all are there.
_SUFFIX = ".predicting"


class Parts:
    """The finished chunks of a job, in a folder beside its output.

    ``identity`` is what the job is about (model, input, size of the chunks): chunks of another job are thrown away.
    """

    def __init__(self, output: Path, identity: Mapping[str, Any]) -> None:
        self.output = output
        self.folder = output.with_name(output.name + _SUFFIX)
        self.done = 0
        said = self.folder / "job.json"
        known, _ = attempt(lambda: json.loads(said.read_text("utf-8")))
        if known == dict(identity):
            while self._part(self.done).is_file():
                self.done += 1
            return
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        said.write_text(json.dumps(identity), "utf-8")

    @property
    def rows(self) -> int:
        """Rows that are done already."""
        return sum(batch.num_rows for batch in self._batches(self.done))

    def add(self, batch: Any) -> None:
        """Keeps the next chunk; it is there whole or not at all."""
        pyarrow = arrow()
        part = self._part(self.done)
        young = part.with_suffix(".young")
        with pyarrow.OSFile(str(young), "wb") as sink, pyarrow.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        young.replace(part)
        self.done += 1

    def finish(self, kind: str) -> None:
        """Makes the output of all chunks; what stood there is replaced at once, and only then."""
        young = self.output.with_name(self.output.name + ".young")
        try:
            _WRITERS[kind](young, self._batches(self.done))
            young.replace(self.output)
        finally:
            young.unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:08d}.arrow"

    def _batches(self, count: int) -> Iterator[Any]:
        pyarrow = arrow()
        for number in range(count):
            with pyarrow.OSFile(str(self._part(number)), "rb") as source:
                file = pyarrow.ipc.open_file(source)
                for at in range(file.num_record_batches):
                    yield file.get_batch(at)


def _parquet(path: Path, batches: Iterator[Any]) -> None:
    pyarrow = arrow()
    first = next(batches, None)
    if first is None:
        raise UsageError("the input has no rows")
    with pyarrow.parquet.ParquetWriter(path, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch.cast(first.schema) if batch.schema != first.schema else batch)


def _arrow(path: Path, batches: Iterator[Any]) -> None:
    pyarrow = arrow()
    first = next(batches, None)
    if first is None:
        raise UsageError("the input has no rows")
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _csv(path: Path, batches: Iterator[Any]) -> None:
    pyarrow = arrow()
    with path.open("wb") as file:
        for at, batch in enumerate(batches):
            options = pyarrow.csv.WriteOptions(include_header=at == 0)
            pyarrow.csv.write_csv(batch, file, options)


def _jsonl(path: Path, batches: Iterator[Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in batches:
            file.writelines(json.dumps(row, default=str) + "\n" for row in batch.to_pylist())


_WRITERS = {"parquet": _parquet, "arrow": _arrow, "csv": _csv, "jsonl": _jsonl}
