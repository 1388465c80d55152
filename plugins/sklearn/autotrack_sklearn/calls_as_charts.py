"""Charts of what a call of ``sklearn.metrics`` answered: matrices, curves, reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

if TYPE_CHECKING:
    from autotrack.plugin import Call

#: Lines of a report that are kept.
MOST_LINES = 200


def chart_of(call: Call, dataset: str) -> dict[str, Any] | None:
    """The chart of a call's answer, None where that is no picture or of an unusual shape."""
    from .shielding import unheard

    make = _MAKERS.get(call.name)
    if make is None:
        return None
    with unheard():
        return attempt(make, call, dataset)[0]


def _matrix(call: Call, where: str) -> dict[str, Any] | None:
    import numpy as np

    from . import charts

    counts = np.asarray(call.result)
    labels = call.kwargs.get("labels")
    if labels is None:
        truth, predicted = (call.args[at] if len(call.args) > at else call.kwargs[name] for at, name in _BOTH)
        labels = np.unique(np.concatenate([np.asarray(truth).ravel(), np.asarray(predicted).ravel()]))
    labels = charts.texts(np.asarray(labels))
    if counts.ndim != 2 or len(labels) != len(counts) or len(counts) > charts.MOST_CLASSES:
        return None
    return charts.matrix(counts, labels, where)


def _roc(call: Call, where: str) -> dict[str, Any]:
    from . import charts

    x, y = charts.thinned(*call.result[:2], charts.MOST_POINTS)
    return charts.roc([(_model_or_metric(call), x, y)], where)


def _recall(call: Call, where: str) -> dict[str, Any]:
    from . import charts

    precision, recall = call.result[:2]
    x, y = charts.thinned(recall, precision, charts.MOST_POINTS)
    return charts.precision_recall([("", x, y)], where)


def _det(call: Call, where: str) -> dict[str, Any]:
    from . import charts

    x, y = charts.thinned(*call.result[:2], charts.MOST_POINTS)
    title = f"Detection error trade-off, {where}"
    return charts.chart("lines", title, "False positive rate", "False negative rate", series=[charts.line("", x, y)])


def _report(call: Call, where: str) -> dict[str, Any] | None:
    """A report is kept as a table, from its dict, or from its text, whose columns are two spaces or more apart."""
    from . import charts

    result, rows = call.result, []
    columns = ["", "precision", "recall", "f1-score", "support"]
    if isinstance(result, dict):
        for name, values in result.items():
            numbers = (
                [values.get(key) for key in columns[1:]] if isinstance(values, dict) else [None, None, values, None]
            )
            rows.append([str(name), *(None if value is None else round(float(value), 6) for value in numbers)])
    elif isinstance(result, str):
        for text in result.splitlines()[1:]:
            name, *numbers = [part for part in text.strip().split("  ") if part.strip()] or [""]
            if numbers and len(numbers) <= 4:
                found = [float(number) for number in numbers]
                rows.append([name, *[None] * (4 - len(found)), *found])
    if not rows:
        return None
    return charts.chart("table", f"Classification report, {where}", columns=columns, rows=rows[:MOST_LINES])


def _model_or_metric(call: Call) -> str:
    positive = call.kwargs.get("pos_label")
    return "" if positive is None else str(positive)


_BOTH = ((0, "y_true"), (1, "y_pred"))
_MAKERS: dict[str, Callable[[Call, str], dict[str, Any] | None]] = {
    "confusion_matrix": _matrix,
    "roc_curve": _roc,
    "precision_recall_curve": _recall,
    "det_curve": _det,
    "classification_report": _report,
}
