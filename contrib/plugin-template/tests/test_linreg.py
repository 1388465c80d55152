"""The plugin with the real library and a store of its own in a temporary folder."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import autotrack


@pytest.fixture(autouse=True)
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    autotrack.enable("linreg")
    yield
    autotrack.disable()


def test_a_regression_is_a_run() -> None:
    line = statistics.linear_regression([1, 2, 3], [2, 4, 6])

    run = autotrack.last_run()
    assert run is not None
    assert run.params == {"proportional": "False", "points": "3"}
    assert run.metrics["slope"] == line.slope == 2.0
    assert str(run.status) == "FINISHED"


def test_the_users_error_is_the_users() -> None:
    with pytest.raises(statistics.StatisticsError, match="same number of data points"):
        statistics.linear_regression([1, 2, 3], [2, 4])

    run = autotrack.last_run()
    assert run is not None
    assert str(run.status) == "FAILED"
