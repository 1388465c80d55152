"""Columns of the table of runs: how they are named, and which of them a set of runs should be shown with."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy import Connection

from autotrack.answers.goals import Goal, goal_of, main_metric, ranked
from autotrack.core.entities import Experiment
from autotrack.core.errors import UsageError
from autotrack.core.numbers import significant
from autotrack.store.filters.syntax import Field, Order
from autotrack.store.search.keys import RunKeys, run_keys
from autotrack.store.search.sets import RunSet
from autotrack.store.search.values import ATTRIBUTES

from . import forms

#: Columns of metrics and of params that are shown where nobody has chosen any.
METRICS, PARAMS = 8, 20
#: A metric that fewer runs have, as a share of those that have the commonest one, is no column by itself.
RARE = 0.02
#: Keys of each kind that are told, and constants.
TOLD = 5000
#: What was found out is believed until something is written, or for so many times the seconds that it took.
PATIENCE = 20.0
KEPT = 64

_ENTITIES = {"m": "metric", "p": "param", "t": "tag"}
_LETTERS = {entity: letter for letter, entity in _ENTITIES.items()}
_COLUMN = re.compile(
    r"\s*(?P<sign>-?)(?:(?P<kind>[mpt])\.)?(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<plain>[^,`]+?))\s*(?:,|$)"
)
#: How the attributes of a column are called in a search.
_SEARCHED = {"start": "started", "end": "ended"}
_SORTED = ("name", "status", "start", "end", "duration", "user", "experiment", "parent", "session", "error", "id")

Columns = Annotated[str, Meta(max_length=16384, pattern=forms.TEXT)]


def named(text: str) -> list[tuple[Field, bool]]:
    """Columns in a text such as ``-m.val_loss,name``, each with whether there is a minus before it (UsageError).

    ``m.`` is a metric, ``p.`` a param, ``t.`` a tag, all else an attribute; a key with a comma stands in backticks.
    """
    found: list[tuple[Field, bool]] = []
    at = 0
    while at < len(text):
        match = _COLUMN.match(text, at)
        if match is None:
            raise UsageError(f"{text[at : at + 40]!r} is no column: there are m.KEY, p.KEY, t.KEY and attributes")
        key = match["plain"] if match["quoted"] is None else match["quoted"].replace("``", "`")
        entity = _ENTITIES.get(match["kind"] or "", "attribute")
        found.append((Field(entity, key, at), match["sign"] == "-"))
        at = match.end()
    return found


def shown(text: str) -> list[Field]:
    """The columns that somebody asks for (UsageError where there is no such attribute)."""
    fields = list(dict.fromkeys(Field(each.entity, each.key, 0) for each, _ in named(text)))
    for each in fields:
        if each.entity == "attribute" and each.key not in ATTRIBUTES:
            raise UsageError(f"{each.key[:80]!r} is no attribute of a run; there are {', '.join(ATTRIBUTES)}")
    return fields


def orders(text: str) -> list[Order]:
    """The sort keys that somebody asks for (UsageError where nothing is sorted by one)."""
    found = []
    for each, descending in named(text):
        key = each.key
        if each.entity == "attribute":
            if key not in _SORTED:
                raise UsageError(f"runs cannot be sorted by {key[:80]!r}, but by {', '.join(_SORTED)}")
            key = _SEARCHED.get(key, key)
        found.append(Order(Field(each.entity, key, 0), descending))
    return found


def spelled(each: Field) -> str:
    """A column's name as the table has it."""
    letter = _LETTERS.get(each.entity)
    return each.key if letter is None else f"{letter}.{each.key}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a table of some runs should show, most telling first: metrics, then the params that vary.

    ``constant`` is what all have alike: params, last values of metrics, user and commit. ``metrics``, ``params`` and
    ``tags`` are all keys that there are, by relevance or by name; ``goals``: what is better of each metric whose name,
    or experiment, says so. ``of`` is how many runs were looked at: of very many the newest.
    """

    of: int
    cols: list[str]
    main: str | None
    goal: Goal | None
    constant: dict[str, str]
    metrics: list[str]
    params: list[str]
    tags: list[str]
    goals: dict[str, Goal]


@dataclass(frozen=True, slots=True)
class _Known:
    revision: str
    until: float
    keys: RunKeys


class Chooser:
    """Finds out which keys sets of runs have, and keeps that for a while. One a worker process; threads share it."""

    def __init__(self) -> None:
        self._known: OrderedDict[RunSet, _Known] = OrderedDict()

    def keys(self, connection: Connection, runs: RunSet, revision: str) -> RunKeys:
        """The keys of a set of runs, as of now or, where that takes long, of a moment ago."""
        known = self._known.get(runs)
        now = time.monotonic()
        if known is not None and (known.revision == revision or now < known.until):
            return known.keys
        keys = run_keys(connection, runs)
        took = time.monotonic() - now
        self._known[runs] = _Known(revision, now + took * (1 + PATIENCE), keys)
        while len(self._known) > KEPT:
            try:
                self._known.popitem(last=False)
            except KeyError:  # another thread was faster
                break
        return keys


def chosen(keys: RunKeys, experiments: Sequence[Experiment]) -> Chosen:
    """What a table of runs with these keys should show; ``experiments`` are those that they are of."""
    tags = experiments[0].tags if len(experiments) == 1 else {}
    main, goal = main_metric(keys.metrics, tags)
    metrics = ranked(keys.metrics)
    if main is not None:
        metrics = [main, *(each for each in metrics if each != main)]
    enough = RARE * max(keys.metrics.values(), default=0)
    aside = {each for each, number in keys.metrics.items() if number < enough or each.startswith("system/")}
    first = [each for each in metrics if each == main or not (each in keys.still or each in aside)][:METRICS]
    varying = sorted((each for each in keys.params if each not in keys.constant), key=lambda each: -keys.params[each])
    found = [Field("metric", each, 0) for each in first] + [Field("param", each, 0) for each in varying[:PARAMS]]
    attributes = [name for name in ("commit", "user") if keys.attributes.get(name, "") is None]
    same = {f"p.{key}": value for key, value in keys.constant.items()}
    same |= {f"m.{key}": significant(value, 6) for key, value in keys.still.items()}
    same |= {name: value for name, value in keys.attributes.items() if value is not None}
    goals: dict[str, Goal] = {f"m.{each}": its for each in metrics[:TOLD] if (its := goal_of(each)) is not None}
    if main is not None and goal is not None:
        goals[f"m.{main}"] = goal
    return Chosen(
        of=keys.runs,
        cols=[*(spelled(each) for each in found), *attributes],
        main=None if main is None else f"m.{main}",
        goal=goal,
        constant={key: value[:1000] for key, value in list(same.items())[:TOLD]},
        metrics=metrics[:TOLD],
        params=list(keys.params)[:TOLD],
        tags=list(keys.tags)[:TOLD],
        goals=goals,
    )


def known_to(keys: RunKeys) -> dict[str, Any]:
    """The keys by entity, for names in a filter that do not say what they are."""
    return {"metric": keys.metrics, "param": keys.params, "tag": keys.tags}
