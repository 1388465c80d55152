"""The store, with all in it that was written down on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from autotrack.plugin import find_store, open_sink

if TYPE_CHECKING:
    from autotrack.plugin import Sink


@contextmanager
def store_to_read(store: str | None = None) -> Iterator[Sink]:
    """That store, or the one in force here, with what waits in journals."""
    location = find_store(store)
    with closing(open_sink(location.uri)) as sink:
        sink.deliver(location.journal)
        yield sink
