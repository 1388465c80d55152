"""How far a run can be made again: what was captured of what that takes, and how to close each hole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotrack.core.gaps import Gap

from .story import Story

#: What a rebuild stands on, and how much of it: without code there is none, without a seed there still is one.
WEIGHTS = {"code": 30, "command": 15, "environment": 20, "data": 20, "randomness": 15}
#: Parts of gaps by what they belong to.
_OF = {
    "code": "code", "session": "code", "environment": "environment",
    "data": "data", "files": "data", "network": "data", "seeds": "randomness",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One of the things that a rebuild takes. ``captured`` is 1 where all of it is known, 0.5 in part, 0 not at all;
    ``holes`` say what is missing."""

    name: str
    captured: float
    holes: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Rebuildability:
    """``score`` is the share of what a rebuild takes that was captured, in percent."""

    checks: tuple[Check, ...]

    @property
    def score(self) -> int:
        return round(sum(WEIGHTS[check.name] * check.captured for check in self.checks))

    def document(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "checks": [
                {"name": check.name, "captured": check.captured, "holes": [gap.document() for gap in check.holes]}
                for check in self.checks
            ],
        }


def rebuildability(story: Story) -> Rebuildability:
    """What of a run's making is known, by what its session says of itself."""
    holes: dict[str, list[Gap]] = {name: [] for name in WEIGHTS}
    for gap in story.gaps():
        if gap.part in _OF:
            holes[_OF[gap.part]].append(gap)
    return Rebuildability(tuple(_check(name, story, holes[name]) for name in WEIGHTS))


def _check(name: str, story: Story, holes: list[Gap]) -> Check:
    lacking = list(_LACKING[name](story)) if story.session is not None else [Gap(name, "not captured")]
    if lacking:
        return Check(name, 0.0, tuple(dict.fromkeys([*lacking, *holes])))
    return Check(name, 0.5 if holes else 1.0, tuple(holes))


def _no_code(story: Story) -> Iterator[Gap]:
    code = story.part("code")
    if code is None or code.get("kind") == "none":
        yield Gap("code", "the program's code was not captured", "Keep it in files, and the capture of code on")
    elif code.get("kind") == "git" and not code.get("commit"):
        yield Gap("code", "the repository has no commit", "Commit before training")


def _no_command(story: Story) -> Iterator[Gap]:
    argv = (story.part("arguments") or (story.session.data if story.session else {})).get("argv")
    if not isinstance(argv, Sequence) or isinstance(argv, str) or len(argv) < 2:
        yield Gap("arguments", "how the program was started is not known", "Start it from a file")
    elif argv[1] in ("-c", "-"):
        yield Gap("arguments", "the program stood in no file", "Keep it in a file")


def _no_environment(story: Story) -> Iterator[Gap]:
    if not (story.part("environment") or {}).get("lock"):
        yield Gap("environment", "the packages were not captured", "Keep the capture of the environment on")


def _no_data(story: Story) -> Iterator[Gap]:
    if story.part("files") is None and not story.files and not story.run.datasets:
        yield Gap("files", "which files were read is not known", "Keep the watch over files on")


def _no_randomness(story: Story) -> Iterator[Gap]:
    seeds = story.part("seeds")
    kept = seeds is not None and (seeds.get("start") or story.run.random_state)
    seeded = any(isinstance(part, Mapping) and part.get("seeded") for part in (seeds or {}).values())
    if not kept and not seeded:
        yield Gap("seeds", "where the random generators began is not known", "Seed them")


_LACKING = {
    "code": _no_code,
    "command": _no_command,
    "environment": _no_environment,
    "data": _no_data,
    "randomness": _no_randomness,
}
