"""What a server says of runs is what its client reads: every entity there and back, and points to the bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.core import entities
from autotrack.core.entities import Columns, MetricSummary, RunRecord
from autotrack.core.errors import StoreError
from autotrack.core.wire import columns_packed, columns_unpacked, decoded, encoded

ENTITIES = [
    kind
    for kind in vars(entities).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == entities.__name__ and kind is not Columns
]
WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.dictionaries(TEXT, inner, max_size=2) | st.lists(inner, max_size=2),
    max_leaves=4,
)


def _any(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field of that type."""
    if is_dataclass(hint):
        return st.builds(hint, **{f.name: _any(kind) for f, kind in zip(fields(hint), _kinds(hint), strict=True)})
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return st.one_of(*(_any(each) for each in arguments))
    if origin is Mapping:
        return st.dictionaries(TEXT, _any(arguments[1]), max_size=3)
    if origin is tuple:
        return st.lists(_any(arguments[0]), max_size=2).map(tuple)
    known = {str: TEXT, int: WHOLE, float: st.floats(), bool: st.booleans(), Any: JSON}
    return known[hint] if hint in known else st.from_type(hint)


def _kinds(entity: Any) -> list[Any]:
    hints = get_type_hints(entity)
    return [hints[field.name] for field in fields(entity)]


@pytest.mark.parametrize("kind", ENTITIES)
@settings(max_examples=25)
@given(data=st.data())
def test_every_entity_comes_back(kind: type, data: st.DataObject) -> None:
    entity = data.draw(_any(kind))
    again = decoded(kind, json.loads(json.dumps(encoded(entity), allow_nan=False)))
    assert repr(again) == repr(entity)  # by its words: NaN is not equal to itself, and 1 is equal to 1.0


def test_numbers_that_json_has_no_name_for() -> None:
    summary = MetricSummary("a", np.nan, 2**60 + 1, 0, -np.inf, np.inf, 1)
    written = encoded(summary)
    assert (written["last"], written["min"], written["max"]) == ("NaN", "-Infinity", "Infinity")
    assert repr(decoded(MetricSummary, written)) == repr(summary)


def test_readers_of_another_version_understand() -> None:
    summary = {"key": "a", "last": 1, "last_step": 0, "last_time": 0, "min": "-Infinity", "max": None, "count": 1}
    assert decoded(MetricSummary, {**summary, "news": [1]}).min == -np.inf
    run = {"id": "1", "name": "", "experiment_id": "2", "experiment": "", "status": "RUNNING", "started": 1}
    assert decoded(RunRecord, run).tags == {}
    for wrong in ([], None, {**run, "started": True}, {**run, "status": "GONE"}, {**run, "metrics": {"a": "1"}}):
        with pytest.raises(StoreError, match="what came is no RunRecord"):
            decoded(RunRecord, wrong)
    with pytest.raises(StoreError, match="started"):
        decoded(RunRecord, {key: value for key, value in run.items() if key != "started"})


@pytest.mark.parametrize(
    "values",
    [
        np.array([0.1, np.nan, -np.inf, -0.0, 5e-324]),
        np.array([2**63 - 1, -(2**63), 2**53 + 1]),
        np.array([2**53 + 1, 0.5, -1, np.nan], object),
        np.array([]),
    ],
)
def test_points_come_back_to_the_bit(values: np.ndarray[Any, Any]) -> None:
    count = len(values)
    columns = Columns(np.arange(count) - 2**40, np.arange(count) + 2**60, values)
    again, about = columns_unpacked(columns_packed(columns, {"of": 3}))
    assert about["of"] == 3
    assert again.values.dtype == values.dtype
    for mine, theirs in ((again.steps, columns.steps), (again.timestamps, columns.timestamps)):
        assert mine.tolist() == theirs.tolist()
    assert repr(again.values.tolist()) == repr(values.tolist())


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format":2}\n', b'{"format":1,"count":1,"values":"f8"}\n1234'])
def test_other_bytes_are_no_points(data: bytes) -> None:
    with pytest.raises(StoreError, match="no points of a metric"):
        columns_unpacked(data)
