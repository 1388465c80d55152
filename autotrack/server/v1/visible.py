"""What of a store somebody may see, as a store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, cast

from autotrack.core.entities import Columns, Experiment, FileRecord, MetricSummary, RunRecord, SessionRecord
from autotrack.core.errors import NotFoundError

from ..calls import Call

if TYPE_CHECKING:
    from autotrack.core.registered import Registry
    from autotrack.core.sink import Sink
    from autotrack.store.search.places import Place


def visible(call: Call) -> Sink:
    """The store as the user may see it, for reading: all of it where the server knows no users."""
    readable = call.readable
    return call.services.store if readable is None else cast("Sink", Visible(call.services.store, readable))


def seen(call: Call, places: list[Place]) -> list[Place]:
    """The same runs, if the user may see all of them (NotFoundError)."""
    readable = call.readable
    for each in places if readable is not None else ():
        if each.experiment_id not in (readable or ()):
            raise NotFoundError(f"no run's id is or begins with {each.id[:64]!r}")
    return places


class Visible:
    """The reading half of ``core.sink.Sink`` over a store, as if it held these experiments alone."""

    def __init__(self, store: Any, readable: Collection[str]) -> None:
        self._store = store
        self._readable = readable
        self.uri: str = store.uri
        self.objects = store.objects

    @property
    def registry(self) -> Registry:
        """Registered models are no experiment's: whoever sees some experiments only is not told of them here."""
        raise NotFoundError("registered models are not found here; name the run's model: runs:/<run>/<path>")

    def run(self, run_id: str) -> RunRecord:
        found: RunRecord = self._store.run(run_id)
        if found.experiment_id not in self._readable:
            raise NotFoundError(f"no run's id is or begins with {run_id[:64]!r}")
        return found

    def runs(
        self,
        filter: str = "",
        *,
        experiments: Sequence[str] | None = None,
        children_of: str | None = None,
        **more: Any,
    ) -> list[RunRecord]:
        known = self.experiments("all")
        names = [each.name for each in known] if experiments is None else named(known, experiments)
        parent = None if children_of is None else self.run(children_of).id
        found: list[RunRecord] = self._store.runs(filter, experiments=names, children_of=parent, **more)
        return found

    def experiments(self, lifecycle: str = "active") -> list[Experiment]:
        return [each for each in self._store.experiments(lifecycle) if each.id in self._readable]

    def metric_history(self, run_id: str, key: str) -> Columns:
        found: Columns = self._store.metric_history(self.run(run_id).id, key)
        return found

    def metric_summaries(self, run_id: str) -> list[MetricSummary]:
        found: list[MetricSummary] = self._store.metric_summaries(self.run(run_id).id)
        return found

    def runs_with(self, **what: Sequence[str]) -> list[RunRecord]:
        return [run for run in self._store.runs_with(**what) if run.experiment_id in self._readable]

    def session(self, session_id: str) -> SessionRecord:
        if not self._open([session_id]):
            raise NotFoundError(f"no session {session_id[:64]!r} is known")
        found: SessionRecord = self._store.session(session_id)
        return found

    def console(self, session_id: str) -> list[tuple[int, str, str]]:
        return self._store.console(session_id) if self._open([session_id]) else []

    def files(self, *, sessions: Sequence[str] | None = None, **what: Any) -> list[FileRecord]:
        found: list[FileRecord] = self._store.files(sessions=sessions, **what)
        seen = self._open(list({file.session for file in found}))
        return [file for file in found if file.session in seen]

    def _open(self, sessions: Sequence[str]) -> set[str | None]:
        return {run.session for run in self.runs_with(sessions=sessions)} if sessions else set()


def named(known: Sequence[Experiment], wanted: Sequence[str]) -> list[str]:
    """The names of experiments that are meant by name, else by id (NotFoundError)."""
    by_name = {each.name for each in known}
    by_id = {each.id: each.name for each in known}
    found = []
    for each in wanted:
        name = each if each in by_name else by_id.get(each)
        if name is None:
            raise NotFoundError(f"there is no experiment {each[:80]!r}")
        found.append(name)
    return found
