"""Input that is read before it is asked for: in order, in bounded memory, with its errors where they belong."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
import pytest
from autotrack_serving.batch.ahead import Ahead
from autotrack_serving.batch.predicting import Early, predict_file
from autotrack_serving.scorer import load

from autotrack.core.errors import UsageError
from tests.plugins.serving.conftest import Kept

SECONDS = 30


@dataclass
class Chunk:
    number: int
    nbytes: int = 10


class Source:
    """Chunks that count themselves; ``read`` is set once so many were read."""

    def __init__(self, count: int, size: int = 10, wrong_at: int | None = None) -> None:
        self.count, self.size, self.wrong_at = count, size, wrong_at
        self.made = 0
        self.closed = False
        self.one_more = threading.Semaphore(0)

    def chunks(self) -> Generator[Chunk, None, None]:
        try:
            for number in range(self.count):
                if number == self.wrong_at:
                    raise ValueError("cannot be read")
                self.made += 1
                self.one_more.release()
                yield Chunk(number, self.size)
        finally:
            self.closed = True

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self.one_more.acquire(timeout=SECONDS)


@pytest.mark.parametrize("most", [0, 25, 10**9])
def test_all_chunks_come_in_order(most: int) -> None:
    source = Source(100)
    with closing(Ahead(source.chunks(), most)) as chunks:
        assert [chunk.number for chunk in chunks] == list(range(100))
        assert list(chunks) == []
    assert source.closed


def test_chunks_are_read_before_they_are_asked_for_and_no_more_than_fit() -> None:
    source = Source(100)
    with closing(Ahead(source.chunks(), 50)) as chunks:
        source.wait(5)
        assert not source.one_more.acquire(timeout=0.05) and source.made == 5
        assert next(chunks).number == 0
        source.wait(1)
        assert not source.one_more.acquire(timeout=0.05) and source.made == 6
    assert source.closed and source.made == 6


def test_of_chunks_that_are_too_large_each_is_read_when_it_is_asked_for() -> None:
    source = Source(5, size=1000)
    with closing(Ahead(source.chunks(), 50)) as chunks:
        for number in range(5):
            assert next(chunks).number == number
            assert source.made == number + 1


def test_an_error_comes_where_its_chunk_would_have_come() -> None:
    source = Source(100, wrong_at=3)
    with closing(Ahead(source.chunks())) as chunks:
        source.wait(3)
        assert [next(chunks).number for _ in range(3)] == [0, 1, 2]
        for _ in range(2):
            with pytest.raises(ValueError, match="cannot be read"):
                next(chunks)


def test_closing_ends_the_thread_amid_the_input() -> None:
    before = threading.active_count()
    chunks = Ahead(Source(10**9).chunks(), 100)
    next(chunks)
    chunks.close()
    chunks.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("keep", [(), ("id",)])
def test_reading_begins_before_the_model_is_there(
    table_model: Kept, tmp_path: Path, ending: str, keep: tuple[str, ...]
) -> None:
    table = table_model.data.assign(id=range(len(table_model.data)))
    source = tmp_path / f"in.{ending}"
    table.to_csv(source, index=False) if ending == "csv" else table.to_parquet(source)
    begun: list[Any] = []

    with closing(Early(source, None, keep, 7)) as early:

        def described(description: Any) -> None:
            early.begin(description)
            begun.append(early.chunks)

        scorer = load(str(table_model.folder), described=described)
        assert begun and begun[0] is early.chunks is not None
        predict_file(scorer, source, tmp_path / "out.parquet", keep=keep, chunk_rows=7, begun=early.chunks)
    found = pandas.read_parquet(tmp_path / "out.parquet")
    assert list(found) == [*keep, "prediction"]
    assert found["prediction"].tolist() == table_model.model.predict(table_model.data).tolist()


def test_what_is_wrong_with_the_input_is_said_once_the_model_is_there(table_model: Kept, tmp_path: Path) -> None:
    with closing(Early(tmp_path / "none.csv", None, (), 7)) as early:
        scorer = load(str(table_model.folder), described=early.begin)
        assert early.chunks is None
        with pytest.raises(UsageError, match="there is no file"):
            predict_file(scorer, tmp_path / "none.csv", tmp_path / "out.csv", begun=early.chunks)
