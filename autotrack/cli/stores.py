"""From the words on the command line to an open store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autotrack.core.errors import NotFoundError, UsageError
from autotrack.core.sink import Sink

from .commands import State


@dataclass(frozen=True, slots=True)
class Place:
    """Where the runs are kept, and what said so. ``folder`` is None for a store that is no folder of this machine."""

    uri: str
    folder: Path | None
    reason: str

    @property
    def exists(self) -> bool:
        """True where there is something to read (a remote store is asked when it is opened)."""
        return self.folder is None or self.folder.is_dir()


def find_place(state: State) -> Place:
    """The store that the options, the environment or the working directory name, without touching it."""
    from autotrack.core.config import find_store

    if state.store is not None:
        return _place(state.store, "--store")
    if named := os.environ.get("AUTOTRACK_TRACKING_URI", "").strip():
        return _place(named, "AUTOTRACK_TRACKING_URI")
    folder = find_store()
    where = "found above the working directory" if folder.is_dir() else "would be made at the first run"
    return Place(str(folder), folder, where)


def _place(uri: str, reason: str) -> Place:
    if uri.startswith("sqlite:///"):
        return Place(uri, Path(uri.removeprefix("sqlite:///")).expanduser().resolve().parent, reason)
    if uri.startswith("file://"):
        from urllib.parse import unquote, urlsplit

        uri = unquote(urlsplit(uri).path)
    if "://" in uri:
        return Place(uri, None, reason)
    folder = Path(uri).expanduser().resolve()
    return Place(str(folder), folder, reason)


def open_store(state: State) -> Sink:
    """The open store. Raises NotFoundError where there is none yet, StoreError where it cannot be read."""
    place = find_place(state)
    if not place.exists:
        raise NotFoundError(no_store(place))
    return open_place(place)


def open_place(place: Place) -> Sink:
    """Opens what ``find_place`` found, making an empty store where there is none."""
    if place.folder is not None:
        from autotrack.store.store import Store

        # Straight to our own store: asking every plugin first would cost more than the command does.
        sink: Sink = Store.open(place.uri if place.uri.startswith("sqlite:///") else place.folder)
        return sink
    from .plugins import plugin_sink

    found = plugin_sink(place.uri)
    if found is None:
        scheme = place.uri.partition("://")[0]
        raise UsageError(
            f"cannot open {place.uri} (from {place.reason}): no plugin that is installed understands {scheme}://; "
            "`autotrack plugins list` shows what there is"
        )
    return found


def no_store(place: Place) -> str:
    """The sentence for a store that is not there yet."""
    return (
        f"there are no runs yet: nothing is kept at {place.uri}; make some with `autotrack run train.py`, "
        "or name another place with --store"
    )
