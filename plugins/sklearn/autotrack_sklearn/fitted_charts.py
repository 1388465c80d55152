"""Charts of a training: the fit, what weighs, how it is built, what a search tried, which columns it takes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from . import charts
from .kinds import final_step, held, is_library
from .params import text

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun

#: Columns that are named one by one, candidates and params of a search that are drawn, parts of a diagram.
MOST_COLUMNS, MOST_CANDIDATES, MOST_PARAMS, MOST_PARTS = 200, 1000, 8, 200


class Album:
    """The charts of one training, kept as one file: a file each would cost more than all that is in them."""

    def __init__(self) -> None:
        self.charts: dict[str, charts.Chart] = {}
        #: What the model answers to all of its training data, once that was asked.
        self.answers: Any = None

    def predicted(self, sort: str, truth: Any, predicted: Any, probability: Any, classes: Any) -> None:
        """What the training metrics are computed from: confusion, ROC, calibration; residuals of regressors."""
        self.answers = predicted
        if sort == "regressor":
            made, _ = attempt(charts.of_regressor, truth, predicted, "training data")
        else:
            made, _ = attempt(charts.of_classifier, truth, predicted, probability, classes, "training data")
        self.charts.update(made or {})

    def fitted(self, estimator: Any, data: Any) -> None:
        """Feature importance, the estimator's diagram, the columns in and out, and a search's candidates."""
        model = held(estimator, "best_estimator_")
        model = estimator if model is None else model
        self._add("feature_importance", attempt(importance, model)[0])
        self._add("estimator", attempt(diagram, estimator)[0])
        self._add("columns", attempt(columns, model, data)[0])
        results = held(estimator, "cv_results_")
        if isinstance(results, Mapping):
            self.charts.update(attempt(candidates, results)[0] or {})

    def log(self, run: ProbeRun) -> None:
        """Keeps them with the run, as ``figures/training.json``."""
        if self.charts:
            run.log_chart({"chart": 1, "kind": "several", "charts": self.charts}, "figures/training")

    def _add(self, name: str, made: charts.Chart | None) -> None:
        if made is not None:
            self.charts[name] = made


def importance(model: Any) -> charts.Chart | None:
    """What the last step of a model says that its features weigh."""
    last = final_step(model)
    for attribute, what in (("feature_importances_", "importance"), ("coef_", "coefficient")):
        values = held(last, attribute)
        if hasattr(values, "dtype"):
            return charts.importance(values, feature_names(model), what)
    return None


def feature_names(model: Any) -> list[str] | None:
    """The names of what the last step of a model gets, where the steps before it say so quickly."""
    steps = held(model, "steps")
    if not isinstance(steps, list):
        return _names(held(model, "feature_names_in_"))
    names = _names(held(model, "feature_names_in_"))
    for _, step in steps[:-1]:
        if step is None or isinstance(step, str):
            continue
        names = _out(step, names)
        if names is None:
            return None
    return names


def _out(step: Any, names: list[str] | None) -> list[str] | None:
    if names is None or not is_library(type(step)) or not hasattr(type(step), "get_feature_names_out"):
        return None
    found, _ = attempt(step.get_feature_names_out, names)
    return _names(found)


def _names(names: Any) -> list[str] | None:
    if names is None or len(names) > 10_000:
        return None
    return [str(name) for name in names]


def columns(model: Any, data: Any) -> charts.Chart | None:
    """A table of the named columns that go in, with their types, and of those that each step of a Pipeline gives."""
    names = _names(held(model, "feature_names_in_"))
    if names is None:
        return None
    types = _types(data, names)
    rows = [["input", name, kind] for name, kind in zip(names, types, strict=True)][:MOST_COLUMNS]
    steps = held(model, "steps")
    known: list[str] | None = names
    for name, step in steps[:-1] if isinstance(steps, list) else ():
        if known is None or step is None or isinstance(step, str):
            continue
        known = _out(step, known)
        if known is not None and len(rows) < 2 * MOST_COLUMNS:
            rows += [[str(name), column, ""] for column in known[:MOST_COLUMNS]]
    return charts.chart("table", "Columns", columns=["step", "column", "type"], rows=rows)


def _types(data: Any, names: list[str]) -> list[str]:
    kinds = getattr(data, "dtypes", None)
    if kinds is None or len(kinds) != len(names):
        return [""] * len(names)
    return [str(kind) for kind in kinds]


def diagram(estimator: Any) -> charts.Chart:
    """The estimator as a tree of its parts, each with the params that differ from their defaults."""
    room = [MOST_PARTS]
    return charts.chart("tree", f"{type(estimator).__name__}", root=_node("", estimator, room, 6))


def _node(name: str, part: Any, room: list[int], depth: int) -> dict[str, Any]:
    room[0] -= 1
    shown = f"{name}: {type(part).__name__}" if name else type(part).__name__
    if not hasattr(type(part), "get_params"):
        return {"name": f"{name}: {text(part)}" if name else text(part)}
    params = attempt(part.get_params, deep=False)[0] or {}
    children: list[dict[str, Any]] = []
    said: list[str] = []
    defaults = _defaults(type(part))
    for key, value in params.items():
        inner = _inner(key, value)
        if inner and depth:
            children += [_node(label, one, room, depth - 1) for label, one in inner if room[0] > 0]
        elif not inner and key in defaults and not _same(value, defaults[key]):
            said.append(f"{key}={text(value)}")
    node: dict[str, Any] = {"name": shown}
    if said:
        node["detail"] = ", ".join(said)[:300]
    if children:
        node["children"] = children
    return node


def _inner(key: str, value: Any) -> list[tuple[str, Any]]:
    """The estimators in a param: one, or those of a list of (name, estimator) or (name, estimator, columns)."""
    if hasattr(type(value), "get_params") and not isinstance(value, type):
        return [("" if key in ("estimator", "base_estimator") else key, value)]
    if isinstance(value, list) and value and all(isinstance(one, tuple) and len(one) in (2, 3) for one in value):
        return [(_titled(one), one[1]) for one in value]
    return []


def _titled(step: tuple[Any, ...]) -> str:
    return str(step[0]) if len(step) == 2 else f"{step[0]} {text(step[2])[:60]}"


@functools.lru_cache(maxsize=512)
def _defaults(kind: Any) -> dict[str, Any]:
    signature, _ = attempt(inspect.signature, kind)
    return {} if signature is None else {name: one.default for name, one in signature.parameters.items()}


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return isinstance(value, (int, float, str, bool)) and type(value) is type(default) and value == default


def candidates(results: Mapping[str, Any]) -> dict[str, charts.Chart]:
    """A search's scores over each param that varied as a number."""
    score = next((name for name in results if name.startswith("mean_test_")), None)
    if score is None:
        return {}
    values = charts.rounded(results[score])[:MOST_CANDIDATES]
    found: dict[str, charts.Chart] = {}
    for key in results:
        if not key.startswith("param_") or len(found) >= MOST_PARAMS:
            continue
        places = [_plain(value) for value in results[key][:MOST_CANDIDATES]]
        numbers = [place for place in places if isinstance(place, (int, float)) and not isinstance(place, bool)]
        if len(numbers) == len(places) and len(set(numbers)) > 1:
            name = key.removeprefix("param_")
            made = charts.chart("points", f"{score} over {name}", name, score)
            if min(numbers) > 0 and max(numbers) >= 100 * min(numbers):
                made["x"]["scale"] = "log"
            made["series"] = [{"name": "", "x": numbers, "y": [_finite(value) for value in values]}]
            found[f"search_{name}"] = made
    return found


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None
