"""The names of ``Run`` on the module: ``autotrack.log_metric`` and its like act on the active run.

Where no run is active they write to one of the program's own, which starts with the first of them and ends with the
program. Watched calls do not join it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .active import active_run
from .handing import take_over
from .run import Run
from .starting import implicit_run


def _run() -> Run:
    return active_run() or take_over() or implicit_run()


def log_metric(key: str, value: float, step: int | None = None) -> None:
    """Keeps one point of a metric on the active run."""
    _run().log_metric(key, value, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Keeps one point of each metric on the active run."""
    _run().log_metrics(metrics, step)


def log_param(key: str, value: Any) -> Any:
    """Keeps one parameter on the active run; answers the value."""
    return _run().log_param(key, value)


def log_params(params: Mapping[str, Any]) -> None:
    """Keeps parameters on the active run."""
    _run().log_params(params)


def set_tag(key: str, value: Any) -> None:
    """Sets a tag of the active run."""
    _run().set_tag(key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Sets tags of the active run."""
    _run().set_tags(tags)


def log_artifact(source: str | Path, path: str | None = None) -> None:
    """Keeps a copy of a file or folder with the active run."""
    _run().log_artifact(source, path)


def log_artifacts(folder: str | Path, path: str | None = None) -> None:
    """Keeps a copy of a folder's files with the active run."""
    _run().log_artifacts(folder, path)


def log_text(text: str, path: str) -> None:
    """Keeps a text as a file of the active run."""
    _run().log_text(text, path)


def log_dict(content: Any, path: str) -> None:
    """Keeps a dict or list as JSON or YAML with the active run."""
    _run().log_dict(content, path)


def log_figure(figure: Any, path: str) -> None:
    """Keeps a figure with the active run."""
    _run().log_figure(figure, path)


def log_image(image: Any, path: str) -> None:
    """Keeps a picture with the active run."""
    _run().log_image(image, path)


def log_table(table: Any, path: str) -> None:
    """Keeps a table as CSV or JSON with the active run."""
    _run().log_table(table, path)


def log_dataset(
    data: Any,
    name: str | None = None,
    context: str = "train",
    source: str | None = None,
    *,
    seconds: float | None = None,
) -> None:
    """Writes down on the active run which data were used."""
    _run().log_dataset(data, name, context, source, seconds=seconds)


def log_model(model: Any, path: str = "model", *, example: Any = None, register: str | None = None) -> None:
    """Saves a trained model with the active run; ``example`` are data that it takes, ``register`` is the name of the
    registered model that it becomes the next version of."""
    _run().log_model(model, path, example=example, register=register)
