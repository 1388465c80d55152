"""Charts of a training, from predictions that are at hand, in numpy alone. The format: docs/charts.md of autotrack."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Chart = dict[str, Any]

#: Points of one curve, of all curves of a chart together, and of a scatter.
MOST_POINTS, MOST_TOGETHER, MOST_DOTS = 200, 240, 300
#: Classes that get a row of the confusion matrix, and a curve.
MOST_CLASSES, MOST_CURVES = 50, 10
BINS = 10
MOST_FEATURES = 30


def chart(kind: str, title: str, x: str = "", y: str = "", **parts: Any) -> Chart:
    """A document of this kind; ``x`` and ``y`` are the axes' labels."""
    return {"chart": 1, "kind": kind, "title": title, "x": {"label": x}, "y": {"label": y}, **parts}


def of_classifier(
    truth: Array,
    predicted: Array,
    probability: Array | None,
    classes: Array | None,
    where: str,
) -> dict[str, Chart]:
    """Confusion matrix; with probabilities also ROC, precision-recall and calibration. By name."""
    found: dict[str, Chart] = {}
    labels, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    if len(labels) <= MOST_CLASSES:
        n, k = len(truth), len(labels)
        counts = np.bincount(codes[:n] * k + codes[n:], minlength=k * k).reshape(k, k)
        found["confusion_matrix"] = matrix(counts, texts(labels), where)
    if probability is None or classes is None or not 2 <= len(classes) <= MOST_CURVES or len(truth) < 2:
        return found
    if not np.isfinite(probability).all():
        return found
    judged = [1] if len(classes) == 2 else range(len(classes))
    each = max(20, min(MOST_POINTS, MOST_TOGETHER // len(judged)))
    named = [(class_name(classes[at]), truth == classes[at], probability[:, at]) for at in judged]
    curves = [(name, Curves(is_it, score)) for name, is_it, score in named if is_it.any() and not is_it.all()]
    if curves:
        found["roc_curve"] = roc([(name, *one.roc(each)) for name, one in curves], where)
        found["precision_recall_curve"] = precision_recall([(name, *one.recall(each)) for name, one in curves], where)
        found["calibration"] = calibration([(name, is_it, score) for name, is_it, score in named], where)
    return found


class Curves:
    """Hits and alarms of one class, at each threshold from high to low."""

    def __init__(self, is_it: Array, score: Array) -> None:
        order = np.argsort(-score, kind="stable")
        score, hit = score[order], is_it[order]
        last = np.append(np.nonzero(np.diff(score))[0], len(score) - 1)
        self.hits = np.cumsum(hit)[last].astype(float)
        self.claimed = last + 1.0
        self.count = len(score)

    def roc(self, points: int) -> tuple[Array, Array]:
        """False and true positive rates, from (0, 0) to (1, 1)."""
        alarms = np.concatenate([[0.0], self.claimed - self.hits])
        hits = np.concatenate([[0.0], self.hits])
        return thinned(alarms / alarms[-1], hits / hits[-1], points)

    def recall(self, points: int) -> tuple[Array, Array]:
        """Recall and precision, from the highest threshold to the lowest."""
        return thinned(self.hits / self.hits[-1], self.hits / self.claimed, points)


def thinned(x: Array, y: Array, points: int) -> tuple[Array, Array]:
    """At most ``points`` of a curve: those at equal distances along it, with the first, the last and the extremes."""
    if len(x) <= points:
        return x, y
    spread = [(np.ptp(values) or 1.0) for values in (x, y)]
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) / spread[0] + np.abs(np.diff(y)) / spread[1])])
    kept = np.searchsorted(length, np.linspace(0.0, length[-1], points - 6))
    kept = np.unique(np.concatenate([kept, [0, len(x) - 1, x.argmin(), x.argmax(), y.argmin(), y.argmax()]]))
    return x[kept], y[kept]


def area(x: Array, y: Array) -> float:
    """The area under the curve by trapezoids."""
    return float(abs((np.diff(x) * (y[1:] + y[:-1]) / 2).sum()))


def matrix(counts: Array, labels: list[str], where: str) -> Chart:
    """A confusion matrix: rows are what is true, columns what was predicted."""
    title = f"Confusion matrix, {where}"
    return chart("matrix", title, "Predicted", "True", rows=labels, columns=labels, values=counts.tolist())


def roc(curves: list[tuple[str, Array, Array]], where: str) -> Chart:
    """ROC curves by name, each with its area, and the line of chance."""
    series = [line(f"{name}, area {area(x, y):.3f}".removeprefix(", "), x, y) for name, x, y in curves]
    series.append({"name": "chance", "x": [0, 1], "y": [0, 1], "style": "dashed"})
    return _unit(chart("lines", f"ROC curve, {where}", "False positive rate", "True positive rate", series=series))


def precision_recall(curves: list[tuple[str, Array, Array]], where: str) -> Chart:
    """Precision over recall, a curve a name."""
    series = [line(name, x, y) for name, x, y in curves]
    return _unit(chart("lines", f"Precision and recall, {where}", "Recall", "Precision", series=series))


def calibration(judged: list[tuple[str, Array, Array]], where: str) -> Chart:
    """How often a class was true where it was predicted with about this probability, in ten bins."""
    series = []
    for name, is_it, score in judged:
        code = np.minimum((score * BINS).astype(int), BINS - 1).clip(0)
        count = np.bincount(code, minlength=BINS)
        used = count > 0
        said = np.bincount(code, weights=score, minlength=BINS)[used] / count[used]
        true = np.bincount(code, weights=is_it, minlength=BINS)[used] / count[used]
        series.append(line(name, said, true) | {"counts": count[used].tolist()})
    series.append({"name": "perfect", "x": [0, 1], "y": [0, 1], "style": "dashed"})
    title = f"Calibration, {where}"
    return _unit(chart("lines", title, "Predicted probability", "Share that was true", series=series))


def of_regressor(truth: Array, predicted: Array, where: str) -> dict[str, Chart]:
    """Residuals over predictions, thinned to dots that keep the extremes, and their histogram."""
    if truth.ndim != 1 or truth.shape != predicted.shape or len(truth) < 2:
        return {}
    truth, predicted = truth.astype(float), predicted.astype(float)
    residual = truth - predicted
    if not np.isfinite(residual).all():
        return {}
    kept = np.arange(len(residual))
    if len(kept) > MOST_DOTS:
        order = np.argsort(predicted, kind="stable")
        kept = order[np.linspace(0, len(order) - 1, MOST_DOTS - 2).astype(int)]
        kept = np.unique(np.concatenate([kept, [residual.argmin(), residual.argmax()]]))
    ends = [float(predicted.min()), float(predicted.max())]
    series = [line("", predicted[kept], residual[kept]), {"name": "", "x": ends, "y": [0, 0], "style": "dashed"}]
    dots = chart("points", f"Residuals, {where}", "Predicted", "True minus predicted", series=series)
    if len(kept) < len(residual):
        dots["note"] = f"{len(kept):,} of {len(residual):,} samples, the extremes among them"
    counts, edges = np.histogram(residual, bins=min(30, max(5, round(len(residual) ** 0.5))))
    middles = rounded((edges[1:] + edges[:-1]) / 2)
    bars = chart("bars", f"Distribution of residuals, {where}", "True minus predicted", "Samples")
    bars["series"] = [{"name": "", "x": middles, "y": counts.tolist()}]
    return {"residuals": dots, "residual_histogram": bars}


def importance(values: Array, names: list[str] | None, what: str) -> Chart | None:
    """The features that weigh most, at most thirty, as bars."""
    values = np.asarray(values, dtype=float)
    values = values[0] if values.ndim == 2 and len(values) == 1 else values
    if values.ndim == 2:
        values = np.abs(values).mean(axis=0)
        what = f"{what} (mean size over classes)"
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        return None
    order = np.argsort(-np.abs(values), kind="stable")[:MOST_FEATURES]
    shown = [names[at] if names is not None and len(names) == len(values) else f"feature {at}" for at in order]
    made = chart("bars", "Feature importance", what, "", horizontal=True)
    made["series"] = [{"name": "", "x": shown, "y": rounded(values[order])}]
    if len(order) < len(values):
        made["note"] = f"the {len(order)} largest of {len(values):,}"
    return made


def line(name: str, x: Array, y: Array) -> dict[str, Any]:
    """One series of a chart."""
    return {"name": name, "x": rounded(x), "y": rounded(y)}


def rounded(values: Array) -> list[float]:
    """Six digits of each number: more than a picture shows, and a third of the text."""
    values = np.asarray(values, dtype=float)
    largest = float(np.abs(values).max(initial=0.0))
    digits = 6 - int(np.ceil(np.log10(largest))) if 0 < largest < 1e300 else 6
    return list(np.round(values, min(digits, 300)).tolist())


def class_name(label: Any) -> str:
    """A class as a legend names it."""
    return label if isinstance(label, str) else f"class {label}"


def texts(labels: Array) -> list[str]:
    return [str(label) for label in labels.tolist()]


def _unit(made: Chart) -> Chart:
    made["x"]["range"] = made["y"]["range"] = [0, 1]
    return made
