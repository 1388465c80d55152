"""Tells of the files that XGBoost's own code reads and writes, past Python's ``open``."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.plugin import saw_file

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun


def path_in(given: object) -> str | None:
    """The file that a name means to XGBoost (``train.libsvm?format=libsvm#cache``); None for data in memory."""
    path = os.fspath(given) if isinstance(given, (str, os.PathLike)) else None
    return str(Path(path.partition("#")[0].partition("?")[0]).expanduser()) if isinstance(path, str) else None


def read(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A model is about to be read."""
    path = path_in(call.arg("fname", None))
    if path is not None:
        saw_file(path, "read")
    yield


def written(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A model, or a matrix in XGBoost's own format, has been written."""
    path = path_in(call.arg("fname", None))
    yield
    if path is not None and call.error is None:
        saw_file(path, "written")
