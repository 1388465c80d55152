"""Files that XGBoost opens in its own code are seen; none of these is without the plugin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

import autotrack
from autotrack.core.session import opened
from autotrack.core.session.files import Files


@pytest.fixture
def files(store: Path) -> Iterator[Files]:
    autotrack.enable("xgboost", files=False)  # what is watched here is watched by the test
    yield Files()
    autotrack.disable()
    opened.stop()


def seen(files: Files) -> dict[str, str]:
    return {file.path: file.role for file in files.finish(time.monotonic() + 10) if file.sha256}


def test_models_and_matrices(files: Files, tmp_path: Path) -> None:
    booster = xgb.train({"nthread": 1}, xgb.DMatrix(np.eye(9), label=np.arange(9)), 2)
    first, second, matrix = tmp_path / "first.ubj", tmp_path / "second.json", tmp_path / "matrix.buffer"
    booster.save_model(first)
    files.start()
    booster.load_model(first)
    booster.save_model(str(second))
    xgb.DMatrix(np.eye(3)).save_binary(matrix)
    assert seen(files) == {str(first): "read", str(second): "written", str(matrix): "written"}


@pytest.mark.filterwarnings("ignore")  # XGBoost says that this reader of its own will go
def test_text_with_a_format(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "train.libsvm"
    path.write_text("1 0:1.5 1:2\n0 0:0.5 1:1\n" * 20)
    files.start()
    assert xgb.DMatrix(f"{path}?format=libsvm").num_row() == 40
    assert seen(files) == {str(path): "read"}


def test_a_model_in_memory_is_no_file(files: Files) -> None:
    booster = xgb.train({"nthread": 1}, xgb.DMatrix(np.eye(9), label=np.arange(9)), 2)
    files.start()
    xgb.Booster().load_model(booster.save_raw("ubj"))
    assert seen(files) == {}
