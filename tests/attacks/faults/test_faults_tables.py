"""Data and estimators that are enormous, empty, contain themselves, or hurt whoever touches them."""

from __future__ import annotations

from .ring import Ring, ring, store

__all__ = ["ring", "store"]

#: Objects that raise, print or hang when anything is asked of them. Each touch is written to stdout.
HOSTILE = """
import sys
def hurt(self, *args, **kwargs):
    print("touched", type(self).__name__, flush=True)
    raise RuntimeError("touched")
NAMES = '''__eq__ __hash__ __repr__ __str__ __reduce__ __reduce_ex__ __getstate__ __len__ __iter__ __bool__
__format__ __deepcopy__ __copy__ __array__ __float__ __int__ __index__ __getattr__ __dir__
__sizeof__ __lt__ __gt__ __le__ __ge__ __ne__ __fspath__ __call__'''.split()
Cell = type("Cell", (), dict.fromkeys(NAMES, hurt))
class Endless:
    def _wait(self, *args, **kwargs):
        while True: pass
for name in NAMES: setattr(Endless, name, Endless._wait)
class Meta(type):
    __eq__ = __hash__ = __repr__ = __instancecheck__ = __subclasscheck__ = hurt
class Text(str):
    __eq__ = __hash__ = __repr__ = __str__ = encode = __len__ = __iter__ = hurt
class Number(int):
    __eq__ = __hash__ = __repr__ = __str__ = __int__ = __index__ = bit_length = hurt
class Real(float):
    __eq__ = __hash__ = __repr__ = __str__ = __float__ = hex = hurt
Odd = Meta("Odd", (), {})
round_and_round = []; round_and_round.append(round_and_round)
inside = {}; inside["inside"] = inside
def all_kinds():
    return [Cell(), Endless(), Odd(), Odd, Text("text"), Number(3), Real(0.5), round_and_round, inside,
            lambda: 1, sys, 10**5000, float("nan"), None, object(), {1, 2}, b"bytes", "\\ud800", ..., NotImplemented,
            type, (i for i in range(3)), 1j]
"""
MINE = """
from sklearn.base import BaseEstimator, RegressorMixin
class Mine(RegressorMixin, BaseEstimator):
    def fit(self, X, y=None, sample_weight=None):
        self.rows_ = len(X)
        print("fitted", self.rows_, flush=True)
        return self
    def predict(self, X):
        print("predicted", flush=True)
        return [0.0] * len(X)
"""


def test_cells_that_hurt_whoever_touches_them(ring: Ring) -> None:
    """In lists, in arrays and in tables of objects: nothing is asked of any of them."""
    body = (
        HOSTILE
        + MINE
        + """
import numpy as np, pandas as pd
cells = all_kinds()
array = np.empty(len(cells), object)
for number, cell in enumerate(cells): array[number] = cell
Mine().fit(cells, cells)
Mine().fit(array, array)
Mine().fit(array.reshape(-1, 1))
Mine().fit(pd.DataFrame({"mixed": pd.Series(array, dtype=object), "plain": range(len(cells))}), pd.Series(array))
Mine().fit([[cell, cell] for cell in cells])
Mine().fit([{"a": cell, "b": 1} for cell in cells])
Mine().fit({"a": list(cells), "b": array})
Mine().fit([cells] * 3, sample_weight=array)
Mine().fit(Cell); Mine
""".replace("Mine().fit(Cell); Mine\n", "")
    )
    outcome = ring.attack(body)
    assert outcome.ended.plain.out.count(b"\n") == outcome.ended.plain.out.count(b"fitted") == len(outcome.runs) == 8
    for run in outcome.runs:
        assert run.status == "FINISHED"
        data = [data for data in run.datasets if data.context == "train"]
        known = (
            data[0].partial if data else next((note for note in run.health["notes"] if "no fingerprint" in note), "")
        )
        assert (
            "known by their type alone" in known or known == "X has no fingerprint: a dict is no table, array or list"
        )


def test_tables_of_odd_shapes(ring: Ring) -> None:
    """No rows, no columns, a hundred thousand columns, equal names, deep lists, ragged lists, no data at all."""
    body = (
        MINE
        + """
import numpy as np, pandas as pd
Mine().fit([]); Mine().fit([[]]); Mine().fit(np.empty((0, 3))); Mine().fit(np.empty((3, 0)))
Mine().fit(pd.DataFrame()); Mine().fit(pd.DataFrame({"a": [], "b": []}))
Mine().fit(pd.DataFrame(np.zeros((2, 100_000))))
Mine().fit(np.zeros((3, 100_000), "f4"))
Mine().fit(pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"]))
Mine().fit(pd.DataFrame([[1, 2], [3, 4]], columns=[None, ("a", 1)]))
Mine().fit(pd.DataFrame({float("nan"): [1], 2: [2]}))
deep = []
for _ in range(100_000): deep = [deep]
Mine().fit(deep); Mine().fit([[1], [1, 2], 3])
del deep
Mine().fit("text"); Mine().fit(np.zeros(3, [("a", "i4"), ("b", "O")])); Mine().fit(np.zeros((2, 2, 2, 2)))
Mine().fit(np.broadcast_to(np.float64(1), (2**40, 2))[:0]); Mine().fit(range(5))
Mine().fit(np.memmap("data.bin", "f8", "w+", shape=(10, 2)))
try: Mine().fit(None)
except TypeError as error: print(error)
try: Mine().fit()
except TypeError as error: print(error)
"""
    )
    outcome = ring.attack(body)
    fitted = outcome.ended.plain.out.count(b"fitted")
    finished = [run for run in outcome.runs if run.status == "FINISHED"]
    assert fitted == len(finished) == len(outcome.runs) - 1 == 19  # and one that was given nothing to count
    for run in finished:
        assert run.datasets or any("fingerprint" in note or "left out" in note for note in run.health["notes"]), run


def test_ten_million_rows(ring: Ring) -> None:
    """Of numbers, and of mixed objects in a tenth of that; within the share of time that autotrack may take."""
    body = (
        MINE
        + """
import numpy as np, pandas as pd
numbers = np.arange(20_000_000, dtype="f8").reshape(-1, 2)
Mine().fit(numbers, numbers[:, 0])
mixed = np.array([1, "two", 3.0, None, b"five", (6,)] * 200_000, dtype=object)
Mine().fit(pd.DataFrame({"mixed": mixed, "number": np.arange(len(mixed))}))
"""
    )
    outcome = ring.attack(body, slower=20.0)
    assert [run.status for run in outcome.runs] == ["FINISHED"] * 2
    for run in outcome.runs:
        (data,) = [data for data in run.datasets if data.context == "train"] or [None]
        if data is None:
            assert any("datasets left out" in note for note in run.health["notes"]), run.health
        else:
            assert data.rows == (10_000_000 if run is outcome.runs[0] else 1_200_000)
            assert data.partial is None or "time allowed was used up" in data.partial, data.partial


ESTIMATORS = (
    MINE
    + """
import numpy as np
def no(self, *args, **kwargs): raise RuntimeError("no")
X, y = np.arange(20.0).reshape(-1, 2), np.arange(10.0)
for name in '''__repr__ __str__ get_params __getstate__ __reduce_ex__ __sklearn_tags__ __sklearn_clone__
__deepcopy__ __copy__ __eq__ __hash__ __len__ __bool__ __dir__ predict score _more_tags __sizeof__
_repr_html_ __sklearn_is_fitted__ set_params _get_param_names'''.split():
    model = type(f"No{name}", (Mine,), {name: no})()
    assert model.fit(X, y) is model
class Slots(RegressorMixin, BaseEstimator):
    __slots__ = ("a",)
    def fit(self, X, y): self.a = 1; return self
    def predict(self, X): return np.zeros(len(X))
Slots().fit(X, y)
class Attributes(Mine):
    def __getattribute__(self, name):
        if name not in ("fit", "predict", "rows_", "__class__", "__dict__"): raise RuntimeError(name)
        return super().__getattribute__(name)
Attributes().fit(X, y)
class Changing(Mine):
    def __init__(self, a=1): self.a = [a]
    def get_params(self, deep=True): return {"a": self, "b": [self], 3: 4, None: self}
Changing().fit(X, y)
class Held(Mine):
    def fit(self, X, y):
        import threading, io
        self.lock, self.file, self.f, self.g = threading.Lock(), io.StringIO(), lambda: 1, (i for i in X)
        return self
Held().fit(X, y)
class Endless(Mine):
    def __init__(self, inner=None): self.inner = self if inner is None else inner
    def get_params(self, deep=True): return {"inner": self.inner}
Endless().fit(X, y)
"""
)


def test_estimators_that_cannot_be_cloned_pickled_or_shown(ring: Ring) -> None:
    outcome = ring.attack(ESTIMATORS)
    assert len(outcome.runs) == 22 + 5
    assert all(run.status == "FINISHED" for run in outcome.runs)
    named = {run.name: run for run in outcome.runs}
    for name in ("No__getstate__", "No__reduce_ex__", "Held"):
        notes = named[name].health.get("notes", [])
        assert any("model left out" in note for note in notes) and not named[name].models, (name, notes)


def test_arguments_that_hurt_whoever_touches_them(ring: Ring) -> None:
    body = (
        HOSTILE
        + """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
for number, cell in enumerate(all_kinds()): parser.set_defaults(**{f"odd{number}": cell})
parser.add_argument("--cell", type=lambda text: Cell())
print(parser.parse_args().lr)
"""
        + MINE
        + "Mine().fit([[1.0]])\n"
    )
    outcome = ring.attack(body, arguments=("--lr", "0.5", "--cell", "x"))
    assert b"touched" not in outcome.ended.plain.out
    parsed = outcome.parts["arguments"]["parsed"]
    assert parsed["lr"] == "0.5" and parsed["cell"] == "<__main__.Cell>" and len(parsed) == 25


def test_params_that_hurt_whoever_touches_them(ring: Ring) -> None:
    """Held by an estimator; scikit-learn itself asks them for get_params, and a model that is saved pickles them."""
    hostile = HOSTILE.replace("__getattr__ ", "")
    assert hostile != HOSTILE
    body = (
        hostile
        + MINE
        + """
class Holding(Mine):
    def __init__(self, a=None): self.a = a
for cell in all_kinds():
    Holding(cell).fit([[1.0], [2.0]], [1.0, 2.0])
"""
    )
    outcome = ring.attack(body, AUTOTRACK_MODELS="false")
    assert b"touched" not in outcome.ended.plain.out
    assert len(outcome.runs) == 23 and all(run.status == "FINISHED" for run in outcome.runs)
    assert all("a" in run.params for run in outcome.runs), [run.params for run in outcome.runs]
