"""One model, ready to be asked: loaded, its golden predictions replayed, its inputs known."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.plugin import AutotrackError, PyFunc, attempt, compare_answers, load_pyfunc

from .intake import Intake
from .rows import Rows, apart, model_input, together

#: Rows of the example that are asked about together and one by one.
_REHEARSED = 8
#: Seconds that a prediction for one row may take where it is made on the thread that also answers ``/ping``.
_SWIFT = 0.0005


class Drifted(AutotrackError):
    """The model answers something else here than where it was trained."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model that is asked about rows."""

    uri: str
    model: PyFunc
    intake: Intake
    #: True where rows may be asked about together: each gets the answer that it gets alone.
    joins: bool
    loaded_seconds: float
    #: True where asking costs less than handing the question to another thread, and runs no code but the library's.
    swift: bool = False

    @property
    def name(self) -> str:
        """What the model is called in addresses: its registered name, else the last part of its URI."""
        return name_of(self.uri)

    def ask(self, rows: Rows, params: Mapping[str, Any]) -> Any:
        """The model's answer; none for no rows, about which it need not be asked."""
        if rows.count == 0 and rows.joins:
            return []
        if rows.kind == "matrix" and self.model.ask_array is not None:
            return self.model.ask_array(rows.data)
        return self.model.ask(model_input(rows, self.intake.names), params)


def load(
    uri: str,
    *,
    trust: bool | str | None = None,
    allow_drift: bool = False,
    described: Callable[[Any], None] | None = None,
) -> Scorer:
    """The model under a URI (errors as of ``load_model``).

    Drifted where it does not give its golden predictions, unless ``allow_drift``. ``described`` hears what the folder
    says of the model before it is loaded.
    """
    began = time.perf_counter()
    model: PyFunc = load_pyfunc(uri, trust, described=described)
    if not model.replay.passed and not allow_drift:
        raise Drifted(
            f"{uri} is not served: {model.replay}. Serve it where its packages are those that it was trained with, or "
            "say --allow-drift if other answers are what you want"
        )
    intake = Intake(model)
    scorer = Scorer(uri, model, intake, False, 0.0)
    joins, _ = attempt(_same_together, scorer)
    swift, _ = attempt(_swift, scorer)
    return Scorer(uri, model, intake, bool(joins), time.perf_counter() - began, bool(swift))


def name_of(uri: str) -> str:
    """``models:/churn/3`` and ``models:/churn@champion`` are churn; else the last part of a path or run."""
    if uri.startswith("models:/"):
        return re.split(r"[/@]", uri.removeprefix("models:/"))[0]
    return Path(uri.rstrip("/")).name or "model"


def _swift(scorer: Scorer) -> bool:
    """True where the quickest of some answers to a row came soon enough: the others met a busy machine."""
    example = scorer.model.example()
    rows = scorer.intake.example_rows(example) if example is not None else None
    if rows is None or rows.kind != "matrix" or not rows.count or scorer.model.ask_array is None:
        return False
    one, took = rows.at(0), []
    for _ in range(_REHEARSED):
        began = time.perf_counter()
        scorer.ask(one, {})
        took.append(time.perf_counter() - began)
    return min(took) < _SWIFT


def _same_together(scorer: Scorer) -> bool:
    """True where the example's rows get the same answers one by one: what follows from other rows has no place here."""
    example = scorer.model.example()
    rows = scorer.intake.example_rows(example) if example is not None else None
    if rows is None or not rows.joins or rows.count < 2:
        return rows is not None and rows.joins
    single = [rows.at(index) for index in range(min(rows.count, _REHEARSED))]
    params = scorer.model.enforced_params(None)
    at_once = scorer.ask(together(single), params)
    parts = apart(at_once, [1] * len(single))
    if parts is None:
        return False
    return all(
        compare_answers(part, scorer.ask(one, params), "predict").passed
        for part, one in zip(parts, single, strict=True)
    )
