"""Users of a server, their grants and tokens, in a store; and which experiment a thing belongs to.

Functions over a connection: whoever calls them makes the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from autotrack.core.errors import AmbiguousError, ConflictError, NotFoundError, UsageError
from autotrack.core.users import Token, User

from .. import schema
from ..schema import access_tables as tables
from ..schema.model_tables import logged_models
from ..search.queries import number_of

#: The row of ``meta`` that the first administrator leaves: there is a first one once.
FIRST = "first_admin"
#: Values in one statement.
MANY = 500
_TOKEN = ("id", "user", "name", "scope", "created", "expires", "revoked")


def has_users(connection: Connection) -> bool:
    """False for a store that has never had a user."""
    return connection.execute(select(tables.users.c.name).limit(1)).first() is not None


def users(connection: Connection) -> list[User]:
    """All users by name, with their grants."""
    grants: dict[str, dict[str, str]] = {}
    for user, experiment, role in connection.execute(select(tables.grants)):
        grants.setdefault(user, {})[experiment] = role
    found = connection.execute(select(tables.users).order_by(tables.users.c.name))
    return [User(row.name, row.role, row.disabled, row.created, grants.get(row.name, {})) for row in found]


def account(connection: Connection, name: str) -> tuple[User, str | None] | None:
    """A user and the hash of his password; None where there is no such user."""
    row = connection.execute(select(tables.users).where(tables.users.c.name == name)).first()
    if row is None:
        return None
    query = select(tables.grants.c.experiment_id, tables.grants.c.role).where(tables.grants.c.user == name)
    grants = {row.experiment_id: row.role for row in connection.execute(query)}
    return User(row.name, row.role, row.disabled, row.created, grants), row.password


def add_user(connection: Connection, user: User, password: str | None) -> None:
    """Adds a user with the hash of a password (ConflictError where the name is taken)."""
    if account(connection, user.name) is not None:
        raise ConflictError(f"there is a user {user.name!r} already")
    values = {"name": user.name, "role": user.role, "disabled": user.disabled, "created": user.created}
    try:
        connection.execute(insert(tables.users).values(**values, password=password))
    except IntegrityError:  # another transaction was quicker
        raise ConflictError(f"there is a user {user.name!r} already") from None


def claim_first(connection: Connection, name: str) -> None:
    """Says that this user is the first administrator (ConflictError where there has been one, or another user)."""
    taken = ConflictError("this server has a user already: its one-time code is used up")
    if has_users(connection):
        raise taken
    try:
        connection.execute(insert(schema.meta).values(key=FIRST, value=name))
    except IntegrityError:
        raise taken from None


def change_user(
    connection: Connection,
    name: str,
    *,
    role: str | None = None,
    disabled: bool | None = None,
    password: str | None = None,
) -> None:
    """Changes what is given (NotFoundError; UsageError where nobody would be left who may add users)."""
    table = tables.users
    admins = select(table.c.name).where(table.c.role == "admin", table.c.disabled.is_(False))
    left = set(connection.execute(admins.with_for_update()).scalars())
    if left == {name} and (role not in (None, "admin") or disabled):
        raise UsageError(f"{name!r} is the only administrator: make another user one first")
    given = {"role": role, "disabled": disabled, "password": password}
    values = {key: value for key, value in given.items() if value is not None}
    changed = connection.execute(update(table).where(table.c.name == name).values(values or {"name": name}))
    if changed.rowcount == 0:
        raise no_user(name)


def no_user(name: str) -> NotFoundError:
    """The error for a user who is not there."""
    return NotFoundError(f"there is no user {name[:255]!r}; `autotrack users list` shows them")


def grant(connection: Connection, name: str, experiment_id: str, role: str) -> None:
    """Gives a user a role in one experiment in the place of an earlier one; ``none`` takes it away (NotFoundError)."""
    if account(connection, name) is None:
        raise no_user(name)
    table = tables.grants
    connection.execute(delete(table).where(table.c.user == name, table.c.experiment_id == experiment_id))
    if role != "none":
        connection.execute(insert(table).values(user=name, experiment_id=experiment_id, role=role))


def grants_in(connection: Connection, experiment_id: str) -> dict[str, str]:
    """Users with a role in one experiment, by name."""
    table = tables.grants
    query = select(table.c.user, table.c.role).where(table.c.experiment_id == experiment_id).order_by(table.c.user)
    return {row.user: row.role for row in connection.execute(query)}


def add_token(connection: Connection, token: Token, sha256: str) -> None:
    """Adds a token, by its sha256 (NotFoundError where its user is not there)."""
    if account(connection, token.user) is None:
        raise no_user(token.user)
    values = {column: getattr(token, column) for column in _TOKEN}
    connection.execute(insert(tables.tokens).values(**values, sha256=sha256))


def token(connection: Connection, sha256: str) -> Token | None:
    """The token with that sha256, valid or not."""
    table = tables.tokens
    row = connection.execute(select(*(table.c[name] for name in _TOKEN)).where(table.c.sha256 == sha256)).first()
    return None if row is None else Token(*row)


def tokens(connection: Connection, user: str) -> list[Token]:
    """A user's tokens, newest first."""
    table = tables.tokens
    query = select(*(table.c[name] for name in _TOKEN)).where(table.c.user == user)
    return [Token(*row) for row in connection.execute(query.order_by(table.c.created.desc(), table.c.id))]


def revoke(connection: Connection, user: str, token_id: str, now: int) -> None:
    """Ends a token for good; one that is revoked stays so (NotFoundError where the user has none of that id)."""
    table = tables.tokens
    this = (table.c.user == user, table.c.id == token_id)
    if connection.execute(select(table.c.id).where(*this)).first() is None:
        raise NotFoundError(f"the user {user!r} has no token {token_id[:16]!r}; `autotrack tokens list` shows them")
    connection.execute(update(table).where(*this, table.c.revoked.is_(None)).values(revoked=now))


# What belongs to which experiment.


def experiments_called(connection: Connection, name_or_id: str) -> set[str]:
    """The ids of the experiments that could be meant: the one of that id and the one of that name."""
    table = schema.experiments
    query = select(table.c.id).where(or_(table.c.id == name_or_id, table.c.name == name_or_id))
    return set(connection.execute(query).scalars())


def experiments_of_run(connection: Connection, run_id: str) -> set[str]:
    """The experiment of the run with that id or unique prefix; empty where there is none."""
    try:
        number = number_of(connection, run_id)
    except (NotFoundError, AmbiguousError):  # which runs an ambiguous prefix could mean is not for everybody
        return set()
    return set(connection.execute(select(schema.runs.c.experiment_id).where(schema.runs.c.n == number)).scalars())


def experiments_of_logged_model(connection: Connection, model_id: str) -> set[str]:
    """The experiment of a logged model; empty where there is none."""
    query = select(logged_models.c.experiment_id).where(logged_models.c.id == model_id)
    return set(connection.execute(query).scalars())


def experiments_of_sessions(connection: Connection, sessions: Collection[str]) -> set[str]:
    """The experiments of the runs that sessions have made."""
    runs = schema.runs
    query = select(runs.c.experiment_id).distinct()
    return {
        each
        for some in _parts(sessions)
        for each in connection.execute(query.where(runs.c.session.in_(some))).scalars()
    }


def experiments_of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, str]:
    """The experiments of those runs that are there, by the run's id."""
    runs = schema.runs
    query = select(runs.c.id, runs.c.experiment_id)
    found = (row for some in _parts(set(run_ids)) for row in connection.execute(query.where(runs.c.id.in_(some))))
    return {row.id: row.experiment_id for row in found}


def experiments_of_writer(connection: Connection, writer: str) -> set[str]:
    """The experiments of the runs that a writer has begun or has metrics of."""
    runs, series = schema.runs, schema.writer_series
    begun = select(runs.c.experiment_id).where(runs.c.writer == writer)
    measured = select(runs.c.experiment_id).join(series, series.c.run == runs.c.n).where(series.c.writer == writer)
    return {experiment for query in (begun, measured) for experiment in connection.execute(query.distinct()).scalars()}


def experiments_named(connection: Connection, names: Collection[str]) -> dict[str, str]:
    """The ids of those experiments that are there, by name."""
    table = schema.experiments
    query = select(table.c.name, table.c.id)
    found = (row for some in _parts(names) for row in connection.execute(query.where(table.c.name.in_(some))))
    return {row.name: row.id for row in found}


def _parts(values: Collection[str]) -> Iterator[list[str]]:
    """In parts that every database takes as bound values."""
    ordered = sorted(values)
    return (ordered[start : start + MANY] for start in range(0, len(ordered), MANY))
