"""What the workers of one server have reported, as that of the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: What each worker counts for itself.
_COUNTED = frozenset({"requests", "rows", "failed", "refused", "requests_per_second"})
#: How the names of measures of truths begin, which workers share; and how many truths there were.
GOOD, TRUTHS = "production_", "truths"


def together(reported: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The metrics of a server, of those of its workers: counts are added up, how good the model is says whoever knows
    of most truths, of all else the largest is told."""
    each = list(reported)
    found: dict[str, float] = {}
    for metrics in each:
        for key, value in metrics.items():
            add = key in _COUNTED and key in found
            found[key] = found[key] + float(value) if add else max(found.get(key, float(value)), float(value))
    latest = max(each, key=lambda metrics: metrics.get(TRUTHS, 0), default={})
    return found | {key: float(value) for key, value in latest.items() if key.startswith(GOOD)}


def farthest(metrics: Mapping[str, float]) -> list[tuple[str, float]]:
    """Columns of the inputs by how far they have moved (psi), the farthest first."""
    found = [(key.removeprefix("psi/"), float(value)) for key, value in metrics.items() if key.startswith("psi/")]
    return sorted(found, key=lambda each: -each[1])
