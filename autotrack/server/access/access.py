"""Lets requests in or not: who asks (``identify``), may he (``check``), and was he asked about (``confirm``).

What is looked up is kept for a few seconds, so that a request costs microseconds: a change is in force at once in the
process that made it, and within ``FRESH`` seconds in the others.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from base64 import b64decode
from binascii import Error as Base64Error
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from autotrack.core.errors import ConflictError, UsageError
from autotrack.core.users import user_name

from .. import limits
from ..calls import Call
from ..errors import ApiError
from ..routing import NAMED, Of, Role
from .budget import Budget
from .callers import Caller, Standing, forbidden
from .cookies import authorization_of
from .directory import Directory, Transactions
from .named import require_named
from .passwords import Passwords
from .recent import Recent
from .throttle import Throttle, address_key
from .tokens import is_token, sha256_of_code

#: Seconds for which it is believed what the store said of users, tokens and things.
FRESH = 5.0
#: Seconds for which a password that was right need not be hashed again.
VERIFIED = 600.0
#: Passwords that are hashed at once, each in 32 MiB, and that wait for it at most.
HASHING, WAITING = 2, 64
CHALLENGE = 'Bearer realm="autotrack", Basic realm="autotrack", charset="UTF-8"'


class Access:
    """The users of a server, in one of its processes. ``code`` is the sha256 of the one-time code for the first one."""

    def __init__(
        self,
        store: Transactions,
        *,
        code: str | None = None,
        passwords: Passwords | None = None,
        fresh: float = FRESH,
        rate: float = limits.RATE,
    ) -> None:
        self.directory = Directory(store, passwords)
        self.throttle = Throttle(store)
        self.budget = Budget(rate)
        self._code = code
        self._key = os.urandom(32)
        self._standings: Recent[bytes, Standing] = Recent(fresh)
        self._places: Recent[tuple[str, str], frozenset[str]] = Recent(fresh)
        self._verified: Recent[bytes, bool] = Recent(VERIFIED)
        self._proving: dict[bytes, asyncio.Task[bool]] = {}
        self._waiting = 0
        self._hashing = ThreadPoolExecutor(HASHING, "autotrack-passwords")

    # Who asks.

    async def identify(self, call: Call) -> None:
        """Sets ``call.user`` (ApiError 401, 403, 429)."""
        try:
            await self._identify(call)
        except ApiError as error:
            if b"sec-fetch-site" in call.headers:  # a browser would ask for a password itself, over the page
                error.headers.pop("WWW-Authenticate", None)
            raise

    async def _identify(self, call: Call) -> None:
        header = call.headers.get(b"authorization", b"") or authorization_of(call)
        if not header:
            raise unknown("this server asks who you are: log in with `autotrack login`, or send a token or a password")
        key = blake2b(header, key=self._key, digest_size=32).digest()
        standing = self._standings.get(key)
        if standing is None:
            standing = await self._standing_of(header, call)
            self._standings.put(key, standing)
        if standing.token is not None and not standing.token.is_valid(time.time_ns()):
            raise unknown("this token has expired; log in again")
        self.budget.spend(standing.user if standing.token is None else standing.token.id)
        call.user = Caller(standing)

    async def _standing_of(self, header: bytes, call: Call) -> Standing:
        scheme, _, rest = header.decode("latin-1").strip().partition(" ")
        if scheme.lower() == "bearer":
            return await self.holder(rest.strip())
        if scheme.lower() != "basic":
            raise unknown("this server understands the authorization Basic and Bearer")
        try:
            name, colon, password = b64decode(rest.strip(), validate=True).decode().partition(":")
        except (Base64Error, UnicodeDecodeError, ValueError):
            colon = ""
        if not colon:
            raise unknown("the header Authorization: Basic is not user:password in base 64")
        if is_token(password):
            return await self.holder(password, name)
        return await self.prove(name, password, address_of(call))

    async def holder(self, secret: str, name: str | None = None) -> Standing:
        """What somebody may do who shows a token, of that user where one is named (ApiError 401)."""
        found = await asyncio.to_thread(self.directory.holder, secret) if is_token(secret) else None
        if found is None:
            raise unknown("this token is not known here")
        token, user = found
        if token.revoked is not None:
            raise unknown("this token was revoked; log in again")
        if not token.is_valid(time.time_ns()):
            raise unknown("this token has expired; log in again")
        if user.disabled or (name and name.strip().lower() != user.name):
            raise unknown("this token is not that user's, or the user is disabled")
        return Standing.of(user, token)

    async def prove(self, name: str, password: str, address: str) -> Standing:
        """What a user may do who shows a password (ApiError 401, 429)."""
        try:
            name = user_name(name)
        except UsageError:
            name = ""  # nobody's: refused below, after as long a time as anybody
        found = await asyncio.to_thread(self.directory.account, name)
        user, stored = found or (None, None)
        if user is None or user.disabled:
            stored = None
        said = "\0".join((name, stored or "", password)).encode("utf-8", "surrogatepass")
        key = hmac.digest(self._key, said, "sha256")
        if not self._verified.get(key) and not await self._once(key, name, password, stored, address):
            raise unknown("there is no such user with this password")
        assert user is not None
        return Standing.of(user, None)

    async def _once(self, key: bytes, name: str, password: str, stored: str | None, address: str) -> bool:
        """Hashes a password. Requests that show the same one at the same time wait for one hashing."""
        running = self._proving.get(key)
        if running is None:
            keys = (f"user {name}", address_key(address))
            running = self._proving[key] = asyncio.create_task(self._hash(keys, password, stored))
            running.add_done_callback(lambda task: self._proved(key, task))
        return await asyncio.shield(running)

    async def _hash(self, keys: tuple[str, str], password: str, stored: str | None) -> bool:
        attempt = await asyncio.to_thread(self.throttle.enter, keys)
        if self._waiting >= WAITING:
            raise ApiError(503, "TEMPORARILY_UNAVAILABLE", "too many log in at once", {"Retry-After": "2"})
        self._waiting += 1
        try:
            match = self.directory.passwords.match
            matches = await asyncio.get_running_loop().run_in_executor(self._hashing, match, password, stored)
        finally:
            self._waiting -= 1
        if matches:
            await asyncio.to_thread(self.throttle.forgive, keys, attempt)
        return matches

    def _proved(self, key: bytes, task: asyncio.Task[bool]) -> None:
        del self._proving[key]
        if not task.cancelled() and task.exception() is None and task.result():
            self._verified.put(key, True)

    async def first(self, code: str, name: str, password: str, address: str) -> Standing:
        """Makes the first administrator for whoever has the one-time code (ApiError 401, 429; ConflictError)."""
        keys = (address_key(address),)
        attempt = await asyncio.to_thread(self.throttle.enter, keys)
        if self._code is None or not hmac.compare_digest(sha256_of_code(code).encode(), self._code.encode()):
            if await asyncio.to_thread(self.directory.has_users):
                raise ConflictError("this server has a user already: its one-time code is used up")
            raise unknown("this is not the one-time code that this server has printed when it started")
        await asyncio.to_thread(self.throttle.forgive, keys, attempt)
        user = await asyncio.to_thread(self.directory.add_first, name, password)
        return Standing.of(user, None)

    # May he.

    async def check(self, call: Call) -> None:
        """Raises where the user may not do what the route does: ApiError 403; NotFoundError where he may not even see
        what it is about."""
        permission, caller = call.route.permission, call.user
        role, of = permission.role, permission.of
        if of is Of.USER:
            if not caller.is_within_scope(role):
                raise forbidden(role, "of a token")
        elif of is Of.ANY:
            if role is Role.VIEWER and caller.is_within_scope(role):
                return
            if not caller.allows_somewhere(role):
                raise forbidden(role, "in an experiment")
        elif not caller.allows(role):
            if of not in NAMED:
                raise forbidden(role, "of this server")
            await require_named(call, self.directory.store, self._places)

    def confirm(self, call: Call) -> None:
        """Refuses the answer of a handler that had to leave out what the user may not see, and did not ask what."""
        permission = call.route.permission
        if permission.of is Of.ANY and not call.user.asked and not call.user.allows(permission.role):
            raise forbidden(permission.role, "of this server")

    # Changes.

    def changed(self) -> None:
        """Forgets what was looked up: somebody's rights have changed."""
        self._standings.clear()

    def close(self) -> None:
        """Ends its threads."""
        self._hashing.shutdown(wait=False, cancel_futures=True)


def unknown(why: str) -> ApiError:
    """The answer to somebody who has not shown who he is."""
    return ApiError(401, "UNAUTHENTICATED", why, {"WWW-Authenticate": CHALLENGE})


def address_of(call: Call) -> str:
    """The address that a request comes from."""
    client = call.scope.get("client")
    return str(client[0]) if client else ""
