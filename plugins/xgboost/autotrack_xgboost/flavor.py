"""The ``xgboost`` flavor: XGBoost's own UBJSON file, as MLflow keeps it; nothing in it can run.

Entry as MLflow 3.17 writes it: ``data``, ``model_class``, ``model_format``, ``xgb_version``; besides, in ``params``, an
estimator's parameters: the file does not hold them, and predictions may depend on one (``missing``).
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autotrack.plugin import ArtifactError, Flavor, UntrustedModelError, attempt, file_inside

FILE = "model.ubj"
BOOSTER = "xgboost.core.Booster"
ESTIMATORS = frozenset(
    f"xgboost.sklearn.{name}"
    for name in ("XGBModel", "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor")
)


def save(model: Any, folder: Path) -> Mapping[str, Any]:
    """Writes ``model.ubj``; answers the MLmodel entry. The model is left as it is."""
    kind = type(model)
    # An estimator's own save_model() writes an attribute into its booster for the time that it takes.
    booster = model.get_booster() if hasattr(kind, "get_booster") else model
    (folder / FILE).write_bytes(booster.save_raw(raw_format="ubj"))
    entry: dict[str, Any] = {
        "data": FILE,
        "model_class": f"{kind.__module__}.{kind.__qualname__}",
        "model_format": "ubj",
        "xgb_version": getattr(sys.modules.get("xgboost"), "__version__", None),
        "code": None,
        "modules": ["xgboost", *(["sklearn"] if booster is not model else [])],
        "python_function": {"data": FILE},
    }
    if booster is not model:
        entry["params"] = plain_params(model)
    return entry


def plain_params(model: Any) -> dict[str, Any]:
    """The estimator's parameters that were given and that are plain values."""
    params, _ = attempt(model.get_params, deep=False)
    return {
        str(name): value
        for name, value in (params or {}).items()
        if type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))
    }


def load(folder: Path, entry: Mapping[str, Any], trust: bool) -> Any:
    """The booster or estimator in the folder.

    UntrustedModelError where its class is none of XGBoost's and nobody vouched for it; ArtifactError where the file is
    no model.
    """
    path = file_inside(folder, entry.get("data"))
    content = path.read_bytes()
    _check(path, content, trust)
    name = entry.get("model_class") or BOOSTER
    kind = _class(str(name), folder, trust)
    model = kind()
    if str(name) != BOOSTER and isinstance(entry.get("params"), dict):
        known, _ = attempt(model.get_params, deep=False)
        given = {key: value for key, value in entry["params"].items() if key in (known or {}) and _is_plain(value)}
        _, error = attempt(model.set_params, **given)
        if error is not None:
            raise ArtifactError(f"the MLmodel in {folder} has params that {name} does not take: {error}") from error
    _, error = attempt(model.load_model, bytearray(content))
    if error is not None:
        raise ArtifactError(
            f"{_named(path, content)} is no model that this XGBoost reads; it is not loaded in any other way: "
            f"{str(error).splitlines()[0][:300]}"
        ) from error
    return model


def _check(path: Path, content: bytes, trust: bool) -> None:
    """Refuses what XGBoost would follow astray, or end the process on; of what is vouched for, only what is torn."""
    from . import structure

    document, error = attempt(structure.read, content)
    if document is not None and not trust:
        _, error = attempt(structure.check, document)
    if error is not None:
        raise ArtifactError(
            f"{_named(path, content)} is no model of XGBoost's: {error}. No training writes such a file, and it is not "
            f"loaded in any other way: get the model again from where it was made"
        ) from None


def _named(path: Path, content: bytes) -> str:
    return f"{path} (sha256 {hashlib.sha256(content).hexdigest()[:16]}…)"


def _class(name: str, folder: Path, trust: bool) -> Callable[[], Any]:
    import importlib

    module, _, attribute = name.rpartition(".")
    if name != BOOSTER and name not in ESTIMATORS and not trust:
        raise UntrustedModelError(
            f"the model in {folder} is of the class {name}, whose code would run here. If you know who made it, "
            f"load it with autotrack.load_model(..., trust=True)"
        )
    found, error = attempt(lambda: getattr(importlib.import_module(module), attribute))
    bases = [f"{base.__module__}.{base.__qualname__}" for base in getattr(found, "__mro__", ())]
    if not isinstance(found, type) or not (BOOSTER in bases or ESTIMATORS.intersection(bases)):
        why = f": {error}" if error is not None else ", which is none of XGBoost's nor made from one"
        raise ArtifactError(f"the model in {folder} is said to be of the class {name}{why}")
    return found


def _is_plain(value: Any) -> bool:
    return type(value) in (bool, int, float, str)


def predictor(model: Any) -> Callable[[Any], Any] | None:
    """``predict`` of an estimator; of a booster, from tables and arrays as MLflow asks it: by all its trees."""
    if hasattr(type(model), "get_booster"):
        found: Callable[[Any], Any] | None = getattr(model, "predict", None)
        return found

    def predict(data: Any) -> Any:
        import xgboost

        return model.predict(xgboost.DMatrix(data, enable_categorical=True))

    return predict


def _is_own(model: Any) -> bool:
    """True where the model's class is not XGBoost's; its models draw nothing when they are asked."""
    return not type(model).__module__.startswith("xgboost.")


@contextmanager
def rehearsal(model: Any) -> Iterator[Any]:
    """What to ask for predictions that nobody notices; None where the model's class is the user's own code."""
    if _is_own(model):
        yield None
        return
    import xgboost

    with xgboost.config_context(verbosity=0):
        yield model


XGBOOST = Flavor(
    name="xgboost",
    handles=("xgboost.core:Booster", "xgboost.sklearn:XGBModel"),
    save=save,
    load=load,
    predictor=predictor,
    packages=("numpy", "scipy"),
    mlflow_loader="mlflow.xgboost",
    answers=("predict", "predict_proba"),
    draws=_is_own,
    rehearsal=rehearsal,
)
