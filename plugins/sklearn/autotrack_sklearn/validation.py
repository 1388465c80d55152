"""Probes of the functions that fit many times to judge one estimator."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from .fit import run_name
from .params import params_of, shown

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun


def quiet(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """A frame around fits that are no trainings of their own: none of them makes a run."""
    yield


def cross_validated(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """One run: the estimator's params, each fold's scores and times as steps, their mean and standard deviation."""
    estimator = call.arg("estimator")
    run.name = f"{call.name}({run_name(estimator)})"
    run.log_params(params_of(estimator) | {key: shown(call.arg(key, None)) for key in ("cv", "scoring")})
    yield
    if call.error is not None:
        return
    kind = type(estimator)
    tags = {"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__qualname__}"}
    data = call.arg("X", None)
    if isinstance(getattr(data, "shape", None), tuple) and data.shape:
        tags["n_samples"] = str(data.shape[0])
    run.set_tags(tags)
    result = call.result
    scores = result if isinstance(result, dict) else {"test_score": result}
    for key, values in scores.items():
        if _is_numbers(values):
            _log_folds(run, key, [float(value) for value in values])


def _log_folds(run: ProbeRun, key: str, values: list[float]) -> None:
    if not run.folded:
        for fold, value in enumerate(values):
            run.log_metric(key, value, fold)
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    run.log_metrics({f"mean_{key}": mean, f"std_{key}": spread})


def _is_numbers(values: Iterable[Any]) -> bool:
    return (
        getattr(getattr(values, "dtype", None), "kind", "") in ("f", "i", "u")
        and getattr(values, "ndim", 0) == 1
        and len(values) > 0
    )  # type: ignore[arg-type]
