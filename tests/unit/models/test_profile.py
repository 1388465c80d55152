"""The profile of a model: what its training data and its answers look like, in a small file of its folder."""

from __future__ import annotations

import json
import string
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.core.errors import ArtifactError
from autotrack.core.fingerprint import fingerprint
from autotrack.models.loading import open_model
from autotrack.models.profile import ColumnProfile, Known, ModelProfile, column_profiles
from autotrack.models.profile_file import FILE, MOST_BYTES, profile_content, read_profile
from autotrack.models.profiling import answers_to_more, profile_of
from autotrack.models.sampling import columns_of, distance, size_of, some, spread

STREAM = np.random.default_rng(7)
ROWS = 400
TABLE = pd.DataFrame(
    {
        "income": STREAM.normal(3000.0, 500.0, ROWS),
        "debt": np.where(STREAM.random(ROWS) < 0.6, 0.0, STREAM.exponential(2.0, ROWS)),
        "gap": np.where(np.arange(ROWS) % 4 == 0, np.nan, STREAM.normal(size=ROWS)),
        "rooms": STREAM.integers(1, 6, ROWS),
        "owner": np.arange(ROWS) % 5 == 0,
        "city": [("Oslo", "Rome", "Lima", None)[at % 4] for at in range(ROWS)],
        "name": [f"person {at}" for at in range(ROWS)],
        "day": pd.date_range("2024-01-01", periods=ROWS),
        "level": pd.Categorical([("low", "high")[at % 2] for at in range(ROWS)]),
        "count": pd.array([None if at % 10 == 0 else at for at in range(ROWS)], "Int64"),
    }
)


def made(data: Any, **more: Any) -> dict[str, ColumnProfile]:
    content = profile_of(data, more.get("known"), more.get("answers"))
    assert content is not None and len(content) <= MOST_BYTES
    return {column.name: column for column in read_profile(content).inputs}


def test_each_kind_of_column_has_what_can_be_compared() -> None:
    found = made(TABLE)
    assert list(found) == list(TABLE.columns)
    income = found["income"]
    assert income.edges == pytest.approx(np.quantile(TABLE.income, income.below, method="lower"), rel=0.01)
    assert (income.least, income.greatest) == pytest.approx((TABLE.income.min(), TABLE.income.max()))
    # A value that comes often lies on an edge, with its own share and to the bit.
    zeros = float((TABLE.debt == 0).mean())
    assert found["debt"].edges[0] == 0.0 and found["debt"].below[0] == pytest.approx(zeros, abs=1e-4)
    assert found["gap"].missing == pytest.approx(0.25) and len(found["gap"].edges) == 7
    assert dict(found["rooms"].values) == pytest.approx(TABLE.rooms.value_counts(normalize=True).to_dict())
    assert dict(found["owner"].values) == {0.0: 0.8, 1.0: 0.2}
    city = found["city"]
    assert dict(city.values) == pytest.approx({"Oslo": 1 / 3, "Rome": 1 / 3, "Lima": 1 / 3}, abs=1e-6)
    assert city.missing == 0.25 and city.others == 0
    assert found["name"] == ColumnProfile("name") and found["day"] == ColumnProfile("day")
    assert dict(found["level"].values) == {"low": 0.5, "high": 0.5}
    assert found["count"].missing == pytest.approx(0.1) and found["count"].greatest == 399


@pytest.mark.parametrize(
    "data",
    [
        np.arange(90.0).reshape(30, 3),
        sp.csr_matrix(np.arange(90.0).reshape(30, 3)),
        np.arange(90.0).reshape(30, 3).tolist(),
        [tuple(row) for row in np.arange(90).reshape(30, 3).tolist()],
        pd.DataFrame(np.arange(90.0).reshape(30, 3)),
        pl.DataFrame({str(at): np.arange(90.0)[at::3] for at in range(3)}),
        pl.DataFrame({str(at): np.arange(90)[at::3] for at in range(3)}),
        {str(at): np.arange(90.0)[at::3] for at in range(3)},
        np.ma.masked_array(np.arange(90.0).reshape(30, 3)),
    ],
    ids=lambda data: type(data).__module__.partition(".")[0] + type(data).__name__,
)
def test_the_same_data_have_the_same_profile_in_any_container(data: Any) -> None:
    assert size_of(data) == (30, 3)
    assert made(data) == made(np.arange(90.0).reshape(30, 3))
    assert size_of(some(data, 7)) == (5, 3)


def test_a_sample_meets_each_phase_of_what_repeats() -> None:
    """Two years of hours: of every eighth hour a sample would know three hours of the day."""
    hours = pd.DataFrame({"hour": np.arange(24 * 730) % 24, "week": np.arange(24 * 730) // 24 % 7})
    assert distance(*hours.shape) > 1
    found = made(hours)
    assert dict(found["week"].values) == pytest.approx({float(day): 1 / 7 for day in range(7)}, abs=0.01)
    assert found["hour"].edges == pytest.approx([0, 1, 6, 12, 18, 22, 23], abs=1)
    for step in (2, 3, 4, 6, 7, 8, 12, 24, 25, 48):
        places = spread(24 * 730, step)
        assert len(places) == -(-24 * 730 // step) and (np.diff(places) > 0).all() and places[-1] < 24 * 730
        counts = np.bincount(places % 24, minlength=24)
        assert counts.min() > 0.6 * counts.mean(), f"one row out of {step} is of any hour about as often"


def test_one_column_has_the_name_that_it_is_given() -> None:
    for data in (np.arange(5), [1, 2, 3], pd.Series([1, 2]), ["a", "b"]):
        assert list(columns_of(data, "prediction") or {}) == ["prediction"]
    assert list(columns_of(pd.Series([1], name="y"), "prediction") or {}) == ["y"]
    assert list(columns_of([{"a": 1}, {"b": 2}]) or {}) == ["a", "b"]
    for none in (np.zeros((3, 2, 2)), {"a": np.zeros((2, 2))}, {}, [], "text", 5, None, iter([1])):
        assert columns_of(none) is None


def test_a_thousand_columns_fit() -> None:
    """Fewer digits first, then fewer edges; what finds no room at all is counted."""
    names = [f"feature_{at}" for at in range(1000)]
    wide = pd.DataFrame(STREAM.normal(size=(300, 1000)), columns=names)
    found = made(wide)
    assert len(found) == 1000 and all(len(column.edges) >= 5 for column in found.values())
    for name in names[:50]:
        column = found[name]
        assert column.least <= wide[name].min() and wide[name].max() <= column.greatest
        assert column.edges == pytest.approx(np.quantile(wide[name], column.below, method="lower"), abs=0.1)
    texts = pd.DataFrame({name: [string.ascii_letters * 2 + str(at % 30) for at in range(60)] for name in names})
    content = profile_of(texts, None, None)
    assert content is not None and len(content) <= MOST_BYTES
    assert read_profile(content).left_out + len(read_profile(content).inputs) == 1000


def test_values_with_code_of_their_own_are_not_asked() -> None:
    def never(self: Any, *_: Any) -> Any:
        raise AssertionError("touched")

    kind = type("Cell", (), dict.fromkeys(("__hash__", "__eq__", "__float__", "__str__", "__bool__"), never))
    text = type("Text", (str,), dict.fromkeys(("__hash__", "__eq__", "__str__", "__len__"), never))
    for cell in (kind(), text("a"), type("Meta", (type,), {"__eq__": never, "__hash__": never})("Odd", (), {})()):
        cells = np.empty(40, object)
        cells[:] = [None, *[cell] * 39]
        found = made(pd.DataFrame({"cell": pd.Series(cells, dtype=object), "plain": range(40)}))
        assert found["cell"] == ColumnProfile("cell", 0.025) and found["plain"].edges


def test_no_secret_and_no_long_text_is_kept() -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    texts = ["plain" if at % 2 else key for at in range(40)]
    long = ["x" * 500 if at % 2 else "short" for at in range(40)]
    content = profile_of(pd.DataFrame({"note": texts, "password": texts, "long": long}), None, None)
    assert content is not None and key.encode() not in content and b"xxx" not in content
    found = {column.name: column for column in read_profile(content).inputs}
    assert found["note"].values == (("plain", 0.5),) and found["note"].others == 0.5
    assert not found["password"].values
    people = profile_of(pd.DataFrame({"name": [f"person {at}" for at in range(40)]}), None, None)
    assert people is not None and b"person" not in people
    assert sorted(str(name)[:7] for name, _ in found["long"].values) == ["sha256:", "short"]


def test_a_sample_does_not_pass_for_all_that_there_is() -> None:
    """What came once in it stands for others that it does not show, so nobody calls those never seen."""
    rows = 40_000
    flags, towns = np.zeros(rows), np.array(["Oslo", "Rome"] * (rows // 2), object)
    flags[10_000], towns[20_000] = 1.0, "Vardo"  # both are among every tenth row
    found = made(pd.DataFrame({"flag": flags, "town": towns}))
    assert dict(found["flag"].values) == pytest.approx({0.0: 0.99975, 1.0: 0.00025}, abs=1e-6)
    assert found["flag"].others == found["town"].others == pytest.approx(3 / 4000)
    alike = made(pd.DataFrame({"flag": flags[9_990:10_010], "town": towns[19_990:20_010]}))
    assert alike["town"].others == 0


def test_a_fingerprint_of_all_rows_knows_better_and_stands_in_for_a_few() -> None:
    data = np.random.default_rng(1).normal(size=(50_000, 2))
    data[17, 0], data[12_345, 1] = 99.0, np.nan
    printed = fingerprint(data)
    known = Known(printed.rows, {column.name: column for column in printed.columns})
    assert made(data)["0"].greatest < 99.0  # of every so manieth row
    assert made(data, known=known)["0"].greatest == 99.0 and made(data, known=known)["1"].missing == 2e-5
    few = made(data[:5], known=known)
    assert few["0"].greatest == 99.0 and few["0"].edges == pytest.approx(made(data)["0"].edges, abs=0.2)
    assert profile_of(data[:5], None, None) is None and profile_of(data[:5, :1].tolist(), Known(9, {}), None) is None
    other = Known(printed.rows, {"x": printed.columns[0]})
    assert profile_of(data[:5], other, None) is None


def test_a_slow_model_is_not_asked_for_long() -> None:
    asked: list[int] = []

    def ask(rows: Any) -> Any:
        asked.append(len(rows))
        time.sleep(0.015 * len(rows))
        return rows[:, 0]

    data = np.zeros((600, 2))
    found = answers_to_more(data, ask, 0.015 * 5, None)
    assert len(found) == asked[0] and len(asked) == 1, (
        "ten times as many rows would have taken longer than five seconds"
    )
    assert answers_to_more(data, ask, 0.9, None) is None and answers_to_more(data, ask, 0.01, 0.02) is None
    assert len(asked) == 1
    assert len(answers_to_more(data, lambda rows: rows, 0.0001, None)) >= 512


def test_a_document_that_is_no_profile_is_refused() -> None:
    good = json.loads(profile_content(ModelProfile(9, 9, 0, tuple(column_profiles({"a": np.arange(50.0)})))))
    assert read_profile(json.dumps(good).encode()).inputs[0].name == "a"
    odd: list[Any] = [
        [], "x", {}, {**good, "profile": 2}, {**good, "inputs": []}, {**good, "inputs": {"a": 5}},
        {**good, "inputs": {"a": {"edges": [2, 1], "below": [0.1, 0.2]}}}, {**good, "rows": "many"},
        {**good, "rows": float("inf")}, {**good, "inputs": {"a": [10**400] * 9}},
        {**good, "inputs": {"a": {"edges": [1, 2]}}}, {**good, "inputs": {"a": {"values": [["x"]]}}},
    ]  # fmt: skip
    for document in odd:
        with pytest.raises(ArtifactError):
            read_profile(json.dumps(document).encode())
    for content in (b"", b"\xff", b"[" * 100_000, b" " * (MOST_BYTES + 1)):
        with pytest.raises(ArtifactError):
            read_profile(content)


def test_a_saved_model_has_a_profile_of_its_data_and_of_its_answers(tmp_path: Path) -> None:
    data = pd.DataFrame(STREAM.normal(size=(300, 2)), columns=["a", "b"])
    model = LogisticRegression().fit(data, np.where(data.a > 0.5, "yes", "no"))
    folder = autotrack.save_model(model, tmp_path / "model", example=data)
    found = open_model(folder).profile
    assert found is not None
    profile = read_profile(found)
    assert [column.name for column in profile.inputs] == ["a", "b"] and profile.rows == profile.sampled == 300
    (answer,) = profile.answers
    assert answer.name == "prediction" and profile.answered >= 150
    assert dict(answer.values)["yes"] == pytest.approx(float((model.predict(data) == "yes").mean()), abs=0.05)
    (folder / FILE).write_bytes(found.replace(b'"rows":300', b'"rows":301'))
    with pytest.raises(ArtifactError, match=r"profile\.json was changed"):
        open_model(folder)


def test_a_few_rows_make_no_profile(tmp_path: Path) -> None:
    data = np.arange(40.0).reshape(20, 2)
    model = LogisticRegression().fit(data, data[:, 0] > 20)
    folder = autotrack.save_model(model, tmp_path / "model", example=data[:5])
    assert not (folder / FILE).exists() and autotrack.load_model(folder, as_pyfunc=True).profile() is None
