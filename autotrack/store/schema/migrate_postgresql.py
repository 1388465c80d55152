"""Brings a PostgreSQL database to the schema that this code knows.

Everything happens in one transaction under an advisory lock: of many processes that start on an empty database one
makes the tables, and the others find them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, inspect, select, text, update
from sqlalchemy import Engine as Pool

from autotrack.core.addresses import shown
from autotrack.core.errors import StoreError

from .. import schema
from ..engines.dialect import transact
from .steps import STEPS, Step
from .versions import Found, check, found_in, head_rows, our_version

#: The advisory lock of whoever makes or changes the tables: "autotrac" as a number.
LOCK = 0x6175746F74726163
#: Where there is none of the server's encodings that keeps every text, autotrack keeps none.
ENCODING = "UTF8"


def prepare(pool: Pool) -> Found:
    """Makes sure that the database has its tables; answers which schema they are of.

    Any number of processes may call it at once. Raises StoreError where it is none of ours.
    """
    found = transact(pool, lambda connection: _found(connection, pool))
    return found if found.schema else transact(pool, lambda connection: _made(connection, pool))


def upgrade(pool: Pool, *, steps: Mapping[int, Step] = STEPS, head: int = schema.VERSION) -> bool:
    """Brings the database to schema ``head`` in one transaction; False where nothing was to do.

    The backup is for whoever looks after the server. Raises StoreError where a step is missing.
    """
    prepare(pool)

    def work(connection: Connection) -> bool:
        _lock(connection)
        found = _found(connection, pool)
        if found.schema >= head:
            check(found, _name(pool), head)
            return False
        for number in range(found.schema, head):
            if number not in steps or not steps[number].postgresql:
                raise StoreError(
                    f"there is no way from schema {number} to {number + 1} on PostgreSQL in autotrack {our_version()}"
                )
            for statement in steps[number].postgresql:
                connection.execute(text(statement))
        last = steps[head - 1]
        for key, value in head_rows(head, last.min_reader, last.min_writer).items():
            connection.execute(update(schema.meta).where(schema.meta.c.key == key).values(value=value))
        return True

    return transact(pool, work)


def _made(connection: Connection, pool: Pool) -> Found:
    _lock(connection)
    found = _found(connection, pool)
    if found.schema:
        return found
    schema.metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(schema.meta), [{"key": key, "value": value} for key, value in head_rows().items()])
    return found_in(head_rows(), _name(pool))


def _lock(connection: Connection) -> None:
    # Who waits here waits for tables to be made, or for an upgrade: longer than for any row.
    connection.execute(text("SET LOCAL lock_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _found(connection: Connection, pool: Pool) -> Found:
    there = inspect(connection).get_table_names()
    if schema.meta.name in there:
        meta = schema.meta
        rows = connection.execute(select(meta.c.key, meta.c.value)).all()
        return found_in({row.key: row.value for row in rows}, _name(pool))
    if there:
        raise StoreError(f"{_name(pool)} is a database of something else; give autotrack a database of its own")
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != ENCODING:
        raise StoreError(
            f"{_name(pool)} keeps texts in {encoding}, which knows few letters: make it with ENCODING {ENCODING!r}"
        )
    return Found(0)


def _name(pool: Pool) -> str:
    return shown(pool.url.render_as_string(hide_password=False))
