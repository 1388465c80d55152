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
    """Logs the scores of each round, and knows the last one."""

    __slots__ = ("_run", "last")

    def __init__(self, run: ProbeRun) -> None:
        self._run = run
        self.last = -1

    def scored(self, epoch: int, history: History) -> None:
        """A round is over, and its scores are the last of each list."""
        self.last = epoch
        self._run.log_metrics(latest(history), epoch)


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
    return rounds


@functools.cache
def _listener() -> Any:
    from xgboost.callback import TrainingCallback

    class Listener(TrainingCallback):  # type: ignore[misc]
        """Hands on what XGBoost says after each round."""

        def __init__(self, heard: Any) -> None:
            super().__init__()
            self.heard = heard

        def after_iteration(self, model: Any, epoch: int, evals_log: History) -> bool:
            self.heard(epoch, evals_log)
            return False

    return Listener


def latest(history: History) -> dict[str, float]:
    """The last round's scores under the names that MLflow gives them; of folds, means and deviations."""
    found: dict[str, float] = {}
    for data, metrics in history.items():
        for metric, values in metrics.items():
            key, value = metric_key(data, metric), values[-1]
            if isinstance(value, tuple):
                found[f"{key}-mean"], found[f"{key}-std"] = map(float, value)
            else:
                found[key] = value
    return found


@functools.lru_cache(maxsize=1024)
def metric_key(data: str, metric: str) -> str:
    """``valid-logloss``, ``valid-map_at_3``."""
    return f"{data}-{metric}".replace("@", "_at_")
