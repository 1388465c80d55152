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
from autotrack.answers.subjects import digest_of
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt
from autotrack.core.session.random_state import put_together, states_in

from .factors import CELLS, HASHING, Factor, Side, missing, options_of
from .inputs import absolute_argument
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


def mixed(a: Side, b: Side, swapped: Collection[Factor], fresh: Path) -> tuple[Plan, dict[str, str]] | Gap:
    """Puts the first run into ``fresh`` with what is swapped as in the second; answers its plan, and where its
    arguments lie; or what could not be swapped. Packages are the interpreter's business."""
    shutil.copytree(a.folder, fresh, symlinks=True, dirs_exist_ok=True)
    ours = set(map(a.plan.named, a.plan.arguments))
    moved = {name: place for name, place in b.moved.items() if name not in ours} | a.moved
    elsewhere: dict[str, list[str]] = defaultdict(list)
    for name in missing(a, b):  # else the folder is left as it is now, with what has come since
        named = absolute_argument(a.plan, name)
        if named is not None:
            elsewhere[named] = []
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
            named = absolute_argument(a.plan, _path(a, factor.name))
            if named is None:
                _swap_file(a, b, factor.name, fresh)
            else:
                elsewhere[named].append(factor.name)
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
    for at, (named, names) in enumerate(elsewhere.items()):
        moved[named] = str(_put_anew(a, b, named, names, fresh / "swapped" / str(at)))
    for word in arguments:
        if word not in a.plan.arguments:
            _bring(a, b, word, fresh)
    story = _told_otherwise(a, b, swapped)
    told = {"options": options, "target": target, "is_module": is_module, "arguments": tuple(arguments)}
    plan = replace(a.plan, story=story, cells=cells, **told)  # type: ignore[arg-type]
    return _not_swapped(a, b, swapped, plan, moved, fresh) or (plan, moved)


def _not_swapped(
    a: Side, b: Side, swapped: Collection[Factor], plan: Plan, moved: Mapping[str, str], fresh: Path
) -> Gap | None:
    """What is not as it is in the second run, where it should be: a trial of it would say that it is not the cause."""
    files = [factor.name for factor in swapped if factor.part == "data" and os.path.isabs(factor.name)]  # noqa: PTH117
    for name in files:
        named = absolute_argument(a.plan, name)
        place = _target(a, name, fresh) if named is None else _below(Path(moved[named]), named, name)
        if digest_of(place) != b.data.get(name):
            return Gap("data", f"{name} is not to be had as it was in the second run", "Leave it as it is meanwhile")
    told = ("options", "target", "is_module", "arguments", "cells")
    untouched = all(getattr(plan, name) == getattr(a.plan, name) for name in told) and (
        plan.story.session is None or a.plan.story.session is None
        or plan.story.session.parts == a.plan.story.session.parts
    )  # fmt: skip
    if swapped and untouched and all(factor.part not in ("code", "data", "environment") for factor in swapped):
        names = "; ".join(map(str, swapped))
        return Gap(next(iter(swapped)).part, f"{names}: it cannot be made what it was in the second run", "")
    return None


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


def _swap_file(a: Side, b: Side, name: str, fresh: Path) -> None:
    """A file that the program finds in the fresh folder."""
    target, source = _target(a, name, fresh), _lies(b, name)
    if target.is_symlink() or target.exists():
        target.unlink()
    if source is not None and (source.is_symlink() or source.exists()):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _put_anew(a: Side, b: Side, named: str, names: Collection[str], place: Path) -> Path:
    """What an argument names, with these files as in the second run: where it is now. A folder is put together of all
    that was read in it."""
    whole = _lies(b, named) if named in names else None
    if whole is not None:
        return whole
    folder = place / Path(named).name
    folder.mkdir(parents=True, exist_ok=True)
    theirs = set(names)
    for name in sorted({*theirs, *(name for name in a.data if name.startswith(f"{named}/"))}):
        source = _lies(b if name in theirs else a, name)
        if source is not None and name != named:
            target = _below(folder, named, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def _bring(a: Side, b: Side, word: str, fresh: Path) -> None:
    """What an argument of the second run names beside the program's folders, by a relative path, is put there."""
    source, target = (side.plan.mirrored(side.plan.named(word), folder) for side, folder in ((b, b.folder), (a, fresh)))
    if not b.plan.owns(b.plan.named(word)) and source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)


def _lies(side: Side, name: str) -> Path | None:
    """Where a file of a run is: in its folder, where an argument leads now, or where it was; None where the run had
    none of that name."""
    path = _path(side, name)
    named = absolute_argument(side.plan, path)
    if not side.plan.owns(path) and name not in side.data:
        return None
    if named is not None:
        return _below(Path(side.moved.get(named, named)), named, path)
    place = side.place(name)
    return place if side.plan.owns(path) or place.exists() else Path(path)


def _below(place: Path, named: str, path: str) -> Path:
    """Where a file is of which an argument names the folder, or itself, that is at ``place`` now."""
    return place if path == named else place / os.path.relpath(path, named)


def _path(side: Side, name: str) -> str:
    return os.path.join(side.plan.root, name)  # noqa: PTH118 - texts of another machine


def _swap_places(a: Side, b: Side, name: str, chosen: Collection[int], fresh: Path) -> None:
    """A text in which these places are as in the second run."""
    one, other = a.lines(name) or [], b.lines(name) or []
    found = edits(one, other)
    lines = apply(one, Patch(name, hunks=[found[at] for at in sorted(chosen)]))
    _target(a, name, fresh).write_text(joined(lines), "utf-8", newline="")


def _target(a: Side, name: str, fresh: Path) -> Path:
    return a.plan.mirrored(_path(a, name), fresh)
