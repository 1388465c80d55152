"""What went in differently into two runs, as things that can be swapped one by one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.answers.subjects import digest_of
from autotrack.core.gaps import Gap

from .checkout import check_out
from .conditions import threads_of, versions_of, was_set
from .inputs import files_read, put_inputs
from .plan import Plan

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: Parts in the order in which they are tried: the likeliest and the cheapest first.
PARTS = ("argument", "data", "code", "variable", "threads", "randomness", "environment")
#: Characters of a value that are shown.
_SHOWN = 40
#: The name of a notebook's cells, all together.
CELLS = "cells"
#: What of the seeds is not where the generators began.
_HASHING = "PYTHONHASHSEED"


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that differs: ``part`` of ``PARTS``, its name, and both in words."""

    part: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.part} {self.name}  {self.text}" if self.name else f"{self.part}  {self.text}"

    def document(self) -> dict[str, str]:
        return {"part": self.part, "name": self.name, "text": self.text}


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


def side_of(plan: Plan, sink: Sink, folder: Path, mapped: Mapping[str, str]) -> Side:
    """The run in a folder; its ``problems`` say what cannot be had."""
    found = Side(plan, folder)
    found.problems += check_out(plan, folder)
    inputs = put_inputs(plan, sink, folder, mapped)
    found.problems += inputs.problems
    found.moved = inputs.moved
    root = plan.root.rstrip("/") + "/"
    found.data = {file.path.removeprefix(root): file.sha256 for file in files_read(plan) if file.sha256 is not None}
    return found


def factors_of(a: Side, b: Side) -> list[Factor]:
    """All that differs and can be swapped, in the order in which it is tried."""
    found = [*_arguments(a.plan, b.plan), *_data(a, b), *_code(a, b), *_conditions(a.plan, b.plan)]
    return sorted(found, key=lambda factor: PARTS.index(factor.part))


def mixed(a: Side, b: Side, swapped: Collection[Factor], fresh: Path) -> tuple[Plan, dict[str, str]]:
    """Puts the first run into ``fresh`` with what is swapped as in the second; answers its plan, and where its
    arguments lie."""
    shutil.copytree(a.folder, fresh, symlinks=True, dirs_exist_ok=True)
    moved = dict(a.moved)
    arguments, options = list(a.plan.arguments), a.plan.options
    cells = a.plan.cells
    parts: dict[str, Any] = dict(a.plan.story.session.parts) if a.plan.story.session is not None else {}
    theirs = b.plan.story.session.parts if b.plan.story.session is not None else {}
    for factor in swapped:
        if (factor.part, factor.name) == ("code", CELLS):
            cells = b.plan.cells
        elif factor.part in ("code", "data"):
            _swap_file(a, b, factor.name, fresh, moved)
        elif factor.part == "argument" and factor.name:
            arguments[int(factor.name) - 1] = b.plan.arguments[int(factor.name) - 1]
        elif factor.part == "argument":
            arguments, options = list(b.plan.arguments), b.plan.options
        elif factor.part == "randomness":
            kept = {_HASHING: (parts.get("seeds") or {}).get(_HASHING)}
            parts["seeds"] = {**(theirs.get("seeds") or {}), **kept}
        elif factor.part == "threads":
            parts["environment"] = {**parts.get("environment", {}), "blas": theirs.get("environment", {}).get("blas")}
        elif factor.name == _HASHING:
            parts["seeds"] = {**parts.get("seeds", {}), _HASHING: (theirs.get("seeds") or {}).get(_HASHING)}
        elif factor.part == "variable":
            parts["environment"] = _with_variable(parts.get("environment", {}), theirs.get("environment", {}), factor)
    session = a.plan.story.session
    story = replace(a.plan.story, session=replace(session, parts=parts) if session is not None else None)
    return replace(a.plan, story=story, arguments=tuple(arguments), options=options, cells=cells), moved


def _with_variable(ours: Mapping[str, Any], theirs: Mapping[str, Any], factor: Factor) -> dict[str, Any]:
    variables = dict(ours.get("variables") or {})
    value = (theirs.get("variables") or {}).get(factor.name)
    variables.pop(factor.name, None)
    return {**ours, "variables": variables | ({factor.name: value} if value is not None else {})}


def _swap_file(a: Side, b: Side, name: str, fresh: Path, moved: dict[str, str]) -> None:
    target = a.plan.mirrored(os.path.join(a.plan.root, name), fresh)  # noqa: PTH118
    source = b.place(name)
    for path in (name, os.path.join(a.plan.root, name)):  # noqa: PTH118
        if path in a.moved or path in b.moved:
            moved[path] = b.moved.get(path, path)
    if target.is_symlink() or target.exists():
        target.unlink()
    if source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _arguments(a: Plan, b: Plan) -> Iterator[Factor]:
    if a.target != b.target or a.is_module != b.is_module:
        return  # another program: no argument of it means the same
    if len(a.arguments) == len(b.arguments) and a.options == b.options:
        for at, (one, other) in enumerate(zip(a.arguments, b.arguments, strict=True), 1):
            if one != other:
                before = a.arguments[at - 2] if at > 1 and a.arguments[at - 2].startswith("-") else ""
                yield Factor("argument", str(at), f"{before} {_short(one)} → {_short(other)}".strip())
    elif (a.options, a.arguments) != (b.options, b.arguments):
        one, other = (" ".join((*plan.options, *plan.arguments)) for plan in (a, b))
        yield Factor("argument", "", f"{_short(one) or 'none'} → {_short(other) or 'none'}")


def _data(a: Side, b: Side) -> Iterator[Factor]:
    for name in sorted(a.data.keys() & b.data.keys()):
        if a.data[name] != b.data[name]:
            yield Factor("data", name, f"{a.data[name][:12]} → {b.data[name][:12]}")


def _code(a: Side, b: Side) -> Iterator[Factor]:
    one, other = (dict(_files(side)) for side in (a, b))
    if a.plan.cells != b.plan.cells:
        yield Factor("code", CELLS, f"{len(a.plan.cells)} → {len(b.plan.cells)}")
    for name in sorted({**one, **other}):
        if one.get(name) != other.get(name) and name not in a.data.keys() & b.data.keys():
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
    if "OMP_NUM_THREADS" not in {**one, **other} and threads_of(a.story) != threads_of(b.story):
        yield Factor("threads", "", f"{threads_of(a.story)} → {threads_of(b.story)}")
    seeds = [_began(plan) for plan in (a, b)]
    if seeds[0] != seeds[1]:
        yield Factor("randomness", "", "the generators began elsewhere")
    packages = list(_packages(versions_of(a.story), versions_of(b.story)))
    if packages:
        more = f" and {len(packages) - 5} more" if len(packages) > 5 else ""
        yield Factor("environment", "", f"{', '.join(packages[:5])}{more}")


def _packages(a: Mapping[str, str], b: Mapping[str, str]) -> Iterable[str]:
    for name in sorted({**a, **b}):
        if a.get(name) != b.get(name):
            yield f"{name} {a.get(name, 'none')} → {b.get(name, 'none')}"


def _began(plan: Plan) -> str:
    """A digest of where the generators began, which is the same where they are to begin alike."""
    part = plan.story.part("seeds") or {}
    told = {"start": part.get("start"), "numpy": (part.get("numpy") or {}).get("entropy")}
    torch = part.get("torch") or {}
    told["torch"] = torch.get("seeds") if torch.get("seeded") is None else None
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
