"""An MLflow server read as a store: runs as MLflow keeps them, with their ids of here where they came from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autotrack.plugin import Columns, Experiment, MetricSummary, NotFoundError, RunRecord, Status, UsageError

from .conversion import columns_of, dataset_record, nanoseconds, run_id
from .facts import PARENT, USER, Run
from .places import Places
from .server import ServerSource, run_of, texts
from .telling import OURS, STATUS
from .wire import Absent, Wire

_PAGE = 1000
_VIEWS = {"active": "ACTIVE_ONLY", "deleted": "DELETED_ONLY", "all": "ALL"}


class MlflowReading:
    """What a ``Sink`` is asked for, answered by an MLflow server."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._source = ServerSource(wire, Places(wire=wire))

    # Runs.

    def find(self, name: str) -> Run:
        """The run with that id of ours, that id of MLflow's, or a unique beginning of ours (NotFoundError)."""
        if not name.isalnum():
            raise NotFoundError(f"there is no run {name[:64]!r} on {self._wire.shown}")
        experiments = [each.id for each in self._source.experiments()]
        body = {"experiment_ids": experiments, "run_view_type": "ALL", "max_results": 3}
        found = [run_of(each) for each in self._search({**body, "filter": f"tags.`{OURS}` LIKE '{name}%'"}, 3)]
        exact = [run for run in found if run.tags.get(OURS) == name]
        if not found:
            try:
                return run_of(self._wire.get("runs/get", run_id=name)["run"])
            except Absent:
                raise NotFoundError(f"there is no run {name[:64]!r} on {self._wire.shown}") from None
        if not exact and len(found) > 1:
            raise UsageError(f"{name!r} is the beginning of more than one run's id on {self._wire.shown}; give more")
        return (exact or found)[0]

    def _search(self, body: dict[str, Any], most: int) -> Iterable[dict[str, Any]]:
        for count, each in enumerate(self._wire.pages("runs/search", "runs", body)):
            if count == most:
                return
            yield each

    def run(self, name: str) -> RunRecord:
        """A run (NotFoundError)."""
        return self._record(self.find(name), {each.id: each.name for each in self._source.experiments()})

    def runs(
        self,
        filter: str,
        experiments: Sequence[str] | None,
        order_by: Sequence[str],
        max_results: int,
        offset: int,
        lifecycle: str,
        children_of: str | None,
    ) -> list[RunRecord]:
        """Runs that match, in MLflow's search language (Refused says what it does not understand)."""
        names = {each.id: each.name for each in self._source.experiments()}
        wanted = list(names)
        if experiments is not None:
            wanted = [key for key, name in names.items() if key in experiments or name in experiments]
            if not wanted:
                raise NotFoundError(f"{self._wire.shown} has no experiment {', '.join(experiments)[:80]!r}")
        if children_of is not None:
            child = f"tags.`{PARENT}` = '{self.find(children_of).id}'"
            filter = f"{filter} and {child}" if filter else child
        if lifecycle not in _VIEWS:
            raise UsageError(f"lifecycle {lifecycle!r} is none of {', '.join(_VIEWS)}")
        body = {
            "experiment_ids": wanted,
            "filter": filter or None,
            "order_by": list(order_by) or None,
            "run_view_type": _VIEWS[lifecycle],
            "max_results": min(_PAGE, max_results + offset) or 1,
        }
        found = list(self._search(body, max_results + offset))[offset:]
        return [self._record(run_of(each), names, each) for each in found]

    def _record(self, run: Run, names: dict[str, str], found: dict[str, Any] | None = None) -> RunRecord:
        found = found or self._wire.get("runs/get", run_id=run.id)["run"]
        experiment = str(found["info"]["experiment_id"])
        metrics = {str(each["key"]): float(each["value"]) for each in found.get("data", {}).get("metrics", ())}
        parent = run.tags.get(PARENT)
        status = run.tags.get(STATUS) or ("RUNNING" if run.status == "SCHEDULED" else run.status)
        return RunRecord(
            id=run.tags.get(OURS) or run_id(run.id),
            name=run.name or run.id,
            experiment_id=experiment,
            experiment=names.get(experiment, experiment),
            status=Status(status),
            started=nanoseconds(run.started),
            ended=None if run.ended is None else nanoseconds(run.ended),
            parent=self._ours(parent) if parent else None,
            user=run.tags.get(USER) or run.user,
            lifecycle="deleted" if run.deleted else "active",
            artifact_uri=run.artifact_uri or None,
            params=run.params,
            metrics=metrics,
            tags=run.tags,
            datasets=tuple(map(dataset_record, run.datasets)),
        )

    def _ours(self, theirs: str) -> str:
        """The id that a run of MLflow's has here."""
        try:
            tags = texts(self._wire.get("runs/get", run_id=theirs)["run"].get("data", {}).get("tags"))
        except Absent:
            return theirs
        return tags.get(OURS, theirs)

    def history(self, name: str, key: str) -> Columns:
        """All points of a metric (NotFoundError)."""
        points = self._source.history(self.find(name).id, key)
        if not len(points.steps):
            raise NotFoundError(f"run {name} has no metric {key[:80]!r}")
        return columns_of(points)[0]

    def summaries(self, name: str) -> list[MetricSummary]:
        """What is known of each metric: MLflow counts no points, so all of them are read."""
        import numpy as np

        found = []
        for key, points in self._source.points(self.find(name)):
            columns, _ = columns_of(points)
            values = columns.values[~np.isnan(columns.values)]
            low, high = (float(values.min()), float(values.max())) if len(values) else (None, None)
            last = float(columns.values[-1]), int(columns.steps[-1]), int(columns.timestamps[-1])
            found.append(MetricSummary(key, *last, low, high, len(columns.steps)))
        return found

    # Experiments and lifecycles.

    def experiments(self, lifecycle: str) -> list[Experiment]:
        """The experiments, newest first."""
        found = [
            Experiment(
                id=each.id,
                name=each.name,
                lifecycle="deleted" if each.deleted else "active",
                created=nanoseconds(each.created),
                updated=nanoseconds(each.updated),
                tags=each.tags,
            )
            for each in self._source.experiments()
        ]
        wanted = [each for each in found if lifecycle in ("all", each.lifecycle)]
        return sorted(wanted, key=lambda each: each.created, reverse=True)

    def experiment(self, name_or_id: str, lifecycle: str = "all") -> Experiment:
        """One of them (NotFoundError)."""
        for each in self.experiments(lifecycle):
            if name_or_id in (each.name, each.id):
                return each
        raise NotFoundError(f"{self._wire.shown} has no experiment {name_or_id[:80]!r}")

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """A request that changes something."""
        return self._wire.post(path, body)
