"""What a fitted estimator says about the data that it was fitted on: predicted once, scored here."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from autotrack.plugin import attempt

from . import metrics
from .drawing import may_draw
from .kinds import final_step, is_library, is_search, keeps_quiet, scores_by_name
from .shielding import Shield, TooLarge, shield_of, unheard

#: Rows up to which predicting again is taken for cheap without trying a few rows first.
FEW_ROWS = 400
#: Rows of the trial.
TRIAL_ROWS = 32
#: Rows of a second trial, and the estimated seconds from which on it is worth its time.
SECOND_TRIAL_ROWS = 256
DEAR = 0.1

Afford = Callable[[str, float], bool]
#: Told the sort of model, the truth, what was predicted, and for classifiers their probabilities and classes (or None).
Seen = Callable[[str, Any, Any, Any, Any], None]

#: Classifiers whose ``predict`` answers the class with the highest ``predict_proba``.
_ARGMAX = frozenset(
    """LogisticRegression LogisticRegressionCV DecisionTreeClassifier ExtraTreeClassifier RandomForestClassifier
    ExtraTreesClassifier GradientBoostingClassifier HistGradientBoostingClassifier GaussianNB MultinomialNB BernoulliNB
    ComplementNB CategoricalNB LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis BaggingClassifier""".split()
)

#: Types of numbers, by identity: a class may define its own comparison.
_NUMBERS = frozenset(map(id, (int, float, bool, np.float64, np.float32, np.int64, np.int32, np.bool_)))

#: ``score`` methods that answer accuracy or R2.
_USUAL_SCORES = frozenset(
    f"{owner}.score"
    for owner in """ClassifierMixin RegressorMixin KNeighborsClassifier DummyClassifier DummyRegressor
    MultiOutputClassifier""".split()
)


class Unasked(Exception):
    """Why the model must not be asked now."""


class Training(NamedTuple):
    """The data of one call of ``fit``."""

    data: Any
    target: Any
    weight: Any = None

    @property
    def rows(self) -> int | None:
        """How many samples there are; None where the data do not say."""
        shape = getattr(self.data, "shape", None)
        if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
            return shape[0]
        return len(self.data) if isinstance(self.data, (list, tuple)) else None

    @property
    def columns(self) -> int | None:
        shape = getattr(self.data, "shape", None)
        return int(shape[1]) if isinstance(shape, tuple) and len(shape) == 2 else None


def training_metrics(
    estimator: Any, training: Training, afford: Afford, seen: Seen | None = None
) -> tuple[dict[str, float], str | None]:
    """MLflow's ``training_*`` metrics, and a note where some were left out.

    Predicts once on the training data, on a copy of the state where the code is the user's, and no random stream is
    moved; not at all where that might be seen or take more than can be afforded.
    """
    rows = training.rows
    if rows is None or rows == 0 or not (is_library(type(training.data)) and is_library(type(training.target))):
        return {}, None
    model = getattr(estimator, "best_estimator_", None) if is_search(estimator) else estimator
    if model is None:
        return {}, None
    sort = _sort(model)
    if sort is None or (sort != "other" and training.target is None):
        return {}, None
    if sort == "other":
        return _own_score(model, training, afford)
    loud = keeps_quiet(model)
    if loud is not None:
        return {}, f"training metrics left out: {loud} may do more than predict"
    if talks_inside(model):
        return {}, "training metrics left out: an inner estimator is verbose and would print again"
    found, error = attempt(_supervised, model, sort, training, afford, seen)
    if isinstance(error, (TooLarge, Unasked)):
        return {}, f"training metrics left out: {error}"
    if error is not None:
        return {}, f"training metrics left out: predicting again raised {type(error).__name__}: {error}"
    if found is None:  # `afford` has noted it
        return {}, None
    usual = "accuracy_score" if sort == "classifier" else "r2_score"
    if _scores_as_usual(estimator, model):
        if usual in found:
            found["score"] = found[usual]
    elif is_library(type(estimator)) and scores_by_name(estimator):
        score, _ = attempt(_score, estimator, model, training)
        if score is not None:
            found["score"] = score
    return metrics.named(found), None


def _sort(model: Any) -> str | None:
    from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier, is_regressor

    if attempt(is_classifier, model)[0]:
        return "classifier"
    if attempt(is_regressor, model)[0]:
        return "regressor"
    # Written as `class Mine(BaseEstimator, ClassifierMixin)`, a class hides the mixin's tags from scikit-learn 1.6 on.
    if isinstance(model, ClassifierMixin):
        return "classifier"
    return "regressor" if isinstance(model, RegressorMixin) else "other"


def _supervised(
    model: Any, sort: str, training: Training, afford: Afford, seen: Seen | None
) -> dict[str, float] | None:
    rows = training.rows or 0
    caller, shield = caller_of(model), shield_of(model)
    with unmoved(model) as why:
        if why is not None:
            raise Unasked(why)
        if rows > FEW_ROWS and not _affordable(caller, training, rows, afford, shield):
            return None
        if sort == "regressor":
            predicted = np.asarray(caller.predict(shield(training.data)))
        else:
            predicted, probability = _classify(caller, training.data, shield)
    truth = _column(training.target)
    weight = None if training.weight is None else np.asarray(training.weight, dtype=float).ravel()
    if sort == "regressor":
        if seen is not None:
            seen(sort, truth, _column(predicted), None, None)
        return metrics.regression(truth, _column(predicted), weight=weight)
    if seen is not None and truth.ndim == 1:
        seen(sort, truth, _column(predicted), probability, getattr(model, "classes_", None))
    found = metrics.classification(truth, _column(predicted), weight=weight)
    classes = getattr(model, "classes_", None)
    if probability is not None and truth.ndim == 1 and isinstance(classes, np.ndarray):
        found |= metrics.probabilistic(truth, probability, classes, weight=weight)
    return found


def _classify(caller: Any, data: Any, shield: Shield) -> tuple[Any, Any]:
    """Labels and (where there are any, for one label a sample) probabilities, from one call where that is enough."""
    classes = getattr(caller, "classes_", None)
    probability = None
    if isinstance(classes, np.ndarray) and classes.ndim == 1 and hasattr(caller, "predict_proba"):
        answer = caller.predict_proba(shield(data))
        if isinstance(answer, np.ndarray) and answer.ndim == 2 and answer.shape[1] == len(classes):
            probability = answer
    last = final_step(caller)
    if probability is not None and type(last).__name__ in _ARGMAX and type(last).__module__.startswith("sklearn."):
        return classes[np.argmax(probability, axis=1)], probability
    return np.asarray(caller.predict(shield(data))), probability


def _affordable(caller: Any, training: Training, rows: int, afford: Afford, shield: Shield) -> bool:
    """Tries a few rows: their time, scaled up, is what predicting all would take at most.

    Where that is much, more rows are tried: of a call that costs the same for few rows as for many (an ensemble asks
    each of its members), only the difference grows with the rows.
    """
    few = head(training.data, TRIAL_ROWS)
    if few is None:
        return afford("metrics", 0.0)
    predict = caller.predict_proba if hasattr(caller, "predict_proba") else caller.predict
    first = _seconds(predict, shield(few))
    estimate = first * rows / TRIAL_ROWS if first > 0.001 else first * rows / TRIAL_ROWS / 8
    if estimate > DEAR and rows > 2 * SECOND_TRIAL_ROWS:
        second = _seconds(predict, shield(head(training.data, SECOND_TRIAL_ROWS)))
        each = max(0.0, second - first) / (SECOND_TRIAL_ROWS - TRIAL_ROWS)
        estimate = min(estimate, second + each * (rows - SECOND_TRIAL_ROWS))
    return afford("metrics", estimate)


def _seconds(predict: Callable[[Any], Any], data: Any) -> float:
    begin = time.perf_counter()
    predict(data)
    return time.perf_counter() - begin


def head(data: Any, rows: int) -> Any:
    """The first rows of a table, array, sparse matrix or list, without copying the rest; None for anything else."""
    if hasattr(data, "iloc"):
        return data.iloc[:rows]
    if isinstance(data, (np.ndarray, list)) or (hasattr(data, "tocsr") and getattr(data, "format", "") == "csr"):
        return data[:rows]
    return None


def rows_of_numbers(rows: Any) -> Any:
    """Lists of numbers as an array; None where there is anything else in them, which numpy would ask what it is."""
    if not _are_numbers(rows):
        return None
    made = np.asarray(rows)
    return made if made.dtype.kind in "biuf" else None


def _are_numbers(values: Any) -> bool:
    return all(
        id(type(value)) in _NUMBERS or (issubclass(type(value), (list, tuple)) and _are_numbers(value))
        for value in values
    )


def _column(values: Any) -> Any:
    """Labels or numbers as an array; one column counts as flat."""
    array = np.asarray(values)
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array


def _score(estimator: Any, model: Any, training: Training) -> float:
    """The library's own ``score``, where that is something else than accuracy or R2."""
    weight = {} if training.weight is None else {"sample_weight": training.weight}
    with unmoved(model) as why:
        if why is not None:
            raise Unasked(why)
        return float(caller_of(estimator).score(shield_of(estimator)(training.data), training.target, **weight))


def _scores_as_usual(estimator: Any, model: Any) -> bool:
    """True where ``score`` is accuracy or R2, so that it need not be computed again."""
    if is_search(estimator) and getattr(estimator, "scoring", None) is not None:
        return False
    score = getattr(type(final_step(model)), "score", None)
    return getattr(score, "__qualname__", "") in _USUAL_SCORES


def _own_score(model: Any, training: Training, afford: Afford) -> tuple[dict[str, float], str | None]:
    """``training_score`` of what is neither classifier nor regressor (a likelihood, mostly), where it is cheap."""
    inertia = getattr(model, "inertia_", None)
    if isinstance(inertia, (float, np.floating)) and is_library(type(model)):
        return {"training_score": -float(inertia)}, None
    rows = training.rows or 0
    if not is_library(type(model)) or not hasattr(model, "score") or keeps_quiet(model) is not None:
        return {}, None
    if not scores_by_name(model):
        return {}, None
    few, shield = head(training.data, TRIAL_ROWS), shield_of(model)
    if few is None or not afford("metrics", 0.0):
        return {}, None
    with unmoved(model) as why:
        if why is not None:
            return {}, f"training metrics left out: {why}"
        begin = time.perf_counter()
        _, error = attempt(model.score, shield(few))
        if error is not None or not afford("metrics", (time.perf_counter() - begin) * rows / TRIAL_ROWS):
            return {}, None
        score, _ = attempt(lambda: model.score(shield(training.data)))
    return metrics.named({"score": float(score)}) if isinstance(score, (int, float, np.number)) else {}, None


def caller_of(model: Any) -> Any:
    """What to predict with: the model itself where that leaves no trace, else a copy of its state, silenced."""
    verbose = getattr(model, "verbose", False) and "verbose" in getattr(model, "__dict__", ())
    if is_library(type(model)) and not verbose:
        return model
    twin = _twin(model)
    if verbose:
        twin.verbose = 0
    return twin


def talks_inside(model: Any) -> bool:
    """True where an estimator within this one is verbose, and would print again."""
    params, _ = attempt(lambda: model.get_params(deep=True))
    return any(key.endswith("__verbose") and bool(value) for key, value in (params or {}).items())


def _twin(model: Any) -> Any:
    """A shallow copy of the state: attributes set on it, or items added to its own containers, are not the user's."""
    twin = _copied(model)
    for name, value in vars(twin).items():
        if type(value) in (list, dict, set):
            vars(twin)[name] = value.copy()
    return twin


def _copied(model: Any) -> Any:
    """Copied without ``__getstate__`` and ``__setstate__``: they are for a pickle, and may leave out or warn."""
    kind = type(model)
    if any(vars(base).get("__slots__") for base in kind.__mro__):
        return copy.copy(model)
    twin, _ = attempt(object.__new__, kind)
    if twin is None:  # a class with state of its own in C
        return copy.copy(model)
    vars(twin).update(vars(model))
    return twin


@contextmanager
def unmoved(model: Any) -> Iterator[str | None]:
    """Within it, what predicting may draw comes from streams that are set back, and no warning is shown. It gives None;
    or why nothing may be asked."""
    from autotrack.plugin import streams_put_back

    with ExitStack() as stack:
        stack.enter_context(unheard())
        yield stack.enter_context(streams_put_back(_streams(model))) if may_draw(model) else None


def _streams(model: Any) -> list[Any]:
    params, _ = attempt(lambda: model.get_params(deep=True))
    held = [*(params or {}).values(), *getattr(model, "__dict__", {}).values()]
    held += [value for part in held if hasattr(part, "fit") for value in getattr(part, "__dict__", {}).values()]
    return [value for value in held if isinstance(value, (np.random.RandomState, np.random.Generator))]
