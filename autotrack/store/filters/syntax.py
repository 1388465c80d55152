"""The syntax tree of a search: frozen values that know where in the text they came from."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked about. ``entity``: metric, param, tag, attribute, dataset, or bare (decided run by run)."""

    entity: str
    key: str
    position: int


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``; ``op`` is one of = != < <= > >= LIKE ILIKE."""

    field: Field
    op: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    """``field [NOT] IN (values)``"""

    field: Field
    values: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull:
    """``field IS [NOT] NULL``"""

    field: Field
    negated: bool


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: Node


Node = Compare | In | IsNull | And | Or | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One key to sort by."""

    field: Field
    descending: bool
