"""Whether a user may send a batch of a writer's records: all that they are about has to be his to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autotrack.core.journal.records import DEFAULT_EXPERIMENT
from autotrack.store.access import users as rows

from ..calls import Call
from ..errors import ApiError


def require_batch(call: Call, writer: str, events: Sequence[Mapping[str, Any]] = ()) -> None:
    """ApiError 403 where the writer, or a record, is about an experiment that the user may not write to.

    Records are looked at as they were sent: what they say wrongly is refused later. A run that is not there and does
    not begin here is made up in the default experiment.
    """
    allowed = call.writable
    if allowed is None:
        return
    starts = [event for event in events if event.get("k") == "run_start"]
    begun = {run for event in starts for run in _texts(event.get("r"))}
    names = {name for event in starts for name in _texts(event.get("experiment") or DEFAULT_EXPERIMENT)}
    runs = {run for event in events for run in _runs(event)}
    sessions = {session for event in events for session in _sessions(event)}
    with call.services.store.reading() as connection:
        there = rows.experiments_of_runs(connection, runs)
        spoken_of = {run for event in events for run in _texts(event.get("r"))}
        if spoken_of - begun - there.keys():
            names.add(DEFAULT_EXPERIMENT)
        known = rows.experiments_named(connection, names)
        touched = {
            *there.values(),
            *known.values(),
            *rows.experiments_of_writer(connection, writer),
            *rows.experiments_of_sessions(connection, sessions),
        }
    if names - known.keys():
        raise ApiError(
            403,
            "PERMISSION_DENIED",
            f"the experiment {min(names - known.keys())[:80]!r} is not there, and making one asks for the role editor "
            "of this server, which you, or your token, have not",
        )
    if not touched <= allowed:
        raise ApiError(
            403, "PERMISSION_DENIED", "these records are about an experiment that you, or your token, may not write to"
        )


def _runs(event: Mapping[str, Any]) -> Iterator[str]:
    """The runs that a record speaks of: its own, the one it puts it under, those it has in it."""
    yield from _texts(event.get("r"))
    yield from _texts(event.get("parent"))
    children = event.get("runs")
    for child in children if isinstance(children, list) else ():
        if isinstance(child, Mapping):
            yield from _texts(child.get("id"))


def _sessions(event: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(event.get("session"))
    if event.get("k") == "session":
        yield from _texts(event.get("id"))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
