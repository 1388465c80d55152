"""The probe of ``fit``, ``partial_fit``, ``fit_predict`` and ``fit_transform`` of every estimator."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from . import kinds
from .evaluation import after_fit
from .params import params_of
from .training_data import log_training_data

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

    from .training import Training

#: Attributes of fitted estimators that are one telling number, and their metrics' names.
_FITTED = {
    "n_iter_": "n_iter",
    "inertia_": "training_inertia",
    "oob_score_": "oob_score",
    "best_loss_": "best_training_loss",
    "lower_bound_": "training_lower_bound",
    "kl_divergence_": "training_kl_divergence",
    "reconstruction_err_": "training_reconstruction_error",
    "dual_gap_": "training_dual_gap",
}
#: Attributes that are one number an iteration.
_CURVES = {
    "loss_curve_": "training_loss",
    "validation_scores_": "validation_score",
    "train_score_": "training_loss",
    "validation_score_": "validation_score",
    "oob_scores_": "oob_score",
}
MAX_CURVE = 100_000
#: Rows of training data that are lists and go into a model's example.
EXAMPLE_ROWS = 5
#: Parameters by which a warm start grows; logged a call.
_GROWING = ("n_estimators", "max_iter")


def fitted(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Records one training. Preparation of data (scalers, encoders, ...) makes no run."""
    estimator = call.obj
    if kinds.only_prepares(estimator):
        yield
        return
    if call.name == "partial_fit" and run.continued(estimator):
        yield
        if call.error is None:
            _another_step(call, run, estimator)
            after_fit(call, run, again=True)
        return
    warm = call.name == "fit" and getattr(estimator, "__dict__", {}).get("warm_start") is True
    training = _data_of(call)  # asked before anything is logged: a call that cannot work makes no run
    again = warm and run.continued(estimator)
    if not again:
        run.name = run_name(estimator)
        run.log_params(params_of(estimator, deep=not kinds.is_search(estimator)))
        run.set_tags(described(estimator, training))
        log_training_data(call, run, training)
    yield
    if call.error is not None:
        return
    step = run.calls if warm or call.name == "partial_fit" else None
    scalars: dict[str, Any] = {"fit_seconds": call.seconds} | numbers_of(estimator)
    if warm:
        scalars |= {f"param.{key}": getattr(estimator, key) for key in _GROWING if hasattr(estimator, key)}
    run.log_metrics(scalars, step)
    if not run.folded:
        _finish(run, estimator, training, step)
    after_fit(call, run, again=again)


def _another_step(call: Call, run: ProbeRun, estimator: Any) -> None:
    """A further ``partial_fit`` of one object: a scalar; at the 2nd, 4th, 8th, ... call what costs more.

    The model is saved at those calls too, and as it is in the end where the object lives as long as its run.
    """
    step = run.calls
    run.log_metric("fit_seconds", call.seconds, step)
    if step & (step + 1):
        run.log_model_at_end(estimator)
        return
    run.no_model_at_end()
    run.log_metrics(numbers_of(estimator), step)
    _finish(run, estimator, _data_of(call), step)


def _data_of(call: Call) -> Training:
    from .training import Training

    weight = call.arg("sample_weight", None)
    if weight is None:
        weight = next((value for key, value in call.kwargs.items() if key.endswith("__sample_weight")), None)
    return Training(_first(call, "X", 0), _first(call, "y", 1), weight)


def _finish(run: ProbeRun, estimator: Any, training: Training, step: int | None) -> None:
    """What costs more than a scalar: training metrics, curves, a search's candidates, the model."""
    from .fitted_charts import Album
    from .shielding import unheard
    from .training import training_metrics

    album = Album()
    if run.afford("metrics"):
        with unheard():
            metrics, note = training_metrics(estimator, training, run.afford, seen=album.predicted)
            album.fitted(estimator, training.data)
        if metrics:
            run.log_metrics(metrics, step)
        if note is not None:
            run.note(note)
        album.log(run)
    if step is None:
        for key, values in curves_of(estimator):
            for index, value in enumerate(values):
                run.log_metric(key, value, index)
    model = estimator
    if kinds.is_search(estimator):
        from .search import log_search

        log_search(estimator, run)
        model = getattr(estimator, "best_estimator_", None)
    if model is not None:
        answers = album.answers if step is None else None
        run.log_model(model, "model", example=example_of(training, few=step is not None), answers=answers)


def example_of(training: Training, few: bool) -> Any:
    """The training data where a model folder can hold rows of them; lists of rows as the array that they become.

    A copy of the first rows with ``few``: of a run that goes on, no reference to the user's data may stay.
    """
    import copy

    from .training import head, rows_of_numbers

    data = training.data
    if few:
        data = copy.deepcopy(head(data, EXAMPLE_ROWS)) if kinds.is_library(type(data)) else None
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], (list, tuple)):
        return attempt(rows_of_numbers, data[:EXAMPLE_ROWS])[0]
    return data if kinds.is_library(type(data)) or isinstance(data, list) else None


def run_name(estimator: Any) -> str:
    """``Ridge``; ``Pipeline(Ridge)``; ``GridSearchCV(Pipeline(Ridge))``."""
    name = type(estimator).__name__
    inner = kinds.final_step(estimator)
    if inner is not estimator:
        return f"{name}({type(inner).__name__})"
    if kinds.is_search(estimator) and hasattr(estimator, "estimator"):
        return f"{name}({run_name(estimator.estimator)})"
    return name


def described(estimator: Any, training: Training) -> dict[str, str]:
    """Tags: MLflow's estimator_name and estimator_class; n_samples and n_features where the data say."""
    kind = type(estimator)
    tags = {"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__qualname__}"}
    if training.rows is not None:
        tags["n_samples"] = str(training.rows)
    if training.columns is not None:
        tags["n_features"] = str(training.columns)
    return tags


def numbers_of(estimator: Any) -> dict[str, float]:
    """The single numbers that a fitted estimator keeps (of a Pipeline: its last step)."""
    state: Mapping[str, Any] = getattr(kinds.final_step(estimator), "__dict__", {})
    found: dict[str, float] = {}
    for attribute, name in _FITTED.items():
        value = state.get(attribute)
        if value is None:
            continue
        if attribute == "n_iter_" and hasattr(value, "max") and getattr(value, "size", 0):
            value = value.max()
        number, _ = attempt(_number, value)
        if number is not None:
            found[name] = number
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, (bool, str, bytes)) or getattr(value, "shape", ()) != ():
        return None
    return int(value) if isinstance(value, int) else float(value)


def curves_of(estimator: Any) -> list[tuple[str, list[float]]]:
    """The numbers an iteration that a fitted estimator keeps: losses, validation scores."""
    state: Mapping[str, Any] = getattr(kinds.final_step(estimator), "__dict__", {})
    found: dict[str, list[float]] = {}
    for attribute, name in _CURVES.items():
        values = state.get(attribute)
        if name in found or values is None or getattr(values, "ndim", 1) != 1:
            continue
        if not isinstance(values, list) and not hasattr(values, "dtype"):
            continue
        if 1 < len(values) <= MAX_CURVE:
            numbers, _ = attempt(lambda values=values: [float(value) for value in values])
            if numbers is not None:
                found[name] = numbers
    return list(found.items())


def _first(call: Call, name: str, position: int) -> Any:
    """An argument by scikit-learn's name, else by its place (users' own classes name them as they like)."""
    value = call.arg(name, None)
    if value is None and len(call.args) > position:
        value = call.args[position]
    return value
