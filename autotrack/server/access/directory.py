"""The users of a store: who they are, what they may do, and their tokens, with the rules that hold for all of that.

The server's routes and the command line on a store of this machine use the same one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from autotrack.core.errors import UsageError
from autotrack.core.keys import printable
from autotrack.core.users import Token, User, check_role, user_name
from autotrack.store.access import users as rows
from autotrack.store.engines.dialect import whole
from autotrack.store.experiments import id_of

from .passwords import Passwords, check_password
from .tokens import new_token, sha256_of

DAY = 86_400 * 1_000_000_000
LONGEST_NAME = 200


class Transactions(Protocol):
    """What is needed of a store."""

    @property
    def reading(self) -> Callable[[], AbstractContextManager[Connection]]: ...

    @property
    def writing(self) -> Callable[[], AbstractContextManager[Connection]]: ...


class Directory:
    """Users of one store. Names are taken as they are typed; NotFoundError for a user or experiment that is not there,
    UsageError for what cannot be meant."""

    def __init__(self, store: Transactions, passwords: Passwords | None = None) -> None:
        self.store = store
        self.passwords = passwords or Passwords()

    def has_users(self) -> bool:
        """False for a store that has never had one."""
        with self.store.reading() as connection:
            return rows.has_users(connection)

    def users(self) -> list[User]:
        """All of them, by name."""
        with self.store.reading() as connection:
            return rows.users(connection)

    def account(self, name: str) -> tuple[User, str | None] | None:
        """A user and his password's hash; None where there is no such user."""
        with self.store.reading() as connection:
            return rows.account(connection, name)

    def user(self, name: str) -> User:
        """One user (NotFoundError)."""
        found = self.account(user_name(name))
        if found is None:
            raise rows.no_user(name)
        return found[0]

    @whole
    def add_user(self, name: str, password: str | None, role: str) -> User:
        """A new user; one without a password has tokens only."""
        user = User(user_name(name), check_role(role), False, time.time_ns())
        hashed = self._hashed(password, user.name)
        with self.store.writing() as connection:
            rows.add_user(connection, user, hashed)
        return user

    @whole
    def add_first(self, name: str, password: str) -> User:
        """The first administrator (ConflictError where there is any user)."""
        user = User(user_name(name), "admin", False, time.time_ns())
        hashed = self._hashed(password, user.name)
        with self.store.writing() as connection:
            rows.claim_first(connection, user.name)
            rows.add_user(connection, user, hashed)
        return user

    @whole
    def change_user(
        self, name: str, *, role: str | None = None, disabled: bool | None = None, password: str | None = None
    ) -> User:
        """Changes what is given. Somebody has to stay who may add users."""
        name = user_name(name)
        hashed = self._hashed(password, name)
        role = None if role is None else check_role(role)
        with self.store.writing() as connection:
            rows.change_user(connection, name, role=role, disabled=disabled, password=hashed)
        return self.user(name)

    def _hashed(self, password: str | None, user: str) -> str | None:
        return None if password is None else self.passwords.hashed(check_password(password, user))

    @whole
    def grant(self, name: str, experiment: str, role: str) -> None:
        """Gives a user a role in an experiment (by name or id); ``none`` takes it away."""
        with self.store.writing() as connection:
            rows.grant(connection, user_name(name), id_of(connection, experiment), check_role(role))

    def grants_in(self, experiment: str) -> dict[str, str]:
        """Users with a role in an experiment (by name or id)."""
        with self.store.reading() as connection:
            return rows.grants_in(connection, id_of(connection, experiment))

    def tokens(self, name: str) -> list[Token]:
        """A user's tokens, newest first."""
        user = self.user(name)
        with self.store.reading() as connection:
            return rows.tokens(connection, user.name)

    @whole
    def add_token(self, user: str, name: str, scope: str, expires: int | None) -> tuple[str, Token]:
        """A new token, which is shown this once, and what is kept of it."""
        check_scope(scope)
        if len(name) > LONGEST_NAME:
            raise UsageError(f"a token's name has at most {LONGEST_NAME} characters, not {len(name)}")
        secret, now = new_token(), time.time_ns()
        token = Token(secrets.token_hex(6), user_name(user), printable(name), scope, now, expires)
        with self.store.writing() as connection:
            rows.add_token(connection, token, sha256_of(secret))
        return secret, token

    def make_token(self, user: str, name: str, scope: str, days: float | None) -> tuple[str, Token]:
        """The same, with the days that it lives; None is for ever."""
        return self.add_token(user, name, scope, expiry(days))

    def holder(self, secret: str) -> tuple[Token, User] | None:
        """A token and its user; None for one that was never made."""
        with self.store.reading() as connection:
            token = rows.token(connection, sha256_of(secret))
            found = None if token is None else rows.account(connection, token.user)
        return None if token is None or found is None else (token, found[0])

    @whole
    def revoke(self, name: str, token_id: str) -> None:
        """Ends a token for good."""
        with self.store.writing() as connection:
            rows.revoke(connection, user_name(name), token_id, time.time_ns())


def check_scope(scope: str) -> str:
    """A scope that a token may have (UsageError)."""
    if check_role(scope) == "none":
        raise UsageError("a token allows something: its scope is viewer, editor or admin")
    return scope


def expiry(days: float | None) -> int | None:
    """The time so many days from now; None for never (UsageError)."""
    if days is None:
        return None
    if not 0 < days <= 3660:
        raise UsageError(f"a token lives for more than 0 and at most 3660 days, not {days:g}")
    return time.time_ns() + int(days * DAY)
