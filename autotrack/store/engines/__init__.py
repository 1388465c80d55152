"""What differs between database engines, one module an engine, and how the rest of the package asks for it.

``engine_of`` gives the engine behind a connection; SQL that each spells differently is in ``clauses``, with a compiler
for each in its module.
"""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy import Engine as Pool

from .engine import Engine, TooExpensive
from .postgresql import PostgreSQL
from .sqlite import SQLite

__all__ = ["ENGINES", "RAW_ERRORS", "Engine", "PostgreSQL", "SQLite", "TooExpensive", "engine_of"]

ENGINES: dict[str, Engine] = {"sqlite": SQLite(), "postgresql": PostgreSQL()}
#: What any engine's driver raises by itself.
RAW_ERRORS = tuple(kind for engine in ENGINES.values() for kind in engine.raw_errors)


def engine_of(connection: Connection | Pool) -> Engine:
    """The engine behind a connection, or behind a pool of them."""
    return ENGINES[connection.dialect.name]
