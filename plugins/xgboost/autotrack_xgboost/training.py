"""The probes of ``xgboost.train`` and ``xgboost.cv``."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from .importance import chart_of, importances
from .matrices import describable, log_matrix, matrices
from .params import params_of
from .rounds import latest, listen

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

    from .rounds import Rounds

#: Evaluation sets that are data sets of the run.
MOST_EVALS = 8
#: Numbers (rows by classes) up to which the booster's predictions for its training data are asked for, and about what
#: each costs in seconds.
MOST_ANSWERS, _AN_ANSWER = 1_000_000, 1e-7


def trained(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Records a training: a run of its own, or within an estimator's ``fit`` the rounds, for the run of that."""
    if is_other_rank() or (call.outer is not None and not trains(call.outer.obj)):
        yield
        return
    own = call.outer is None
    if own:
        _begin(call, run, "xgboost.train")
        if not run.folded:
            _log_evals(call, run)
    else:
        _log_eval_set(call.outer, run)
    evaluates = _is_filled(call.arg("evals", None))  # else there are no scores, and nothing to listen for
    heard = listen(call, run) if evaluates else None
    yield
    if call.error is not None:
        return
    booster, scores = call.result, call.arg("evals_result", None)
    ending: dict[str, Any] = {"train_seconds": call.seconds} if own else {}
    if heard is not None:
        heard.finish(scores)
        ending |= heard.final
    elif isinstance(scores, dict):
        ending |= attempt(latest, scores)[0] or {}
    run.log_metrics(ending | stopping(booster, heard))
    if run.folded:
        return
    found = importances(booster)
    if found:
        run.log_dict(found, "feature_importance.json")
        run.log_chart(chart_of(found), "figures/feature_importance")
    if own:
        matrix = call.arg("dtrain", None)
        contents = matrices.of(matrix)
        classes = attempt(_classes, call.arg("params", None))[0] or 1
        answers = attempt(_answers, booster, matrix, classes, run)[0]
        run.log_model(booster, "model", example=contents.example if contents is not None else None, answers=answers)


def _classes(params: Any) -> int:
    return int(dict(params or {}).get("num_class") or 1)


def _answers(booster: Any, matrix: Any, classes: int, run: ProbeRun) -> Any:
    """The booster's predictions for what it was trained on, which XGBoost has since the last round; None where asking
    might be noticed, or is too much."""
    own = all(type(each).__module__.startswith("xgboost.") for each in (booster, matrix))
    answers = int(matrix.num_row()) * classes if own else 0
    if not answers or answers > MOST_ANSWERS or not run.afford("metrics", answers * _AN_ANSWER):
        return None
    import xgboost

    with xgboost.config_context(verbosity=0):
        return booster.predict(matrix)


def cross_validated(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Records a cross-validation: the folds' means and deviations of each round; no model, for there is none."""
    if is_other_rank():
        yield
        return
    _begin(call, run, "xgboost.cv")
    heard = None if run.folded else listen(call, run)
    yield
    if call.error is not None:
        return
    if heard is not None:
        heard.finish()
    columns, _ = attempt(_columns, call.result)
    ending: dict[str, Any] = {"cv_seconds": call.seconds}
    for name, values in (columns or {}).items():
        key = name.replace("@", "_at_")
        if not values:
            continue
        if heard is None and not run.folded:
            for step, value in enumerate(values):
                run.log_metric(key, value, step)
        ending[f"best_{key}" if call.arg("early_stopping_rounds", None) else f"final_{key}"] = values[-1]
    if columns and call.arg("early_stopping_rounds", None):
        ending["best_iteration"] = max(map(len, columns.values())) - 1  # what comes after it was cut off
    run.log_metrics(ending)


def _begin(call: Call, run: ProbeRun, name: str) -> None:
    """Name, params, tags and the training data of a run of its own."""
    params = params_of(call)
    matrix = call.arg("dtrain")
    rows, error = attempt(lambda: {"n_samples": matrix.num_row(), "n_features": matrix.num_col()})
    if error is not None:
        rows = {}  # no matrix: XGBoost is about to say so
    run.name = name
    run.log_params(params)
    run.set_tags(rows or {})
    if not run.folded and matrices.of(matrix) is not None:
        log_matrix(run, matrix, None, "train")


def _log_evals(call: Call, run: ProbeRun) -> None:
    """The evaluation sets under the user's names for them."""
    evals = call.arg("evals", None)
    for pair in evals[:MOST_EVALS] if type(evals) in (list, tuple) else ():
        if type(pair) in (list, tuple) and len(pair) == 2 and isinstance(pair[1], str):
            log_matrix(run, pair[0], pair[1], "eval")


def _log_eval_set(outer: Call, run: ProbeRun) -> None:
    """The evaluation sets of an estimator's ``fit``, under XGBoost's names for them: ``validation_0``, ..."""
    given = next((value for key, value in outer.kwargs.items() if key.rpartition("__")[2] == "eval_set"), None)
    if given is None:
        given = outer.arg("eval_set", None)
    for at, pair in enumerate(given[:MOST_EVALS] if type(given) in (list, tuple) else ()):
        if type(pair) not in (list, tuple) or len(pair) != 2:
            continue
        for data, name, context in ((pair[1], ".label", "eval target"), (pair[0], "", "eval")):
            if describable(data):
                run.log_dataset(data, f"validation_{at}{name}", context)


def trains(estimator: Any) -> bool:
    """True for an estimator whose ``fit`` is one training: XGBoost's own, or a Pipeline that ends in the only one."""
    if _is_model(estimator):
        return True
    steps = getattr(estimator, "steps", None) if type(estimator).__name__ == "Pipeline" else None
    if not isinstance(steps, list) or not steps or not _is_model(steps[-1][1]):
        return False
    parts, _ = attempt(estimator.get_params, deep=True)
    return parts is not None and len({id(part) for part in parts.values() if _is_model(part)}) == 1


def _is_model(estimator: Any) -> bool:
    module = sys.modules.get("xgboost.sklearn")
    return module is not None and isinstance(estimator, module.XGBModel)


def stopping(booster: Any, heard: Rounds | None) -> dict[str, Any]:
    """What early stopping left on a booster: the best round and its score; and the last round that was trained."""
    best, _ = attempt(lambda: (int(booster.best_iteration), float(booster.best_score)))
    if best is None:
        return {}
    # Of a booster that was cut to its best rounds, only who listened knows how many there were.
    last = heard.last if heard is not None else booster.num_boosted_rounds() - 1
    return {"best_iteration": best[0], "best_score": best[1], "stopped_iteration": last}


def is_other_rank() -> bool:
    """True on every worker of a distributed training but the first: they have the same scores, and the same model."""
    collective = sys.modules.get("xgboost.collective")
    rank, _ = attempt(collective.get_rank) if collective is not None else (0, None)
    return bool(rank)


def _is_filled(evals: Any) -> bool:
    return type(evals) not in (list, tuple) or bool(evals) if evals is not None else False


def _columns(result: Any) -> dict[str, list[float]]:
    """The rounds of a cross-validation by column, from a table or a dict."""
    if hasattr(result, "columns"):
        return {str(name): [float(value) for value in result[name]] for name in result.columns}
    return {str(name): [float(value) for value in values] for name, values in result.items()}
