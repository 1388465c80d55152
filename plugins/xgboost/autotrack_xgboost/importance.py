"""What weighs how much in a booster, by every measure that XGBoost has; as numbers and as charts."""

from __future__ import annotations

from typing import Any

from autotrack.plugin import attempt

TYPES = ("weight", "gain", "cover", "total_gain", "total_cover")
#: Features that a chart names.
MOST_FEATURES = 30

Scores = dict[str, dict[str, Any]]


def importances(booster: Any) -> Scores:
    """Scores of the features in use, by measure. A linear booster has weights alone, a list for several classes."""
    found: Scores = {}
    for measure in TYPES:
        scores, _ = attempt(booster.get_score, importance_type=measure)
        if scores:
            found[measure] = dict(sorted(scores.items(), key=_weighed, reverse=True))
    return found


def _weighed(entry: tuple[str, Any]) -> float:
    score = entry[1]
    return max(map(abs, score)) if isinstance(score, list) else abs(score)


def chart_of(scores: Scores) -> dict[str, Any]:
    """A chart of bars for each measure, the features that weigh most first."""
    return {"chart": 1, "kind": "several", "charts": {name: _bars(name, found) for name, found in scores.items()}}


def _bars(measure: str, scores: dict[str, Any]) -> dict[str, Any]:
    names = list(scores)[:MOST_FEATURES]
    several = max((len(score) for score in scores.values() if isinstance(score, list)), default=0)
    series = [
        {"name": f"class {at}", "x": names, "y": [_finite(scores[name][at]) for name in names]} for at in range(several)
    ] or [{"name": measure, "x": names, "y": [_finite(scores[name]) for name in names]}]
    document: dict[str, Any] = {
        "chart": 1,
        "kind": "bars",
        "title": f"Feature importance, {measure}",
        "x": {"label": measure},
        "horizontal": True,
        "series": series,
    }
    if len(scores) > len(names):
        document["note"] = f"{len(scores) - len(names)} more features are in feature_importance.json"
    return document


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None
