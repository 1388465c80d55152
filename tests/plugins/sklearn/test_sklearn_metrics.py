"""Training metrics equal scikit-learn's own to 1e-12."""

import warnings

import numpy as np
import pytest
from autotrack_sklearn import metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

CLOSE = {"rel": 1e-12, "abs": 1e-12}


@st.composite
def labelled(draw: st.DrawFn):
    """Truth and prediction over up to five classes (numbers or text), with or without weights."""
    k = draw(st.integers(1, 5))
    names = draw(st.sampled_from([np.arange(k), np.arange(k) * 3 - 1, np.array(list("edcba")[:k])]))
    n = draw(st.integers(1, 40))
    pick = st.lists(st.integers(0, k - 1), min_size=n, max_size=n)
    weight = draw(st.none() | st.lists(st.integers(1, 9), min_size=n, max_size=n))
    truth, predicted = names[draw(pick)], names[draw(pick)]
    return truth, predicted, None if weight is None else np.array(weight) / 3


@given(labelled())
@settings(max_examples=150, deadline=None)
def test_classification(case) -> None:
    truth, predicted, weight = case
    found = metrics.classification(truth, predicted, weight=weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in (
            ("precision_score", theirs.precision_score),
            ("recall_score", theirs.recall_score),
            ("f1_score", theirs.f1_score),
        ):
            expected = function(truth, predicted, average="weighted", sample_weight=weight, zero_division=0)
            assert found[name] == pytest.approx(expected, **CLOSE), name
    assert found["accuracy_score"] == pytest.approx(
        theirs.accuracy_score(truth, predicted, sample_weight=weight), **CLOSE
    )


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(2, 4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_several_labels_at_once(seed: int, n: int, k: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 2, (n, k)), rng.integers(0, 2, (n, k))
    truth[0, 0] = 1
    weight = rng.random(n) + 0.1 if weighted else None
    found = metrics.classification(truth, predicted, weight=weight)
    expected = theirs.f1_score(truth, predicted, average="weighted", sample_weight=weight, zero_division=0)
    assert found["f1_score"] == pytest.approx(expected, **CLOSE)
    assert found["accuracy_score"] == pytest.approx(
        theirs.accuracy_score(truth, predicted, sample_weight=weight), **CLOSE
    )


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 5), st.booleans(), st.sampled_from(["f4", "f8"]))
@settings(max_examples=150, deadline=None)
def test_probabilistic(seed: int, n: int, k: int, weighted: bool, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    probability = rng.integers(0, 5, (n, k)) + 1e-9  # many ties, some zeros and ones
    probability = (probability / probability.sum(axis=1, keepdims=True)).astype(dtype)
    classes = np.arange(k)
    weight = rng.random(n) + 0.1 if weighted else None
    found = metrics.probabilistic(truth, probability, classes, weight=weight)
    expected = theirs.log_loss(truth, probability, labels=classes, sample_weight=weight)
    loose = {"rel": 1e-6} if dtype == "f4" else CLOSE
    assert found["log_loss"] == pytest.approx(expected, **loose)
    if len(set(truth)) < k:
        assert "roc_auc" not in found
    elif k == 2:
        expected = theirs.roc_auc_score(truth, probability[:, 1], sample_weight=weight)
        assert found["roc_auc"] == pytest.approx(expected, **CLOSE)
    elif weight is None and dtype == "f8":
        expected = theirs.roc_auc_score(truth, probability, multi_class="ovo", average="weighted")
        assert found["roc_auc"] == pytest.approx(expected, **CLOSE)


@given(st.integers(0, 10_000), st.integers(1, 50), st.integers(1, 3), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_regression(seed: int, n: int, outputs: int, weighted: bool, constant: bool) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, outputs)) if not constant else np.full((n, outputs), 2.0)
    predicted = truth + rng.integers(0, 2, truth.shape) * 0.5
    weight = rng.random(n) + 0.1 if weighted else None
    if outputs == 1:
        truth, predicted = truth.ravel(), predicted.ravel()
    found = metrics.regression(truth, predicted, weight=weight)
    for name in ("mean_squared_error", "mean_absolute_error", "root_mean_squared_error"):
        expected = getattr(theirs, name)(truth, predicted, sample_weight=weight)
        assert found[name] == pytest.approx(expected, **CLOSE), name
    if n >= 2:
        assert found["r2_score"] == pytest.approx(theirs.r2_score(truth, predicted, sample_weight=weight), **CLOSE)
    else:
        assert "r2_score" not in found


def test_what_is_not_defined_is_left_out() -> None:
    assert metrics.classification(np.array([]), np.array([])) == {}
    assert metrics.probabilistic(np.array([0, 5]), np.ones((2, 2)) / 2, np.array([0, 1])) == {}
    assert metrics.named({"a": float("nan"), "b": 1.0}) == {"training_b": 1.0}
