"""What a comparison of two runs comes to: facts in sections, most telling first, and how they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autotrack.core.entities import RunRecord
from autotrack.core.gaps import Gap

#: The number of the JSON document's format.
FORMAT = 1

#: Sections in the order in which they explain a result: what went in first, then what came out.
CAUSES = ("code", "data", "files", "arguments", "params", "seeds", "environment", "hardware")
OUTCOMES = ("status", "metrics", "models", "artifacts")
ORDER = ("status", *CAUSES, "metrics", "models", "artifacts")

#: Facts of a section, and lines of a fact, that are shown where not everything is asked for.
_FEW_FACTS = 12
_FEW_LINES = 40


@dataclass(frozen=True, slots=True)
class Fact:
    """One difference. ``what`` names the thing, ``text`` says how it differs, in a line.

    ``a`` and ``b`` are the two values as JSON has them, None where one side has none; ``lines`` are the lines of a
    unified diff (``@@``, ``-``, ``+`` and context), where the difference is one of text; ``detail`` is more in JSON.
    ``more`` are further sentences, a line each. ``follows`` names the section that has its cause, where this is only
    what comes of it.
    """

    what: str
    text: str
    a: Any = None
    b: Any = None
    lines: tuple[str, ...] = ()
    detail: Any = None
    follows: str | None = None
    more: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        document = {"what": self.what, "text": self.text, "a": self.a, "b": self.b}
        more: dict[str, Any] = {"more": list(self.more) or None, "lines": list(self.lines) or None}
        more |= {"detail": self.detail, "follows": self.follows}
        return document | {key: value for key, value in more.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Section:
    """What differs in one respect. ``name`` is one of ``ORDER``."""

    name: str
    facts: tuple[Fact, ...]

    @property
    def is_cause(self) -> bool:
        """True for what went into a run, False for what came out or only follows from another difference."""
        return self.name in CAUSES and any(fact.follows is None for fact in self.facts)


@dataclass(slots=True)
class Findings:
    """What a comparison of one respect has found so far. ``compared`` is set where both sides had something to say."""

    name: str
    compared: bool = False
    facts: list[Fact] = field(default_factory=list)
    unknown: list[Gap] = field(default_factory=list)

    def add(
        self,
        what: str,
        text: str,
        a: Any = None,
        b: Any = None,
        *,
        lines: Sequence[str] = (),
        detail: Any = None,
        more: Sequence[str] = (),
    ) -> None:
        self.compared = True
        self.facts.append(Fact(what, text, a, b, tuple(lines), detail, more=tuple(more)))

    def miss(self, what: str, close: str = "") -> None:
        """Notes that something could not be compared, and what would help."""
        self.unknown.append(Gap(self.name, what, close))


class Line(NamedTuple):
    """A line of text with what it is: title, section, fact, added, removed, place, context, note or empty."""

    text: str
    kind: str = "fact"


@dataclass(frozen=True, slots=True)
class Diff:
    """How two runs differ; true where they do. ``str()`` is the page that the command line prints."""

    a: RunRecord
    b: RunRecord
    sections: tuple[Section, ...]
    #: Respects in which both were looked at and are the same.
    equal: tuple[str, ...]
    #: What could not be compared, and why.
    unknown: tuple[Gap, ...]

    def __bool__(self) -> bool:
        return bool(self.sections)

    def __getitem__(self, name: str) -> tuple[Fact, ...]:
        """The facts of a section, none where nothing differs there (KeyError for a name that is no section)."""
        if name not in ORDER:
            raise KeyError(name)
        return next((section.facts for section in self.sections if section.name == name), ())

    @property
    def causes(self) -> tuple[Fact, ...]:
        """What may explain the rest: facts of what went in, but for those that follow from others."""
        facts = (fact for section in self.sections if section.name in CAUSES for fact in section.facts)
        return tuple(fact for fact in facts if fact.follows is None)

    def only(self, names: Sequence[str]) -> Diff:
        """The same with these sections alone."""
        return Diff(
            self.a,
            self.b,
            tuple(section for section in self.sections if section.name in names),
            tuple(name for name in self.equal if name in names),
            tuple(gap for gap in self.unknown if gap.part in names),
        )

    def document(self) -> dict[str, Any]:
        """Everything as JSON: ``diff`` is the format's number, sections stand most telling first."""
        return {
            "diff": FORMAT,
            "a": _run_document(self.a),
            "b": _run_document(self.b),
            "differs": bool(self),
            "sections": [
                {
                    "name": section.name,
                    "role": "cause" if section.is_cause else "outcome",
                    "facts": [fact.document() for fact in section.facts],
                }
                for section in self.sections
            ],
            "equal": list(self.equal),
            "unknown": [gap.document() for gap in self.unknown],
        }

    def lines(self, *, full: bool = False) -> Iterator[Line]:
        """The page, line by line. Long sections and hunks are cut unless ``full``, and say so."""
        yield Line(f"a  {_title(self.a)}", "removed")
        yield Line(f"b  {_title(self.b)}", "added")
        if not self:
            yield Line("", "empty")
            same = f"the same in both: {', '.join(self.equal)}" if self.equal else "nothing could be compared"
            yield Line(f"no difference found; {same}", "title")
        for section in self.sections:
            yield Line("", "empty")
            yield Line(section.name, "section")
            yield from _section_lines(section, full)
        if self and self.equal:
            yield Line("", "empty")
            yield Line(f"the same in both: {', '.join(self.equal)}", "note")
        if self.unknown:
            yield Line("", "empty")
            yield Line("not compared", "section")
            for gap in self.unknown:
                yield Line(f"  {gap.part}: {gap.what}" + (f" ({gap.close})" if gap.close else ""), "note")

    def __str__(self) -> str:
        return "\n".join(line.text.rstrip() for line in self.lines(full=True))


def _section_lines(section: Section, full: bool) -> Iterator[Line]:
    shown = section.facts if full else section.facts[:_FEW_FACTS]
    plain = [len(fact.what) for fact in shown if not fact.lines and not fact.more]
    room = min(max(plain, default=0), 32)
    for fact in shown:
        if not fact.lines and not fact.more:
            yield Line(f"  {fact.what:<{room}}  {fact.text}" if fact.text else f"  {fact.what}")
            continue
        yield Line(f"  {fact.what}  {fact.text}".rstrip())
        told = fact.more if full else fact.more[:_FEW_FACTS]
        yield from (Line(f"    {text}", "more") for text in told)
        if len(told) < len(fact.more):
            yield Line(f"    and {len(fact.more) - len(told):,} more (--full)", "note")
        kept = fact.lines if full else fact.lines[:_FEW_LINES]
        for text in kept:
            yield Line(f"    {text}", _LINE_KINDS.get(text[:1], "context"))
        if len(kept) < len(fact.lines):
            yield Line(f"    and {len(fact.lines) - len(kept):,} more lines (--full)", "note")
    if len(shown) < len(section.facts):
        yield Line(f"  and {len(section.facts) - len(shown):,} more (--full)", "note")


_LINE_KINDS = {"+": "added", "-": "removed", "@": "place"}


def _title(run: RunRecord) -> str:
    return f"{run.id[:8]}  {run.name}  {str(run.status).lower()}"


def _run_document(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": str(run.status),
        "started_ns": run.started,
        "session": run.session,
    }
