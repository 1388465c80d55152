"""Nulls, extremes, distinct values and quantiles of columns."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.fingerprint import ColumnPrint, fingerprint
from autotrack.core.fingerprint.words import SHOWN


def only(data: Any) -> ColumnPrint:
    (column,) = fingerprint(data).columns
    return column


@given(st.lists(st.floats() | st.none(), min_size=1))
def test_floats(values: list[float | None]) -> None:
    there = [value for value in values if value is not None and value == value]
    column = only(pd.Series(values, dtype="float64"))
    assert column.nulls == len(values) - len(there)
    assert column.distinct == len(set(there))
    assert (column.min, column.max) == ((min(there), max(there)) if there else (None, None))
    if there:
        assert column.quantiles[3] == sorted(there)[(len(there) - 1) // 2]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_large_unsigned_numbers(values: list[int]) -> None:
    column = only(np.array(values, "u8"))
    assert (column.min, column.max, column.distinct) == (min(values), max(values), len(set(values)))


@given(st.lists(st.text(max_size=90) | st.none(), min_size=1))
def test_texts(values: list[str | None]) -> None:
    there = [value for value in values if value is not None]
    column = only(np.array(values, object))
    assert column.nulls == len(values) - len(there)
    assert column.distinct == len(set(there))
    if there:
        cut = [value.encode("utf-8", "surrogatepass")[:SHOWN] for value in there]
        ends = [end.decode("utf-8", "replace") for end in (min(cut), max(cut))]
        assert [str(column.min).rstrip("\0"), str(column.max).rstrip("\0")] == [end.rstrip("\0") for end in ends]


def test_times_are_told_as_text() -> None:
    column = only(
        pd.Series(pd.to_datetime(["2020-01-05", None, "2021-03-04 05:06:07"], format="ISO8601")).dt.as_unit("ns")
    )
    assert (column.min, column.max, column.nulls) == (
        "2020-01-05T00:00:00.000000000",
        "2021-03-04T05:06:07.000000000",
        1,
    )
    assert column.quantiles[0] == column.min


def test_truth_values() -> None:
    column = only([True, None, False])
    assert (column.min, column.max, column.nulls, column.distinct) == (False, True, 1, 2)


def test_one_column_of_nulls_among_others() -> None:
    frame = fingerprint(np.array([[1.0, np.nan], [2.0, np.nan]]))
    assert [column.nulls for column in frame.columns] == [0, 2]
    assert (frame.columns[1].min, frame.columns[0].max) == (None, 2.0)


@pytest.mark.parametrize("real", [10, 50_000, 1_000_000])
def test_distinct_values_of_a_long_column_are_estimated(real: int) -> None:
    values = np.random.default_rng(0).integers(0, real, 1_000_000)
    column, estimate = fingerprint(values), only(values).distinct
    assert column.sampled < 5000
    assert real / 2 <= (estimate or 0) <= real * 2


def test_quantiles_of_a_long_column_are_near() -> None:
    values = np.random.default_rng(0).standard_normal(500_000)
    exact = np.quantile(values, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
    assert np.abs(np.array(only(values).quantiles) - exact).max() < 0.3


def test_statistics_of_sparse_matrices_count_zeros() -> None:
    import scipy.sparse as sp

    column = only(sp.csr_array(np.array([[0.0, 3.0], [1.0, 0.0]])))
    assert (column.min, column.max) == (0.0, 3.0)


def test_a_long_list_of_statistics_is_the_same_from_any_container() -> None:
    values = [f"{number % 777}" for number in range(9000)]
    assert only(values) == only(pa.array(values)) == only(pd.Series(values))


def test_no_library_is_loaded_for_it() -> None:
    """A list is fingerprinted with numpy and blake3 and nothing else that is heavy."""
    import subprocess

    code = (
        "import sys\nfrom autotrack.core.fingerprint import fingerprint, mlflow_digest\n"
        "assert 'numpy' not in sys.modules\n"
        "assert mlflow_digest([1]) is None\nfingerprint([1, 2]); fingerprint({'a': ['x']})\nimport numpy\n"
        "fingerprint(numpy.ones((3, 2)))\nassert mlflow_digest(numpy.ones(3)) is not None\n"
        "assert not {'pandas', 'polars', 'pyarrow', 'scipy', 'torch', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
