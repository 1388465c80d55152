"""Searches: candidates as child runs and a table, from ``cv_results_`` alone. Nothing is fitted again."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .params import shown, text

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun


def log_search(search: Any, run: ProbeRun) -> None:
    """``best_<param>`` params, ``best_cv_score``, cv_results.csv, and the best candidates as child runs.

    Children: as many as the setting ``max_children`` allows, best ranks first; their metrics are the numeric columns
    that are neither a parameter nor one fold's score.
    """
    best = getattr(search, "best_params_", None)
    if isinstance(best, Mapping):
        run.log_params({f"best_{key}": shown(value) for key, value in best.items()})
    score = getattr(search, "best_score_", None)
    if score is not None:
        run.log_metric("best_cv_score", float(score))
    results = getattr(search, "cv_results_", None)
    params = results.get("params") if isinstance(results, Mapping) else None
    if params is None or not len(params):  # an array in a search of the user's own
        return
    run.log_metrics({"n_candidates": len(results["params"])})
    run.log_text(table(results), "cv_results.csv")
    if run.folded:
        return
    name = type(getattr(search, "estimator", search)).__name__
    run.children(candidates(results, run.setting("max_children"), name, getattr(search, "n_splits_", 1)))


def candidates(results: Mapping[str, Any], limit: int, name: str, splits: int = 1) -> list[dict[str, Any]]:
    """The best ``limit`` rows of ``cv_results_`` as finished child runs, in the order of the table."""
    params = list(results["params"])
    rank = ranking(results)
    kept = sorted(sorted(range(len(params)), key=lambda row: (rank[row], row))[:limit])
    columns = {key: column for key, column in results.items() if _is_metric(key, column)}
    made = []
    for row in kept:
        metrics = {key: _plain(column[row]) for key, column in columns.items()}
        metrics = {key: value for key, value in metrics.items() if not math.isnan(value)}
        seconds = (metrics.get("mean_fit_time", 0.0) + metrics.get("mean_score_time", 0.0)) * splits
        made.append(
            {
                "name": f"{name} {row + 1}",
                "params": {str(key): shown(value) for key, value in params[row].items()},
                "metrics": metrics,
                "tags": {"autotrack.candidate": str(row)},
                "seconds": seconds,
            }
        )
    return made


def ranking(results: Mapping[str, Any]) -> list[int]:
    """Each candidate's rank, 1 the best: the one score's, or the first of several scores'; later rounds of a halving
    search, which saw more data, come before earlier ones."""
    column = results.get("rank_test_score")
    if column is None:
        column = next((results[key] for key in results if key.startswith("rank_test_")), range(len(results["params"])))
    return [int(rank) for rank in column]


def table(results: Mapping[str, Any]) -> str:
    """``cv_results_`` as CSV, a row a candidate. Numbers in full, masked values empty, other values as params show."""
    keys = list(results)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(keys)
    for row in range(len(results["params"])):
        writer.writerow([_cell(results[key], row) for key in keys])
    return out.getvalue()


def _cell(column: Any, row: int) -> str:
    mask = getattr(column, "mask", None)
    if mask is not None and getattr(mask, "shape", ()) and mask[row]:
        return ""
    value = column[row]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    return value if isinstance(value, str) else text(value)


def _is_metric(key: str, column: Any) -> bool:
    if key.startswith(("param", "split")):
        return False
    kind = getattr(getattr(column, "dtype", None), "kind", None)
    return kind in ("i", "u", "f", "b")


def _plain(value: Any) -> float:
    number = value.item() if hasattr(value, "item") else value
    return number if isinstance(number, int) else float(number)
