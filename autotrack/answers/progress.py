"""How far a run is that is still running: how many steps it is going to have, as its params say."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: What a run's own tag says goes before all guesses.
TOTAL_TAG = "autotrack.total_steps"
_TOTALS = re.compile(
    r"(^|[./]|__)((max|num|n|total|num_train)_)?(epochs?|steps|iters?|iterations|rounds|estimators)$"
    r"|(^|[./]|__)(num_boost_round|max_iter|training_steps)$"
)


def total_steps(params: Mapping[str, str], tags: Mapping[str, str], step: int) -> int | None:
    """How many steps a run has in all, None where nothing says so.

    Of several params that may say it (epochs, and steps) it is the least that is not passed already.
    """
    said = [tags[TOTAL_TAG]] if TOTAL_TAG in tags else [text for key, text in params.items() if _TOTALS.search(key)]
    totals = [int(text) for text in said if text.isascii() and text.isdigit() and len(text) < 16]
    return min((total for total in totals if total > step), default=None)


def seconds_left(elapsed: float, step: int, total: int | None) -> float | None:
    """How long a run still takes that goes on as it went; None where that is not to be known. Steps count from 0."""
    if total is None or step < 1 or elapsed <= 0:
        return None
    return elapsed / (step + 1) * max(0, total - step - 1)
