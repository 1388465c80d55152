"""Tells of files that libraries read and write in their own C, C++ or Rust code, past Python's ``open``.

Found by experiment (pyarrow 26, polars 2.1, h5py 3.16, pandas 2.3 and 3.1): numpy, joblib, scikit-learn's data sets,
SQLite and nearly all of pandas raise the interpreter's audit event and need nothing here.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Later, Patch, hookimpl, saw_file

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

#: What the first parameter of these functions is called in one release or another.
_SOURCES = ("source", "path_or_paths", "input_file", "path", "name")
_TARGETS = ("where", "dest", "base_dir", "output_file", "file", "path", "target")

_POLARS_FORMATS = ("csv", "parquet", "ipc", "ndjson")


@hookimpl
def register_patches() -> Sequence[Later]:
    """The functions and methods of pyarrow, pandas, polars and h5py that take the name of a file."""
    return [Later("pyarrow", _pyarrow), Later("pandas", _pandas), Later("polars", _polars), Later("h5py", _h5py)]


def read(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A file is about to be read, or a lazy reading of it to be set up."""
    for path in _paths(call, _SOURCES):
        saw_file(path, "read")
    yield


def written(call: Call, run: ProbeRun, at: int = 0) -> Generator[None, None, None]:
    """A file, or a folder of them, has been written."""
    paths = list(_paths(call, _TARGETS, at))
    yield
    for path in paths:
        saw_file(path, "written")


def data_written(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """The same for functions whose first argument is what is written and whose second says where."""
    yield from written(call, run, at=1)


def hdf5(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """An HDF5 file is opened, in one of h5py's modes."""
    mode = call.kwargs.get("mode", call.args[1] if len(call.args) > 1 else "r")
    paths = list(_paths(call, _SOURCES))
    yield
    if call.error is None:
        for path in paths:
            saw_file(path, {"r": "read", "r+": "updated", "a": "updated"}.get(mode, "written"))


def _paths(call: Call, names: tuple[str, ...], at: int = 0) -> Iterator[str]:
    """The names of files in the argument at that place, or of those names; open files and bytes have none."""
    given: Any = None
    if len(call.args) > at:
        given = call.args[at]
    else:
        given = next((call.kwargs[name] for name in names if name in call.kwargs), None)
    for path in given if type(given) in (list, tuple) else (given,):
        if isinstance(path, str | os.PathLike) and type(path).__module__.split(".")[0] in ("builtins", "pathlib"):
            yield os.fspath(path)


def _pyarrow() -> Iterator[Patch]:
    parquet = "pyarrow.parquet.core"
    yield _patch(f"{parquet}:read_table", read, ">=14", "pyarrow.parquet:read_table")
    yield _patch(f"{parquet}:write_table", data_written, ">=14", "pyarrow.parquet:write_table")
    yield _patch(f"{parquet}:ParquetFile.__init__", read, ">=14")
    yield _patch(f"{parquet}:ParquetDataset.__init__", read, ">=14")
    yield _patch(f"{parquet}:ParquetWriter.__init__", written, ">=14")
    yield _patch("pyarrow.dataset:dataset", read, ">=14")
    yield _patch("pyarrow.dataset:write_dataset", data_written, ">=14")
    yield _patch("pyarrow.feather:read_table", read, ">=14")
    yield _patch("pyarrow.feather:read_feather", read, ">=14")
    yield _patch("pyarrow.feather:write_feather", data_written, ">=14")
    yield _patch("pyarrow._csv:write_csv", data_written, ">=14", "pyarrow.csv:write_csv")
    yield _patch("pyarrow._csv:read_csv", read, ">=14", "pyarrow.csv:read_csv")
    yield _patch("pyarrow._csv:open_csv", read, ">=14", "pyarrow.csv:open_csv")
    yield _patch("pyarrow._json:read_json", read, ">=14", "pyarrow.json:read_json")
    yield _patch("pyarrow.lib:memory_map", read, ">=14", "pyarrow:memory_map")


def _pandas() -> Iterator[Patch]:
    # From version 3 on it opens parquet files by pyarrow's own OSFile, which nobody can look into.
    yield _patch(
        "pandas.io.parquet:read_parquet", read, ">=2.2,<4", "pandas.io.api:read_parquet", "pandas:read_parquet"
    )
    yield _patch("pandas.core.frame:DataFrame.to_parquet", written, ">=2.2,<4")


def _polars() -> Iterator[Patch]:
    reading = [f"{verb}_{form}" for form in _POLARS_FORMATS for verb in ("read", "scan")]
    for name in (*reading, "read_json", "read_avro"):
        home = f"polars.io.{name.partition('_')[2]}"
        shown = [f"{module}:{name}" for module in ("polars.io", home, f"{home}.functions")]
        yield _patch(f"polars:{name}", read, ">=1,<3", *shown)
    for form in (*_POLARS_FORMATS, "json", "avro"):
        yield _patch(f"polars.dataframe.frame:DataFrame.write_{form}", written, ">=1,<3")
    for form in _POLARS_FORMATS:
        yield _patch(f"polars.lazyframe.frame:LazyFrame.sink_{form}", written, ">=1,<3")


def _h5py() -> Iterator[Patch]:
    yield _patch("h5py._hl.files:File.__init__", hdf5, ">=3.8,<4")


def _patch(target: str, probe: Any, versions: str, *also: str) -> Patch:
    # "join": a file that is read inside a training belongs to the session like any other.
    return Patch(target, probe=probe, also=also, nested="join", versions=versions)
