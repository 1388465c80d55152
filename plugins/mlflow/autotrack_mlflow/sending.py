"""Brings runs of this store to MLflow: parents before children, what is there already only where it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from autotrack.plugin import AutotrackError

from .facts import Experiment, Points
from .registry_sending import RegistryTarget, send_registry
from .telling import Outgoing, outgoing, points_of, state_of

if TYPE_CHECKING:
    from autotrack.plugin import RunRecord, Sink

_MS = 1_000_000


class Target(RegistryTarget, Protocol):
    """A place of MLflow's that takes runs."""

    shown: str

    def experiment(self, experiment: Experiment) -> str: ...

    def finish(self, experiment: Experiment) -> None: ...

    def known(self, experiment: str, run_id: str) -> tuple[str, str | None] | None: ...

    def put(
        self,
        experiment: str,
        out: Outgoing,
        history: Callable[[str], Points],
        files: Mapping[str, Callable[[], BinaryIO]],
        state: str,
    ) -> str: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Sent:
    """What was brought, and what goes otherwise than it is here, or could not go: of what, and why."""

    new: int = 0
    more: int = 0
    same: int = 0
    models: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "runs": {"new": self.new, "more": self.more, "same": self.same},
            "registered_models": self.models,
            "changed": [{"what": what, "how": how} for what, how in self.notes],
            "not_sent": [{"what": what, "why": why} for what, why in self.failed],
        }


class Sending:
    """Brings runs of one store, whose files are in ``artifacts`` (``core.sink.Artifacts``), to one target."""

    def __init__(
        self, store: Sink, artifacts: Any, target: Target, told: Callable[[Sent], None] = lambda sent: None
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._target = target
        self._told = told
        #: The ids that runs have there.
        self._there: dict[str, str] = {}
        self.sent = Sent()

    def go(self, experiments: Iterable[Any], runs: Callable[[Any], Iterable[RunRecord]]) -> Sent:
        """Brings experiments (``autotrack.core.entities.Experiment``) with the runs that ``runs`` has of each."""
        for each in experiments:
            times = each.created // _MS, each.updated // _MS
            experiment = Experiment(each.id, each.name, each.lifecycle == "deleted", *times, each.tags)
            try:
                identity = self._target.experiment(experiment)
            except AutotrackError as error:
                self.sent.failed.append((f"experiment {each.name!r:.120}", str(error)))
                continue
            for run in _parents_first(runs(each)):
                try:
                    self.send(identity, run)
                except AutotrackError as error:
                    self.sent.failed.append((f"run {run.id}", str(error)))
                self._told(self.sent)
            self._target.finish(experiment)
        try:
            self.sent.models = send_registry(self._store, self._target, self._there.get, self._note, self._failed)
        except AutotrackError as error:
            self.sent.failed.append(("the registry", str(error)))
        return self.sent

    def _note(self, what: str, how: str) -> None:
        self.sent.notes.append((what, f"not registered there: {how}"))

    def _failed(self, what: str, why: str) -> None:
        self.sent.failed.append((what, why))

    def send(self, experiment: str, record: RunRecord) -> None:
        """Brings one run (AutotrackError)."""
        counts = {each.key: each.count for each in self._store.metric_summaries(record.id)}
        state = state_of(record, counts)
        known = self._target.known(experiment, record.id)
        if known is not None:
            self._there[record.id] = known[0]
            if known[1] == state:
                self.sent.same += 1
                return
        parent = None if record.parent is None else self._parent(experiment, record.parent)
        out = outgoing(record, parent)

        def history(key: str) -> Points:
            return points_of(self._store.metric_history(record.id, key))

        self._there[record.id] = self._target.put(experiment, out, history, self._files(record), state)
        self.sent.notes += [(f"run {record.id}", note) for note in out.notes]
        self.sent.new += known is None
        self.sent.more += known is not None

    def _parent(self, experiment: str, run_id: str) -> str:
        if run_id not in self._there:
            known = self._target.known(experiment, run_id)
            self._there[run_id] = run_id if known is None else known[0]
        return self._there[run_id]

    def _files(self, record: RunRecord) -> dict[str, Callable[[], BinaryIO]]:
        return {file.path: partial(self._artifacts.open, record.files, file.path) for file in record.artifacts}


def _parents_first(runs: Iterable[RunRecord]) -> list[RunRecord]:
    every = {run.id: run for run in runs}
    found: dict[str, RunRecord] = {}
    for run in sorted(every.values(), key=lambda run: (run.started, run.id)):
        line = [run]
        while (above := every.get(line[-1].parent or "")) is not None and above not in line and above.id not in found:
            line.append(above)
        for each in reversed(line):
            found.setdefault(each.id, each)
    return list(found.values())
