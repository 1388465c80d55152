"""Searches of things that are a row with tags: their syntax tree as SQL conditions, and orders as sort keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, not_, or_

from autotrack.store.engines.dialect import matches

from .sql import COMPARISONS
from .subjects import Subject
from .syntax import And, Compare, Field, In, IsNull, Node, Not, Or, Order

Condition = ColumnElement[bool]
#: MLflow keeps prompts among its models; a thing without this tag is none, and MLflow's client asks for those.
PROMPT = "mlflow.prompt.is_prompt"
_NO_PROMPT = {("=", "false"), ("!=", "true")}


@dataclass(frozen=True, slots=True)
class Rows:
    """Where things are: a column by its name, and for each further entity the table of keys and values with what joins
    it to the thing."""

    subject: Subject
    columns: Mapping[str, ColumnElement[Any]]
    pairs: Mapping[str, tuple[Any, Condition]]

    def column(self, field: Field) -> ColumnElement[Any]:
        """The expression of an attribute."""
        name, kind = self.subject.attribute(field.key) or ("name", "text")
        column = self.columns[name]
        return column // 1_000_000 if kind == "milliseconds" else column

    def condition(self, node: Node) -> Condition:
        """The SQL condition of a syntax tree. One about what a thing does not have is false, also ``!=``."""
        match node:
            case And(items):
                return and_(*(self.condition(item) for item in items))
            case Or(items):
                return or_(*(self.condition(item) for item in items))
            case Not(item):
                return not_(self.condition(item))
            case IsNull(field, negated):
                present = self._has(field, None)
                return present if negated else not_(present)
        return self._has(node.field, node)

    def _has(self, field: Field, node: Compare | In | None) -> Condition:
        if field.entity == "attribute":
            column = self.column(field)
            return column.is_not(None) if node is None else and_(column.is_not(None), _test(column, node))
        table, joined = self.pairs[field.entity]
        conditions = [joined, table.c.key == field.key]
        if node is not None:
            conditions.append(_test(table.c.value, node))
        found = exists().where(*conditions)
        if field.key == PROMPT and isinstance(node, Compare) and (node.op, node.value) in _NO_PROMPT:
            return or_(found, not_(exists().where(joined, table.c.key == field.key)))
        return found

    def order(self, orders: Sequence[Order]) -> list[Any]:
        """Sort keys for orders by attributes, what is missing last."""
        keys: list[Any] = []
        for order in orders:
            column = self.column(order.field)
            keys += [column.is_(None), column.desc() if order.descending else column.asc()]
        return keys


def _test(column: ColumnElement[Any], node: Compare | In) -> Condition:
    if isinstance(node, In):
        return column.not_in(node.values) if node.negated else column.in_(node.values)
    if node.op in ("LIKE", "ILIKE"):
        return matches(column, str(node.value), ignore_case=node.op == "ILIKE")
    test: Condition = COMPARISONS[node.op](column, node.value)
    return test
