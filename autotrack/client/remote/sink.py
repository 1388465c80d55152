"""``RemoteSink``: a server of autotrack as a store, which is delivered to from this machine's journals."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from autotrack.core.config import find_store
from autotrack.core.entities import (
    Columns,
    Delivery,
    Experiment,
    FileRecord,
    MetricSummary,
    RunRecord,
    SessionRecord,
)
from autotrack.core.errors import NotFoundError, StoreError, UsageError
from autotrack.core.journal.named_files import Progress
from autotrack.core.objects import Objects
from autotrack.core.wire import columns_unpacked, decoded

from .artifacts import RemoteArtifacts
from .connection import Connection
from .intake import RemoteIntake
from .logged_models import RemoteLoggedModels
from .objects import RemoteObjects
from .registry import RemoteRegistry, all_of
from .shipping import Shipping

#: Rows that are asked for at a time.
PAGE = 1000
#: Seconds that somebody who reads waits until what this machine has written is there.
PATIENCE = 10.0
_API = ("api", "v1")

log = logging.getLogger("autotrack.client")


class RemoteSink:
    """A server (``core.sink.Sink``). What is read includes what this machine has written, where the server takes it."""

    eager = True

    def __init__(self, uri: str) -> None:
        location = find_store(uri)
        self._connection = Connection(uri)
        self.uri = location.shown
        self._folder = location.journal
        self.objects = RemoteObjects(self._connection, Objects(location.objects))
        self.artifacts = RemoteArtifacts(self._connection, location.place)
        self.registry = RemoteRegistry(self._connection)
        self.logged_models = RemoteLoggedModels(self._connection)
        intake = RemoteIntake(self._connection)
        self.cursor, self.apply, self.end_writer = intake.cursor, intake.apply, intake.end_writer
        self._shipping = Shipping(uri, location.place, intake, self.objects, self.artifacts)

    # Delivering.

    def deliver(self, folder: Path, *, deadline: float | None = None, progress: Progress | None = None) -> Delivery:
        """Sends what the journals in ``folder`` hold, and the files and contents that they name (``Sink.deliver``).

        ``progress`` is told of large files. UnavailableError, AccessError where the server takes nothing.
        """
        return self._shipping.deliver(folder, deadline, progress)

    def _refresh(self) -> None:
        """Sends what this machine has written, so that a reader sees it; reading goes on where that fails."""
        until = time.monotonic() + PATIENCE
        try:
            while self.deliver(self._folder, deadline=until).busy and time.monotonic() < until:
                time.sleep(0.02)
        except StoreError as error:
            log.debug("what this machine has written could not be sent: %s", error)

    def about(self) -> dict[str, Any]:
        """What the server says of itself: ``version``, ``api``, ``auth``, ``limits``."""
        found = self._connection.get(*_API, "server")
        if not isinstance(found, dict):
            raise StoreError(f"{self.uri} says nothing of itself; is that a server of autotrack?")
        return found

    # Reading.

    def run(self, run_id: str) -> RunRecord:
        """The run with that id or unique prefix (NotFoundError, AmbiguousError)."""
        if not run_id:
            raise NotFoundError("no run is named")
        self._refresh()
        return decoded(RunRecord, self._connection.get(*_API, "runs", run_id))

    def runs(
        self,
        filter: str = "",
        *,
        experiments: Sequence[str] | None = None,
        order_by: Sequence[str] = (),
        max_results: int = 1000,
        offset: int = 0,
        lifecycle: str = "active",
        children_of: str | None = None,
    ) -> list[RunRecord]:
        """Runs that match, newest first unless ordered (FilterError); ``experiments`` are names or ids."""
        if max_results < 0 or offset < 0:
            raise UsageError(f"max_results and offset are 0 or more, not {max_results} and {offset}")
        self._refresh()
        search: dict[str, Any] = {
            "filter": filter,
            "order_by": [order_by] if isinstance(order_by, str) else list(order_by),
            "lifecycle": lifecycle,
            "children_of": children_of,
        }
        if experiments is not None:
            search["experiment"] = [experiments] if isinstance(experiments, str) else list(experiments)
        found: list[RunRecord] = []
        while len(found) < max_results:
            page = {**search, "offset": offset + len(found), "max_results": min(PAGE, max_results - len(found))}
            answer = self._connection.send("POST", *_API, "runs", "search", document=page)
            some = all_of(RunRecord, answer, "runs")
            found += some
            if not some or not answer.get("next_page_token"):
                break
        return found

    def metric_history(self, run_id: str, key: str) -> Columns:
        """All points of one metric (NotFoundError where the run has no such metric)."""
        self._refresh()
        return columns_unpacked(self._connection.read(*_API, "runs", run_id, "series", query={"key": key}))[0]

    def metric_summaries(self, run_id: str) -> list[MetricSummary]:
        """What is known of each metric of a run without its points, by key."""
        self._refresh()
        return all_of(MetricSummary, self._connection.get(*_API, "runs", run_id, "metrics"), "metrics")

    def session(self, session_id: str) -> SessionRecord:
        """One execution of a program (NotFoundError)."""
        self._refresh()
        return decoded(SessionRecord, self._connection.get(*_API, "sessions", session_id))

    def files(
        self,
        *,
        sessions: Sequence[str] | None = None,
        contents: Sequence[str] | None = None,
        path: str | None = None,
    ) -> list[FileRecord]:
        """Files that sessions read or wrote: of those sessions, with those contents (sha256), of that path."""
        self._refresh()
        which = {"sessions": _listed(sessions), "contents": _listed(contents), "path": path}
        return all_of(FileRecord, self._connection.send("POST", *_API, "files", "search", document=which), "files")

    def console(self, session_id: str) -> list[tuple[int, str, str]]:
        """What a session printed: (place in the output, ``stdout`` or ``stderr``, text), in order."""
        self._refresh()
        answer = self._connection.get(*_API, "sessions", session_id, "console")
        try:
            return [(int(at), str(stream), str(text)) for at, stream, text in answer["console"]]
        except (TypeError, ValueError, KeyError) as error:
            raise StoreError(f"{self.uri} answered with no console of a session ({error})") from None

    def runs_with(
        self, *, sessions: Sequence[str] = (), datasets: Sequence[str] = (), contents: Sequence[str] = ()
    ) -> list[RunRecord]:
        """Runs, newest first, of those sessions, with a data set of those digests, or an artifact of those contents."""
        self._refresh()
        which = {"sessions": list(sessions), "datasets": list(datasets), "contents": list(contents)}
        return all_of(RunRecord, self._connection.send("POST", *_API, "runs", "with", document=which), "runs")

    def experiments(self, lifecycle: str = "active") -> list[Experiment]:
        """The experiments, newest first, with how many active runs each has."""
        self._refresh()
        answer = self._connection.get(*_API, "experiments", query={"lifecycle": lifecycle})
        return all_of(Experiment, answer, "experiments")

    # Changing.

    def create_experiment(self, name: str, tags: dict[str, str] | None = None) -> Experiment:
        """A new experiment (UsageError where the name is taken)."""
        document = {"name": name, "tags": tags or {}}
        headers = {"Idempotency-Key": uuid4().hex}
        return decoded(
            Experiment, self._connection.send("POST", *_API, "experiments", document=document, headers=headers)
        )

    def rename_experiment(self, name_or_id: str, new_name: str) -> None:
        """Gives an experiment another name."""
        self._connection.send("PATCH", *self._experiment(name_or_id), document={"name": new_name})

    def delete_experiment(self, name_or_id: str) -> None:
        """Deletes an experiment softly, with its runs."""
        self._connection.send("DELETE", *self._experiment(name_or_id))

    def restore_experiment(self, name_or_id: str) -> None:
        """Brings back a deleted experiment with the runs that went with it."""
        self._connection.send("POST", *self._experiment(name_or_id), "restore")

    def _experiment(self, name_or_id: str) -> tuple[str, ...]:
        every = self.experiments("all")
        by_name = [each.id for each in every if each.name == name_or_id]
        found = by_name or [each.id for each in every if each.id == name_or_id]
        if not found:
            raise NotFoundError(f"there is no experiment {name_or_id[:80]!r} at {self.uri}")
        return (*_API, "experiments", found[0])

    def delete_runs(self, run_ids: Iterable[str]) -> int:
        """Deletes runs softly, with their children; answers how many."""
        self._refresh()
        return sum(_count(self._connection.send("DELETE", *_API, "runs", run)) for run in list(run_ids))

    def restore_runs(self, run_ids: Iterable[str]) -> int:
        """Brings deleted runs back, with the children that went with them; answers how many."""
        self._refresh()
        return sum(_count(self._connection.send("POST", *_API, "runs", run, "restore")) for run in list(run_ids))

    def close(self) -> None:
        """Closes the connections; the next request opens them again."""
        self._connection.close()


def _listed(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _count(answer: Any) -> int:
    found = answer.get("count") if isinstance(answer, dict) else None
    return found if isinstance(found, int) else 0
