"""Golden predictions: equal, close or different, with the largest difference and its place; a replay raises nothing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from autotrack.models.exact import encode
from autotrack.models.golden import Replay, compare, golden_content, made_with, replay

ROWS = np.arange(8.0).reshape(4, 2)
MOVED = ROWS + np.array([[0, 0], [0, 1], [0, 3], [0, 0]])
TABLE = pd.DataFrame({"a": [1.0], "b": ["x"]})


@pytest.mark.parametrize(
    ("kept", "answer", "verdict", "largest", "where"),
    [
        (np.array([1.0, 2.0]), np.array([1.0, 2.0]), "equal", None, ""),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), "equal", None, ""),
        (np.array([1.0, np.inf]), np.array([1.0, np.inf]), "equal", None, ""),
        (np.array([]), np.array([]), "equal", None, ""),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0 + 4e-16]), "close", 4.4e-16, "p, row 1: "),
        (np.array([1.0, 2.0], "f4"), np.array([1.0, 2.00001], "f4"), "close", 1e-5, "p, row 1"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), "different", 0.5, "p, row 1: 2.5, it was 2.0"),
        (ROWS, MOVED, "different", 3.0, "p, row 2, column 1: 8.0, it was 5.0 (2 of 8"),
        (np.array([1.0, 2.0]), np.array([1.0, np.nan]), "different", np.inf, "p, row 1: nan, it was 2.0"),
        (np.array([1, 2]), np.array([1, 3]), "different", 1.0, "p, row 1: 3, it was 2"),
        (np.array([1, 2]), np.array([1.0, 2.0]), "equal", None, ""),
        (np.array([1e16]), np.array([1e16 + 2]), "close", 2.0, "p, row 0"),
        (np.array([1.0, 1e-12]), np.array([1.0, 2e-12]), "close", 1e-12, "p, row 1"),
        (np.array(["a", "b"]), np.array(["a", "b"]), "equal", None, ""),
        (np.array(["a", "b"]), np.array(["a", "c"]), "different", None, "p, row 1: 'c', it was 'b'"),
        (np.array(["a", None], object), np.array(["a", None], object), "equal", None, ""),
        (np.zeros(2), np.zeros(3), "different", None, "p has the shape (3,), it had (2,)"),
        ([1.0, 2.0], [1.0, 2.0], "equal", None, ""),
        ([1.0, "x"], [1.0, "y"], "different", None, "p"),
        ([np.zeros(2), np.zeros(2)], [np.zeros(2), np.ones(2)], "different", 1.0, "p[1], row 0"),
        ({"a": np.zeros(2)}, {"a": np.ones(2)}, "different", 1.0, "p['a'], row 0"),
        ({"a": 1}, {"b": 1}, "different", None, "p: {'b': 1}, it was {'a': 1}"),
        (TABLE, TABLE.assign(a=1.5), "different", 0.5, "p['a'], row 0"),
        (sp.csr_matrix(np.eye(2)), sp.csr_matrix(np.eye(2) * 2), "different", 1.0, "p, row 0, column 0"),
        (np.array([1 + 1j]), np.array([1 + 2j]), "different", 1.0, "p, row 0"),
    ],
)  # fmt: skip
def test_comparing(kept: Any, answer: Any, verdict: str, largest: float | None, where: str) -> None:
    found = compare(kept, answer, "p")
    assert found.verdict == verdict and found.where.startswith(where)
    assert found.largest == (None if largest is None else pytest.approx(largest, rel=0.05))
    assert found.passed == (verdict != "different")


def test_a_replay() -> None:
    content = golden_content(
        encode(ROWS), {"predict": ROWS.sum(1), "predict_proba": ROWS / 2}, {"numpy": np.__version__}
    )
    asks = {"predict": lambda data: data.sum(1), "predict_proba": lambda data: data / 2}
    assert replay(content, asks) == Replay("equal")
    assert made_with(content)["numpy"] == np.__version__
    found = replay(content, {**asks, "predict_proba": lambda data: data / 2 + (data > 6)})
    assert found.verdict == "different" and found.largest == 1.0
    assert "predict_proba, row 3, column 1: 4.5, it was 3.5" in found.where and "by up to 1:" in str(found)


def test_a_model_may_change_what_it_is_asked_with() -> None:
    content = golden_content(encode(ROWS), {"predict": ROWS.sum(1), "transform": ROWS}, {})

    def greedy(data: Any) -> Any:
        answer = data.sum(1)
        data[:] = 0
        return answer

    assert replay(content, {"predict": greedy, "transform": lambda data: data}) == Replay("equal")


def test_a_replay_raises_nothing() -> None:
    content = golden_content(encode(ROWS), {"predict": ROWS.sum(1)}, {})

    def fail(data: Any) -> Any:
        raise RuntimeError("no")

    assert replay(content, {"predict": fail}).reason == "predict raised RuntimeError: no"
    assert replay(content, {}).reason == "the model has no predict here"
    assert replay(content, {"predict": lambda data: object()}).verdict == "different"
    unread = b'{"golden":1,"answers":{"predict":{"array":"O","shape":[1],"data":""}},"example":1}'
    for bad in (b"", b"{}", b"[]", b'{"golden": 2, "answers": {}, "example": 1}', content[:-20], unread):
        found = replay(bad, {"predict": lambda data: data})
        assert found.verdict == "failed" and found.reason and not found.passed
        assert made_with(bad) == {}
