"""The tables of a server that knows its users: who may do what, and what was answered to a request before.

No secret stands in them: passwords are scrypt hashes, tokens their sha256.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from ..engines.column_types import Int64, String, Text
from . import metadata

users = Table(
    "users",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("password", Text),
    # What a user may do everywhere: none, viewer, editor or admin. Grants add to it.
    Column("role", String(8), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", Int64, nullable=False),
    sqlite_with_rowid=False,
)

USER_KEY = "users.name"

grants = Table(
    "grants",
    metadata,
    Column("user", ForeignKey(USER_KEY, ondelete="CASCADE"), primary_key=True),
    Column("experiment_id", String(64), primary_key=True),
    Column("role", String(8), nullable=False),
    sqlite_with_rowid=False,
)

tokens = Table(
    "tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    # For people and for revoking: it opens nothing.
    Column("id", String(16), nullable=False, unique=True),
    Column("user", ForeignKey(USER_KEY, ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    # The most that the token allows: viewer, editor or admin.
    Column("scope", String(8), nullable=False),
    Column("created", Int64, nullable=False),
    Column("expires", Int64),
    Column("revoked", Int64),
    sqlite_with_rowid=False,
)
Index("tokens_of_user", tokens.c.user)

# Answers to requests that came with an Idempotency-Key; ``key`` is the sha256 of user, route and key.
answers = Table(
    "answers",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("answered", Int64, nullable=False),
    sqlite_with_rowid=False,
)
Index("answers_by_age", answers.c.answered)
