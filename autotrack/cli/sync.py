"""``autotrack sync``: brings what waits on this machine to the stores that it is for."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from autotrack.core.addresses import is_remote
from autotrack.core.credentials import VARIABLE
from autotrack.core.entities import Delivery
from autotrack.core.errors import NotFoundError, StoreError, UsageError
from autotrack.core.journal.delivery import journals_in, total
from autotrack.core.plugins.registry import open_sink

from .commands import Command, State, json_option
from .documents import delivery_document, print_json
from .progress import file_progress
from .stores import find_place, no_store, open_place
from .waiting import Waiting, folders_under, other_folders, waiting_in
from .words import plural

#: Seconds that another process that delivers just now is waited for.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of a folder's journals for one store; ``error`` is why it took nothing (more)."""

    waiting: Waiting
    delivery: Delivery
    error: str | None = None

    @property
    def is_whole(self) -> bool:
        return self.error is None and not (self.delivery.left or self.delivery.busy or self.delivery.kept)


@click.command(
    "sync",
    cls=Command,
    examples=(
        ("autotrack sync", "all that this machine's training processes have written so far, to every store"),
        ("autotrack sync /mnt/laptop/.autotrack", "from another machine's folder"),
        ("autotrack --store http://tracking:5000 sync", "to one store alone"),
        ("autotrack sync --json", "for programs"),
    ),
)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def sync(state: State, folder: Path | None, as_json: bool) -> None:
    """Deliver what waits: to the store in force and to every other one that journals name.

    FOLDER is one with journals, or an .autotrack folder, also another machine's. The exit code is 1 where something is
    left.
    """
    place = find_place(state)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"cannot deliver from {folder}: there is no such folder")
    folders = folders_under(folder or place.location.root)
    if folder is None:
        folders += [each for each in other_folders() if each not in folders]
    only = state.store is not None
    done = [
        _synced(each, state, theirs=folder is not None) for one in folders for each in waiting_in(one, place, only=only)
    ]
    if folder is None and not place.exists and not done:
        raise NotFoundError(no_store(place))
    touched = {(each.waiting.uri, each.waiting.folder) for each in done}
    if not any(uri == place.uri for uri, _ in touched) and (place.exists or folder):
        # Said even where nothing waits for it.
        waiting = Waiting(place.uri, place.shown, folder or place.location.journal)
        done.insert(0, _synced(waiting, state, theirs=False))
    if as_json:
        print_json(_document(done))
    else:
        for line in _lines(done):
            click.echo(line)
    if not all(each.is_whole for each in done):
        raise click.exceptions.Exit(1)


def _synced(waiting: Waiting, state: State, *, theirs: bool) -> Synced:
    """``theirs``: the folder may be somebody else's, who says in it where it is to go: not with a token of ours that is
    for no server in particular."""
    place = find_place(state)
    own = waiting.uri == place.uri
    try:
        with (
            nullcontext() if own or not theirs else _without_token(),
            closing(open_place(place) if own else open_sink(waiting.uri)) as sink,
        ):
            deliver: Callable[..., Delivery] = sink.deliver
            with file_progress() as progress:
                if "progress" in inspect.signature(deliver).parameters:
                    deliver = partial(deliver, progress=progress)
                return Synced(waiting, _unless_busy(deliver, waiting.folder))
    except StoreError as error:
        if not is_remote(waiting.uri):
            raise
        return Synced(waiting, Delivery(), str(error))


@contextmanager
def _without_token() -> Iterator[None]:
    token = os.environ.pop(VARIABLE, None)
    try:
        yield
    finally:
        if token is not None:
            os.environ[VARIABLE] = token


def _unless_busy(deliver: Callable[[Path], Delivery], folder: Path) -> Delivery:
    """Delivers; where another process does so, waits a little, and then brings what that one has left."""
    until = time.monotonic() + PATIENCE
    while (delivery := deliver(folder)).busy and time.monotonic() < until:
        time.sleep(0.05)
    return delivery


def _document(done: Sequence[Synced]) -> dict[str, Any]:
    every = Delivery()
    for each in done:
        every = total(every, each.delivery)
    stores = [
        {
            "store": each.waiting.shown,
            "folder": str(each.waiting.folder),
            **delivery_document(each.delivery),
            "error": each.error,
        }
        for each in done
    ]
    served = {each["store"] for each in stores}
    others = [other for other in every.others if other not in served and f"sqlite:///{other}" not in served]
    return {**delivery_document(every), "others": others, "stores": stores}


def _lines(done: Sequence[Synced]) -> list[str]:
    shown = [each for each in done if len(done) == 1 or not each.is_whole or _brought(each.delivery)] or done[:1]
    served = {each.waiting.shown for each in done} | {each.waiting.shown.removeprefix("sqlite:///") for each in done}
    return [line for each in shown for line in _said(each, served)]


def _brought(delivery: Delivery) -> bool:
    return bool(delivery.points or delivery.events or delivery.artifacts or delivery.objects or delivery.damaged)


def _said(each: Synced, served: set[str]) -> list[str]:
    if each.error is None:
        return delivery_lines(each.delivery, each.waiting.shown, served)
    from autotrack.core.journal.sent import points_kept

    journals = journals_in(each.waiting.folder)
    points = sum(points_kept(journal) for journal in journals)
    return [
        f"{each.error}",
        f"{plural(points, 'metric point')} in {plural(len(journals), 'journal')} kept in {each.waiting.folder}; "
        "try again when it answers",
    ]


def delivery_lines(delivery: Delivery, uri: str, served: Collection[str] = ()) -> list[str]:
    """What a delivery did, in sentences. Journals for stores that are ``served`` are not said to be left."""
    if delivery.busy:
        return ["another process is delivering right now; nothing was done here"]
    if not delivery.points and not delivery.events:
        lines = [f"nothing new for {uri}"]
    else:
        lines = [
            f"delivered {plural(delivery.points, 'metric point')} and {plural(delivery.events, 'event')} "
            f"from {plural(delivery.journals, 'journal')} to {uri}"
        ]
    if delivery.artifacts or delivery.objects:
        lines.append(f"with {plural(delivery.artifacts, 'file')} and {plural(delivery.objects, 'captured content')}")
    if delivery.gone:
        lines.append(f"{plural(delivery.gone, 'file')} not sent: removed or written anew on this machine since")
    if delivery.damaged:
        lines.append(f"{plural(delivery.damaged, 'record')} could not be read: the file is damaged; the runs say so")
    if delivery.refused:
        why = "; ".join(delivery.reasons[:3])
        lines.append(f"{plural(delivery.refused, 'record')} made no sense: left out ({why}); the runs say so")
    lines += delivery.kept[:10]
    if delivery.left:
        lines.append(f"{plural(delivery.left, 'journal')} could not be delivered; try again, or see `autotrack doctor`")
    others = [other for other in delivery.others if other not in served]
    if others:
        stores = ", ".join(sorted(set(others)))
        lines.append(
            f"{plural(len(others), 'journal')} there for other stores ({stores}): left as they are; "
            "`autotrack --store STORE sync` with the folder delivers them"
        )
    return lines
