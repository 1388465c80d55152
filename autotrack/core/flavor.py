"""What a model format is to autotrack: three functions and the classes that it handles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Flavor:
    """A model format.

    ``handles`` are class paths (``"sklearn.base:BaseEstimator"``); a model belongs to the flavor that names the
    nearest class in its MRO. ``save(model, folder)`` writes files into an existing empty folder and returns the
    entry for MLmodel (``{"pickled_model": "model.skops", ...}``). ``load(folder, entry, trust)`` returns the model;
    ``trust`` is True where the caller or the store vouches for files that could run code. ``predictor(model)``
    returns a function from a table or arrays to predictions, or None where there is none.
    ``packages`` are distributions that loading needs, besides what the model's class implies.
    """

    name: str
    handles: tuple[str, ...]
    save: Callable[[Any, Path], Mapping[str, Any]]
    load: Callable[[Path, Mapping[str, Any], bool], Any]
    predictor: Callable[[Any], Callable[[Any], Any] | None] = lambda model: getattr(model, "predict", None)
    packages: tuple[str, ...] = ()
    #: MLflow's loader for ``python_function``, where MLflow can load this format.
    mlflow_loader: str | None = None
    requires: Mapping[str, str] = field(default_factory=dict)
