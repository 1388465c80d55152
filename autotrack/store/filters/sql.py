"""A search's syntax tree as SQL conditions on ``runs``: fixed columns and operators, every value bound.

Conditions are two-valued: one about something that a run does not have is false, also ``!=``, so NOT of it is true.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Double, Integer, and_, exists, false, literal, not_, or_, select, true

from autotrack.store import schema
from autotrack.store.engines.dialect import matches, same_text

from .subjects import RUNS
from .syntax import And, Compare, Field, In, IsNull, Node, Not, Or, Value

Condition = ColumnElement[bool]
Test = Callable[[ColumnElement[Any]], Condition]
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: Integers beyond this are not exact as float64, so they are compared with the metric's own 64 bits.
EXACT = 2**53
#: Beyond every integer of a column.
WIDE = 2.0**63


def condition(node: Node) -> Condition:
    """The SQL condition on ``runs`` of a syntax tree."""
    match node:
        case And(items):
            return and_(*(condition(item) for item in items))
        case Or(items):
            return or_(*(condition(item) for item in items))
        case Not(item):
            return not_(condition(item))
        case Compare(field, op, value):
            return _about(field, isinstance(value, str), lambda column: _compare(column, op, value), op, value)
        case In(field, values, negated):
            is_text = isinstance(values[0], str)
            return _about(field, is_text, lambda column: _among(column, values, negated), "IN", None, values, negated)
        case IsNull(field, negated):
            present = has(field)
            return present if negated else not_(present)


def has(field: Field) -> Condition:
    """Whether a run has what a field names."""
    if field.entity == "metric":
        return _exists(schema.series, field.key, true())
    if field.entity == "param":
        return _exists(schema.params, field.key, true())
    if field.entity == "tag":
        return _exists(schema.tags, field.key, true())
    if field.entity == "attribute":
        return attribute_column(field.key).is_not(None)
    return or_(*(has(Field(entity, field.key, field.position)) for entity in ("metric", "param", "tag")))


def attribute_column(key: str) -> ColumnElement[Any]:
    """The expression that an attribute stands for."""
    column, kind = RUNS.attribute(key) or ("id", "text")
    runs, experiments = schema.runs, schema.experiments
    if column == "experiment":
        named = select(experiments.c.name).where(experiments.c.id == runs.c.experiment_id)
        return named.correlate(runs).scalar_subquery()
    if kind == "seconds":
        return (runs.c.ended - runs.c.started) / 1e9
    if kind == "milliseconds":
        return runs.c[column] // 1_000_000
    return runs.c[column]


def _about(
    field: Field,
    is_text: bool,
    test: Test,
    op: str,
    value: Value | None,
    values: tuple[Value, ...] = (),
    negated: bool = False,
) -> Condition:
    key = field.key
    match field.entity:
        case "metric":
            return _in_series(key, _metric(op, value, values, negated))
        case "param":
            return _param(key, is_text, test)
        case "tag":
            return _exists(schema.tags, key, test(schema.tags.c.value))
        case "dataset":
            table = schema.datasets
            return exists().where(table.c.run == schema.runs.c.n, test(table.c[key])).correlate(schema.runs)
        case "attribute":
            column = attribute_column(key)
            return and_(column.is_not(None), test(column))
    # A bare name: what each run has under it, a metric before a param before a tag.
    if is_text:
        tagged = _exists(schema.tags, key, test(schema.tags.c.value))
        return or_(_param(key, True, test), and_(not_(_exists(schema.params, key, true())), tagged))
    metric = _in_series(key, _metric(op, value, values, negated))
    return or_(metric, and_(not_(_exists(schema.series, key, true())), _param(key, False, test)))


def _param(key: str, is_text: bool, test: Test) -> Condition:
    table = schema.params
    if is_text:
        return _exists(table, key, test(table.c.value))
    return _exists(table, key, and_(table.c.number.is_not(None), test(table.c.number)))


def _in_series(key: str, test: ColumnElement[bool]) -> Condition:
    """As ``_exists``, asked the other way round: the index by key and value answers it with one range."""
    table = schema.series
    return schema.runs.c.n.in_(select(table.c.run).where(same_text(table.c.key, key), test))


def _exists(table: Any, key: str, test: ColumnElement[bool]) -> Condition:
    return exists().where(table.c.run == schema.runs.c.n, same_text(table.c.key, key), test).correlate(schema.runs)


def _metric(op: str, value: Value | None, values: tuple[Value, ...], negated: bool) -> Condition:
    """A test of a metric's last value, with floats' own rules for NaN."""
    if op == "IN":
        any_of = or_(*(_metric("=", one, (), False) for one in values))
        return not_(any_of) if negated else any_of
    table = schema.series
    last = table.c.last
    assert not isinstance(value, str) and value is not None
    if math.isnan(value):
        # Spelled out in a filter, NaN asks for runs that have become NaN; nothing is less or greater.
        return {"=": last.is_(None), "!=": last.is_not(None)}.get(op, false())
    compare = COMPARISONS[op]
    test: Condition = compare(last, float(value))
    if isinstance(value, int) and abs(value) > EXACT:
        test = or_(
            and_(table.c.last_int, compare(table.c.last_bits, value)),
            and_(not_(table.c.last_int), compare(last, float(value))),
        )
    return or_(last.is_(None), test) if op == "!=" else and_(last.is_not(None), test)


def _compare(column: ColumnElement[Any], op: str, value: Value) -> Condition:
    if isinstance(value, str):
        if op in ("LIKE", "ILIKE"):
            return matches(column, value, ignore_case=op == "ILIKE")
    elif math.isnan(value):
        return literal(op == "!=") == literal(True)
    elif isinstance(value, float) and isinstance(column.type, Integer):
        return _with_float(column, op, value)
    test: Condition = COMPARISONS[op](column, _like_column(column, value))
    return test


def _among(column: ColumnElement[Any], values: tuple[Value, ...], negated: bool) -> Condition:
    kept = [_like_column(column, value) for value in values if isinstance(value, str) or not math.isnan(value)]
    if isinstance(column.type, Integer):
        kept = [
            int(value) for value in kept if not isinstance(value, float) or (abs(value) < WIDE and value == int(value))
        ]
    return column.not_in(kept) if negated else column.in_(kept)


def _like_column(column: ColumnElement[Any], value: Value) -> Value:
    """A value as it is compared with a column: with floats as a float, for engines differ in how exact they are."""
    return float(value) if isinstance(value, int) and isinstance(column.type, Double) else value


def _with_float(column: ColumnElement[Any], op: str, value: float) -> Condition:
    """A comparison of integers with a float, exact to the last digit: engines would round the integers."""
    if abs(value) >= WIDE:
        return literal(op in (("<", "<=", "!=") if value > 0 else (">", ">=", "!="))) == literal(True)
    whole = math.floor(value)
    if whole == value or op in (">", "<="):
        test: Condition = COMPARISONS[op](column, whole)
        return test
    if op in ("=", "!="):
        return literal(op == "!=") == literal(True)
    return column > whole if op == ">=" else column <= whole
