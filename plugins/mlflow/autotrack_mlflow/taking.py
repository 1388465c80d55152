"""Takes all that MLflow holds at a place into a store, run by run: done again, what is there already is left alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from autotrack.plugin import (
    ArtifactError,
    AutotrackError,
    Columns,
    ForeignExperiment,
    ForeignRun,
    NotFoundError,
    RunRecord,
    Sink,
    UsageError,
    check_artifact_path,
    check_key,
    is_taken,
    receiver,
    take_in,
)

from .conversion import columns_of, foreign_run, model_record, nanoseconds, run_id, without
from .facts import ENDED, Experiment, FileFound, LoggedModel, Run, Source
from .models_taking import ModelsTaking, entries
from .progress import Progress

_BLOCK = 1 << 20
_LARGEST_MLMODEL = 4 << 20


@dataclass(slots=True)
class Taken:
    """What was taken, what was there, and what could not be taken: of what, and why."""

    experiments: int = 0
    new: int = 0
    more: int = 0
    same: int = 0
    points: int = 0
    artifacts: int = 0
    bytes: int = 0
    datasets: int = 0
    logged_models: int = 0
    registered_models: int = 0
    versions: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "experiments": self.experiments,
            "runs": {"new": self.new, "more": self.more, "same": self.same},
            "points": self.points,
            "datasets": self.datasets,
            "artifacts": {"files": self.artifacts, "bytes": self.bytes},
            "logged_models": self.logged_models,
            "registered_models": self.registered_models,
            "model_versions": self.versions,
            "not_taken": [{"what": what, "why": why} for what, why in self.left_out],
        }


class Taking:
    """Takes from one source into one store.

    ``only``: names or ids of experiments; ``dry``: nothing is stored; ``recheck``: points and files are compared also
    where the source's own marks say that nothing changed.
    """

    def __init__(
        self,
        source: Source,
        store: Sink,
        *,
        only: Collection[str] = (),
        dry: bool = False,
        recheck: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._into = receiver(store)
        self._models = ModelsTaking(store, self._leave_out)
        self._only = set(only)
        self._dry = dry
        self._recheck = recheck
        self._progress = progress or Progress()
        self.taken = Taken()

    def _leave_out(self, what: str, why: str) -> None:
        self.taken.left_out.append((what, why))

    def go(self) -> Taken:
        """Takes everything (UsageError where an experiment that was named is not there)."""
        found: set[str] = set()
        for experiment in self._source.experiments():
            names = {experiment.name, experiment.id} & self._only
            if names or not self._only:
                found |= names
                self._experiment(experiment)
        missing = self._only - found
        if missing:
            raise UsageError(f"{self._source.shown} has no experiment {sorted(missing)[0]!r}")
        if not self._only:
            self._registry()
        self.taken.left_out += self._source.unread
        return self.taken

    def _experiment(self, experiment: Experiment) -> None:
        identity = ""
        if not self._dry:
            try:
                identity = self._into.adopt_experiment(_foreign(experiment))
            except UsageError as error:
                self.taken.left_out.append((f"experiment {experiment.name!r:.120} with its runs", str(error)))
                return
        self.taken.experiments += 1
        self._progress.experiment(experiment.name, self._source.count(experiment))
        models = _by_run(list(self._source.logged_models(experiment)))
        for run in self._source.runs(experiment):
            try:
                self._run(experiment, run, models.get(run.id, []))
                if run.models and not self._dry:
                    self._models.linked(run)
            except (AutotrackError, OSError) as error:
                self._leave_out(f"run {run.id}", str(error))
            self._progress.run(self.taken)
        for of_run in models.values():
            for folder, model in _folders(of_run):
                try:
                    self._logged_model(identity, folder, model)
                except (AutotrackError, OSError) as error:
                    self._leave_out(f"logged model {model.id}", str(error))

    def _logged_model(self, experiment: str, folder: str, model: LoggedModel) -> None:
        if self._dry:
            self.taken.logged_models += 1
            return
        self.taken.logged_models += self._models.logged(model, experiment, folder if model.run else None)
        if model.run is None:  # nobody's artifacts: they go to its own place at once
            files = self._source.files(model.artifact_uri, "")
            place = f"{experiment}/models/{model.id}"
            storage = self._into.artifacts
            there = {entry.path for entry in entries(storage, place)}
            for each in files.listed():
                if each.refused or each.path in there:
                    continue
                file = _File(each, files.open, files.is_near, self._progress.bytes)
                with file.open() as stream:
                    storage.put_blocks(place, each.path, iter(partial(stream.read, _BLOCK), b""))
                self.taken.artifacts += 1
                self.taken.bytes += each.size or 0

    # Runs.

    def _run(self, experiment: Experiment, run: Run, models: list[LoggedModel]) -> None:
        identity = run_id(run.id)
        # What a server says of a run that goes on does not tell whether points came.
        certain = (run.status in ENDED or run.place != run.id) and not self._recheck
        if certain and not self._dry and is_taken(self._store, identity, run.state):
            self.taken.same += 1
            return
        there = self._there(identity)
        left_out: list[tuple[str, str]] = []
        metrics, notes = self._metrics(run, there, left_out)
        foreign = foreign_run(run, experiment.name, metrics)
        foreign.notes += notes
        if there is not None:
            known = {(each.name, each.context, each.mlflow_digest) for each in there.datasets}
            foreign.datasets = [
                each for each in foreign.datasets if (each.name, each.context, each.mlflow_digest) not in known
            ]
        files, whole = self._files(run, models, there, left_out)
        points = sum(len(columns.steps) for columns in metrics.values())
        if not certain or not whole:
            # The mark stands for what is brought, where the source's own does not tell, or files were out of reach.
            foreign.mark = hashlib.sha256(repr((run.state, points, sorted(files))).encode()).hexdigest()
        if not self._dry:
            self._put(foreign, files)
        self._count(foreign, files, there, points, changed=(certain and whole) or bool(points or files))
        foreign_notes = [(f"run {run.id}: {what}", why) for what, why in left_out]
        self.taken.left_out += foreign_notes

    def _there(self, identity: str) -> RunRecord | None:
        try:
            found = self._store.run(identity)
        except NotFoundError:
            return None
        return found if found.id == identity else None

    def _put(self, foreign: ForeignRun, files: Mapping[str, _File]) -> None:
        foreign.files = {path: file.open for path, file in files.items()}
        folders = [path.rpartition("/")[0] for path in files if path == "MLmodel" or path.endswith("/MLmodel")]
        foreign.models = [record for folder in folders if (record := _model(folder, files)) is not None]
        take_in(self._store, foreign)

    def _count(
        self, run: ForeignRun, files: Mapping[str, _File], there: RunRecord | None, points: int, *, changed: bool
    ) -> None:
        if there is None:
            self.taken.new += 1
        elif changed:
            self.taken.more += 1
        else:
            self.taken.same += 1
        self.taken.points += points
        self.taken.datasets += len(run.datasets)
        self.taken.artifacts += len(files)
        self.taken.bytes += sum(file.found.size or 0 for file in files.values())

    def _metrics(
        self, run: Run, there: RunRecord | None, left_out: list[tuple[str, str]]
    ) -> tuple[dict[str, Columns], list[str]]:
        metrics: dict[str, Columns] = {}
        notes = []
        for key, points in self._source.points(run):
            try:
                check_key(key)
            except UsageError as error:
                left_out.append((f"metric {key!r:.80}", str(error)))
                continue
            columns, changed = columns_of(points)
            if changed:
                notes.append(
                    f"{changed} times of metric {key!r} lie beyond the year 2262; the last moment stands there"
                )
            if there is not None and key in there.metrics:
                columns = without(columns, self._store.metric_history(there.id, key))
            if len(columns.steps):
                metrics[key] = columns
        return metrics, notes

    # Files.

    def _files(
        self, run: Run, models: list[LoggedModel], there: RunRecord | None, left_out: list[tuple[str, str]]
    ) -> tuple[dict[str, _File], bool]:
        """Files that are not here yet, by the path that they get; and whether all places could be looked at."""
        whole = True
        known = {} if there is None else {file.path: file for file in there.artifacts}
        found: dict[str, _File] = {}
        places = [("", run.artifact_uri, run.place)]
        places += [(f"{folder}/", model.artifact_uri, "") for folder, model in _folders(models)]
        for above, uri, place in places:
            what = f"files of {above[:-1]}" if above else "files"
            try:
                files = self._source.files(uri, place)
                for each in files.listed():
                    path = f"{above}{each.path}"
                    why = each.refused or _refused(path)
                    if why is not None:
                        left_out.append((f"artifact {path!r}", why))
                    elif path not in found:
                        found[path] = _File(each, files.open, files.is_near, self._progress.bytes)
                        record = known.get(path)
                        if record is not None and found[path].is_same(record.size, record.sha256):
                            del found[path]
            except AutotrackError as error:
                left_out.append((what, str(error)))
                whole = False
        return found, whole

    # The registry.

    def _registry(self) -> None:
        for model in self._source.registered_models():
            try:
                new, versions = (True, len(model.versions)) if self._dry else self._models.registered(model)
            except AutotrackError as error:
                self._leave_out(f"registered model {model.name!r}", str(error))
                continue
            self.taken.registered_models += new
            self.taken.versions += versions


@dataclass(slots=True)
class _File:
    """A file of MLflow's that is to be copied."""

    found: FileFound
    opener: Callable[[str], BinaryIO]
    is_near: bool
    told: Callable[[int], None]

    def open(self) -> BinaryIO:
        return _Told(self.opener(self.found.path), self.told)  # type: ignore[return-value]

    def is_same(self, size: int, sha256: str) -> bool:
        """True where the file is the one that is here. One that a network would have to bring is known by its size."""
        if self.found.size != size:
            return False
        if not self.is_near:
            return True
        digest = hashlib.sha256()
        with self.opener(self.found.path) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest() == sha256


class _Told:
    """A stream that says how much was read of it."""

    def __init__(self, stream: BinaryIO, told: Callable[[int], None]) -> None:
        self._stream = stream
        self._tell = told

    def read(self, count: int) -> bytes:
        try:
            block = self._stream.read(count)
        except AutotrackError:
            raise
        except (OSError, ValueError) as error:
            raise ArtifactError(f"a file could not be read to its end ({error})") from error
        self._tell(len(block))
        return block

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _refused(path: str) -> str | None:
    try:
        check_artifact_path(path)
    except ArtifactError as error:
        return str(error)
    return None


def _model(folder: str, files: Mapping[str, _File]) -> Any:
    above = f"{folder}/" if folder else ""
    file = files[f"{above}MLmodel"]
    if not folder or (file.found.size or 0) > _LARGEST_MLMODEL:
        return None
    with file.opener(file.found.path) as stream:
        content = stream.read(_LARGEST_MLMODEL)
    size = sum(each.found.size or 0 for path, each in files.items() if path.startswith(above))
    return model_record(folder, content, size)


def _folders(models: list[LoggedModel]) -> list[tuple[str, LoggedModel]]:
    """The models of one run, each with the folder that it gets among the run's artifacts."""
    found: list[tuple[str, LoggedModel]] = []
    for model in models:
        taken = {folder for folder, _ in found}
        found.append((model.name if model.name not in taken else f"{model.name}.{model.id}", model))
    return found


def _by_run(models: list[LoggedModel]) -> dict[str, list[LoggedModel]]:
    found: dict[str, list[LoggedModel]] = {}
    for model in sorted(models, key=lambda model: (model.created, model.id)):
        found.setdefault(model.run or "", []).append(model)
    return found


def _foreign(experiment: Experiment) -> ForeignExperiment:
    moments = nanoseconds(experiment.created), nanoseconds(experiment.updated)
    return ForeignExperiment(experiment.id, experiment.name, *moments, experiment.deleted, dict(experiment.tags))
