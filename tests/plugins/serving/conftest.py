"""Models of a table and of an array, saved once; the first of them served for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import autotrack
from tests.plugins.serving.served import Served


class Kept(NamedTuple):
    folder: Path
    model: Any
    data: Any


@pytest.fixture(scope="session")
def table_model(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A pipeline over numbers, integers and texts, one column of which may be missing."""
    import pandas
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    ages = [20 + 3 * at % 50 for at in range(60)]
    data = pandas.DataFrame(
        {
            "age": ages,
            "income": [1000.5 + 37.25 * at for at in range(60)],
            "plan": [("basic", "pro", "team")[at % 3] for at in range(60)],
        }
    )
    churned = [int(age > 40) for age in ages]
    model = make_pipeline(
        make_column_transformer((StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["plan"])),
        LogisticRegression(),
    ).fit(data, churned)
    folder = tmp_path_factory.mktemp("models") / "churn"
    autotrack.save_model(model, folder, example=data.head(8))
    return Kept(folder, model, data)


@pytest.fixture(scope="session")
def array_model(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A regression over an array of three columns."""
    import numpy
    from sklearn.linear_model import LinearRegression

    data = numpy.random.default_rng(3).normal(size=(50, 3))
    model = LinearRegression().fit(data, data @ [1.0, 2.0, 3.0] + 0.5)
    folder = tmp_path_factory.mktemp("models") / "line"
    autotrack.save_model(model, folder, example=data[:8])
    return Kept(folder, model, data)


@pytest.fixture(scope="session")
def server(table_model: Kept) -> Iterator[Served]:
    served = Served(table_model.folder, "--max-mb", "8")
    yield served.wait()
    served.stop()
