"""Probes of what comes after a fit: predictions, scores and calls of ``sklearn.metrics`` on them.

They log to the run of the model that predicted, also after that run has ended, and make none of their own.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from .evaluated import UNKNOWN
from .kinds import final_step, held

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

    from .provenance import Prediction

#: Parameters of metrics that take the prediction, by the names that scikit-learn uses.
_PREDICTED = ("y_pred", "y_score", "y_proba", "y_prob", "pred_decision", "labels_pred", "labels", "y2", "b")
_TRUE = ("y_true", "labels_true", "y1", "a", "X")
#: Numbers of one answer that are kept one by one.
MOST_VALUES = 32


def predicted(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Remembers what a tracked model answered, by memory and content."""
    yield
    if call.error is not None:
        return
    from .provenance import provenance

    origin = provenance.of_model(call.obj)
    if origin is None:
        return
    data = _argument(call, "X", 0)
    name = origin.dataset(data, _name(call, "X", 0))
    provenance.add(call.result, origin, name, held(call.obj, "classes_"))


def scored(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps ``model.score(X, y)`` as ``<Class>_score_<data>``."""
    yield
    if call.error is not None:
        return
    from .provenance import provenance

    origin = provenance.of_model(call.obj)
    value = _number(call.result)
    if origin is None or value is None:
        return
    name = origin.dataset(_argument(call, "X", 0), _name(call, "X", 0))
    target = _argument(call, "y", 1)
    if target is not None:
        origin.dataset(target, _name(call, "y", 1), "eval target")
    key = origin.metric(f"{type(call.obj).__name__}_score", name, call.site)
    origin.log({key: value})


def scorer_called(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps what a scorer answers (``get_scorer("f1")(model, X, y)``) under its metric's name."""
    yield
    if call.error is not None:
        return
    from .provenance import provenance

    value = _number(call.result)
    model = _argument(call, "estimator", 0)
    origin = provenance.of_model(model) if value is not None and model is not None else None
    if origin is None or value is None:
        return
    name = origin.dataset(_argument(call, "X", 1), _name(call, "X", 1))
    function = held(call.obj, "_score_func")
    metric = getattr(function, "__name__", None) or "score"
    if held(call.obj, "_sign") == -1:
        metric = f"neg_{metric}"
    origin.log({origin.metric(metric, name, call.site): value})


def measured(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Keeps the value of a metric that was computed on a tracked model's prediction."""
    yield
    if call.error is not None:
        return
    from .provenance import provenance

    prediction = _prediction(call)
    if prediction is None:
        return
    origin = prediction.origin
    result = call.result
    options = {name: value for name, value in call.kwargs.items() if isinstance(value, (str, int, float, bool))}
    values = _values(result)
    truth = _either(call, _TRUE, 0)
    if truth is not None and not call.name.startswith(("silhouette", "calinski", "davies")) and call.name != "auc":
        name = _name(call, "y_true", 0)
        if name is not None:
            origin.dataset(truth, name, "eval target")
    key = origin.metric(call.name, prediction.dataset, (call.site, *sorted(options.items())))
    if values:
        origin.log({f"{key}{suffix}": value for suffix, value in values.items()})
        if prediction.shared:
            origin.say_shared(key)
    from .calls_as_charts import chart_of

    document = chart_of(call, prediction.dataset)
    if document is not None:
        origin.run.log_chart(document, f"figures/{key}")
    if isinstance(result, tuple):
        for part in result:
            provenance.derived(part, prediction)


def _prediction(call: Call) -> Prediction | None:
    """The prediction that a metric was called on: by content where it belongs, by memory alone in another place.

    Another model's perfect prediction equals the truth, so what stands for the truth must be the prediction itself.
    """
    from .provenance import provenance

    found = provenance.find(_either(call, _PREDICTED, 1))
    if found is None:
        found = provenance.find(_either(call, ("x",) if call.name == "auc" else _TRUE, 0), content=call.name == "auc")
    return found


def _values(result: Any) -> dict[str, float]:
    """The numbers of an answer by what is added to its key: one number, or a few in a tuple, an array or a dict."""
    one = _number(result)
    if one is not None:
        return {"": one}
    if isinstance(result, dict):
        named = {str(name): _number(value) for name, value in list(result.items())[:MOST_VALUES]}
        return {f".{name}": value for name, value in named.items() if value is not None}
    if hasattr(result, "tolist") and getattr(result, "ndim", 0) == 1 and len(result) <= MOST_VALUES:
        result = result.tolist()
    if not isinstance(result, (list, tuple)) or len(result) > MOST_VALUES:
        return {}
    numbers = [_number(value) for value in result]
    return {f".{at}": value for at, value in enumerate(numbers) if value is not None}


def _number(value: Any) -> float | None:
    if isinstance(value, (bool, str, bytes)) or getattr(value, "shape", ()) != ():
        return None
    return value if isinstance(value, (int, float)) else float(value) if hasattr(value, "dtype") else None


def _argument(call: Call, name: str, position: int) -> Any:
    return call.args[position] if len(call.args) > position else call.kwargs.get(name)


def _either(call: Call, names: tuple[str, ...], position: int) -> Any:
    if len(call.args) > position:
        return call.args[position]
    return next((call.kwargs[name] for name in names if name in call.kwargs), None)


def _name(call: Call, name: str, position: int) -> str | None:
    from autotrack.plugin import argument_name

    return argument_name(call, name, position)


def after_fit(call: Call, run: ProbeRun, *, again: bool = False) -> None:
    """Remembers that a model was fitted in a run: what is measured of it later goes there.

    ``again`` where the fit went on with an earlier one's run, whose names then go on, too.
    """
    from .evaluated import Origin
    from .provenance import provenance

    model = call.obj
    origin = provenance.known(model) if again else None
    if origin is None:
        origin = Origin(run, type(model).__name__)
    origin.run = run
    provenance.add_model(model, origin, copies=not run.folded)
    for part in (held(model, "best_estimator_"), final_step(model)):
        if part is not None and part is not model:
            provenance.add_model(part, origin, copies=False)
    labels = call.result if call.name == "fit_predict" else held(model, "labels_")
    if labels is not None:
        provenance.add(labels, origin, _name(call, "X", 0) or UNKNOWN)
