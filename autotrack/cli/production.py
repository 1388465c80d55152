"""What production says of the versions of a model, beside what their training said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autotrack.core.guard import attempt
from autotrack.core.registered import ModelVersion
from autotrack.core.sink import Sink

from .screen import Cell, Column, Screen

#: How tags begin that a server of the version keeps (the plugin "serving").
PREFIX = "production."
#: What the metrics of training are called that say the same.
_TRAINING = {
    "accuracy": ("accuracy",),
    "mae": ("mae", "mean_absolute_error"),
    "rmse": ("rmse", "root_mean_squared_error"),
}


def production_documents(sink: Sink, versions: Sequence[ModelVersion]) -> list[dict[str, Any]]:
    """For each version that production has spoken of: its measures, and the metrics of training that say the same."""
    found = []
    for version in versions:
        said = {key.removeprefix(PREFIX): text for key, text in sorted(version.tags.items()) if key.startswith(PREFIX)}
        if said:
            run = attempt(sink.run, version.run)[0] if version.run else None
            metrics = {} if run is None else {key: float(value) for key, value in run.metrics.items()}
            training = {measure: _same(metrics, _TRAINING.get(measure, ())) for measure in said}
            found.append({"version": version.version, "production": said, "training": training})
    return found


def _same(metrics: dict[str, float], words: Sequence[str]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if any(word in key.lower() for word in words)}


def print_production(screen: Screen, documents: Sequence[dict[str, Any]]) -> None:
    """The same for people."""
    if not documents:
        return
    screen.heading("in production")
    rows: list[list[Cell | str]] = []
    for document in documents:
        for measure, text in document["production"].items():
            beside = ", ".join(f"{key} {value:.4g}" for key, value in document["training"][measure].items())
            rows.append([Cell(str(document["version"]), "bold"), measure, text, Cell(beside, "dim")])
    screen.table([Column("version", right=True), Column("measure"), Column("production"), Column("in training")], rows,
                 indent=2)  # fmt: skip
