"""What went in differently into two runs, as things that can be swapped one by one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.answers.conditions import states_in
from autotrack.answers.hunks import Hunk, edits, split
from autotrack.answers.imports import distributions_of, imported_in
from autotrack.answers.subjects import digest_of
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .checkout import check_out
from .conditions import threads_of, was_set
from .inputs import files_read, named_by, put_inputs
from .overwriting import overwritten
from .packages import records_of, version_of
from .plan import Plan
from .surroundings import python_of_run

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Parts in the order in which they are tried: the likeliest and the cheapest first.
PARTS = ("argument", "data", "code", "variable", "threads", "randomness", "environment")
#: Parts whose differences are tried together first, and one by one where that makes a difference: two programs never
#: begin with the same random numbers, and an environment takes its time to be built.
TOGETHER = ("randomness", "environment")
#: Differences of another part beyond which they are tried together first, too.
SINGLE = 8
#: Characters of a value, and of a line of code, that are shown.
_SHOWN = 40
#: The name of a notebook's cells, all together.
CELLS = "cells"
#: What of the seeds is not where the generators began.
HASHING = "PYTHONHASHSEED"
#: The name of Python itself among the packages.
PYTHON = "Python"
#: A word that looks like an option, and is a number.
_NUMBER = re.compile(r"-\d+(\.\d*)?(e[+-]?\d+)?|-\.\d+(e[+-]?\d+)?")
#: Sources that are looked into for what they import.
_MOST_SOURCES = 500


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that differs: ``part`` of ``PARTS``, its name, and both in words. ``place``: which of the places of a
    file of code, None for the file."""

    part: str
    name: str
    text: str
    place: int | None = None

    def __str__(self) -> str:
        return f"{self.part} {self.name}  {self.text}" if self.name else f"{self.part}  {self.text}"

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"part": self.part, "name": self.name, "text": self.text}
        return document if self.place is None else document | {"place": self.place}


@dataclass(slots=True)
class Side:
    """One run, put into a folder of its own as it was: code, and the files that it read."""

    plan: Plan
    folder: Path
    problems: list[Gap] = field(default_factory=list)
    #: Arguments that name a file which now lies elsewhere.
    moved: dict[str, str] = field(default_factory=dict)
    #: The sha256 of the files that the program read, by their names relative to its root, or absolute ones.
    data: dict[str, str] = field(default_factory=dict)

    def place(self, name: str) -> Path:
        """Where a file is in this folder."""
        return self.plan.mirrored(os.path.join(self.plan.root, name), self.folder)  # noqa: PTH118

    def lines(self, name: str) -> list[str] | None:
        """The lines of a file in this folder; None where it is none, or no text."""
        path = self.place(name)
        if path.is_symlink() or not path.is_file():
            return None
        content, _ = attempt(path.read_bytes)
        text, _ = attempt((content or b"\0").decode, "utf-8")
        return None if text is None or "\0" in text else split(text)

    @property
    def seeds(self) -> Mapping[str, Any]:
        return self.plan.story.part("seeds") or {}

    def generators(self) -> dict[str, tuple[str, object]]:
        """Where each random generator began, as far as it takes to begin there: by its state, or by its seed."""
        found: dict[str, tuple[str, object]] = {}
        content = self.plan.story.content(self.seeds.get("start"))
        states, _ = attempt(states_in, content) if content is not None else (None, None)
        numpy, torch = self.seeds.get("numpy"), self.seeds.get("torch")
        entropy = numpy.get("entropy") if isinstance(numpy, Mapping) else None
        seeds = torch.get("seeds") if isinstance(torch, Mapping) and torch.get("seeded") is None else None
        for name, begun in (("python", None), ("numpy", entropy), ("torch", seeds)):
            state = (states or {}).get(name)
            if state is not None or begun is not None:
                found[name] = ("state", state) if begun is None else ("seed", begun)
        return found


def side_of(plan: Plan, sink: Sink, folder: Path, mapped: Mapping[str, str], overwrite: bool = False) -> Side:
    """The run in a folder; its ``problems`` say what cannot be had, or, without ``overwrite``, would be lost."""
    found = Side(plan, folder)
    found.problems += check_out(plan, folder)
    inputs = put_inputs(plan, sink, folder, mapped)
    found.problems += inputs.problems
    found.problems += [] if overwrite else overwritten(plan)
    found.moved = inputs.moved
    root = plan.root.rstrip("/") + "/"
    found.data = {file.path.removeprefix(root): file.sha256 for file in files_read(plan) if file.sha256 is not None}
    return found


def factors_of(a: Side, b: Side) -> list[Factor]:
    """All that differs and can be swapped, in the order in which it is tried."""
    found = [*_arguments(a.plan, b.plan), *_data(a, b), *_files_in(a, b), *_conditions(a.plan, b.plan)]
    found += [*_generators(a, b), *_packages(a, b)]
    return sorted(found, key=lambda factor: PARTS.index(factor.part))


def units_of(factors: Sequence[Factor]) -> list[tuple[Factor, ...]]:
    """The differences as they are tried first: one by one, but for those that are many or never alike."""
    units: list[tuple[Factor, ...]] = []
    for part in PARTS:
        found = tuple(factor for factor in factors if factor.part == part)
        if found and (part in TOGETHER or len(found) > SINGLE):
            units.append(found)
        else:
            units += [(factor,) for factor in found]
    return units


def places_in(a: Side, b: Side, factor: Factor) -> list[Factor]:
    """The places in which a file of code differs, where they are several: each can be as it is in the second run."""
    if factor.part != "code" or factor.name == CELLS or factor.place is not None:
        return []
    one, other = a.lines(factor.name), b.lines(factor.name)
    found = edits(one, other) if one is not None and other is not None else []
    if len(found) < 2:
        return []
    return [Factor("code", factor.name, _place(hunk), at) for at, hunk in enumerate(found)]


def _place(hunk: Hunk) -> str:
    where = f"line {hunk.at + 1}" if len(hunk.old) < 2 else f"lines {hunk.at + 1} to {hunk.at + len(hunk.old)}"
    old, new = (_short(next((line for line in map(_bare, lines) if line), "")) for lines in (hunk.old, hunk.new))
    if not hunk.old:
        return f"behind line {hunk.at}: {new} is new" if hunk.at else f"at the beginning: {new} is new"
    return f"{where}: {old} is gone" if not hunk.new else f"{where}: {old} → {new}"


def _arguments(a: Plan, b: Plan) -> Iterator[Factor]:
    if (a.target, a.is_module, bool(a.cells)) != (b.target, b.is_module, bool(b.cells)):
        if not (a.cells or b.cells):  # another program: no argument of it means the same
            was, now = (" ".join((plan.target, *plan.arguments)) for plan in (a, b))
            yield Factor("argument", "", f"{_short(was)} → {_short(now)}")
        return
    one, other = options_of(a.arguments), options_of(b.arguments)
    if len(a.arguments) == len(b.arguments) and a.options == b.options:
        for at, (ours, theirs) in enumerate(zip(a.arguments, b.arguments, strict=True), 1):
            if ours != theirs:
                before = a.arguments[at - 2] if at > 1 and a.arguments[at - 2].startswith("-") else ""
                yield Factor("argument", str(at), f"{before} {_short(ours)} → {_short(theirs)}".strip())
    elif a.options == b.options and one is not None and other is not None and one.get("") == other.get(""):
        for name in {**one, **other}:
            if one.get(name) != other.get(name):
                was, now = (_worded(name, each.get(name)) for each in (one, other))
                yield Factor("argument", name, f"{_short(was)} → {_short(now)}")
    elif (a.options, a.arguments) != (b.options, b.arguments):
        was, now = (" ".join((*plan.options, *plan.arguments)) for plan in (a, b))
        yield Factor("argument", "", f"{_short(was) or 'none'} → {_short(now) or 'none'}")


def options_of(arguments: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """Arguments by option, each with the words up to the next one; what stands before the first is that of "". None
    where one comes twice, so that their order may count."""
    found: dict[str, tuple[str, ...]] = {"": ()}
    name = ""
    for word in arguments:
        if word == "--" or (word.startswith("-") and word.partition("=")[0] in found):
            return None
        name = word.partition("=")[0] if word.startswith("-") and not _NUMBER.fullmatch(word) else name
        found[name] = (*found.get(name, ()), word)
    return found


def _worded(name: str, words: Sequence[str] | None) -> str:
    """What an option was given."""
    if words is None:
        return "not given"
    return " ".join(words).removeprefix(name).lstrip("= ") or "given"


def _data(a: Side, b: Side) -> Iterator[Factor]:
    for name in sorted(a.data.keys() & b.data.keys()):
        if a.data[name] != b.data[name]:
            yield Factor("data", name, f"{a.data[name][:12]} → {b.data[name][:12]}")
    for name in sorted([*missing(a, b), *missing(b, a)]):
        was, now = (each.data.get(name, "not there")[:12] for each in (a, b))
        yield Factor("data", name, f"{was} → {now}")


def missing(side: Side, other: Side) -> list[str]:
    """Files that the other run read, in a folder beside the program's own that is an argument of both, and that were
    not there when this one ran."""
    names = sorted(name for name in other.data.keys() - side.data.keys() if os.path.isabs(name))  # noqa: PTH117
    if not names:
        return []
    folders = set(map(side.plan.named, side.plan.arguments))
    names = [name for name in names if named_by(other.plan, name) in folders - {name}]
    # Made later, or gone by now: one that was there all along and was not read differs in nothing.
    began = side.plan.story.run.started
    if other.plan.story.run.started < began:
        return [name for name in names if not Path(name).exists()]
    changed = {file.path: file.mtime or 0 for file in files_read(other.plan)}
    return [name for name in names if changed.get(name, 0) > began]


def _files_in(a: Side, b: Side) -> Iterator[Factor]:
    """Files of the two folders that differ: code, and data that one of the programs read."""
    one, other = (dict(_files(side)) for side in (a, b))
    if a.plan.cells != b.plan.cells:
        ours, theirs = a.plan.cells, b.plan.cells
        others = sum(x != y for x, y in zip(ours, theirs, strict=False))
        same = f"{others} of {len(ours)} {'is another' if others == 1 else 'are others'}"
        yield Factor("code", CELLS, same if len(ours) == len(theirs) else f"{len(ours)} → {len(theirs)}")
    for name in sorted({**one, **other}):
        if one.get(name) == other.get(name) or name in a.data.keys() & b.data.keys():
            continue
        if name in a.data or name in b.data:
            was, now = (digest[:12] if digest else "not there" for digest in (one.get(name), other.get(name)))
            yield Factor("data", name, f"{was} → {now}")
        else:
            word = "is new" if name not in one else "is gone" if name not in other else "is another"
            yield Factor("code", name, word)


def _files(side: Side) -> Iterator[tuple[str, str]]:
    root = side.plan.mirrored(side.plan.root, side.folder)
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - {".git", "__pycache__"})
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink():
                yield os.path.relpath(path, root), os.fspath(path.readlink())
            else:
                yield os.path.relpath(path, root), digest_of(path) or ""


def _conditions(a: Plan, b: Plan) -> Iterator[Factor]:
    one, other = was_set(a.story), was_set(b.story)
    for name in sorted({**one, **other}):
        if one.get(name) != other.get(name):
            yield Factor("variable", name, f"{one.get(name, 'not set')} → {other.get(name, 'not set')}")
    ours, theirs = threads_of(a.story), threads_of(b.story)
    if "OMP_NUM_THREADS" not in {**one, **other} and None not in (ours, theirs) and ours != theirs:
        yield Factor("threads", "", f"{ours} → {theirs}")


def _generators(a: Side, b: Side) -> Iterator[Factor]:
    one, other = a.generators(), b.generators()
    for name in ("python", "numpy", "torch"):
        # One that only one of the programs left unseeded cannot be made to begin as in the other.
        if name in one and name in other and one[name][0] == other[name][0] and one[name] != other[name]:
            yield Factor("randomness", name, "the generator began elsewhere")


def _packages(a: Side, b: Side) -> Iterator[Factor]:
    """Python, and distributions of another version: those that the programs import come first."""
    one, other = python_of_run(a.plan.story), python_of_run(b.plan.story)
    if one and other and one != other:
        yield Factor("environment", PYTHON, f"{one} → {other}")
    ours, theirs = records_of(a.plan.story), records_of(b.plan.story)
    if not ours or not theirs:
        return
    names = [name for name in sorted({**ours, **theirs}) if version_of(ours.get(name)) != version_of(theirs.get(name))]
    used = distributions_of(imported_in(_sources(a, b)), names) if len(names) > 1 else set()
    for name in sorted(names, key=lambda name: name not in used):
        was, now = (version_of(each.get(name)) or "none" for each in (ours, theirs))
        yield Factor("environment", name, f"{was} → {now}")


def _sources(*sides: Side) -> Iterator[str]:
    """The texts of the programs' own Python files."""
    for side in sides:
        names = [name for name, _ in _files(side) if name.endswith(".py")]
        for name in names[:_MOST_SOURCES]:
            lines = side.lines(name)
            if lines is not None:
                yield "\n".join(lines)
        yield from side.plan.cells


def _bare(line: str) -> str:
    return line.rstrip("\0").strip()


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
