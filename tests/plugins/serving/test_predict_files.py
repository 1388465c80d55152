"""``autotrack predict``: every row of a file, in order, in any format, also after an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas
import pytest
from autotrack_serving.batch.predicting import BadRows, predict_file
from autotrack_serving.batch.reading import Unreadable
from autotrack_serving.scorer import Scorer, load

from autotrack.core.errors import UsageError
from tests.plugins.serving.conftest import Kept

pytest.importorskip("pyarrow")
COUNT = 1000


@pytest.fixture(scope="module")
def table(table_model: Kept) -> Any:
    rows = pandas.concat([table_model.data] * 20, ignore_index=True).head(COUNT)
    return rows.assign(id=range(COUNT)).sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.fixture(scope="module")
def scorer(table_model: Kept) -> Scorer:
    return load(str(table_model.folder))


def write(table: Any, path: Path) -> None:
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    elif path.suffix == ".parquet":
        table.to_parquet(path, row_group_size=130)
    else:
        table.to_feather(path)


def read(path: Path) -> Any:
    if path.suffix == ".csv":
        return pandas.read_csv(path)
    if path.suffix == ".jsonl":
        return pandas.read_json(path, lines=True)
    return pandas.read_parquet(path) if path.suffix == ".parquet" else pandas.read_feather(path)


@pytest.mark.parametrize(
    ("source", "output"), [("csv", "parquet"), ("jsonl", "csv"), ("parquet", "jsonl"), ("arrow", "arrow")]
)
def test_each_row_gets_its_prediction(
    scorer: Scorer, table_model: Kept, table: Any, tmp_path: Path, source: str, output: str
) -> None:
    write(table, tmp_path / f"in.{source}")
    done = predict_file(scorer, tmp_path / f"in.{source}", tmp_path / f"out.{output}", keep=["id"], chunk_rows=64)
    found = read(tmp_path / f"out.{output}")
    assert (done.rows, done.resumed) == (COUNT, 0)
    assert found["id"].tolist() == table["id"].tolist()
    assert found["prediction"].tolist() == table_model.model.predict(table[list(table_model.data)]).tolist()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"in.{source}", f"out.{output}"])


def test_arrays_need_no_names(array_model: Kept, tmp_path: Path) -> None:
    frame = pandas.DataFrame(array_model.data, columns=["a", "b", "c"])
    frame.to_parquet(tmp_path / "in.parquet")
    predict_file(load(str(array_model.folder)), tmp_path / "in.parquet", tmp_path / "out.csv", chunk_rows=7)
    found = read(tmp_path / "out.csv")["prediction"].tolist()
    assert found == pytest.approx(array_model.model.predict(array_model.data).tolist(), rel=1e-12)


def test_rows_that_do_not_fit_are_named(scorer: Scorer, table: Any, tmp_path: Path) -> None:
    write(table.assign(income=table["income"].where(table["id"] != 500)), tmp_path / "in.csv")
    at = table.index[table["id"] == 500][0]
    with pytest.raises(BadRows, match=f"rows {at // 10 * 10:,} to {at // 10 * 10 + 9:,}: .*NaN"):
        predict_file(scorer, tmp_path / "in.csv", tmp_path / "out.csv", chunk_rows=10)
    assert not (tmp_path / "out.csv").exists()
    # Mended, it begins anew: the input is another.
    write(table, tmp_path / "in.csv")
    assert predict_file(scorer, tmp_path / "in.csv", tmp_path / "out.csv", chunk_rows=10).resumed == 0


def test_a_cell_that_is_no_number_is_named(scorer: Scorer, table: Any, tmp_path: Path) -> None:
    texts = table["income"].astype(str)
    texts.iloc[700] = "ab,c"
    write(table.assign(income=texts), tmp_path / "in.csv")
    with pytest.raises(Unreadable, match="row 700: column 'income' is of type double, and 'ab,c' is not"):
        predict_file(scorer, tmp_path / "in.csv", tmp_path / "out.csv")
    for names, option in ((("in.csv", "out.xyz"), "--output-format"), (("in.xyz", "out.csv"), "--format")):
        with pytest.raises(UsageError, match=f"say {option} csv"):
            predict_file(scorer, *(tmp_path / name for name in names))


def test_a_killed_job_goes_on(scorer: Scorer, table_model: Kept, table: Any, tmp_path: Path) -> None:
    """kill -9 amid the chunks, twice; the third call ends it, with every row once and in order."""
    big = pandas.concat([table] * 20, ignore_index=True)
    write(big, tmp_path / "in.parquet")
    command = [sys.executable, "-m", "autotrack", "predict", "-m", str(table_model.folder), "-i", "in.parquet",
               "-o", "out.csv", "--chunk-rows", "20", "--json"]  # fmt: skip
    parts = tmp_path / "out.csv.predicting"
    for _ in range(2):
        before = len(list(parts.glob("*.arrow"))) if parts.is_dir() else 0
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, env=dict(os.environ))
        deadline = time.monotonic() + 60
        while len(list(parts.glob("*.arrow"))) < before + 5:
            assert process.poll() is None and time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (tmp_path / "out.csv").exists()
    done = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout)
    assert done["rows"] == len(big) and done["resumed"] >= 200
    expected = table_model.model.predict(big[list(table_model.data)]).tolist()
    assert read(tmp_path / "out.csv")["prediction"].tolist() == expected
    assert not parts.exists()
