"""Several runs beside each other: everything that is known of them in rows, a value for each run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotrack.answers.story import Story

from .code import code_states
from .conditions import BY_CHANCE, flat, packages
from .goals import Goal, goal_of
from .inputs import files_read

BLOCKS = ("result", "params", "code", "environment", "data", "tags")
#: Keys of a code's document that name where and what it is; its files are rows of their own.
_CODE = ("commit", "branch", "dirty", "entry", "kind")
#: Where an interpreter lies, what compiled it, and what stands in rows of its own.
_ASIDE = frozenset({"lock", "distributions", "gaps", "python.executable", "python.compiler"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
Value = str | float | int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, with its value in each run (None: a run has none).

    ``delta``: how much each number is above that of the first run, None where one is no number. ``goal``: what is
    better of a metric. ``path``: a file of the code, whose difference can be asked for.
    """

    key: str
    values: tuple[Value, ...]
    same: bool
    delta: tuple[float | None, ...] | None = None
    goal: Goal | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one kind. ``equal``: how many rows have the same value in all runs, ``hidden``: those not in ``rows``."""

    name: str
    rows: tuple[Row, ...]
    equal: int
    hidden: int


def side_by_side(stories: Sequence[Story], *, equal: bool, goals: Mapping[str, Goal] | None = None) -> list[Block]:
    """What is known of some runs, in ``BLOCKS``; rows that are the same in all runs only where ``equal``.

    ``goals``: what is better of a metric, where that is not what its name says.
    """
    tables: dict[str, list[dict[str, Value]]] = {
        "result": [_result(story) for story in stories],
        "params": [_params(story) for story in stories],
        "code": [_code(story) for story in stories],
        "environment": [_environment(story) for story in stories],
        "data": [_data(story) for story in stories],
        "tags": [{**story.run.tags} for story in stories],
    }
    files = {path for story in stories for path in code_states(story)}
    found = []
    for name in BLOCKS:
        rows = list(_rows(tables[name], name, goals or {}, files))
        count = sum(row.same for row in rows)
        shown = tuple(row for row in rows if equal or not row.same)
        found.append(Block(name, shown, count, len(rows) - len(shown)))
    return found


def _rows(
    table: Sequence[Mapping[str, Value]], block: str, goals: Mapping[str, Goal], files: set[str]
) -> Iterator[Row]:
    for key in dict.fromkeys(key for column in table for key in column):
        values = tuple(column.get(key) for column in table)
        first = values[0]
        same = all(_alike(first, value) for value in values)
        metric = key.removeprefix("m.") if block == "result" and key.startswith("m.") else None
        goal = None if metric is None else goals.get(metric) or goal_of(metric)
        delta = None
        if not same and (metric is not None or block == "params"):
            delta = _deltas([_number(value) for value in values])
        yield Row(key, values, same, delta, goal, key if block == "code" and key in files else None)


def _alike(a: Value, b: Value) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return a == b and (a is None) == (b is None)


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        return float(value) if len(value) < 64 and _NUMBER.match(value) else None
    return None if value is None or not math.isfinite(value) else float(value)


def _deltas(numbers: Sequence[float | None]) -> tuple[float | None, ...] | None:
    base = numbers[0]
    if base is None:
        return None
    found = tuple(None if number is None else number - base for number in numbers)
    return found if any(delta is not None for delta in found[1:]) else None


def _result(story: Story) -> dict[str, Value]:
    found: dict[str, Value] = {"status": str(story.run.status)}
    if story.run.error:
        found["error"] = story.run.error.strip().splitlines()[-1][:1000] if story.run.error.strip() else ""
    return found | {f"m.{key}": value for key, value in sorted(story.run.metrics.items())}


def _params(story: Story) -> dict[str, Value]:
    found: dict[str, Value] = dict(sorted(story.run.params.items()))
    part = story.part("arguments") or {}
    argv = part.get("argv")
    if isinstance(argv, list | tuple):
        found["command line"] = " ".join(str(word) for word in argv)[:4000]
    return found


def _code(story: Story) -> dict[str, Value]:
    part = story.part("code") or {}
    found: dict[str, Value] = {name: str(part[name]) for name in _CODE if part.get(name) is not None}
    return found | {path: state[:12] for path, state in sorted(code_states(story).items())}


def _environment(story: Story) -> dict[str, Value]:
    part = story.part("environment")
    found: dict[str, Value] = {}
    if part is not None:
        installed = packages(story, part) or {}
        found |= {f"package {name}": version for name, version in sorted(installed.items())}
        found |= {key: value for key, value in sorted(flat(part).items()) if key not in _ASIDE}
    seeds = flat(story.part("seeds"))
    return found | {f"seeds {key}": value for key, value in sorted(seeds.items()) if key not in BY_CHANCE}


def _data(story: Story) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for each in story.run.datasets:
        name = f"{each.name} ({each.context})" if each.context else each.name
        about: dict[str, Any] = {"rows": each.rows, "columns": len(each.columns) or None, "digest": each.digest}
        found |= {f"{name} {what}": value for what, value in about.items() if value is not None}
    return found | {f"file {path}": sha[:12] for path, sha in sorted(files_read(story).items())}
