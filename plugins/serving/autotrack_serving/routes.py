"""Every address but ``/invocations``: health, the Open Inference Protocol, the description of the API, counters."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import msgspec

from .app import Receive, Reply, Scope, not_found
from .counting import TYPE
from .intake import parse
from .refused import BAD_REQUEST, Refused, bad

if TYPE_CHECKING:
    from .app import ScoringApp
    from .monitoring.truths import Truths

_MODEL = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(?:/(ready|infer))?")


async def answer(app: ScoringApp, method: str, path: str, scope: Scope, receive: Receive) -> tuple[str, Reply]:
    """The route's name and the answer (Refused)."""
    if path in ("/ping", "/health"):
        _only(method, "GET", "HEAD")
        healthy = app.batcher.healthy
        return path, Reply(b"\n", status=200 if healthy else 503)
    if path == "/version":
        _only(method, "GET", "HEAD")
        return path, Reply(app.version.encode())
    if path == "/metrics":
        _only(method, "GET", "HEAD")
        batcher = app.batcher
        text = app.counts.text(calls=batcher.calls, joins=batcher.joins, left_out=app.observer.left_out)
        return path, Reply(text, TYPE)
    if path in ("/", "/docs", "/openapi.json"):
        _only(method, "GET", "HEAD")
        from . import description

        if path == "/openapi.json":
            return path, Reply(description.document(app))
        return "/docs", Reply(description.page(app), b"text/html; charset=utf-8", headers=description.HEADERS)
    if path == "/feedback":
        _only(method, "POST")
        return path, await feedback(app, await app.body(scope, receive))
    if path == "/v2" or path.startswith("/v2/"):
        return await _open_inference(app, method, path, scope, receive)
    raise not_found(path)


class _Truth(msgspec.Struct):
    request_id: str
    truth: list[str | int | float | bool]


async def feedback(app: ScoringApp, body: bytes | bytearray) -> Reply:
    """Joins what turned out to be true with the answers that were given: ``{"request_id": "...", "truth": [...]}``, or
    a list of them. One that does not fit its request is refused, once all others are joined."""
    if app.truths is None:
        raise Refused(409, BAD_REQUEST, "this server keeps no answers; start it with --report")
    found = parse(body)
    try:
        truths = msgspec.convert(found if isinstance(found, list) else [found], list[_Truth])
    except msgspec.ValidationError as error:
        raise bad(f"this is no feedback: {error}") from None
    # On another thread: a file that processes share may keep one of them waiting.
    rows, unknown, wrong = await asyncio.to_thread(_joined, app.truths, truths)
    if unknown and app.truths.settles:
        await asyncio.sleep(app.truths.settles)  # another process may be writing them down just now
        more, unknown, others = await asyncio.to_thread(_joined, app.truths, unknown)
        rows, wrong = rows + more, wrong + others
    if wrong:
        raise bad(f"{len(wrong)} of {len(truths)} do not fit, {rows} rows of the others were joined: {wrong[0][:300]}")
    said = {
        "rows": rows,
        "unknown": [one.request_id for one in unknown],
        "measures": await asyncio.to_thread(app.truths.measures),
    }
    return Reply(msgspec.json.encode(said))


def _joined(known: Truths, truths: list[_Truth]) -> tuple[int, list[_Truth], list[str]]:
    """How many rows' truths found their answers; those that found none; what is wrong with those that do not fit."""
    rows, unknown, wrong = 0, [], []
    for one in truths:
        try:
            joined = known.join(one.request_id, one.truth)
        except ValueError as error:
            wrong.append(str(error))
            continue
        if joined is None:
            unknown.append(one)
        else:
            rows += joined
    return rows, unknown, wrong


async def _open_inference(app: ScoringApp, method: str, path: str, scope: Scope, receive: Receive) -> tuple[str, Reply]:
    from . import open_inference

    if path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        _only(method, "GET", "HEAD")
        if path == "/v2":
            return path, open_inference.server(app)
        return path, open_inference.health(app, path.rpartition("/")[2])
    found = _MODEL.fullmatch(path)
    if found is None:
        raise not_found(path)
    name, version, what = found.groups()
    open_inference.check(app, name, version)
    if what == "infer":
        _only(method, "POST")
        return "/v2/infer", await open_inference.infer(app, scope, receive, version)
    _only(method, "GET", "HEAD")
    if what == "ready":
        return "/v2/ready", open_inference.health(app, "ready")
    return "/v2/models", open_inference.metadata(app)


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(405, BAD_REQUEST, f"this address is asked with {allowed[0]}, not {method[:20]}")
