"""What tells runs apart: the metric worth a column, the params that vary, which run is best, whose child is whose."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autotrack.core.entities import RunRecord

#: Names of metrics, most telling first. A metric's weight falls with its place here.
_NAMES = ("best_cv_score", "accuracy", "f1", "auc", "r2", "score", "map", "ndcg", "loss", "rmse", "mse", "mae", "error")

#: What a metric was measured on, with how much that is worth: a number on unseen data says more than one on known data.
_MEASURED_ON = (("test", 1.0), ("val", 1.0), ("valid", 1.0), ("eval", 1.0), ("cv", 1.0), ("train", 0.8))

_LOWER = ("loss", "error", "mse", "mae", "rmse", "mape", "perplexity", "inertia", "divergence", "deviance", "logloss")
_HIGHER = ("score", "accuracy", "f1", "auc", "r2", "precision", "recall", "map", "ndcg", "dice", "iou", "bleu", "acc")


#: What a name ends with that tells how long something took, and begins with that tells how others spread or rank.
_CLOCKS = frozenset({"time", "seconds", "duration", "ms"})
_SPREADS = frozenset({"std", "rank", "split0"})


def words_of(key: str) -> list[str]:
    """A metric's name in lower-case words: ``training_r2_score`` is training, r2, score."""
    for separator in "/.- :":
        key = key.replace(separator, "_")
    return [word for word in key.lower().split("_") if word]


def direction(key: str) -> int:
    """1 where a higher value is better, -1 where a lower one is, 0 where the name does not say."""
    words = words_of(key)
    joined = "_".join(words)
    if "neg" in words and any(word in joined for word in _LOWER):
        return 1  # scikit-learn's neg_mean_squared_error
    if any(word in words or joined.endswith(word) for word in _LOWER) or "log_loss" in joined:
        return -1
    return 1 if any(word in words for word in _HIGHER) else 0


def weight(key: str) -> float:
    """How much a metric of that name says about a run, between 0 and 1."""
    words = words_of(key)
    joined = "_".join(words)
    if words and (words[-1] in _CLOCKS or words[0] in _SPREADS):
        return 0.1
    worth = 0.3
    for place, name in enumerate(_NAMES):
        if name in words or name == joined:
            worth = 1.0 - 0.03 * place
            break
    for prefix, factor in _MEASURED_ON:
        if words and words[0].startswith(prefix):
            return worth * factor
    return worth * 0.9


def telling_metric(runs: Sequence[RunRecord]) -> str | None:
    """The metric that most of the runs share and that says most; None where no run has one."""
    counts = Counter(key for run in runs for key in run.metrics)
    if not counts:
        return None
    most = max(counts.values())
    return min(counts, key=lambda key: (-counts[key] / most - weight(key), key))


def best_runs(runs: Sequence[RunRecord], key: str) -> frozenset[str]:
    """Ids of the best run by a metric in each experiment that has at least two different values of it."""
    sign = direction(key)
    best: set[str] = set()
    for experiment in {run.experiment_id for run in runs}:
        having = [
            (run.metrics[key] * sign, run.id)
            for run in runs
            if run.experiment_id == experiment and key in run.metrics and math.isfinite(run.metrics[key])
        ]
        if sign and len({value for value, _ in having}) > 1:
            top = max(value for value, _ in having)
            best.update(each for value, each in having if value == top)
    return frozenset(best)


def varying_params(runs: Sequence[RunRecord]) -> list[str]:
    """Params that tell the runs apart: those that most runs have first, then those that vary most.

    A param counts where it varies among runs of one name (two kinds of estimator share ``max_iter`` by accident), or
    where every run has it.
    """
    values: dict[str, Counter[str]] = {}
    kinds: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        for key, value in run.params.items():
            values.setdefault(key, Counter())[value] += 1
            kinds.setdefault((run.name, key), set()).add(value)
    within = {key for (_, key), seen in kinds.items() if len(seen) > 1}
    varying = [key for key, seen in values.items() if len(seen) > 1 and (key in within or seen.total() == len(runs))]
    return sorted(varying, key=lambda key: (key not in within, -values[key].total(), -len(values[key]), key))


@dataclass(frozen=True, slots=True)
class Branch:
    """A run with those of its children that were found, in the order they came."""

    run: RunRecord
    children: tuple[RunRecord, ...] = ()


def fold(runs: Iterable[RunRecord]) -> list[Branch]:
    """Puts runs under their topmost ancestor among them; one whose parent is missing stands for itself."""
    every = {run.id: run for run in runs}
    under: dict[str, list[RunRecord]] = {}
    tops: list[RunRecord] = []
    for run in every.values():
        top = run
        seen = {run.id}
        while top.parent in every:
            top = every[top.parent]
            if top.id in seen:
                top = run  # parents in a circle: nobody is topmost
                break
            seen.add(top.id)
        if top is run:
            tops.append(run)
        else:
            under.setdefault(top.id, []).append(run)
    return [Branch(run, tuple(under.get(run.id, ()))) for run in tops]
