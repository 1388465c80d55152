"""What a plugin adds to the server: panels on the pages of runs, and routes of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from ..errors import PluginError

if TYPE_CHECKING:
    from ..entities import RunRecord
    from ..sink import Sink

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(/([A-Za-z0-9_.-]+|\{[a-z_]+\}))*")


def _always(run: RunRecord) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Panel:
    """A tab on the page of a run.

    ``page`` is HTML (a document or what stands in its body). It is shown in a frame of nobody's origin: its scripts
    run, see nothing of the pages around it and reach no server. What it may have is this one run, for reading:
    ``autotrack.run()``, ``autotrack.metrics()``, ``autotrack.history(key)``, ``autotrack.files(path)`` and
    ``autotrack.file(path)``, each a promise. ``shows`` says for which runs there is the tab.
    """

    name: str
    title: str
    page: str
    shows: Callable[[RunRecord], bool] = _always

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise PluginError(f"a panel's name is of a-z, 0-9, - and _; {self.name[:80]!r} is not")


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks of a plugin's route: the variables of its path, its query, its body, and who asks.

    ``store`` holds what that user may see, for reading. ``open(run, path)`` opens a file of one of those
    runs (NotFoundError).
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    store: Sink
    open: Callable[[str, str], BinaryIO]
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not JSON. Whatever its media type, a browser saves it instead of showing it."""

    content: bytes
    media: str = "application/octet-stream"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerRoute:
    """A route at ``/api/v1/plugins/<plugin>/<path>``; ``{name}`` in the path is a variable.

    ``handler(request)`` answers what is said in JSON, or a ``Reply``; it is called on a thread. ``role`` is what the
    user must be: of the run that the variable ``{run}`` names, else everywhere.
    """

    path: str
    handler: Callable[[Request], Any]
    method: Literal["GET", "POST"] = "GET"
    role: Literal["viewer", "editor", "admin"] = "viewer"

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path) or ".." in self.path:
            raise PluginError(f"a route's path is like 'summary' or 'of/{{run}}'; {self.path[:80]!r} is not")
