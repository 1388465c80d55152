"""What is read of a model file before XGBoost sees it: all that it writes, and nothing that would lead it astray."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from autotrack_xgboost.importance import chart_of
from autotrack_xgboost.params import shown
from autotrack_xgboost.structure import Malformed, check, read
from autotrack_xgboost.ubjson import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.figures import validate

X = np.random.default_rng(0).random((60, 4))
Y = (X[:, 0] > 0.5).astype(int)


def booster(**params: Any) -> xgb.Booster:
    label = params.pop("label", Y)
    return xgb.train({"nthread": 1, **params}, xgb.DMatrix(X, label=label), 3)


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    """All values in a document by their place."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (dict, list)):
        return {place: value}
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return {inner: leaf for key, item in parts for inner, leaf in leaves(item, f"{place}/{key}").items()}


KINDS: dict[str, dict[str, Any]] = {
    "trees": {"objective": "binary:logistic"},
    "classes": {"objective": "multi:softprob", "num_class": 3, "label": np.arange(60) % 3},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "linear": {"booster": "gblinear"},
    "targets": {"multi_strategy": "multi_output_tree", "label": np.c_[Y, 1 - Y]},
}


@pytest.mark.parametrize("name", KINDS)
def test_both_forms_hold_the_same_and_are_sound(name: str) -> None:
    model = booster(**KINDS[name])
    one, other = (read(bytes(model.save_raw(form))) for form in ("ubj", "json"))
    check(one)
    check(other)
    one, other = leaves(one), leaves(other)
    assert one.keys() == other.keys() and len(one) > 15
    for place, value in one.items():
        assert value == (other[place] if isinstance(value, str) else pytest.approx(other[place], rel=1e-5)), place


Numbers = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**7), 2**7 - 1)),
    st.tuples(st.just("I"), st.integers(-(2**15), 2**15 - 1)),
    st.tuples(st.just("l"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("L"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("D"), st.floats(allow_nan=False)),
)
SIZES = {"i": ">i1", "I": ">i2", "l": ">i4", "L": ">i8", "D": ">f8"}


def written(value: Any) -> bytes:
    """UBJSON of a value in which numbers are pairs of marker and number; lists with and without a count."""
    if isinstance(value, tuple):
        return value[0].encode() + np.array(value[1], SIZES[value[0]]).tobytes()
    if isinstance(value, str):
        return b"S" + counted(value)
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if value is None:
        return b"Z"
    if isinstance(value, dict):
        return b"{" + b"".join(counted(key) + written(item) for key, item in value.items()) + b"}"
    if len(value) % 2:
        return b"[#" + written(("L", len(value))) + b"".join(map(written, value))
    return b"[" + b"".join(map(written, value)) + b"]"


def counted(text: str) -> bytes:
    content = text.encode()
    return written(("L", len(content))) + content


def meant(value: Any) -> Any:
    if isinstance(value, tuple):
        return value[1]
    if isinstance(value, dict):
        return {key: meant(item) for key, item in value.items()}
    return [meant(item) for item in value] if isinstance(value, list) else value


VALUES = st.recursive(
    st.one_of(Numbers, st.text(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    content = written(value)
    assert parse(content) == meant(value)


@settings(deadline=None)
@given(VALUES, st.data())
def test_a_part_of_it_is_malformed(value: Any, data: st.DataObject) -> None:
    content = written(value)
    with pytest.raises(Malformed):
        parse(content[: data.draw(st.integers(0, len(content) - 1))])


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_malformed(content: bytes) -> None:
    try:
        parse(content)
    except Malformed as error:
        assert str(error)


def test_a_bottomless_file() -> None:
    with pytest.raises(Malformed, match="deep"):
        parse(b"[" * 10_000)
    with pytest.raises(Malformed, match="5 numbers"):
        parse(b"[$D#l\x00\x00\x00\x05")
    with pytest.raises(Malformed, match="length"):
        parse(b"[$D#L\x7f" + b"\xff" * 7)


TREE = ("learner", "gradient_booster", "model", "trees", 0)
#: What is put where into the file of a model of trees (a callable makes it out of what stood there), and the refusal.
CRAFTED: list[tuple[tuple[Any, ...], Any, str]] = [
    ((*TREE, "left_children", 0), 0, "circles|children of others"),
    ((*TREE, "left_children", 0), 2, "circles|children of others"),
    ((*TREE, "right_children", 0), 10**6, "children that it does not have"),
    ((*TREE, "right_children", 0), -2, "children that it does not have"),
    ((*TREE, "left_children", 0), lambda old: old + 1, "circles|children of others"),
    ((*TREE, "parents", 1), 2**31 - 2, "children of others"),
    ((*TREE, "split_indices", 0), 4, "features that there are not"),
    ((*TREE, "split_indices", 0), -1, "features that there are not"),
    ((*TREE, "split_type", 0), 1, "categories of other nodes"),
    ((*TREE, "tree_param", "num_nodes"), "99", "number of nodes"),
    ((*TREE, "tree_param", "num_nodes"), "-1", "num_nodes"),
    ((*TREE, "tree_param", "num_feature"), "9", "number of features"),
    ((*TREE, "default_left"), [], "default_left"),
    ((*TREE, "base_weights"), [0.5], "weight for each node"),
    ((*TREE, "id"), 2, "numbered"),
    ((*TREE[:3], "tree_info", 0), 1, "classes that there are not"),
    ((*TREE[:3], "iteration_indptr", 1), 9, "rounds"),
    ((*TREE[:3], "gbtree_model_param", "num_trees"), "4", "number of trees"),
    ((*TREE[:3], "trees"), None, "without trees"),
    (("learner", "learner_model_param", "num_feature"), "2147483647", "number of features"),
    (("learner", "learner_model_param", "num_feature"), "1", "features"),
    (("learner", "gradient_booster", "name"), "gbwhat", "gbwhat"),
    (("learner", "objective"), {}, "objective"),
    (("version",), [3, 2, 0, 0], "version"),
]


@pytest.mark.parametrize(("place", "value", "word"), CRAFTED, ids=[".".join(map(str, at)) for at, _, _ in CRAFTED])
def test_a_crafted_model_is_refused_with_what_is_wrong(place: tuple[Any, ...], value: Any, word: str) -> None:
    document = json.loads(booster().save_raw("json"))
    check(copy.deepcopy(document))
    at: Any = document
    for part in place[:-1]:
        at = at[part]
    at[place[-1]] = value(at[place[-1]]) if callable(value) else value
    with pytest.raises(Malformed, match=word):
        check(document)


def test_categories_that_there_are_not() -> None:
    import pandas as pd

    table = pd.DataFrame({"a": pd.Categorical(np.array(list("uvwxyz"))[np.arange(60) % 6]), "b": X[:, 0]})
    train = xgb.DMatrix(table, label=np.arange(60) % 6 % 4, enable_categorical=True)
    model = xgb.train({"nthread": 1, "max_cat_to_onehot": 1}, train, 2)
    document = json.loads(model.save_raw("json"))
    check(document)
    tree = next(tree for tree in document["learner"]["gradient_booster"]["model"]["trees"] if tree["categories"])
    for name, value in (("categories", -1), ("categories_sizes", 10**6), ("categories_segments", -1)):
        kept, tree[name] = tree[name], [value, *tree[name][1:]]
        with pytest.raises(Malformed, match="categories"):
            check(document)
        tree[name] = kept
    encoder = document["learner"]["gradient_booster"]["model"]["cats"]
    encoder["sorted_idx"][0] = 99
    with pytest.raises(Malformed, match="add up"):
        check(document)


DAMAGE = """
import json, random, sys
import numpy as np, xgboost as xgb
from autotrack_xgboost.structure import Malformed, check, read
X = np.random.default_rng(0).random((60, 4))
data = xgb.DMatrix(X, label=(X[:, 0] > 0.5).astype(int))
raw = bytes(xgb.train({"nthread": 1, "max_depth": 3}, data, 3).save_raw("ubj"))
loaded = refused = 0
for seed in range(int(sys.argv[1])):
    r = random.Random(seed)
    content = bytearray(raw)
    for _ in range(r.choice([1, 1, 2, 4])):
        content[r.randrange(len(content))] = r.choice([0, 1, 127, 128, 255, r.randrange(256)])
    try:
        check(read(bytes(content)))
    except Malformed:
        refused += 1
        continue
    try:
        model = xgb.Booster()
        model.load_model(content)
        model.predict(data)
        loaded += 1
    except Exception:
        pass
print(json.dumps([loaded, refused]))
"""


def test_a_damaged_file_never_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", DAMAGE, "400"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded, refused = json.loads(done.stdout.splitlines()[-1])
    assert loaded > 20 and refused > 100


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=9), st.floats(width=32), min_size=1, max_size=50))
def test_charts_of_any_scores(scores: dict[str, float]) -> None:
    from autotrack.core.runs.attachments import chart

    document = json.loads(chart(chart_of({"gain": scores})))
    validate(document)


class Shy:
    def __repr__(self) -> str:
        raise AssertionError("nobody asks")

    __str__ = __repr__


@settings(deadline=None)
@given(st.recursive(st.one_of(st.builds(Shy), st.integers(), st.floats(), st.text()), st.lists, max_leaves=9))
def test_values_of_ones_own_are_named_and_never_asked(value: Any) -> None:
    found = shown(value)
    assert type(found) in (str, int, float)
    if isinstance(value, Shy):
        assert found.endswith(".Shy")
