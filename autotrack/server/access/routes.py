"""Routes of users: logging in and out, who one is, users and their tokens, grants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import msgspec

from autotrack.core.errors import NotFoundError
from autotrack.core.users import Token, User, level, user_name

from ..calls import Call
from ..errors import ApiError
from ..routing import ADMIN, PUBLIC, Of, Permission, Role, Table
from .access import Access, address_of
from .callers import Caller, forbidden
from .directory import check_scope, expiry

ROUTES = Table("/api/v1")
OWN = Permission(Role.VIEWER, Of.USER)
GRANTS = Permission(Role.ADMIN, Of.EXPERIMENT, ("experiment",))

#: Days that a token of ``login`` lives, unless it is asked for another number.
LOGIN_DAYS = 90.0
P = ParamSpec("P")
T = TypeVar("T")


class Entry(msgspec.Struct):
    """What one needs to log in: nothing (``users`` is false), a user, or for the ``first`` of all the one-time code."""

    users: bool
    first: bool


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """A user's password, with the one-time code for the first of all. ``name``, ``scope``, ``days``: of the token."""

    user: str
    password: str
    code: str | None = None
    name: str = "login"
    scope: str = "admin"
    days: float = LOGIN_DAYS


class MadeToken(msgspec.Struct):
    """A new token. ``token`` is shown this once."""

    token: str
    about: Token


class Me(msgspec.Struct):
    """Who asks. ``role``, and by experiment's id ``grants``, as far as the token allows them."""

    user: str
    role: str
    grants: dict[str, str]
    scope: str
    token: Token | None


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    old: str
    new: str


class Users(msgspec.Struct):
    users: list[User]


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """Without a password, a user has tokens only."""

    name: str
    password: str | None = None
    role: str = "none"


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed."""

    role: str | None = None
    disabled: bool | None = None
    password: str | None = None


class Tokens(msgspec.Struct):
    tokens: list[Token]


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """``days``: how long it lives; null is for ever."""

    name: str = ""
    scope: str = "admin"
    days: float | None = None


class Grant(msgspec.Struct, forbid_unknown_fields=True):
    """``experiment``: by name or id. ``role``: none takes away what was granted."""

    experiment: str
    user: str
    role: str


class OfExperiment(msgspec.Struct):
    experiment: str


class Grants(msgspec.Struct):
    """Roles in one experiment, by user."""

    grants: dict[str, str]


@ROUTES.get("/login", PUBLIC, answer=Entry)
def entry(call: Call) -> Entry:
    """Says what one needs to log in."""
    access = call.services.access
    return Entry(access is not None, access is not None and not access.directory.has_users())


@ROUTES.post("/login", PUBLIC, body=Login, answer=MadeToken, secret=True)
async def login(call: Call) -> MadeToken:
    """Gives a token for a password."""
    access, body = _access(call), call.body
    expires = expiry(body.days)
    check_scope(body.scope)
    if body.code is not None:
        standing = await access.first(body.code, body.user, body.password, address_of(call))
    else:
        standing = await access.prove(body.user, body.password, address_of(call))
    made = await asyncio.to_thread(access.directory.add_token, standing.user, body.name, body.scope, expires)
    return MadeToken(*made)


@ROUTES.post("/logout", OWN)
async def logout(call: Call) -> None:
    """Revokes the token that this request shows."""
    token = _caller(call).standing.token
    if token is not None:
        await _changing(call, _access(call).directory.revoke, token.user, token.id)


@ROUTES.get("/me", OWN, answer=Me)
async def me(call: Call) -> Me:
    """Who asks, and what he may do."""
    found = _caller(call).standing
    return Me(found.user, found.role, dict(found.grants), found.scope, found.token)


@ROUTES.post("/me/password", OWN, body=NewPassword, secret=True)
async def change_password(call: Call) -> None:
    """Changes one's own password; the old one has to be shown."""
    access, name = _access(call), _caller(call).name
    await access.prove(name, call.body.old, address_of(call))
    await _changing(call, access.directory.change_user, name, password=call.body.new)


@ROUTES.get("/users", ADMIN, answer=Users)
def users(call: Call) -> Users:
    """All users."""
    return Users(_access(call).directory.users())


@ROUTES.post("/users", ADMIN, body=NewUser, answer=User, secret=True)
async def add_user(call: Call) -> User:
    """Adds a user."""
    body: NewUser = call.body
    return await _changing(call, _access(call).directory.add_user, body.name, body.password, body.role)


@ROUTES.patch("/users/{name}", ADMIN, body=UserChange, answer=User, secret=True)
async def change_user(call: Call) -> User:
    """Changes a user's role or password, disables him or lets him in again."""
    body: UserChange = call.body
    change = _access(call).directory.change_user
    name = call.path["name"]
    return await _changing(call, change, name, role=body.role, disabled=body.disabled, password=body.password)


@ROUTES.get("/users/{name}/tokens", OWN, answer=Tokens)
def tokens(call: Call) -> Tokens:
    """A user's tokens, one's own or as an administrator, without themselves."""
    return Tokens(_access(call).directory.tokens(_own(call)))


@ROUTES.post("/users/{name}/tokens", OWN, body=NewToken, answer=MadeToken, secret=True)
async def add_token(call: Call) -> MadeToken:
    """Makes a token. A token makes none that allows more than itself, or lives longer."""
    body: NewToken = call.body
    name, standing = _own(call), _caller(call).standing
    expires = expiry(body.days)
    if level(check_scope(body.scope)) > level(standing.scope):
        raise forbidden(body.scope, "of the token that you show")
    if standing.token is not None and standing.token.expires is not None:
        expires = standing.token.expires if expires is None else min(expires, standing.token.expires)
    return MadeToken(*await _changing(call, _access(call).directory.add_token, name, body.name, body.scope, expires))


@ROUTES.delete("/users/{name}/tokens/{token}", OWN)
async def revoke(call: Call) -> None:
    """Revokes a token."""
    await _changing(call, _access(call).directory.revoke, _own(call), call.path["token"])


@ROUTES.get("/grants", GRANTS, query=OfExperiment, answer=Grants)
def grants(call: Call) -> Grants:
    """Who has a role in an experiment that he has not everywhere."""
    return Grants(_access(call).directory.grants_in(call.query.experiment))


@ROUTES.post("/grants", GRANTS, body=Grant)
async def grant(call: Call) -> None:
    """Gives a user a role in an experiment, in the place of an earlier one."""
    body: Grant = call.body
    await _changing(call, _access(call).directory.grant, body.user, body.experiment, body.role)


def _access(call: Call) -> Access:
    """Nobody changes users of a server that would let anybody do so."""
    access = call.services.access
    if access is None:
        raise ApiError(400, "BAD_REQUEST", "this server knows no users: it was started without --auth")
    return access


def _caller(call: Call) -> Caller:
    _access(call)
    assert isinstance(call.user, Caller)
    return call.user


def _own(call: Call) -> str:
    """The user in the path, who is the one that asks unless that is an administrator (NotFoundError)."""
    caller, name = _caller(call), user_name(call.path["name"])
    if name != caller.name and not caller.allows(Role.ADMIN):
        raise NotFoundError(f"there is no user {name[:255]!r}, or he is not yours to see")
    return name


async def _changing(call: Call, change: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Changes who may do what, in a thread; what was looked up before counts no more."""
    try:
        return await asyncio.to_thread(change, *args, **kwargs)
    finally:
        _access(call).changed()
