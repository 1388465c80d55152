"""What the workers of one server have reported, as that of the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: What each worker counts for itself.
_COUNTED = frozenset({"requests", "rows", "failed", "refused", "requests_per_second"})
#: What is measured of columns, and of all of them together.
OF_COLUMNS = frozenset({"psi", "ks", "outside", "unseen", "missing"})
OF_ALL = frozenset({"more_missing", *OF_COLUMNS})
#: Rows that were looked at to judge whether anything has moved, by all workers up to then; how many that takes.
WATCHED, NEEDED = "watched", "needed"
#: How the names of measures of truths begin, which workers share; and how many truths there were.
GOOD, TRUTHS = "production_", "truths"


def together(reported: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The metrics of a server, of those of its workers: counts are added up, how good the model is says whoever knows
    of most truths, how far columns have moved whoever has judged most rows; of all else the largest is told."""
    each = list(reported)
    found: dict[str, float] = {}
    for metrics in each:
        for key, value in metrics.items():
            add = key in _COUNTED and key in found
            found[key] = found[key] + float(value) if add else max(found.get(key, float(value)), float(value))
    latest = max(each, key=lambda metrics: metrics.get(TRUTHS, 0), default={})
    found |= {key: float(value) for key, value in latest.items() if key.startswith(GOOD)}
    judged = max(each, key=lambda metrics: metrics.get(WATCHED, 0), default={})
    if WATCHED in judged:  # what older servers have left does not say
        found = {key: value for key, value in found.items() if not is_drift(key)}
        found |= {key: float(value) for key, value in judged.items() if is_drift(key)}
    return found


def is_drift(metric: str) -> bool:
    """Whether a metric tells how far inputs or answers have moved."""
    measure, of_column, _ = metric.partition("/")
    measure = measure.removeprefix("prediction_")
    return measure in (OF_COLUMNS if of_column else OF_ALL)


def too_few(metrics: Mapping[str, float]) -> str:
    """What to say where some columns have too few rows yet to be judged; nothing where they have enough."""
    watched, needed = metrics.get(WATCHED, 0), metrics.get(NEEDED, 0)
    return f"too few rows ({watched:,.0f} of {needed:,.0f} needed)" if watched < needed else ""


def farthest(metrics: Mapping[str, float]) -> list[tuple[str, float]]:
    """Columns of the inputs by how far they have moved (psi), the farthest first."""
    found = [(key.removeprefix("psi/"), float(value)) for key, value in metrics.items() if key.startswith("psi/")]
    return sorted(found, key=lambda each: -each[1])
