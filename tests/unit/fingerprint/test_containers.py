"""Equal data have equal digests, whatever holds them and however it lies in memory."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.core.errors import UsageError
from autotrack.core.fingerprint import Fingerprint, fingerprint, layout

NOON = dt.datetime(2024, 2, 29, 12, 30, 1, 999)


def digests(*data: Any) -> set[str]:
    prints = [fingerprint(one) for one in data]
    assert all(one.partial is None for one in prints)
    return {one.digest for one in prints}


def arrow(values: list[Any], kind: pa.DataType) -> list[Any]:
    """As an array, in two chunks, as a pandas series and as a slice that does not begin at 0."""
    cut = len(values) // 2
    return [
        pa.array(values, kind),
        pa.chunked_array([pa.array(values[:cut], kind), pa.array(values[cut:], kind)]),
        pd.Series(values, dtype=pd.ArrowDtype(kind)),
        pa.array(values[:1] + values, kind)[1:],
    ]


INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats(width=64)


def lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=2, max_size=40)


@given(lists(INT64))
def test_whole_numbers(values: list[int]) -> None:
    array = np.array(values)
    assert (
        len(
            digests(
                values,
                array,
                np.repeat(array, 3)[::3],
                array.astype(">i8"),
                pd.Series(values),
                pd.Series(values, dtype="Int64"),
                pl.Series(values),
                *arrow(values, pa.int64()),
            )
        )
        == 1
    )


@given(lists(INT64 | st.none()).filter(lambda values: set(map(type, values)) == {int, type(None)}))
def test_whole_numbers_and_nulls(values: list[int | None]) -> None:
    assert len(digests(values, pd.Series(values, dtype="Int64"), pl.Series(values), *arrow(values, pa.int64()))) == 1


@given(lists(FLOAT | st.none()).filter(lambda values: float in set(map(type, values))))
def test_floats_with_nulls_as_nan(values: list[float | None]) -> None:
    array = np.array([np.nan if value is None else value for value in values])
    payload = np.where(np.isnan(array), np.array(0x7FF800000000BEEF, "u8").view("f8"), array)
    assert (
        len(
            digests(
                values,
                array,
                payload,
                pd.Series(array),
                pl.Series(values),
                pl.Series(array),
                *arrow(values, pa.float64()),
            )
        )
        == 1
    )


def test_nullable_floats() -> None:
    assert len(digests(np.array([1.5, np.nan, -0.0]), pd.Series([1.5, None, -0.0], dtype="Float64"))) == 1


@given(lists(st.booleans()))
def test_truth_values(values: list[bool]) -> None:
    array = np.array(values)
    assert (
        len(
            digests(
                values,
                array,
                pd.Series(array),
                pd.Series(array, dtype="boolean"),
                pl.Series(values),
                *arrow(values, pa.bool_()),
            )
        )
        == 1
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(lists(TEXT | st.none()).filter(lambda values: str in set(map(type, values))))
def test_texts(values: list[str | None]) -> None:
    assert (
        len(
            digests(
                values,
                np.array(values, object),
                pd.Series(values, dtype=object),
                pd.Series(values, dtype="str"),
                pd.Series(values, dtype="string[python]"),
                pl.Series(values),
                *arrow(values, pa.string()),
                *arrow(values, pa.large_string()),
                pa.array(values, pa.string_view()),
            )
        )
        == 1
    )


def test_texts_of_numpy() -> None:
    values = ["a", "", "ü", "abc"]
    assert len(digests(values, np.array(values), np.array(values, np.dtypes.StringDType()), pd.Series(values))) == 1


def test_texts_with_other_nulls() -> None:
    """None, NaN and pandas.NA among strings are one null."""
    assert len({fingerprint(np.array(["a", null, "b"], object)).digest for null in (None, np.nan, pd.NA)}) == 1


@given(lists(st.binary(max_size=20) | st.none()).filter(lambda values: bytes in set(map(type, values))))
def test_bytes(values: list[bytes | None]) -> None:
    assert len(digests(pl.Series(values, dtype=pl.Binary), *arrow(values, pa.binary()))) == 1


MOMENT = st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1))


@given(lists(MOMENT | st.none()))
@pytest.mark.parametrize("unit", ["ms", "us"])
def test_moments(unit: str, values: list[dt.datetime | None]) -> None:
    array = np.array(values, f"M8[{unit}]")
    kept = array.tolist()
    assert (
        len(
            digests(array, pd.Series(array), pl.Series(kept, dtype=pl.Datetime(unit)), *arrow(kept, pa.timestamp(unit)))
        )
        == 1
    )


def test_moments_with_a_zone() -> None:
    values = [NOON, None]
    series = pd.Series(pd.to_datetime(values)).dt.as_unit("us").dt.tz_localize("Europe/Berlin")
    stored = pa.array(series)
    assert len(digests(series, stored, pl.from_arrow(stored))) == 1
    assert fingerprint(series).digest != fingerprint(series.dt.tz_convert("UTC")).digest


def test_durations_days_and_times() -> None:
    spans = [dt.timedelta(3, 5), None]
    assert len(digests(pd.Series(spans, dtype="m8[us]"), pl.Series(spans), pa.array(spans, pa.duration("us")))) == 1
    assert len(digests(pl.Series([NOON.date(), None]), pa.array([NOON.date(), None]))) == 1
    assert len(digests(pl.Series([NOON.time(), None]), pa.array([NOON.time(), None], pa.time64("ns")))) == 1


@given(lists(st.sampled_from(["u", "v", "", "w", None])))
def test_categories_by_their_values(values: list[str | None]) -> None:
    halves = pa.chunked_array([pa.array(half, pa.string()).dictionary_encode() for half in (values[:1], values[1:])])
    backwards = pd.Series(pd.Categorical(values, categories=["w", "unused", "", "v", "u"]))
    assert (
        len(
            digests(
                pd.Series(values, dtype="str").astype("category"),
                backwards,
                halves,
                pl.Series(values, dtype=pl.Categorical),
                pa.array(values, pa.string()).dictionary_encode(),
            )
        )
        == 1
    )


def test_the_order_of_ordered_categories_counts() -> None:
    one, other = (pd.Categorical(["a", "b"], categories=order, ordered=True) for order in (["a", "b"], ["b", "a"]))
    assert len({fingerprint(pd.Series(values)).digest for values in (one, other, one.as_unordered())}) == 3


@pytest.mark.parametrize(
    "name", ["int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64", "float32", "float16"]
)
def test_types_by_size(name: str) -> None:
    array = np.arange(9).astype(name)
    others = [array.astype(array.dtype.newbyteorder(">")), np.repeat(array, 2)[::2], pd.Series(array), pa.array(array)]
    assert len(digests(array, *others, pl.Series(array))) == 1


def test_tables() -> None:
    matrix = np.random.default_rng(0).standard_normal((3000, 5))
    frame = pd.DataFrame(matrix, columns=list("abcde"))
    columns = {name: matrix[:, place] for place, name in enumerate("abcde")}
    assert (
        len(
            digests(
                frame,
                pd.DataFrame(columns),
                pl.from_pandas(frame),
                pa.Table.from_pandas(frame),
                columns,
                pa.RecordBatch.from_pandas(frame),
                frame.to_dict("records"),
                pl.DataFrame(columns),
                {name: values.tolist() for name, values in columns.items()},
            )
        )
        == 1
    )
    assert (
        len(
            digests(
                matrix,
                np.asfortranarray(matrix),
                matrix.repeat(2, 1)[:, ::2],
                pd.DataFrame(matrix),
                np.vstack([matrix, matrix])[:3000],
                matrix.tolist(),
                [tuple(row) for row in matrix.tolist()],
            )
        )
        == 1
    )


def test_a_numbered_array_is_no_named_table() -> None:
    matrix = np.ones((3, 2))
    assert len({fingerprint(d).digest for d in (matrix, pd.DataFrame(matrix, columns=["0", "1"]), matrix[:, 0])}) == 3


def test_pictures_and_their_tensors() -> None:
    pictures = np.random.default_rng(0).random((50, 3, 8, 8))
    assert len(digests(pictures, np.asfortranarray(pictures), pictures.astype(">f8"))) == 1
    assert len({fingerprint(p).digest for p in (pictures, pictures.reshape(50, 3, 64), pictures[:, :, ::-1])}) == 3


def test_tensors_of_torch() -> None:
    torch = pytest.importorskip("torch")
    matrix = np.random.default_rng(0).standard_normal((30, 5))
    tensor = torch.tensor(matrix, requires_grad=True)
    assert len(digests(matrix, tensor, tensor.T.contiguous().T)) == 1
    assert tensor.grad is None
    assert fingerprint(torch.zeros(3, dtype=torch.bfloat16)).columns[0].dtype == "bfloat16"
    elsewhere = fingerprint(torch.empty(3, 2, device="meta"))
    assert "on meta were not read" in (elsewhere.partial or "") and elsewhere.rows == 3


def test_sparse_matrices_by_their_dense_values() -> None:
    matrix = sp.random_array((400, 60), density=0.05, rng=np.random.default_rng(0), format="csr")
    messy = sp.coo_array(
        (
            np.append(matrix.data / 2, np.append(matrix.data / 2, 0.0)),
            (np.append(np.tile(matrix.nonzero()[0], 2), 0), np.append(np.tile(matrix.nonzero()[1], 2), 59)),
        ),
        shape=matrix.shape,
    )
    before = messy.copy()
    assert len(digests(matrix, matrix.tocsc(), matrix.tocoo(), sp.csr_matrix(matrix), matrix.tolil(), messy)) == 1
    assert messy.nnz == before.nnz and (messy.data == before.data).all()
    unsorted = sp.csr_array((np.array([1.0, 2.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    assert len(digests(unsorted, sp.csr_array([[2.0, 1.0]]))) == 1
    assert unsorted.indices.tolist() == [1, 0]
    changed = matrix.copy()
    changed.data[7] += 1
    assert fingerprint(changed).digest != fingerprint(matrix).digest


@pytest.mark.parametrize(
    "data",
    [
        np.array(3.0),
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        [],
        np.array([1 + 2j, complex(np.nan, 0)]),
        np.array([1, 2], np.longdouble),
        np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", ">f8"), ("c", "U3")]),
        np.array([b"ab", b"c"]),
        np.zeros(3, "V5"),
        np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
        np.ma.array(np.ones((4, 2)), mask=np.eye(4, 2)),
        np.matrix([[1, 2], [3, 4]]),
        pd.DataFrame(),
        pd.DataFrame(index=range(3)),
        pd.DataFrame([[1, "a"]], columns=["x", "x"]),
        pd.DataFrame({("a", 1): [1.0], 2: [2.0], None: [3.0]}),
        pd.Series(pd.period_range("2020", periods=3, freq="M")),
        pd.Series(pd.cut(np.arange(5.0), 2)),
        pd.Series(pd.interval_range(0, 3)),
        pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.0])),
        pd.Series([Decimal("1.50"), None]),
        pd.Series([NOON.date(), NOON, b"x", 2**80, (1, {"a": [None]}), {1, 2}], dtype=object),
        pd.Series([np.array([1, 2]), np.float32(1), np.str_("s")], dtype=object),
        pd.MultiIndex.from_product([[1, 2], ["a", None]]),
        pa.array([[1, 2], None, []]),
        pa.array([{"a": 1}, None]),
        pa.array([Decimal("1.5"), None]),
        pa.nulls(3),
        pl.Series([[1, 2], [3]]),
        pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])),
        [[1, "a"], [2, "b"]],
        [[1], [2, 3]],
        [{"a": 1}, {"b": "x"}],
        [1, "a", 2.5, None, True],
        [2**70, 1],
        ["a", None],
    ],
    ids=lambda data: f"{type(data).__name__}",
)
def test_odd_data_are_read_whole_and_alike_twice(data: Any) -> None:
    one, two = fingerprint(data), fingerprint(data)
    assert one.partial is None and one.digest == two.digest and len(one.digest) == 32
    assert (one.columns, one.multiset) == (two.columns, two.multiset)


@pytest.mark.parametrize(
    "data", [5, "text", b"bytes", None, object(), {1, 2}, {}, pl.LazyFrame({"a": [1]}), np.float64(1)]
)
def test_what_is_no_data_set(data: Any) -> None:
    with pytest.raises(UsageError, match=r"LazyFrame|no data set"):
        fingerprint(data)


def test_columns_of_different_lengths() -> None:
    with pytest.raises(UsageError, match="'a' has 2, 'b' has 3"):
        fingerprint({"a": [1, 2], "b": [1, 2, 3]})


def test_iterators_are_not_consumed() -> None:
    numbers = iter([1, 2, 3])
    with pytest.raises(UsageError):
        fingerprint(numbers)
    assert list(numbers) == [1, 2, 3]


def test_an_array_like_is_asked_once() -> None:
    class Like:
        asked = 0

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            self.asked += 1
            return np.arange(4.0)

    like = Like()
    assert fingerprint(like).digest == fingerprint(np.arange(4.0)).digest
    assert like.asked == 1


def test_a_memory_map(tmp_path: Any) -> None:
    array = np.arange(5000.0)
    np.save(tmp_path / "a.npy", array)
    assert len(digests(array, np.load(tmp_path / "a.npy", mmap_mode="r"))) == 1


def _naively(array: np.ndarray[Any, Any]) -> str:
    """A float64 column's hash by its definition, in one go."""
    from blake3 import blake3

    marks = layout.boundaries(len(array))
    chunks = [blake3(array[a:b].tobytes()).digest() for a, b in pairwise(marks)]
    return str(blake3(b"".join(chunks)).hexdigest()[:32])


@pytest.mark.parametrize("rows", [1, 1023, 1024, 1025, 32_768, 32_769, 100_003, 600_001])
def test_hashes_do_not_depend_on_how_the_data_are_cut_up(rows: int) -> None:
    """One column alone, one of many (worked on in smaller blocks), and the definition, which knows of no blocks."""
    wide = np.random.default_rng(0).standard_normal((rows, 3 if rows > 200_000 else 40))
    assert fingerprint(wide).columns[2].hash == fingerprint(wide[:, 2].copy()).columns[0].hash == _naively(wide[:, 2])


@settings(max_examples=25)
@given(st.integers(1, 70_000), st.integers(0, 69_999))
def test_nulls_do_not_depend_on_how_the_data_are_cut_up(rows: int, place: int) -> None:
    values = pd.array(np.arange(rows), dtype="Int64")
    values[place % rows] = None
    frame = pd.DataFrame({str(n): values for n in range(3)})
    stored = pa.chunked_array([pa.array(values[: place % rows]), pa.array(values[place % rows :])])
    hashes = {fingerprint(data).columns[-1].hash for data in (pd.Series(values), frame, stored)}
    assert len(hashes) == 1


def test_texts_do_not_depend_on_how_the_data_are_cut_up() -> None:
    values = [f"{number}" * (number % 7) for number in range(50_000)]
    chunks = pa.chunked_array([pa.array(values[a : a + 777], pa.string()) for a in range(0, 50_000, 777)])
    assert len(digests(values, chunks, pl.Series(values))) == 1


def test_nothing_of_the_data_is_kept_or_changed() -> None:
    import gc
    import weakref

    array = np.arange(50_000.0).reshape(-1, 5)
    array.flags.writeable = False
    before, gone = array.tobytes(), weakref.ref(array)
    kept: Fingerprint = fingerprint(array)
    assert array.tobytes() == before
    del array
    gc.collect()
    assert gone() is None and kept.rows == 10_000
