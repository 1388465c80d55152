"""Routes to log a browser in and out."""

from __future__ import annotations

import asyncio

import msgspec

from ..answers import Answer, encode
from ..calls import Call
from ..errors import ApiError
from ..routing import PUBLIC, Of, Permission, Role, Table
from .access import Access, address_of
from .cookies import check_page, set_cookie
from .directory import expiry

ROUTES = Table("/api/v1")
#: Days that a browser stays logged in.
DAYS = 14.0


class Entering(msgspec.Struct, forbid_unknown_fields=True):
    """A user's password, with the one-time code for the first of all; or a token."""

    user: str = ""
    password: str = ""
    code: str | None = None
    token: str = ""


class Entered(msgspec.Struct):
    """Who has logged in."""

    user: str


@ROUTES.post("/session", PUBLIC, body=Entering, answer=Entered, secret=True)
async def enter(call: Call) -> Answer:
    """Logs a browser in: the answer sets a cookie."""
    access = call.services.access
    if access is None:
        raise ApiError(400, "BAD_REQUEST", "this server knows no users: it was started without --auth")
    check_page("POST", call.headers)
    user = await _proven(access, call)
    token, _ = await asyncio.to_thread(access.directory.add_token, user, "browser", "admin", expiry(DAYS))
    return Answer(encode(Entered(user)), headers={"Set-Cookie": set_cookie(call, token, int(DAYS * 86_400))})


async def _proven(access: Access, call: Call) -> str:
    body: Entering = call.body
    if body.token:
        return (await access.holder(body.token)).user
    if body.code:
        return (await access.first(body.code, body.user, body.password, address_of(call))).user
    return (await access.prove(body.user, body.password, address_of(call))).user


@ROUTES.delete("/session", Permission(Role.VIEWER, Of.USER))
async def leave(call: Call) -> Answer:
    """Logs a browser out: its token is revoked, its cookie taken away."""
    access = call.services.access
    token = call.user.standing.token if access is not None else None
    if access is not None and token is not None:
        await asyncio.to_thread(access.directory.revoke, token.user, token.id)
        access.changed()
    return Answer(headers={"Set-Cookie": set_cookie(call, "", 0)})
