"""``Client``: runs and experiments of one store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.core.config import find_store
from autotrack.core.entities import Experiment, RunRecord
from autotrack.core.errors import NotFoundError, UsageError
from autotrack.core.runs import trackers
from autotrack.core.runs.run import Run
from autotrack.core.sink import Sink

if TYPE_CHECKING:
    import pandas as pd

    from autotrack.answers.archive.packing import Exported
    from autotrack.answers.archive.unpacking import Imported
    from autotrack.answers.difference import Diff
    from autotrack.answers.graph import Lineage
    from autotrack.core.registered import ModelVersion, Registry
    from autotrack.core.runs.tracker import Tracker


class RunList(list[Run]):
    """Runs in the order that was asked for."""

    def to_pandas(self) -> pd.DataFrame:
        """One row a run: id, name, experiment, status, started, ended, then ``params.*``, ``metrics.*``, ``tags.*``."""
        import pandas as pd

        rows = []
        for run in self:
            record = run.record
            row: dict[str, Any] = {
                "run_id": record.id,
                "name": record.name,
                "experiment": record.experiment,
                "status": str(record.status),
                "started": pd.Timestamp(record.started, unit="ns", tz="UTC"),
                "ended": pd.Timestamp(record.ended, unit="ns", tz="UTC") if record.ended else pd.NaT,
            }
            for group, values in (("params", record.params), ("metrics", record.metrics), ("tags", record.tags)):
                row.update({f"{group}.{key}": value for key, value in values.items()})
            rows.append(row)
        return pd.DataFrame(rows)


class Client:
    """A store's runs and experiments. ``uri``: a folder, ``sqlite:///...``, or None for the store in force here."""

    def __init__(self, uri: str | os.PathLike[str] | None = None) -> None:
        self._location = find_store(os.fspath(uri)) if uri is not None else trackers.tracker_to_read().location
        self._sink: Sink | None = None

    @property
    def uri(self) -> str:
        """Where the store is, without the password that it was opened with."""
        return self._location.shown

    @property
    def root(self) -> Path:
        """The folder with this machine's journals and (for a local store) artifacts."""
        return self._location.root

    @property
    def sink(self) -> Sink:
        """The store itself; shared with the process's own recording where it is the same one."""
        if self._sink is None:
            self._sink = trackers.tracker_at(self._location.uri).sink()
        return self._sink

    @property
    def registry(self) -> Registry:
        """The store's registered models: names, versions, aliases, tags (docs/registry.md)."""
        return self.sink.registry

    def register_model(
        self,
        model: Run | str | os.PathLike[str],
        name: str,
        *,
        alias: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
    ) -> ModelVersion:
        """Makes a model the next version of the registered model ``name``, which is made where it is not there yet.

        ``model``: ``runs:/<run id>/<path>``, another ``models:/`` URI, a model folder, or a run that has one model.
        ``alias`` (``"champion"``) stands for the new version from now on; ``tags`` and ``description`` are the
        version's. NotFoundError where there is no such model, UsageError for a name or an alias that cannot be.
        """
        from autotrack.core.session import user_name
        from autotrack.models.registering import register

        self._caught_up()
        source = self._only_model(model) if isinstance(model, Run) else model
        return register(
            self.sink,
            self.root,
            os.fspath(source),
            name,
            alias=alias,
            tags=tags,
            description=description,
            user=user_name(),
        )

    def _only_model(self, run: Run) -> str:
        """The URI of a run's one model."""
        paths = [model.path for model in self._record(run).models]
        if len(paths) != 1:
            there = "no model" if not paths else f"{len(paths)} models ({', '.join(paths)})"
            raise UsageError(f"run {run.id} has {there}; name the one that is meant: runs:/{run.id}/<path>")
        return f"runs:/{run.id}/{paths[0]}"

    def _run(self, record: RunRecord, tracker: Tracker) -> Run:
        return tracker.runs.get(record.id) or Run(
            record.id, tracker=lambda: tracker, sink=lambda: self.sink, record=record
        )

    def get_run(self, run_id: str) -> Run:
        """The run with that id or unique prefix (NotFoundError, AmbiguousError)."""
        tracker = self._caught_up()
        return self._run(self.sink.run(run_id), tracker)

    def search_runs(
        self,
        filter: str = "",
        experiments: str | Sequence[str] | None = None,
        order_by: str | Sequence[str] | None = None,
        max_results: int = 1000,
        *,
        lifecycle: str = "active",
        offset: int = 0,
    ) -> RunList:
        """Runs that match ``filter`` (``"metrics.loss < 0.1 and params.lr = '0.1'"``), newest first unless ordered."""
        tracker = self._caught_up()
        records = self.sink.runs(
            filter,
            experiments=[experiments] if isinstance(experiments, str) else experiments,
            order_by=[order_by] if isinstance(order_by, str) else order_by or (),
            max_results=max_results,
            offset=offset,
            lifecycle=lifecycle,
        )
        return RunList(self._run(record, tracker) for record in records)

    def last_run(self) -> Run:
        """The run that started last (NotFoundError where there is none)."""
        found = self.search_runs(max_results=1)
        if not found:
            raise NotFoundError(f"there is no run yet in {self.uri}; train something after `autotrack.enable()`")
        return found[0]

    def delete_runs(self, run_ids: str | Iterable[str]) -> int:
        """Marks runs (and their children) as deleted; ``autotrack gc`` frees their space. Answers how many."""
        return self.sink.delete_runs([run_ids] if isinstance(run_ids, str) else run_ids)

    def restore_runs(self, run_ids: str | Iterable[str]) -> int:
        """Takes a deletion back. Answers how many runs came back."""
        return self.sink.restore_runs([run_ids] if isinstance(run_ids, str) else run_ids)

    def diff(self, a: Run | str, b: Run | str) -> Diff:
        """Why two runs of this store differ: what went in and what came out, most telling first.

        Runs, ids or unique prefixes of ids (NotFoundError, AmbiguousError). True where anything differs.
        """
        from autotrack.answers.diff import compare_runs

        self._caught_up()
        return compare_runs(self.sink, self._record(a), self._record(b))

    def lineage(self, what: Run | str, *, depth: int = 3) -> Lineage:
        """What a file, table, run or model was made from and what was made from it, ``depth`` runs far each way.

        ``what``: a run, its id or a prefix; a path, or the sha256 of a file; a data set's digest or name;
        ``runs:/<run>/<path>`` or a model folder. NotFoundError where it is none of these.
        """
        from autotrack.answers.lineage import trace
        from autotrack.answers.subjects import find

        self._caught_up()
        return trace(self.sink, find(self.sink, what if isinstance(what, str) else what.id, Path.cwd()), depth=depth)

    def export_runs(
        self, runs: Run | str | Iterable[Run | str], path: str | os.PathLike[str], *, replace: bool = False
    ) -> Exported:
        """Writes runs with their children, sessions, data, artifacts and objects to one file (``.atrun``).

        UsageError where a run has not ended, or the file is there and is not to be replaced.
        """
        from autotrack.answers.archive.packing import pack

        self._caught_up()
        every = [runs] if isinstance(runs, Run | str) else runs
        return pack(self.sink, [self._record(run) for run in every], Path(path), replace=replace)

    def import_runs(self, path: str | os.PathLike[str]) -> Imported:
        """Takes the runs of such a file into this store, ids kept; those that are there already are left alone.

        ArchiveError where the file is refused: nothing of it is taken in then.
        """
        from autotrack.answers.archive.unpacking import unpack

        self._caught_up()
        return unpack(self.sink, Path(path))

    def _record(self, run: Run | str) -> RunRecord:
        return self.sink.run(run if isinstance(run, str) else run.id)

    def experiments(self, lifecycle: str = "active") -> list[Experiment]:
        self._caught_up()
        return self.sink.experiments(lifecycle)

    def create_experiment(self, name: str, tags: dict[str, str] | None = None) -> Experiment:
        return self.sink.create_experiment(name, tags)

    def rename_experiment(self, name_or_id: str, new_name: str) -> None:
        self.sink.rename_experiment(name_or_id, new_name)

    def delete_experiment(self, name_or_id: str) -> None:
        self.sink.delete_experiment(name_or_id)

    def restore_experiment(self, name_or_id: str) -> None:
        self.sink.restore_experiment(name_or_id)

    def _caught_up(self) -> Tracker:
        """The tracker of this store, its postponed work (a model that is still being written) done."""
        tracker = trackers.tracker_at(self._location.uri)
        tracker.catch_up()
        return tracker

    def __repr__(self) -> str:
        return f"Client({self.uri!r})"


def get_run(run_id: str) -> Run:
    """The run with that id or unique prefix, from the store in force here."""
    return Client().get_run(run_id)


def last_run() -> Run:
    """The run that started last, in the store in force here."""
    return Client().last_run()


def search_runs(
    filter: str = "",
    experiments: str | Sequence[str] | None = None,
    order_by: str | Sequence[str] | None = None,
    max_results: int = 1000,
) -> RunList:
    """Runs of the store in force here that match ``filter``, newest first unless ordered."""
    return Client().search_runs(filter, experiments, order_by, max_results)
