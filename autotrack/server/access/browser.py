"""Sessions of browsers: a token in a cookie that no script can read and that no other site's request carries.

The cookie counts where ``Authorization`` does. What changes something by a cookie has to say which page it comes from:
``gate`` has refused it by then if that is another site's.
"""

from __future__ import annotations

import asyncio

import msgspec

from ..answers import Answer, encode
from ..calls import Call
from ..errors import ApiError
from ..routing import PUBLIC, Table
from .access import Access, address_of
from .cookies import cookie, secret_of
from .directory import expiry

ROUTES = Table("/api/v1")
#: Days that a browser stays logged in.
DAYS = 30.0
#: What the tokens are called that logging in makes.
NAME = "browser"


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    """A name and a password, with the one-time code for the first user of all; or a token alone."""

    name: str = ""
    password: str = ""
    code: str | None = None
    token: str | None = None


class Opened(msgspec.Struct):
    user: str


@ROUTES.post("/session", PUBLIC, body=Opening, answer=Opened, secret=True)
async def open_session(call: Call) -> Answer:
    """Logs a browser in: sets its cookie."""
    access = _access(call)
    try:
        user, secret = await _shown(access, call)
    except ApiError as error:
        error.headers.pop("WWW-Authenticate", None)  # the browser would ask for a password itself, over the page
        raise
    return Answer(encode(Opened(user)), headers={"Set-Cookie": cookie(call, secret, round(DAYS * 86_400))})


async def _shown(access: Access, call: Call) -> tuple[str, str]:
    """Who has shown that he is it, and the token for his browser (ApiError 401, 429)."""
    given: Opening = call.body
    if given.token is not None:
        secret = given.token.strip()
        return (await access.holder(secret)).user, secret
    address = address_of(call)
    if given.code is not None:
        standing = await access.first(given.code, given.name, given.password, address)
    else:
        standing = await access.prove(given.name, given.password, address)
    add = access.directory.add_token
    secret, _ = await asyncio.to_thread(add, standing.user, NAME, "admin", expiry(DAYS))
    return standing.user, secret


@ROUTES.delete("/session", PUBLIC)
async def end_session(call: Call) -> Answer:
    """Logs a browser out: its token is revoked if it was made for the browser, and its cookie goes."""
    access = _access(call)
    secret = secret_of(call.headers)
    found = await asyncio.to_thread(access.directory.holder, secret) if secret else None
    if found is not None and found[0].name == NAME:
        try:
            await asyncio.to_thread(access.directory.revoke, found[0].user, found[0].id)
        finally:
            access.changed()
    return Answer(headers={"Set-Cookie": cookie(call, "", 0)})


def _access(call: Call) -> Access:
    access = call.services.access
    if access is None:
        raise ApiError(400, "BAD_REQUEST", "this server knows no users: it was started without --auth")
    return access
