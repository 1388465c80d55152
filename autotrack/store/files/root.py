"""Where the files of a store's runs are: written down in its database by the first who says so, for all others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from autotrack.core.addresses import shown
from autotrack.core.errors import UsageError

from .. import schema
from ..engines.dialect import upsert

if TYPE_CHECKING:
    from ..database import Database

KEY = "artifacts"


def agreed_root(database: Database, wanted: str | None) -> str | None:
    """The folder or URI that a store's artifacts are under; None where nobody has said so.

    ``wanted`` is what the setting says here: it counts for everybody from now on where nothing did before. UsageError
    where it is another one than everybody's, and where it holds a password.
    """
    if wanted is None:
        with database._reading() as connection:
            return _known(connection)
    check_root(wanted)

    def work(connection: Connection) -> str | None:
        connection.execute(upsert(schema.meta, keep=True), {"key": KEY, "value": wanted})
        return _known(connection)

    known = database.write(work, idempotent=True) if database.writable else None
    if known is not None and known.rstrip("/") != wanted.rstrip("/"):
        raise UsageError(
            f"the setting artifacts (AUTOTRACK_ARTIFACTS) is {shown(wanted)}, and this store keeps its artifacts under "
            f"{shown(known)}: leave the setting out, or name the store that it is meant for"
        )
    return wanted


def check_root(uri: str) -> None:
    """UsageError for a root that cannot be meant: whoever reads the database reads it."""
    parts = urlsplit(uri) if "://" in uri else None
    if parts is not None and ("@" in parts.netloc or parts.query or parts.fragment):
        raise UsageError(
            f"the setting artifacts is {shown(uri)} with a user, a query or a fragment, which everybody would read: "
            "give the storage's keys as its own library takes them (for s3://: AWS_ACCESS_KEY_ID, or a profile)"
        )


def _known(connection: Connection) -> str | None:
    meta = schema.meta
    found = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
    return None if found is None else str(found)
