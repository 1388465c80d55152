"""The stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from msgspec import Meta

from ..answers import Answer
from ..calls import Call
from ..feed import Feed
from ..routing import Table
from . import forms
from .permissions import SEARCH

ROUTES = Table("/api/v1")
EVENTS = "text/event-stream"


class Since(forms.Query):
    """``since``: the id of the last event that was heard; the header ``Last-Event-ID`` says the same."""

    since: Annotated[str, Meta(max_length=64)] = ""


@ROUTES.get("/changes", SEARCH, query=Since, answers_with_bytes=EVENTS)
async def changes(call: Call) -> Answer:
    """Tells as it happens which runs have changed: server-sent events, each with the runs' ids and status.

    First comes ``ready``, or ``reset`` where it is not known what has happened since the event that is named: then
    everything has to be read anew. A comment comes every 15 seconds where nothing else does.
    """
    feed: Feed = call.services.extra.setdefault("feed", Feed(call.services.store.reading))
    stopping = call.scope.get("state", {}).get("stopping") or asyncio.Event()
    gone = asyncio.create_task(call.gone())
    events = feed.listen(call.query.since or call.header("last-event-id"), call.readable, stopping, gone)
    first = await anext(events)

    async def told() -> AsyncIterator[bytes]:
        yield first
        async for event in events:
            yield event

    return Answer(told(), media=EVENTS)
