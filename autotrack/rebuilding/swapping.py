"""Puts one run into a folder with some of what went into it as it was in another run."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.answers.hunks import Patch, apply, edits, joined
from autotrack.core.guard import attempt
from autotrack.core.session.random_state import put_together, states_in

from .factors import CELLS, HASHING, Factor, Side, options_of
from .plan import Plan

if TYPE_CHECKING:
    from autotrack.answers.story import Story
    from autotrack.core.sink import Contents


@dataclass(frozen=True, slots=True)
class _Beside:
    """The contents that a store keeps, and some that it does not."""

    kept: Contents
    more: Mapping[str, bytes]

    def put(self, content: bytes) -> str:
        return self.kept.put(content)

    def get(self, digest: str) -> bytes:
        return self.more[digest] if digest in self.more else self.kept.get(digest)

    def has(self, digest: str) -> bool:
        return digest in self.more or self.kept.has(digest)

    def renew(self, digest: str) -> bool:
        return digest in self.more or self.kept.renew(digest)


def mixed(a: Side, b: Side, swapped: Collection[Factor], fresh: Path) -> tuple[Plan, dict[str, str]]:
    """Puts the first run into ``fresh`` with what is swapped as in the second; answers its plan, and where its
    arguments lie. Packages are the interpreter's business."""
    shutil.copytree(a.folder, fresh, symlinks=True, dirs_exist_ok=True)
    moved = dict(a.moved)
    arguments, options, cells = list(a.plan.arguments), a.plan.options, a.plan.cells
    target, is_module = a.plan.target, a.plan.is_module
    places: dict[str, set[int]] = defaultdict(set)
    given: dict[str, tuple[str, ...]] = {}
    for factor in swapped:
        if (factor.part, factor.name) == ("code", CELLS):
            cells = b.plan.cells
        elif factor.part == "code" and factor.place is not None:
            places[factor.name].add(factor.place)
        elif factor.part in ("code", "data"):
            _swap_file(a, b, factor.name, fresh, moved)
        elif factor.part == "argument" and factor.name.startswith("-"):
            given[factor.name] = (options_of(b.plan.arguments) or {}).get(factor.name, ())
        elif factor.part == "argument" and factor.name:
            arguments[int(factor.name) - 1] = b.plan.arguments[int(factor.name) - 1]
        elif factor.part == "argument":
            arguments, options = list(b.plan.arguments), b.plan.options
            target, is_module = b.plan.target, b.plan.is_module
    if given:
        words = {**(options_of(arguments) or {}), **given}
        arguments = [word for name in words for word in words[name]]
    for name, chosen in places.items():
        _swap_places(a, b, name, chosen, fresh)
    story = _told_otherwise(a, b, swapped)
    told = {"options": options, "target": target, "is_module": is_module, "arguments": tuple(arguments)}
    return replace(a.plan, story=story, cells=cells, **told), moved  # type: ignore[arg-type]


def _told_otherwise(a: Side, b: Side, swapped: Collection[Factor]) -> Story:
    """The story of the first run with variables, threads and generators swapped."""
    story, session = a.plan.story, a.plan.story.session
    if session is None:
        return story
    seeds, environment = dict(a.seeds), dict(story.part("environment") or {})
    theirs = b.plan.story.part("environment") or {}
    more: dict[str, bytes] = {}
    for factor in swapped:
        if factor.part == "threads":
            environment["blas"] = theirs.get("blas")
        elif factor.part == "variable" and factor.name == HASHING:
            seeds[HASHING] = b.seeds.get(HASHING)
        elif factor.part == "variable":
            variables = dict(environment.get("variables") or {})
            value = (theirs.get("variables") or {}).get(factor.name)
            variables.pop(factor.name, None)
            environment["variables"] = variables | ({factor.name: value} if value is not None else {})
    names = [factor.name for factor in swapped if factor.part == "randomness"]
    if names:
        seeds |= {name: b.seeds[name] for name in names if name in b.seeds}
        start = _started_otherwise(a, b, names)
        if start is not None:
            seeds["start"] = hashlib.sha256(start).hexdigest()
            more[seeds["start"]] = start
    parts = {**session.parts, "seeds": seeds, "environment": environment}
    return replace(story, session=replace(session, parts=parts), objects=_Beside(story.objects, more))


def _started_otherwise(a: Side, b: Side, names: Iterable[str]) -> bytes | None:
    """The generators' states at the beginning of the first run, with these as in the second."""
    contents = [side.plan.story.content(side.seeds.get("start")) for side in (a, b)]
    one, other = (attempt(states_in, content)[0] if content is not None else None for content in contents)
    if one is None or other is None:
        return None
    states: dict[str, tuple[dict[str, Any], bytes]] = {**one, **{name: other[name] for name in names if name in other}}
    return put_together(states)


def _swap_file(a: Side, b: Side, name: str, fresh: Path, moved: dict[str, str]) -> None:
    target = _target(a, name, fresh)
    source = b.place(name)
    for path in (name, os.path.join(a.plan.root, name)):  # noqa: PTH118
        if path in a.moved or path in b.moved:
            moved[path] = b.moved.get(path, path)
    if target.is_symlink() or target.exists():
        target.unlink()
    if source.is_symlink() or source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _swap_places(a: Side, b: Side, name: str, chosen: Collection[int], fresh: Path) -> None:
    """A text in which these places are as in the second run."""
    one, other = a.lines(name) or [], b.lines(name) or []
    found = edits(one, other)
    lines = apply(one, Patch(name, hunks=[found[at] for at in sorted(chosen)]))
    _target(a, name, fresh).write_text(joined(lines), "utf-8", newline="")


def _target(a: Side, name: str, fresh: Path) -> Path:
    return a.plan.mirrored(os.path.join(a.plan.root, name), fresh)  # noqa: PTH118
