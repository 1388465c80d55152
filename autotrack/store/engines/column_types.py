"""Types of columns, and keys of any length, for every engine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Index, Integer, Table, func, literal_column
from sqlalchemy import String as AnyString
from sqlalchemy import Text as AnyText

# SQLite numbers rows by itself only where the type is spelled INTEGER.
Int64 = BigInteger().with_variant(Integer, "sqlite")

# Compared letter by letter on every engine, not by the rules of a language that a server happens to be set up with.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def String(length: int) -> AnyString:
    """A text that is known to be no longer. SQLite enforces no length, and so does nobody else."""
    return AnyString(length).with_variant(AnyText(collation="C"), "postgresql")


def long_key(table: Table) -> None:
    """Makes a primary key with texts of any length one that PostgreSQL's indexes, whose keys have 2,704 bytes at most,
    can keep: there a unique index of 128 bits of each such text stands in its place.

    ``clauses`` finds and replaces rows by it.
    """
    table.primary_key.ddl_if(dialect="sqlite")
    terms: list[Any] = []
    for column in table.primary_key:
        terms += [hashed(column, 0), hashed(column, 1)] if is_long(column) else [column]
    Index(f"{table.name}_key", *terms, unique=True).ddl_if(dialect="postgresql")


def is_long(column: Column[Any]) -> bool:
    """True for a column with texts of any length."""
    return isinstance(column.type, AnyText)


def hashed(column: ColumnElement[Any], seed: int = 0) -> ColumnElement[Any]:
    """64 bits that stand for a text in an index of PostgreSQL's."""
    return func.hashtextextended(column, literal_column(str(seed)))
