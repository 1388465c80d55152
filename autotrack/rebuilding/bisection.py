"""What a search for the cause has come to, as values, as JSON and as the page that the command prints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from autotrack.answers.difference import Line
from autotrack.core.gaps import Gap
from autotrack.core.numbers import significant

from .factors import Factor

FORMAT = 1
#: Differences of one trial, or that were left out, that are named on a line.
_FEW = 3


class Found(StrEnum):
    """How the search ended."""

    CAUSE = "CAUSE FOUND"
    TOGETHER = "ONLY TOGETHER"
    UNEXPLAINED = "NOT EXPLAINED"
    NOTHING = "NOTHING DIFFERS"
    IMPOSSIBLE = "CANNOT BISECT"
    BROKEN_OFF = "BROKEN OFF"

    @property
    def exit_code(self) -> int:
        return {Found.UNEXPLAINED: 1, Found.IMPOSSIBLE: 3, Found.BROKEN_OFF: 130}.get(self, 0)


@dataclass(frozen=True, slots=True)
class Trial:
    """The first run, made again with some differences swapped. ``value`` is None where it did not come so far.
    ``reused``: an earlier search had made it. ``again``: it had been tried, and was once more."""

    swapped: tuple[Factor, ...]
    value: float | None
    run: str | None
    seconds: float
    reused: bool = False
    again: bool = False

    def document(self) -> dict[str, Any]:
        swapped = [factor.document() for factor in self.swapped]
        document = {"swapped": swapped, "value": self.value, "run": self.run, "seconds": round(self.seconds, 3)}
        return document | {name: True for name in ("reused", "again") if getattr(self, name)}


@dataclass(slots=True)
class Bisection:
    """What was found: true where the cause is. ``causes`` are the differences that, swapped, make the metric of the
    first run what it is in the second; ``moved`` those that change it to something else; ``untried`` those that were
    left out, for something else explains it; ``unknown`` are what was not captured, and may matter. ``search`` is the
    run whose children are the runs that were made.
    ``str()`` is what the command prints."""

    kind: Found
    a: str
    b: str
    metric: str = ""
    values: tuple[float | None, float | None] = (None, None)
    factors: tuple[Factor, ...] = ()
    causes: tuple[Factor, ...] = ()
    moved: tuple[Factor, ...] = ()
    untried: tuple[Factor, ...] = ()
    trials: list[Trial] = field(default_factory=list)
    problems: tuple[Gap, ...] = ()
    unknown: tuple[Gap, ...] = ()
    why: str = ""
    seconds: float = 0.0
    search: str | None = None

    def __bool__(self) -> bool:
        return self.kind in (Found.CAUSE, Found.TOGETHER)

    def document(self) -> dict[str, Any]:
        return {
            "bisect": FORMAT,
            "verdict": str(self.kind),
            "a": self.a,
            "b": self.b,
            "metric": self.metric or None,
            "values": list(self.values),
            "factors": [factor.document() for factor in self.factors],
            "causes": [factor.document() for factor in self.causes],
            "moved": [factor.document() for factor in self.moved],
            "untried": [factor.document() for factor in self.untried],
            "trials": [trial.document() for trial in self.trials],
            "problems": [gap.document() for gap in self.problems],
            "unknown": [gap.document() for gap in self.unknown],
            "why": self.why,
            "seconds": round(self.seconds, 3),
            "search": self.search,
        }

    def lines(self) -> Iterator[Line]:
        """What was found, line by line."""
        yield Line(f"{self.kind}  {self.a[:8]} → {self.b[:8]}  in {self.seconds:.1f} s", "title")
        if self.metric:
            one, other = map(number, self.values)
            yield Line(f"  {self.metric}  {one} → {other}")
        for factor in self.causes:
            yield Line(f"  because of  {factor}", "removed")
        for factor in self.moved:
            yield Line(f"  moves it, too  {factor}")
        if self.why:
            yield Line(f"  {self.why}", "note")
        if self.untried:
            yield Line(f"  not tried: {said(self.untried)}", "note")
        for problem in self.problems:
            yield Line(f"  {problem.part}: {problem.what}", "removed")
            yield from (Line(f"    {line}", "note") for line in problem.close.splitlines())
        if self.trials:
            yield Line("", "empty")
            yield Line("tried" + (f"  (below {self.search[:8]})" if self.search else ""), "section")
        for trial in self.trials:
            run = f"  {trial.run[:8]}" if trial.run else ""
            more = f"{', once more' if trial.again else ''}{run}{'  (made before)' if trial.reused else ''}"
            yield Line(f"  {number(trial.value):>14}  {said(trial.swapped)}{more}")
        if self.unknown:
            yield Line("", "empty")
            yield Line("not known", "section")
        for gap in self.unknown:
            yield Line(f"  {gap.part}: {gap.what}{f' ({gap.close})' if gap.close else ''}", "note")

    def __str__(self) -> str:
        return "\n".join(line.text.rstrip() for line in self.lines())


def said(factors: tuple[Factor, ...]) -> str:
    """Some differences on one line; several of one kind are named together."""
    alike = {(factor.part, factor.text) for factor in factors}
    if len(alike) == 1 < len(factors):
        return str(replace(factors[0], name=", ".join(factor.name for factor in factors)))
    more = f" and {len(factors) - _FEW} more" if len(factors) > _FEW else ""
    return "; ".join(map(str, factors[:_FEW])) + more or "as it was"


def number(value: float | None) -> str:
    return "failed" if value is None else significant(value, 6)


def near(one: float, other: float, tolerance: float) -> bool:
    """Whether two numbers are the same, up to ``tolerance`` of their size."""
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    if not (math.isfinite(one) and math.isfinite(other)):
        return False
    return abs(one - other) <= tolerance * max(abs(one), abs(other))
