"""From the words on the command line to an open store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from autotrack.core.config import Location, find_store
from autotrack.core.errors import NotFoundError, UsageError
from autotrack.core.sink import Sink

from .commands import State
from .documents import print_json

if TYPE_CHECKING:
    from pathlib import Path

    from autotrack.store.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """Where the runs are kept, with what said so, and whether anything is there yet."""

    location: Location
    exists: bool

    @property
    def uri(self) -> str:
        return self.location.uri

    @property
    def shown(self) -> str:
        """The URI for people: without user names, passwords and tokens."""
        return self.location.shown

    @property
    def on_disk(self) -> bool:
        """True where the store itself is a folder or a file of this machine."""
        return self.location.is_local


def find_place(state: State) -> Place:
    """The store that the options, the environment or the working directory name, without touching it."""
    location = find_store(state.store)
    if state.store is not None:
        location = replace(location, reason="--store")
    place = Place(location, True)
    if place.on_disk:
        return Place(location, location.root.is_dir())
    return place  # a store elsewhere is asked when it is opened


def open_store(state: State) -> Sink:
    """The open store. Raises NotFoundError where there is none yet, StoreError where it cannot be read."""
    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    return open_place(place)


def open_place(place: Place) -> Sink:
    """Opens what ``find_place`` found, making an empty store where there is none."""
    if place.on_disk:
        return open_folder(place)
    from autotrack.core.plugins.registry import plugins

    found: Sink | None = plugins().choose("open_sink", uri=place.uri)
    if found is None:
        scheme = place.uri.partition("://")[0]
        raise UsageError(
            f"cannot open {place.shown} (from {place.location.reason}): no plugin that is installed understands "
            f"{scheme}://; `autotrack plugins list` shows what there is"
        )
    return found


def open_folder(place: Place) -> Store:
    """Our own store, for what only a store on this machine can do. Asking every plugin first would cost more time
    than the command."""
    from autotrack.store.store import Store

    return Store.open(place.uri)


def database_file(place: Place) -> Path:
    """The database of a store on this machine, which need not be there."""
    from autotrack.core.addresses import located

    return located(place.uri)[1]


def no_store(place: Place) -> str:
    """The sentence for a store that is not there yet."""
    return (
        f"there are no runs yet: nothing is kept at {place.shown}; make some with `autotrack run train.py`, "
        "or name another place with --store"
    )


def tell_no_store(place: Place, as_json: bool) -> None:
    """What a listing of a store that is not there yet prints: the sentence, or a list of nothing."""
    if as_json:
        print_json([])
    else:
        click.echo(no_store(place), err=True)
