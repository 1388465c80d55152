"""Requests that may be sent again: with the same ``Idempotency-Key`` a POST is done once, and answered each time alike.

Where its handler hands ``Call.also`` to the change that it has stored, both are one transaction: a server that dies in
between has done and answered it, or neither. Elsewhere a request whose server died may be sent again after a minute.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable

from autotrack.core.guard import attempt_async
from autotrack.store.access import answered
from autotrack.store.engines.dialect import whole

from . import limits
from .answers import Answer
from .calls import Call
from .errors import ApiError
from .routing import Role, Route

HEADER = "idempotency-key"
LONGEST = 255


def may_repeat(route: Route) -> bool:
    """True for routes that make something and say no secret; a body that streams is not read twice."""
    writes = route.method == "POST" and route.permission.role not in (Role.PUBLIC, Role.VIEWER)
    return writes and not route.secret and route.body is not bytes


async def once(call: Call, handle: Callable[[], Awaitable[Answer]]) -> Answer:
    """The handler's answer, or the one that was given to the same request before (ApiError 409, 422)."""
    given = call.header(HEADER)
    if len(given) > LONGEST or not given.isprintable():
        raise ApiError(422, "BAD_REQUEST", f"an Idempotency-Key has at most {LONGEST} printable characters")
    user = "" if call.user is None else call.user.name
    target = [user, call.route.method, call.scope["path"], call.scope["query_string"].decode("latin-1")]
    call.key = hashlib.sha256(json.dumps([*target, given]).encode()).hexdigest()
    before = await asyncio.to_thread(_begin, call, hashlib.sha256(call.said).hexdigest())
    if before is not None:
        return before
    answer, error = await attempt_async(handle())
    if answer is None or not isinstance(answer.content, bytes) or len(answer.content) > limits.JSON:
        await asyncio.to_thread(_forget, call)
        if answer is None:
            raise error or RuntimeError("no answer")
    else:
        await asyncio.to_thread(_end, call, answer.status, answer.content)
    return answer


@whole
def _begin(call: Call, request: str) -> Answer | None:
    with call.services.store.writing() as connection:
        found = answered.begin(connection, call.key, request, time.time_ns())
    if found is None:
        return None
    if found.request != request:
        raise ApiError(422, "IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key was sent with another request before")
    if found.status == answered.UNDER_WAY:
        raise ApiError(409, "UNDER_WAY", "this request is being answered", {"Retry-After": "1"})
    return Answer(found.body, found.status, headers={"Idempotency-Replayed": "true"})


@whole
def _end(call: Call, status: int, body: bytes) -> None:
    with call.services.store.writing() as connection:
        answered.end(connection, call.key, status, body, time.time_ns())


@whole
def _forget(call: Call) -> None:
    with call.services.store.writing() as connection:
        answered.forget(connection, call.key)
