"""Models that need no table to predict: an array of the columns gets the same answers, for a fraction of the time.

Half of what a small model's prediction costs is a DataFrame, made of an array so that scikit-learn can compare names
and make an array of it again. Where whoever asks has put the columns in order already, that can be left out. It is
done for estimators of scikit-learn's own that turn their input into one array of numbers and look at nothing else of
it, which holds for each module below: all of them read it by ``validate_data``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

#: Modules, or packages, all of whose estimators are such. Those that hand their input on (to other estimators, to
#: functions of the user's) are in none of them.
_MODULES = (
    "sklearn.cluster.",
    "sklearn.decomposition.",
    "sklearn.discriminant_analysis.",
    "sklearn.ensemble._forest.",
    "sklearn.ensemble._gb.",
    "sklearn.ensemble._iforest.",
    "sklearn.linear_model.",
    "sklearn.naive_bayes.",
    "sklearn.neighbors.",
    "sklearn.neural_network.",
    "sklearn.preprocessing._data.",
    "sklearn.preprocessing._discretization.",
    "sklearn.preprocessing._polynomial.",
    "sklearn.svm.",
    "sklearn.tree.",
)
_PIPELINE = "sklearn.pipeline.Pipeline"
_SEARCHES = frozenset(
    {"sklearn.model_selection._search.GridSearchCV", "sklearn.model_selection._search.RandomizedSearchCV"}
)


def array_predictor(model: Any, columns: Sequence[str] | None) -> Callable[[Any], Any] | None:
    """``predict`` for an array (rows, columns); None where a table with these columns may get another answer, or none
    since it was trained on others."""
    bare, trained = _without_names(model), getattr(model, "feature_names_in_", None)
    if bare is None or not hasattr(bare, "predict"):
        return None
    if columns is not None and (trained is None or list(trained) != list(columns)):
        return None
    predict: Callable[[Any], Any] = bare.predict
    # By column, as pandas keeps an array that it is made of: sums are then added up in the same order, to the last bit.
    return lambda rows: predict(np.asfortranarray(rows))


def _without_names(model: Any) -> Any:
    """A shallow copy that knows no names of columns, and so misses none; None for what is not listed above."""
    kind = _path(model)
    if kind in _SEARCHES:
        return _without_names(vars(model).get("best_estimator_"))
    if kind == _PIPELINE:
        steps = [(name, _without_names(step)) for name, step in model.steps]
        if not steps or any(step is None for _, step in steps):
            return None
        twin = copy.copy(model)
        twin.steps = steps
        return twin
    if not kind.startswith(_MODULES) or "_sklearn_output_config" in vars(model):
        return None
    if any(callable(value) or hasattr(value, "fit") for value in model.get_params(deep=False).values()):
        return None  # a metric or a kernel of the user's; an estimator inside it, which may want a table
    twin = copy.copy(model)
    vars(twin).pop("feature_names_in_", None)
    return twin


def _path(model: Any) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
