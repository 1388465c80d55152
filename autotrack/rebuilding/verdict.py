"""What a rebuild found out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from autotrack.answers.difference import Diff, Line
from autotrack.core.gaps import Gap

from .surroundings import Environment, Standing

#: The number of the JSON document's format.
FORMAT = 1
#: Differences that are named where not everything is asked for.
_FEW = 8


class Kind(StrEnum):
    """How a rebuild ended, the best first."""

    IDENTICAL = "IDENTICAL"
    PART = "IDENTICAL IN PART"
    CLOSE = "WITHIN TOLERANCE"
    DIFFERENT = "DIFFERENT"
    IMPOSSIBLE = "CANNOT REBUILD"

    @property
    def exit_code(self) -> int:
        """What a program that asks is told: 0 for the same, 1 for another result, 3 where nothing could be run."""
        return {Kind.DIFFERENT: 1, Kind.IMPOSSIBLE: 3}.get(self, 0)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that came out otherwise. ``step`` is the first at which a metric parts, None for what has no steps;
    ``within`` is True where numbers differ by no more than the tolerance."""

    what: str
    text: str
    step: int | None = None
    within: bool = False
    a: Any = None
    b: Any = None

    def document(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "text": self.text,
            "step": self.step,
            "within": self.within,
            "a": self.a,
            "b": self.b,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run. True where it was rebuilt with the same result. ``str()`` is what the command prints.

    ``differences`` are what parts, the first one first; ``left_out`` is what was not compared, and why; ``causes`` is
    the comparison of what went in, where something parts; ``environment`` is what it ran in beside what the run had;
    ``problems`` are why it could not be rebuilt; ``unknown`` are what was not captured, and may matter.
    """

    kind: Kind
    run: str
    name: str
    rebuilt: str | None = None
    environment: Environment | None = None
    folder: str | None = None
    compared: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    left_out: tuple[Gap, ...] = ()
    causes: Diff | None = None
    problems: tuple[Gap, ...] = ()
    unknown: tuple[Gap, ...] = ()
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.kind in (Kind.IDENTICAL, Kind.PART, Kind.CLOSE)

    def document(self) -> dict[str, Any]:
        """Everything as JSON: ``rebuild`` is the format's number."""
        return {
            "rebuild": FORMAT,
            "verdict": str(self.kind),
            "run": self.run,
            "name": self.name,
            "rebuilt": self.rebuilt,
            "environment": None if self.environment is None else str(self.environment),
            "surroundings": None if self.environment is None else self.environment.document(),
            "folder": self.folder,
            "compared": list(self.compared),
            "differences": [each.document() for each in self.differences],
            "left_out": [gap.document() for gap in self.left_out],
            "causes": None if self.causes is None else self.causes.document(),
            "problems": [gap.document() for gap in self.problems],
            "unknown": [gap.document() for gap in self.unknown],
            "seconds": round(self.seconds, 3),
        }

    def lines(self, *, full: bool = False) -> Iterator[Line]:
        """The verdict, line by line."""
        yield Line(f"{self.kind}  {self.name}  {self.run[:8]}{self._said_of_rebuilt()}", "title")
        if self.environment is not None and self.environment.standing is not Standing.IMPOSSIBLE:
            yield Line(f"  environment  {self.environment}")
        if self.compared:
            yield Line(f"  compared     {', '.join(self.compared)}")
        for at, gap in enumerate(self.left_out):
            close = f" ({gap.close})" if gap.close else ""
            yield Line(f"  {'not compared' if at == 0 else '':12} {gap.what}{close}", "note")
        for problem in self.problems:
            yield Line(f"  {problem.part}: {problem.what}", "removed")
            yield from (Line(f"    {line}", "note") for line in problem.close.splitlines())
        for at, each in enumerate(self.differences if full else self.differences[:_FEW]):
            place = f" at step {each.step}" if each.step is not None else ""
            first = "parts first  " if at == 0 and not each.within else "             "
            yield Line(f"  {first}{each.what}{place}: {each.text}", "fact" if each.within else "removed")
        more = len(self.differences) - _FEW
        if more > 0 and not full:
            yield Line(f"               and {more} more (--full)", "note")
        if self.causes is not None and self.causes.sections:
            yield Line("", "empty")
            yield Line("what went in differs, too", "section")
            for section in self.causes.sections:
                for fact in section.facts:
                    yield Line(f"  {section.name}  {fact.what}  {fact.text}")
        if self.unknown and self.kind not in (Kind.IDENTICAL, Kind.PART):
            yield Line("", "empty")
            yield Line("not known", "section")
            for gap in self.unknown:
                yield Line(f"  {gap.part}: {gap.what}{f' ({gap.close})' if gap.close else ''}", "note")

    def __str__(self) -> str:
        return "\n".join(line.text.rstrip() for line in self.lines(full=True))

    def _said_of_rebuilt(self) -> str:
        return f"  rebuilt as {self.rebuilt[:8]} in {self.seconds:.1f} s" if self.rebuilt else ""
