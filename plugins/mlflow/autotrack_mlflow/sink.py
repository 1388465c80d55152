"""``mlflow+http(s)://host``: an MLflow server as the store that runs are delivered to.

Journals are first taken into a database of this machine, beside them, which is the truth about what was logged here;
from there runs go to the server, as ``autotrack export`` sends them, what is new of them each time. So a server that is
away costs nothing, and what it has taken is not sent again: a small file says how each run was when it was sent whole.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autotrack.plugin import (
    AutotrackError,
    Columns,
    Delivery,
    Experiment,
    FileRecord,
    Location,
    MetricSummary,
    NotFoundError,
    RunRecord,
    SessionRecord,
    StoreError,
    UsageError,
    artifacts_at,
    open_sink,
    warn,
)

from .facts import Experiment as MlflowExperiment
from .reading import MlflowReading
from .sending import Sending
from .to_server import ServerTarget
from .wire import Refused, Wire

_SENT = "sent.json"
_MS = 1_000_000

log = logging.getLogger("autotrack.mlflow")


class MlflowSink:
    """An MLflow server (``core.sink.Sink``). What it has no place for is kept, and read, on this machine alone:
    sessions, files, console output. Searches are in MLflow's language."""

    eager = True

    def __init__(self, location: Location) -> None:
        self.uri = location.shown
        self._location = location
        self._folder = location.journal.parent
        self._local: Any = open_sink(str(self._folder))
        #: Contents stay on this machine.
        self.objects: Any = self._local.objects
        self._wire = Wire(location.uri.removeprefix("mlflow+"), patience=1)
        self._target = ServerTarget(self._wire, remember=True)
        #: Files of runs that were made here stay here, too.
        self.artifacts: Any = artifacts_at(str(location.files / "artifacts"))
        self._sending = Sending(self._local, self.artifacts, self._target)
        self._reading = MlflowReading(self._wire)
        self._experiments: dict[str, str] = {}
        self._sent = self._read_sent()
        #: What goes otherwise than it was logged, and was said.
        self._said: set[str] = set()

    @property
    def registry(self) -> Any:
        raise UsageError(f"models cannot be registered on {self.uri} through autotrack; use MLflow's client for that")

    @property
    def logged_models(self) -> Any:
        raise UsageError(f"logged models of {self.uri} are not read through autotrack; use MLflow's client for that")

    # Delivering.

    def deliver(self, folder: Path, *, deadline: float | None = None) -> Delivery:
        """Takes in the journals in ``folder`` that are for this server and sends what is new (StoreError)."""
        found: Delivery = self._local.deliver(folder, deadline=deadline, uri=self._location.uri)
        left = 0
        for record in self._unsent():
            if deadline is not None and time.monotonic() > deadline:
                left += 1
                continue
            self._send(record)
        return replace(found, left=found.left + left)

    def _unsent(self) -> Iterator[RunRecord]:
        every = self._local.runs(lifecycle="all", max_results=1_000_000)
        for record in sorted(every, key=lambda record: (record.started, record.id)):
            if self._sent.get(record.id) != _mark(record):
                yield record

    def _send(self, record: RunRecord) -> None:
        experiment = self._experiments.get(record.experiment)
        if experiment is None:
            experiment = self._target.experiment(MlflowExperiment(record.experiment_id, record.experiment))
            self._experiments[record.experiment] = experiment
        self._sending.send(experiment, record)
        for what, how in self._sending.sent.notes:
            log.debug("%s: %s", what, how)
            if how not in self._said:
                self._said.add(how)
                warn(f"{self.uri}: {how}")
        del self._sending.sent.notes[:]
        self._sent[record.id] = _mark(record)
        self._write_sent()

    def _read_sent(self) -> dict[str, str]:
        try:
            found = json.loads((self._folder / _SENT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # all are compared with what the server has, once
        return found if isinstance(found, dict) else {}

    def _write_sent(self) -> None:
        partial = self._folder / f".{_SENT}-{os.getpid()}"
        try:
            partial.write_text(json.dumps(self._sent), encoding="utf-8")
            partial.replace(self._folder / _SENT)
        except OSError as error:
            log.debug("could not note what was sent: %s", error)

    def _catch_up(self) -> None:
        try:
            self.deliver(self._location.journal, deadline=time.monotonic() + 10.0)
        except StoreError as error:
            log.debug("what this machine has written could not be sent: %s", error)

    # Reading.

    def run(self, run_id: str) -> RunRecord:
        """The run with that id, of ours or MLflow's, or unique beginning of ours (NotFoundError)."""
        self._catch_up()
        return self._with_local(self._reading.run(run_id))

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
        """Runs that match in MLflow's search language, newest first unless ordered (UsageError)."""
        self._catch_up()
        names = [experiments] if isinstance(experiments, str) else experiments
        order = [order_by] if isinstance(order_by, str) else order_by
        try:
            found = self._reading.runs(filter, names, order, max_results, offset, lifecycle, children_of)
        except Refused as error:
            if error.status == 400:
                raise UsageError(f"{error} (a search of an MLflow server is in MLflow's language)") from error
            raise
        return [self._with_local(record) for record in found]

    def _with_local(self, record: RunRecord) -> RunRecord:
        """With what only this machine knows of a run that was made here: its session, its files."""
        try:
            here: RunRecord = self._local.run(record.id)
        except AutotrackError:
            return record
        if here.id != record.id:
            return record
        return replace(
            record,
            session=here.session,
            random_state=here.random_state,
            health=here.health,
            error=here.error,
            exit_code=here.exit_code,
            artifacts=here.artifacts,
            models=here.models,
            artifact_uri=here.artifact_uri,
        )

    def metric_history(self, run_id: str, key: str) -> Columns:
        """All points of one metric, times to the millisecond (NotFoundError)."""
        self._catch_up()
        return self._reading.history(run_id, key)

    def metric_summaries(self, run_id: str) -> list[MetricSummary]:
        """What is known of each metric; MLflow counts no points, so all of them are read."""
        self._catch_up()
        return self._reading.summaries(run_id)

    def session(self, session_id: str) -> SessionRecord:
        """One execution of a program on this machine (NotFoundError)."""
        self._catch_up()
        try:
            found: SessionRecord = self._local.session(session_id)
        except NotFoundError as error:
            raise NotFoundError(f"{error}; MLflow keeps no sessions: those of other machines are not known") from None
        return found

    def files(
        self,
        *,
        sessions: Sequence[str] | None = None,
        contents: Sequence[str] | None = None,
        path: str | None = None,
    ) -> list[FileRecord]:
        """Files that sessions of this machine read or wrote."""
        self._catch_up()
        found: list[FileRecord] = self._local.files(sessions=sessions, contents=contents, path=path)
        return found

    def console(self, session_id: str) -> list[tuple[int, str, str]]:
        """What a session of this machine printed."""
        self._catch_up()
        found: list[tuple[int, str, str]] = self._local.console(session_id)
        return found

    def runs_with(
        self, *, sessions: Sequence[str] = (), datasets: Sequence[str] = (), contents: Sequence[str] = ()
    ) -> list[RunRecord]:
        """Runs of this machine, newest first, of those sessions, data sets or contents."""
        self._catch_up()
        found: list[RunRecord] = self._local.runs_with(sessions=sessions, datasets=datasets, contents=contents)
        return found

    def experiments(self, lifecycle: str = "active") -> list[Experiment]:
        self._catch_up()
        return self._reading.experiments(lifecycle)

    # Changing.

    def create_experiment(self, name: str, tags: dict[str, str] | None = None) -> Experiment:
        """A new experiment (UsageError where the name is taken)."""
        pairs = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        try:
            self._reading.post("experiments/create", name=name, tags=pairs)
        except Refused as error:
            if error.status == 400:
                raise UsageError(str(error)) from error
            raise
        return self._reading.experiment(name)

    def rename_experiment(self, name_or_id: str, new_name: str) -> None:
        found = self._reading.experiment(name_or_id)
        self._reading.post("experiments/update", experiment_id=found.id, new_name=new_name)
        self._experiments.clear()

    def delete_experiment(self, name_or_id: str) -> None:
        self._reading.post("experiments/delete", experiment_id=self._reading.experiment(name_or_id, "active").id)

    def restore_experiment(self, name_or_id: str) -> None:
        self._reading.post("experiments/restore", experiment_id=self._reading.experiment(name_or_id, "deleted").id)

    def delete_runs(self, run_ids: Iterable[str]) -> int:
        """Deletes runs; MLflow leaves their children."""
        return self._turn("runs/delete", run_ids, deleted=False)

    def restore_runs(self, run_ids: Iterable[str]) -> int:
        return self._turn("runs/restore", run_ids, deleted=True)

    def _turn(self, path: str, run_ids: Iterable[str], *, deleted: bool) -> int:
        self._catch_up()
        found = [run for run in map(self._reading.find, run_ids) if run.deleted is deleted]
        for run in found:
            self._reading.post(path, run_id=run.id)
        return len(found)

    def close(self) -> None:
        self._local.close()
        self._wire.close()


def _mark(record: RunRecord) -> str:
    """Changes when anything of a run came that goes to the server; cheap, for it is made of every run each time."""
    from hashlib import blake2b

    seen = (record.name, str(record.status), record.ended, record.last_seen, record.lifecycle, len(record.params))
    told = repr((seen, sorted(record.tags.items()), sorted(record.metrics.items()), len(record.artifacts)))
    return blake2b(f"{told} {len(record.datasets)}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
