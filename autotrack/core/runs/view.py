"""A run as it is read: its fields come from the store, fresh while the run is being written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ..status import Status

if TYPE_CHECKING:
    from ..entities import ArtifactRecord, DatasetRecord, MetricSummary, ModelRecord, RunRecord
    from ..fingerprint import ColumnPrint
    from ..history import History
    from ..sink import Sink
    from .tracker import Tracker


#: What a run's folder is under, as its records have it.
ARTIFACTS = "artifacts/"


@dataclass(slots=True)
class Draft:
    """What this process has written of a run that it records: read back without asking a store."""

    name: str
    experiment: str
    parent: str | None
    started: int
    session: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class RunView:
    """The reading half of ``Run``.

    While this process records the run, its name, params, tags and status are read from memory; metrics, files and all
    that others may have written come from the store.
    """

    def __init__(
        self,
        run_id: str,
        *,
        tracker: Callable[[], Tracker],
        sink: Callable[[], Sink],
        record: RunRecord | None = None,
    ) -> None:
        self.id = run_id
        self._tracker_of = tracker
        self._sink_of = sink
        self._record = record
        self._open = False
        self._draft: Draft | None = None
        self._artifact_uri: str | None = record.artifact_uri if record else None
        #: By path, the digests of the models that this process has saved.
        self._model_digests: dict[str, str | None] = {}
        #: Rows, and what is known of each column, of the training data that this process has described last.
        self.training_print: tuple[int, dict[str, ColumnPrint]] | None = None

    @property
    def is_open(self) -> bool:
        """True while this process records the run."""
        return self._open

    @property
    def artifact_uri(self) -> str:
        """Where this machine keeps the run's files, at least those that it has written: a folder, or a URI."""
        if self._artifact_uri is None:
            self._artifact_uri = self._view().artifact_uri or ""
        tracker = self._tracker_of()
        if "://" in self._artifact_uri:
            return self._artifact_uri
        elsewhere = tracker.settings.artifacts
        # To a store on another machine files go as records do: kept here first, sent in the background.
        if elsewhere and self._artifact_uri.startswith(ARTIFACTS) and tracker.location.is_local:
            return f"{elsewhere.rstrip('/')}/{self._artifact_uri.removeprefix(ARTIFACTS)}"
        return str(tracker.location.files / self._artifact_uri)

    def _view(self) -> RunRecord:
        """The run as the store has it; read again while it is written to."""
        if self._record is None:
            self._tracker_of().catch_up()
            record = self._sink_of().run(self.id)
            if self._open:
                return record
            self._record = record
        return self._record

    def refresh(self) -> Self:
        """Forgets what was read, so that the next look asks the store."""
        self._record = None
        return self

    @property
    def name(self) -> str:
        return self._draft.name if self._draft is not None and self._open else self._view().name

    @property
    def experiment(self) -> str:
        return self._draft.experiment if self._draft is not None and self._open else self._view().experiment

    @property
    def status(self) -> Status:
        return Status.RUNNING if self._open else self._view().status

    @property
    def params(self) -> dict[str, str]:
        draft = self._draft if self._open else None
        return dict(draft.params if draft is not None else self._view().params)

    @property
    def metrics(self) -> dict[str, float | int]:
        """The latest value of each metric: the one at its highest step."""
        return dict(self._view().metrics)

    @property
    def tags(self) -> dict[str, str]:
        draft = self._draft if self._open else None
        return dict(draft.tags if draft is not None else self._view().tags)

    @property
    def datasets(self) -> tuple[DatasetRecord, ...]:
        return self._view().datasets

    @property
    def artifacts(self) -> tuple[ArtifactRecord, ...]:
        return self._view().artifacts

    @property
    def models(self) -> tuple[ModelRecord, ...]:
        return self._view().models

    @property
    def health(self) -> dict[str, Any]:
        """What autotrack has to say of its own work: failures, refused values, lost points. Empty when all is well."""
        return dict(self._view().health)

    @property
    def error(self) -> str | None:
        return self._view().error

    @property
    def session(self) -> str | None:
        return self._draft.session if self._draft is not None else self._view().session

    @property
    def started(self) -> int:
        """Nanoseconds since the epoch."""
        return self._draft.started if self._draft is not None else self._view().started

    @property
    def ended(self) -> int | None:
        """Nanoseconds since the epoch; None while it runs."""
        return self._view().ended

    @property
    def record(self) -> RunRecord:
        """Everything at once, as a frozen value."""
        return self._view()

    @property
    def parent(self) -> Self | None:
        parent = self._draft.parent if self._draft is not None else self._view().parent
        return self._other(parent, None) if parent else None

    @property
    def children(self) -> list[Self]:
        self._tracker_of().catch_up()
        found = self._sink_of().runs(children_of=self.id, max_results=50_000)
        return [self._other(record.id, record) for record in found]

    def _other(self, run_id: str, record: RunRecord | None) -> Self:
        return type(self)(run_id, tracker=self._tracker_of, sink=self._sink_of, record=record)

    def metric_history(self, key: str) -> History:
        """All points of one metric as arrays (``steps``, ``timestamps`` in ns, ``values``); iterates as points."""
        from ..history import History

        return History(key, self._sink_of().metric_history(self.id, key))

    def metric_summaries(self) -> list[MetricSummary]:
        """Last, lowest, highest value and number of points of each metric."""
        return self._sink_of().metric_summaries(self.id)

    def __repr__(self) -> str:
        record = self._record
        return f"<Run {self.id[:8]} {record.name} {record.status}>" if record else f"<Run {self.id[:8]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunView) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)
