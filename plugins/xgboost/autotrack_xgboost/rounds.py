"""The scores of each round, through a callback of our own that XGBoost asks first and that never stops anything."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

#: Scores of all rounds so far, by data set and metric: numbers, or pairs of mean and deviation over folds.
History = Mapping[str, Mapping[str, Sequence[Any]]]


class Rounds:
    """Logs the scores of each round, and knows the last one.

    Of a training that is itself but a step of a series, only the scores that it ended with are kept, in ``final``.
    """

    __slots__ = ("_history", "_log", "final", "last")

    def __init__(self, run: ProbeRun) -> None:
        self.final: dict[str, float] = {}
        self._log = self._keep if run.folded else run.metric_logger()
        self._history: History = {}
        self.last = -1

    def _keep(self, key: str, value: float, step: int) -> None:
        self.final[key] = value

    def scored(self, model: Any, epoch: int, history: History) -> None:
        """A round is over, and its scores are the last of each list. Few functions are entered here, for speed."""
        self.last, self._history = epoch, history
        log = self._log
        for data, metrics in history.items():
            for metric, values in metrics.items():
                value = values[-1]
                if value.__class__ is float:
                    log(metric_key(data, metric), value, epoch)
                else:
                    for key, number in _parts(data, metric, value):
                        log(key, number, epoch)

    def finish(self, scores: Any = None) -> None:
        """Logs what was not heard of, out of all scores: a callback of the user's that was asked before stopped there.

        Until XGBoost 3.1 the callbacks are asked in the order of a set.
        """
        history = self._history or (scores if isinstance(scores, dict) else {})
        rounds = max((len(values) for metrics in history.values() for values in metrics.values()), default=0)
        for epoch in range(self.last + 1, rounds):
            for data, metrics in history.items():
                for metric, values in metrics.items():
                    for key, number in _parts(data, metric, values[epoch]) if epoch < len(values) else ():
                        self._log(key, number, epoch)
            self.last = epoch
        self._history = {}


def listen(call: Call, run: ProbeRun) -> Rounds | None:
    """Has the rounds of this training logged as they end; None where the call's callbacks cannot be read.

    A new list is passed, ours in front: XGBoost asks the callbacks in turn until one stops the training, and the others
    do not hear of that round.
    """
    given = call.arg("callbacks", None)
    if given is not None and type(given) not in (list, tuple):
        return None  # an iterator, say, that can be read only once
    rounds = Rounds(run)
    call.inject("callbacks", [_listener()(run.guarded(rounds.scored)), *(given or ())])
    if call.arg("evals_result", False) is None:
        call.inject("evals_result", {})  # as if the user had asked for all scores, too
    return rounds


@functools.cache
def _listener() -> Any:
    from xgboost.callback import TrainingCallback

    class Listener(TrainingCallback):  # type: ignore[misc]
        """Has a function called after each round. What that answers is None: the training goes on."""

        def __init__(self, heard: Any) -> None:
            super().__init__()
            self.after_iteration = heard

    return Listener


def latest(history: History) -> dict[str, float]:
    """The last round's scores under the names that MLflow gives them; of folds, means and deviations."""
    found: dict[str, float] = {}
    for data, metrics in history.items():
        for metric, values in metrics.items():
            found.update(_parts(data, metric, values[-1]))
    return found


def _parts(data: str, metric: str, value: Any) -> list[tuple[str, float]]:
    key = metric_key(data, metric)
    if isinstance(value, tuple):
        return [(f"{key}-{part}", float(number)) for part, number in zip(("mean", "std"), value, strict=True)]
    return [(key, float(value))]


@functools.lru_cache(maxsize=1024)
def metric_key(data: str, metric: str) -> str:
    """``valid-logloss``, ``valid-map_at_3``."""
    return f"{data}-{metric}".replace("@", "_at_")
