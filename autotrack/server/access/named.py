"""Finds the experiments of what a request names, and compares the user's roles in them with what the route asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

from sqlalchemy import Connection

from autotrack.core.users import level
from autotrack.store.access import users as rows

from ..calls import Call
from ..errors import ApiError
from ..routing import Of, Role
from .callers import forbidden, hidden
from .directory import Transactions
from .recent import Recent

Places = Recent[tuple[str, str], frozenset[str]]

_FIND: Mapping[Of, Callable[[Connection, str], set[str]]] = {
    Of.RUN: rows.experiments_of_run,
    Of.EXPERIMENT: rows.experiments_called,
    Of.LOGGED_MODEL: rows.experiments_of_logged_model,
    Of.SESSION: lambda connection, session: rows.experiments_of_sessions(connection, [session]),
}
#: Things that stay in their experiment; an experiment's name may become another's.
_KEPT = frozenset({Of.RUN, Of.LOGGED_MODEL})


async def require_named(call: Call, store: Transactions, places: Places) -> None:
    """Raises where the user may not do this to all that the request names: NotFoundError, ApiError 400 or 403."""
    permission, caller = call.route.permission, call.user
    of, least = permission.of, level(permission.role)
    names = set(names_in(call))
    if not names:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"this request does not say which {of} it is about")
    for name in sorted(names):
        found = await _experiments(of, name, store, places)
        roles = [caller.role_in(experiment) for experiment in found]
        # A session's runs may be in several experiments: one of them is enough to read it, and not to change it.
        has = max(roles, default=0) if of is Of.SESSION and permission.role is Role.VIEWER else min(roles, default=0)
        if max(roles, default=0) < level(Role.VIEWER):
            raise hidden(of, name)
        if has < least:
            raise hidden(of, name) if has < level(Role.VIEWER) else forbidden(permission.role, f"for this {of}")


def names_in(call: Call) -> Iterator[str]:
    """What the request's path, query and body have in the fields of the route's permission."""
    for source in (call.path, call.query, call.body):
        for field in call.route.permission.fields:
            value = source.get(field) if isinstance(source, Mapping) else getattr(source, field, None)
            for each in value if isinstance(value, list | tuple) else [value]:
                if isinstance(each, str | int) and each != "":
                    yield str(each)


async def _experiments(of: Of, name: str, store: Transactions, places: Places) -> frozenset[str]:
    if of is Of.ARTIFACT:
        return frozenset({name.split("/", 1)[0]})
    key = (str(of), name)
    found = places.get(key)
    if found is None:
        found = frozenset(await asyncio.to_thread(_looked_up, of, name, store))
        if found and of in _KEPT:
            places.put(key, found)
    return found


def _looked_up(of: Of, name: str, store: Transactions) -> set[str]:
    if "\0" in name:  # no database has such a name, and some do not take the question
        return set()
    with store.reading() as connection:
        return _FIND[of](connection, name)
