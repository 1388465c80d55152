"""What is measured of a model after its fit: the run it goes to, and the names that it gets there.

Names are MLflow's: ``accuracy_score_X_test``; the second call of a metric on the same data is
``accuracy_score-2_X_test``, other data under the same name are ``X_test-2``. Where one line of code measures again, in
a loop, its name gets another step instead.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun

UNKNOWN = "unknown_dataset"
#: Data sets under one name, and calls of one metric on one of them, that are told apart; further ones share the last's.
MOST_ALIKE = 10
#: Data sets of a run that are fingerprinted after its fit.
MOST_DATASETS = 8


class Origin:
    """The run that a model was fitted in, after the fit."""

    __slots__ = ("_data", "_described", "_metrics", "_said", "_steps", "kind", "run", "unasked")

    def __init__(self, run: ProbeRun, kind: str) -> None:
        self.run = run
        self.kind = kind
        #: Predictions since one was last measured.
        self.unasked = 0
        self._data: dict[str, list[Any]] = {}
        self._described: set[tuple[str, str]] = set()
        self._metrics: dict[tuple[str, str], list[Any]] = {}
        self._steps: dict[str, int] = {}
        self._said = False

    def dataset(self, data: Any, name: str | None, context: str = "eval") -> str:
        """The name of the data in this run; written down as one of its data sets when it is new."""
        name = name or UNKNOWN
        known = self._data.setdefault(f"{context} {name}", [])
        mark = _mark(data)
        index = next((at for at, other in enumerate(known) if _is(other, mark, data)), len(known))
        new = index == len(known)
        if new and index < MOST_ALIKE:
            known.append(mark)
        index = min(index, MOST_ALIKE - 1)
        shown = name if index == 0 else f"{name}-{index + 1}"
        if new and (context, shown) not in self._described and len(self._described) < MOST_DATASETS:
            self._described.add((context, shown))
            if describable(data):
                self.run.log_dataset(data, shown, context)
        return shown

    def metric(self, name: str, dataset: str, site: object) -> str:
        """The key for a value of this metric on those data, measured at that place in the user's code."""
        calls = self._metrics.setdefault((name, dataset), [])
        index = calls.index(site) if site in calls else len(calls)
        if index == len(calls) and index < MOST_ALIKE:
            calls.append(site)
        index = min(index, MOST_ALIKE - 1)
        return f"{name}_{dataset}" if index == 0 else f"{name}-{index + 1}_{dataset}"

    def log(self, values: Mapping[str, float]) -> None:
        """Keeps the values, each as the next step of its key."""
        for key, value in values.items():
            step = self._steps[key] = self._steps.get(key, -1) + 1
            self.run.log_metric(key, value, step)

    def say_shared(self, key: str) -> None:
        """Notes, once, that another model's predictions were the same."""
        if not self._said:
            self._said = True
            self.run.note(
                f"{key}: models of several runs gave these predictions; taken for those of the last one asked"
            )


def describable(data: Any) -> bool:
    """True for what can be fingerprinted: tables, arrays, lists; an iterator, say, is left alone."""
    return isinstance(data, (list, tuple)) or isinstance(getattr(data, "shape", None), tuple)


def _mark(data: Any) -> Any:
    """What tells that data come again, without keeping them."""
    reference, _ = attempt(weakref.ref, data)
    return (id(data), len(data) if isinstance(data, (list, tuple)) else 0) if reference is None else reference


def _is(mark: Any, other: Any, data: Any) -> bool:
    return mark() is data if isinstance(mark, weakref.ref) else bool(mark == other)
