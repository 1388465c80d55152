"""Which metric of some runs matters, and whether less of it or more is better: by its name, as people name metrics."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Literal

from .timing import sounds_like_time

Goal = Literal["min", "max"]

#: What an experiment's tags may say instead.
METRIC_TAG = "autotrack.metric"
GOAL_TAG = "autotrack.goal"

_LESS = frozenset(
    "loss logloss mlogloss error merror err rmse rmsle mse mae mape mad smape msle perplexity ppl deviance nll wer cer "
    "fid brier hinge regret divergence kl cost".split()
)
_MORE = frozenset(
    "acc accuracy auc roc auroc aucpr prauc ap map f1 fbeta r2 score precision recall ndcg mrr bleu rouge meteor iou "
    "miou dice jaccard mcc kappa specificity sensitivity reward return psnr ssim correlation pearson spearman "
    "likelihood elbo top1 top5 hits silhouette explained".split()
)
_VALIDATION = frozenset("val valid validation eval test testing dev cv holdout oof".split())
_TRAINING = frozenset("train training fit".split())
#: What tells of the spread of results or of their order: ``std_test_score``, ``rank_test_score``.
_ABOUT = re.compile(r"std|stddev|var|variance|rank|split\d+|count|n")
_WORD = re.compile(r"[a-z0-9]+")
#: Names that end in these without a break: ``logloss``, ``trainloss``.
_ENDINGS = ("loss", "error", "rmse")


def goal_of(key: str) -> Goal | None:
    """What is better of a metric, None where its name does not say."""
    words = _words(key)
    if _is_about(words):
        return "min" if "rank" in words else None
    if "neg" in words or "negative" in words:
        return "max"
    if any(word in _LESS or word.endswith(_ENDINGS) for word in words):
        return "min"
    return "max" if any(word in _MORE or word.endswith("accuracy") for word in words) else None


def ranked(presence: Mapping[str, int]) -> list[str]:
    """Metrics, the one that matters most first: one whose name says what is better, of validation before one of
    training, one that most runs have, a loss before an accuracy. What measures time or the machine comes last."""
    most = max(presence.values(), default=0)

    def place(key: str) -> tuple[object, ...]:
        words = set(_words(key))
        aside = key.startswith("system/") or sounds_like_time(key) or _is_about(words)
        stage = 0 if words & _VALIDATION or key.startswith("validation_") else 2 if words & _TRAINING else 1
        goal = goal_of(key)
        return aside, goal is None, stage, 2 * presence[key] < most, goal != "min", -presence[key], len(key), key

    return sorted(presence, key=place)


def main_metric(presence: Mapping[str, int], tags: Mapping[str, str]) -> tuple[str | None, Goal | None]:
    """The metric that matters most and what is better of it: what an experiment's tags say, else what names say."""
    said = tags.get(METRIC_TAG)
    order = ranked(presence)
    metric = said if said is not None and (said in presence or not presence) else order[0] if order else None
    goal = {"min": "min", "minimize": "min", "max": "max", "maximize": "max"}.get(tags.get(GOAL_TAG, "").lower())
    if metric is None:
        return None, None
    if (goal == "min" or goal == "max") and said in (None, metric):
        return metric, goal  # type: ignore[return-value]
    return metric, goal_of(metric)


def _is_about(words: Collection[str]) -> bool:
    return "explained" not in words and any(map(_ABOUT.fullmatch, words))


@lru_cache(maxsize=20_000)
def _words(key: str) -> tuple[str, ...]:
    """The words of a key in small letters, those of camelCase, too."""
    return tuple(_WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()))
