"""Files that pyarrow, polars and h5py open themselves are seen; each of these calls is unseen without the plugin."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy
import pandas
import polars
import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet
import pytest

import autotrack
from autotrack.core.session import opened
from autotrack.core.session.files import Files

Use = Callable[[Path], Any]
TABLE = pyarrow.table({"a": [1, 2], "b": ["x", "y"]})
FRAME = polars.DataFrame({"a": [1, 2], "b": ["x", "y"]})


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = numpy.arange(3)


def parquet_in_parts(path: Path) -> None:
    writer = pyarrow.parquet.ParquetWriter(path, TABLE.schema)
    writer.write_table(TABLE)
    writer.close()


def read_hdf5(path: Path, mode: str = "r") -> Any:
    with h5py.File(path, mode) as file:
        return file["a"][:]


MAKE: dict[str, Use] = {
    "parquet": lambda path: pyarrow.parquet.write_table(TABLE, path),
    "feather": lambda path: pyarrow.feather.write_feather(TABLE, str(path)),
    "csv": lambda path: path.write_text("a,b\n1,x\n"),
    "ndjson": lambda path: path.write_text('{"a": 1}\n'),
    "json": lambda path: path.write_text('[{"a": 1}]'),
    "ipc": lambda path: FRAME.write_ipc(path),
    "avro": lambda path: FRAME.write_avro(path),
    "h5": hdf5,
}

READ: list[tuple[str, str, Use]] = [
    ("pq.read_table", "parquet", lambda path: pyarrow.parquet.read_table(path)),
    ("pq.ParquetFile", "parquet", lambda path: pyarrow.parquet.ParquetFile(str(path)).read()),
    ("pq.ParquetDataset", "parquet", lambda path: pyarrow.parquet.ParquetDataset(path_or_paths=str(path)).read()),
    ("pyarrow dataset", "parquet", lambda path: pyarrow.dataset.dataset(path).to_table()),
    ("pyarrow dataset of a list", "parquet", lambda path: pyarrow.dataset.dataset([str(path)]).to_table()),
    ("pyarrow memory_map", "parquet", lambda path: pyarrow.memory_map(str(path)).close()),
    ("pyarrow feather", "feather", lambda path: pyarrow.feather.read_table(path)),
    ("pyarrow read_feather", "feather", lambda path: pyarrow.feather.read_feather(str(path))),
    ("pyarrow csv", "csv", lambda path: pyarrow.csv.read_csv(path)),
    ("pyarrow open_csv", "csv", lambda path: pyarrow.csv.open_csv(path).read_all()),
    ("pyarrow json", "ndjson", lambda path: pyarrow.json.read_json(path)),
    ("pandas parquet", "parquet", lambda path: pandas.read_parquet(path)),
    ("polars csv", "csv", lambda path: polars.read_csv(path)),
    ("polars scan_csv", "csv", lambda path: polars.scan_csv(path).collect()),
    ("polars parquet", "parquet", lambda path: polars.read_parquet(source=path)),
    ("polars scan_parquet", "parquet", lambda path: polars.scan_parquet(str(path)).collect()),
    ("polars pattern", "parquet", lambda path: polars.scan_parquet(f"{path.parent}/*.parquet").collect()),
    ("polars ipc", "ipc", lambda path: polars.read_ipc(path)),
    ("polars scan_ipc", "ipc", lambda path: polars.scan_ipc(path).collect()),
    ("polars ndjson", "ndjson", lambda path: polars.read_ndjson(path)),
    ("polars scan_ndjson", "ndjson", lambda path: polars.scan_ndjson(path).collect()),
    ("polars json", "json", lambda path: polars.read_json(path)),
    ("polars avro", "avro", lambda path: polars.read_avro(path)),
    ("h5py", "h5", read_hdf5),
    ("h5py updating", "h5", lambda path: read_hdf5(path, "r+")),
]

WRITTEN: list[tuple[str, Use]] = [
    ("pq.write_table", lambda path: pyarrow.parquet.write_table(TABLE, path)),
    ("pyarrow feather", lambda path: pyarrow.feather.write_feather(TABLE, str(path))),
    ("pyarrow csv", lambda path: pyarrow.csv.write_csv(data=TABLE, output_file=path)),
    ("pq.ParquetWriter", parquet_in_parts),
    ("pandas parquet", lambda path: pandas.DataFrame({"a": [1]}).to_parquet(path)),
    ("polars csv", lambda path: FRAME.write_csv(path)),
    ("polars parquet", lambda path: FRAME.write_parquet(file=path)),
    ("polars ipc", lambda path: FRAME.write_ipc(path)),
    ("polars ndjson", lambda path: FRAME.write_ndjson(path)),
    ("polars json", lambda path: FRAME.write_json(path)),
    ("polars avro", lambda path: FRAME.write_avro(path)),
    ("polars sink_parquet", lambda path: FRAME.lazy().sink_parquet(path)),
    ("polars sink_csv", lambda path: FRAME.lazy().sink_csv(path)),
    ("polars sink_ipc", lambda path: FRAME.lazy().sink_ipc(path)),
    ("polars sink_ndjson", lambda path: FRAME.lazy().sink_ndjson(path)),
    ("h5py", hdf5),
]


@pytest.fixture
def files(store: Path) -> Iterator[Files]:
    """Watches from before the call; the plugin is on."""
    autotrack.enable("readers", files=False)  # what is watched here is watched by the test
    watched = Files(store)
    yield watched
    watched.finish(time.monotonic() + 10)
    opened.stop()


def seen(files: Files, role: str) -> set[str]:
    return {file.path for file in files.finish(time.monotonic() + 10) if file.role == role and file.sha256}


@pytest.mark.parametrize(("name", "form", "use"), READ, ids=[row[0] for row in READ])
def test_read(files: Files, tmp_path: Path, name: str, form: str, use: Use) -> None:
    path = tmp_path / f"data.{form}"
    MAKE[form](path)
    files.start()
    use(path)
    assert str(path) in seen(files, "read")


@pytest.mark.parametrize(("name", "use"), WRITTEN, ids=[row[0] for row in WRITTEN])
def test_written(files: Files, tmp_path: Path, name: str, use: Use) -> None:
    path = tmp_path / "out.data"
    files.start()
    use(path)
    assert str(path) in seen(files, "written")


def test_a_folder_stands_for_its_files(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    files.start()
    pyarrow.dataset.write_dataset(TABLE, folder, format="parquet")
    pyarrow.parquet.read_table(folder)
    (part,) = folder.iterdir()
    found = files.finish(time.monotonic() + 10)
    assert {(file.path, file.role) for file in found} == {(str(part), "read"), (str(part), "written")}
    assert len({file.sha256 for file in found}) == 1


def test_what_was_only_read_in_updating_mode_was_not_written(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    hdf5(path)
    os.utime(path, (1e9, 1e9))
    files.start()
    before = path.read_bytes()
    with h5py.File(path, "r") as file:
        assert "a" in file
    assert path.read_bytes() == before
    assert seen(files, "written") == set()


def test_calls_without_a_name_are_left_alone(files: Files, tmp_path: Path) -> None:
    files.start()
    buffer = io.BytesIO()
    FRAME.write_parquet(buffer)
    buffer.seek(0)
    assert polars.read_parquet(buffer).equals(FRAME)
    assert FRAME.write_csv() == "a,b\n1,x\n2,y\n"
    with pytest.raises(FileNotFoundError):
        pyarrow.parquet.read_table(str(tmp_path / "missing.parquet"))
    with pytest.raises(TypeError):
        pyarrow.parquet.read_table()
    assert files.finish(time.monotonic() + 10) == []


def test_nothing_is_patched_after_disable(store: Path) -> None:
    before = pyarrow.parquet.read_table, pyarrow.csv.read_csv, polars.read_csv, h5py.File.__init__
    autotrack.enable("readers", files=False)  # what is watched here is watched by the test
    assert pyarrow.parquet.read_table is not before[0]
    autotrack.disable()
    assert (pyarrow.parquet.read_table, pyarrow.csv.read_csv, polars.read_csv, h5py.File.__init__) == before
    assert pyarrow.csv.read_csv is before[1]
