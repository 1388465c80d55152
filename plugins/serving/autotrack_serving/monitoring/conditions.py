"""Conditions on what production reports: ``psi > 0.2``, ``production_accuracy < 0.9``, ``unseen/city > 0.01``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autotrack.plugin import UsageError, clean

from .together import GOOD, NEEDED, OF_ALL, TRUTHS, WATCHED, is_drift

#: What is reported of the server; and of truths, with and without ``GOOD``.
_OF_SERVERS = frozenset(
    {"requests", "rows", "requests_per_second", "p50_ms", "p99_ms", "failed", "refused", TRUTHS, WATCHED, NEEDED}
)
_OF_TRUTHS = frozenset({"accuracy", "mae", "rmse"})
_CONDITION = re.compile(r"\s*(\S.*?)\s*(>=|<=|==|!=|>|<)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """A metric compared with a number."""

    text: str
    metric: str
    sign: str
    number: float

    def holds(self, metrics: Mapping[str, float]) -> bool | None:
        """Whether it holds; None where there is no such metric (yet). ``mae`` stands for ``production_mae``, too."""
        value = metrics.get(self.metric, metrics.get(GOOD + self.metric))
        return None if value is None else _OPERATORS[self.sign](float(value), self.number)


def _is_reported(name: str) -> bool:
    return is_drift(name) or name in _OF_SERVERS or name.removeprefix(GOOD) in _OF_TRUTHS


def condition(text: str) -> Condition:
    """The condition that a text spells (UsageError where it spells none)."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no condition: expected METRIC > NUMBER, as in 'psi > 0.2'")
    name, sign, number = found.groups()
    if not _is_reported(name):
        known = ", ".join(sorted(OF_ALL | _OF_SERVERS | {GOOD + each for each in _OF_TRUTHS}))
        raise UsageError(
            f"{text!r} is no condition: nothing called {clean(name)!r} is reported. There are {known}; psi/COLUMN is a "
            "column's, prediction_psi that of the answers"
        )
    return Condition(text, name, sign, float(number))
