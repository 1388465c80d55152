"""Attempts at something that is allowed so often in a while: counted for all processes that use a store.

They are kept beside the answers to repeated requests, which lets go of them after a day.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete, select, update

from ..engines.dialect import upsert
from ..schema.access_tables import answers

#: A status that no answer has.
COUNTED = -1


def times_of(connection: Connection, keys: Iterable[str]) -> dict[str, list[int]]:
    """When there were attempts under each key (ns, oldest first). Until the transaction ends nobody else adds any."""
    digests = {_digest(key): key for key in keys}
    for digest in sorted(digests):  # in one order, so that two wait in no ring
        row = {"key": digest, "request": "", "status": COUNTED, "body": b"", "answered": 0}
        connection.execute(upsert(answers, keep=True), row)
    query = select(answers.c.key, answers.c.body).where(answers.c.key.in_(sorted(digests))).order_by(answers.c.key)
    found = connection.execute(query.with_for_update()).all()
    return {digests[row.key]: [at for (at,) in struct.iter_unpack("<q", row.body)] for row in found}


def keep_times(connection: Connection, times: Mapping[str, Sequence[int]]) -> None:
    """Keeps the attempts under each key in the place of those before."""
    for key, kept in sorted(times.items(), key=lambda item: _digest(item[0])):
        this = answers.c.key == _digest(key)
        if kept:
            values = {"body": b"".join(struct.pack("<q", at) for at in kept), "answered": max(kept)}
            connection.execute(update(answers).where(this).values(values))
        else:
            connection.execute(delete(answers).where(this))


def _digest(key: str) -> str:
    return hashlib.sha256(f"attempt\0{key}".encode("utf-8", "surrogatepass")).hexdigest()
