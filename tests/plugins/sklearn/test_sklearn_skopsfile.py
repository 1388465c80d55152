"""The writer of skops files: what it writes skops gives back as it was, and the rest it refuses."""

import functools
import io
import json
import operator
import time
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import scipy.sparse
import skops.io
from autotrack_sklearn.owners import sound_types
from autotrack_sklearn.skopsbuild import NotPlain, build
from autotrack_sklearn.skopsfile import CannotHold, write
from autotrack_sklearn.skopstree import read_tree
from crafting import MODELS, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skops.io._audit import get_tree
from skops.io._utils import read_schema

#: Of the crafted models, those with parts that only skops builds: losses, and tables of objects.
LEFT_TO_SKOPS = frozenset({"boosting", "histogram"})


def round_trip(value):
    buffer = io.BytesIO()
    names = write(value, buffer)
    types = skops.io.get_untrusted_types(data=buffer.getvalue())
    assert set(types) <= set(names)
    read_tree(buffer.getvalue())  # what is written here is nothing that is refused here
    return skops.io.loads(buffer.getvalue(), trusted=types)


def same(one, other) -> bool:
    if isinstance(one, np.ndarray):
        return (
            type(one) is type(other)
            and one.dtype == other.dtype
            and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
        )
    if isinstance(one, dict):
        return type(one) is type(other) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=20)
ARRAYS = arrays.arrays(
    st.sampled_from(["f4", "f8", "i4", "i8", "u1", "?", "U3", "c16"]),
    arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
VALUES = st.recursive(
    PLAIN | ARRAYS | ARRAYS.filter(lambda a: a.size).map(lambda a: a.ravel()[0]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.floats(allow_nan=False), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_any_state_comes_back_or_is_refused(value) -> None:
    try:
        again = round_trip(value)
    except CannotHold:
        return
    assert same(value, again)


@pytest.mark.parametrize(
    "value",
    [
        {True: 1},
        {None: 1},
        {(1, 2): 3},
        {1: "a", "1": "b"},
        defaultdict(int, {1: 2}),
        np.array(3, dtype=object),
        lambda: None,
        functools.partial(print, sep=lambda: 0),
        "abc".upper,
        operator.methodcaller("f", a=1),
        type("Local", (), {})(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_not_come_back_is_refused(value) -> None:
    with pytest.raises(CannotHold):
        write(value, io.BytesIO())


def test_other_values_come_back() -> None:
    shared = np.arange(3)
    value = {
        "shared": [shared, shared],
        "ordered": OrderedDict(b=1, a=2),
        "set": {1, 2},
        "slice": slice(1, None, 2),
        "partial": functools.partial(np.add, 1),
        "operator": operator.itemgetter(1, 2),
        "dtype": np.dtype("f4"),
        "ufunc": np.exp,
        "function": json.dumps,
        "type": np.float32,
        "defaults": defaultdict(list, a=[1]),
        "objects": np.array(["a", None, 1.5], dtype=object),
    }
    again = round_trip(value)
    assert again["shared"][0] is again["shared"][1]
    assert again["ordered"] == value["ordered"] and type(again["ordered"]) is OrderedDict
    assert again["partial"](2) == 3 and again["operator"]([1, 2, 3]) == (2, 3)
    for key in ("set", "slice", "dtype", "ufunc", "function", "type", "defaults"):
        assert again[key] == value[key]
    assert again["objects"].tolist() == ["a", None, 1.5]
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.csc_array):
        sparse = round_trip(kind(np.eye(3)))
        assert type(sparse) is kind and (sparse.toarray() == np.eye(3)).all()
    stream, other = np.random.default_rng(5), np.random.RandomState(5)
    assert round_trip(stream).random() == stream.random()
    assert round_trip(other).rand() == other.rand()
    masked = round_trip(np.ma.MaskedArray([1, 2], [True, False]))
    assert masked.mask.tolist() == [True, False]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("stock", [False, True], ids=["ours", "stock"])
def test_files_are_read_as_skops_reads_them(name: str, stock: bool) -> None:
    """Which node a number means decides what is checked: the two readers must agree on every one."""
    content = skops.io.dumps(MODELS[name]()) if stock else saved(name)
    tree = read_tree(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema, context = read_schema(archive)
        get_tree(schema, context, trusted=None)
    ours = [(node.state["__id__"], node.loader, node.name) for node in tree.nodes if "__id__" in node.state]
    theirs = [
        (number, type(node).__name__, f"{node.module_name}.{node.class_name}") for number, node in context.memo.items()
    ]
    assert ours == theirs
    assert set(skops.io.get_untrusted_types(data=content)) <= sound_types(tree)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_built_here_is_what_skops_builds(name: str) -> None:
    """Written again, it gives the very bytes that it was read from."""
    content = saved(name)
    tree = read_tree(content)
    try:
        built = build(tree, sound_types(tree))
    except NotPlain:
        assert name in LEFT_TO_SKOPS
        return
    again = io.BytesIO()
    write(built, again)
    assert again.getvalue() == content and name not in LEFT_TO_SKOPS


def test_only_public_estimators_of_scikit_learn_are_built() -> None:
    """A helper of its tests, a class of the standard library, an estimator under another module's name."""
    content = saved("scaler")
    for module, kind in (
        ("sklearn.utils._mocking", "CheckingClassifier"),
        ("subprocess", "Popen"),
        ("sklearn.datasets._base", "Bunch"),
        ("sklearn.pipeline", "StandardScaler"),
    ):
        tree = read_tree(content)
        tree.root.name = f"{module}.{kind}"
        with pytest.raises(NotPlain):
            build(tree, set())


def test_equal_models_are_equal_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that was trained twice has one digest: the time of writing stands nowhere in it."""
    model = Pipeline([("scale", StandardScaler()), ("fit", LogisticRegression())]).fit([[0.0], [1.0]], [0, 1])
    value = {
        "model": model,
        "bytes": b"abc",
        "scalar": np.float32(1),
        "sparse": scipy.sparse.eye_array(3, format="csr"),
    }
    first, later, later_day = io.BytesIO(), io.BytesIO(), time.gmtime(2_000_000_000)
    write(value, first)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setattr(time, "localtime", lambda *_: later_day)
    write(value, later)
    assert first.getvalue() == later.getvalue()
