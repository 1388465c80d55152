"""Sets of runs as a table shows them: how many there are, which of them are at the top, which ones a window has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import ColumnElement, Connection, func, or_, select

from .. import schema
from ..engines.dialect import among, fetch
from ..filters.sql import condition
from ..filters.syntax import Node, Order
from . import queries

Condition = ColumnElement[bool]
#: Beyond every number of runs.
ALL = 2**62
#: Characters of an id, and of a beginning of one that is looked for.
WHOLE, SHORTEST = 32, 4


@dataclass(frozen=True, slots=True)
class RunSet:
    """The runs of some experiments (ids; None: of all there are) that match a filter.

    ``lifecycle`` is active, deleted or all; ``parent``: only the children of the run with that id.
    """

    experiments: tuple[str, ...] | None = None
    node: Node | None = None
    lifecycle: str = "active"
    parent: str | None = None

    def scope(self) -> list[Condition]:
        """Everything that a run in it meets, but for the filter."""
        runs = schema.runs
        where: list[Condition] = []
        if self.experiments is not None and len(self.experiments) == 1:
            where.append(runs.c.experiment_id == self.experiments[0])
        elif self.experiments is not None:
            where.append(among(runs.c.experiment_id, self.experiments))
        if self.lifecycle != "all":
            where.append(runs.c.lifecycle == self.lifecycle)
        if self.parent is not None:
            where.append(runs.c.parent == self.parent)
        return where

    def conditions(self) -> list[Condition]:
        """Everything that a run in it meets."""
        return [*self.scope(), *([condition(self.node)] if self.node is not None else [])]

    def at_top(self) -> Condition:
        """That a run's parent is not in it."""
        runs = schema.runs
        inside = select(runs.c.id).where(*self.conditions()).correlate(None)
        return or_(runs.c.parent.is_(None), runs.c.parent.not_in(inside))


def revision(connection: Connection, experiments: Sequence[str] | None) -> str:
    """A token that is another one when anything was written to a run of these experiments."""
    runs = schema.runs
    columns = [func.count(), func.max(runs.c.n), *(func.max(runs.c[name]) for name in ("last_seen", "ended"))]
    columns += [func.count(runs.c.deleted_at), func.max(runs.c.deleted_at)]
    query = select(*columns).where(*RunSet(None if experiments is None else tuple(experiments), None, "all").scope())
    return blake2b(repr(tuple(fetch(connection, query)[0])).encode(), digest_size=8).hexdigest()


def count(connection: Connection, runs: RunSet, *, at_top: bool = False) -> int:
    """How many runs are in it (``at_top``: at the top of its tree)."""
    where = [*runs.conditions(), *([runs.at_top()] if at_top else [])]
    query = select(func.count()).select_from(schema.runs).where(*where)
    return int(connection.execute(query).scalar_one())


def window(
    connection: Connection, runs: RunSet, orders: Sequence[Order], *, limit: int, offset: int, at_top: bool = False
) -> list[int]:
    """The numbers of the runs in a part of it, in order: newest first unless ordered, what is missing last."""
    where = [*runs.scope(), *([runs.at_top()] if at_top else [])]
    return queries.matching(connection, runs.node, orders, where, limit, offset)


def opened(
    connection: Connection, runs: RunSet, orders: Sequence[Order], parents: Sequence[str]
) -> tuple[list[int], list[int]]:
    """The whole tree with the children of those runs (ids) shown: numbers in order, and how deep each stands."""
    order = window(connection, runs, orders, limit=ALL, offset=0, at_top=True)
    numbers = dict[int, str]()
    for number, identity in fetch(
        connection, select(schema.runs.c.n, schema.runs.c.id).where(among(schema.runs.c.id, list(parents)))
    ):
        numbers[number] = identity
    found: list[int] = []
    depths: list[int] = []

    def add(some: Sequence[int], depth: int) -> None:
        for number in some:
            found.append(number)
            depths.append(depth)
            parent = numbers.pop(number, None)  # once: whatever a run says of its parent, this comes to an end
            if parent is not None:
                below = RunSet(runs.experiments, runs.node, runs.lifecycle, parent)
                add(window(connection, below, orders, limit=ALL, offset=0), depth + 1)

    add(order, 0)
    return found, depths


def numbers_of(connection: Connection, runs: RunSet, ids: Sequence[str]) -> list[int]:
    """The numbers of those of these runs that are in its experiments, in the order in which they are named: by their
    ids, or beginnings of ids that no other run there has."""
    table = schema.runs
    query = select(table.c.id, table.c.n).where(*runs.scope())
    found: dict[str, int] = dict(fetch(connection, query.where(among(table.c.id, list(ids)))))  # type: ignore[arg-type]
    for start in dict.fromkeys(each for each in ids if SHORTEST <= len(each) < WHOLE and each not in found):
        match fetch(connection, query.where(table.c.id >= start, table.c.id < f"{start}{{").limit(2)):
            case [(_, number)]:
                found[start] = number
    return list(dict.fromkeys(found[each] for each in ids if each in found))
