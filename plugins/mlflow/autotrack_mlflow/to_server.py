"""Sends runs to an MLflow server by its REST API.

The server makes ids of its own: ours goes into a tag, by which a run is found again, and what is there already is not
sent twice.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from autotrack.plugin import Columns, StoreError

from .conversion import without
from .facts import ENDED, Experiment, Points, RegisteredModel, Run
from .places import Places
from .registry_sending import LeftOut
from .registry_to_server import ServerRegistry
from .server import ServerFiles, ServerSource, run_of, texts
from .telling import OURS, SENT, Outgoing
from .wire import Absent, Wire

_METRICS, _SMALL, _BODY = 1000, 100, 900_000
_LONGEST_PARAM, _LONGEST_TAG = 6000, 8000
_MS = 1_000_000


class ServerTarget:
    """An MLflow server. StoreError where it cannot be reached, Refused where it refuses."""

    def __init__(self, wire: Wire, *, remember: bool = False) -> None:
        """``remember``: what was sent of a run that goes on is not asked for again."""
        self._wire = wire
        self._source = ServerSource(wire, Places(wire=wire))
        self.shown = wire.shown
        self._known: dict[str, Run] = {}
        self._remember = remember
        self._memory: dict[str, _Memory] = {}

    def experiment(self, experiment: Experiment) -> str:
        """The id of the experiment of that name, which is made where there is none."""
        try:
            found = self._wire.get("experiments/get-by-name", experiment_name=experiment.name)["experiment"]
        except Absent:
            body = {"name": experiment.name, "tags": _pairs(experiment.tags)}
            return str(self._wire.post("experiments/create", body)["experiment_id"])
        if found.get("lifecycle_stage") == "deleted":
            raise StoreError(
                f"{self.shown} has deleted its experiment {experiment.name!r}; restore it there, or export under "
                "another name"
            )
        identity = str(found["experiment_id"])
        there = texts(found.get("tags"))
        for key, value in experiment.tags.items():
            if key not in there:
                self._wire.post(
                    "experiments/set-experiment-tag", {"experiment_id": identity, "key": key, "value": value}
                )
        return identity

    def finish(self, experiment: Experiment) -> None:
        """Deletes an experiment there that is deleted here, once its runs are there."""
        if experiment.deleted:
            found = self._wire.get("experiments/get-by-name", experiment_name=experiment.name)["experiment"]
            self._wire.post("experiments/delete", {"experiment_id": found["experiment_id"]})

    def known(self, experiment: str, run_id: str) -> tuple[str, str | None] | None:
        """The run's id there and what of it was sent, where it is there."""
        memory = self._memory.get(run_id)
        if memory is not None:
            return memory.id, None
        found = self._find(experiment, run_id)
        if found is None:
            return None
        self._known[run_id] = found
        return found.id, found.tags.get(SENT)

    def _find(self, experiment: str, run_id: str) -> Run | None:
        body = {
            "experiment_ids": [experiment],
            "filter": f"tags.`{OURS}` = '{run_id}'",
            "run_view_type": "ALL",
            "order_by": ["attributes.run_id ASC"],
        }
        found = [run_of(each) for each in self._wire.pages("runs/search", "runs", body)]
        for double in found[1:]:  # an answer was lost, and the run was created again
            if not double.deleted:
                self._wire.post("runs/delete", {"run_id": double.id})
        return found[0] if found else None

    def put(
        self,
        experiment: str,
        out: Outgoing,
        history: Callable[[str], Points],
        files: Mapping[str, Callable[[], BinaryIO]],
        state: str,
    ) -> str:
        """Sends what of a run is not there yet; its id there. A run that is deleted there is left alone."""
        run = out.run
        memory = self._memory.get(run.id)
        there: Run | None
        if memory is not None:
            there = run_of(self._wire.get("runs/get", run_id=memory.id)["run"])
        else:
            there = self._known.pop(run.id, None) or self._find(experiment, run.id)
        if there is None:
            body = {"experiment_id": experiment, "user_id": run.user, "run_name": run.name, "start_time": run.started}
            self._wire.post("runs/create", {**body, "tags": _pairs({OURS: run.id})})
            there = self._find(experiment, run.id)
            if there is None:
                raise StoreError(f"{self.shown} does not find run {run.id} again, which it has just taken")
        if there.deleted:
            if not run.deleted:
                out.notes.append("it is deleted on the server, and was left alone there")
            return there.id
        self._texts(there, out)
        memory = memory or _Memory(there.id)
        known = self._latest(there.id)
        for key, name in out.metrics.items():
            self._points(there.id, key, history(name), key in known, memory)
        self._datasets(there, out)
        self._files(there, out, files, memory)
        self._end(there, out, state)
        self._memory.pop(run.id, None)
        if self._remember and run.status not in ENDED:
            self._memory[run.id] = memory
        return there.id

    def _latest(self, run_id: str) -> set[str]:
        data = self._wire.get("runs/get", run_id=run_id)["run"].get("data", {})
        return {str(metric["key"]) for metric in data.get("metrics", ())}

    def _texts(self, there: Run, out: Outgoing) -> None:
        params, tags = {}, {}
        for key, value in out.run.params.items():
            cut = value[:_LONGEST_PARAM]
            if cut != value:
                out.notes.append(f"param {key!r:.80} is cut to {_LONGEST_PARAM} of its {len(value)} characters there")
            if key not in there.params:
                params[key] = cut
            elif there.params[key] != cut:
                out.notes.append(f"param {key!r:.80} has another value there, which MLflow does not let go")
        for key, value in out.run.tags.items():
            cut = value[:_LONGEST_TAG]
            if cut != value:
                out.notes.append(f"tag {key!r:.80} is cut to {_LONGEST_TAG} of its {len(value)} characters there")
            if there.tags.get(key) != cut:
                tags[key] = cut
        for some in _portions(_pairs(params), _SMALL):
            self._wire.post("runs/log-batch", {"run_id": there.id, "params": some})
        for some in _portions(_pairs(tags), _SMALL):
            self._wire.post("runs/log-batch", {"run_id": there.id, "tags": some})

    def _points(self, run_id: str, key: str, points: Points, known: bool, memory: _Memory) -> None:
        every = columns = Columns(points.steps, points.times * _MS, points.values)
        if key in memory.points:
            columns = without(columns, memory.points[key])
        elif known:
            there = self._source.history(run_id, key)
            columns = without(columns, Columns(there.steps, there.times * _MS, there.values))
        rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
        metrics = [
            {"key": key, "value": _number(value), "timestamp": when // _MS, "step": step} for step, when, value in rows
        ]
        for some in _portions(metrics, _METRICS):
            self._wire.post("runs/log-batch", {"run_id": run_id, "metrics": some})
        memory.points[key] = every

    def _datasets(self, there: Run, out: Outgoing) -> None:
        known = {(each.name, each.digest, tuple(sorted(each.tags.items()))) for each in there.datasets}
        inputs = []
        for each in out.run.datasets:
            if (each.name, each.digest, tuple(sorted(each.tags.items()))) not in known:
                dataset = {
                    key: getattr(each, key) for key in ("name", "digest", "source_type", "source", "schema", "profile")
                }
                said = {key: value for key, value in dataset.items() if value is not None}
                inputs.append({"dataset": said, "tags": _pairs(each.tags)})
        for some in _portions(inputs, _SMALL):
            self._wire.post("runs/log-inputs", {"run_id": there.id, "datasets": some})

    def _files(self, there: Run, out: Outgoing, files: Mapping[str, Callable[[], BinaryIO]], memory: _Memory) -> None:
        sums = {file.path: file.sha256 for file in out.record.artifacts}
        files = {path: opened for path, opened in files.items() if memory.files.get(path) != sums.get(path, "")}
        if not files:
            return
        if not there.artifact_uri.startswith("mlflow-artifacts:"):
            out.notes.append(f"the server hands on no files ({there.artifact_uri[:60]}): {len(files)} were not sent")
            return
        root = unquote(urlsplit(there.artifact_uri).path).strip("/")
        known = {each.path: each.size for each in ServerFiles(self._wire, root).listed()}
        sizes = {file.path: file.size for file in out.record.artifacts}
        for path, opened in files.items():
            if known.get(path) != sizes.get(path):
                with tempfile.NamedTemporaryFile(prefix="autotrack-own-") as file:
                    with opened() as stream:
                        shutil.copyfileobj(stream, file, 1 << 20)
                    file.flush()
                    self._wire.put_file(f"{root}/{path}", Path(file.name))
            memory.files[path] = sums.get(path, "")

    def _end(self, there: Run, out: Outgoing, state: str) -> None:
        run = out.run
        if run.status in ENDED and (there.status, there.ended) != (run.status, run.ended):
            body = {"run_id": there.id, "status": run.status, "end_time": run.ended, "run_name": run.name}
            self._wire.post("runs/update", body)
        self._wire.post("runs/set-tag", {"run_id": there.id, "key": SENT, "value": state})
        if run.deleted:
            self._wire.post("runs/delete", {"run_id": there.id})

    def source(self, run_id: str, path: str) -> str:
        """Where the server keeps a folder of a run's files."""
        run = run_of(self._wire.get("runs/get", run_id=run_id)["run"])
        return f"{run.artifact_uri}/{path}"

    def register(self, model: RegisteredModel, left_out: LeftOut) -> bool:
        """Registers a model with the versions that are not there yet; True where anything of it was new."""
        return ServerRegistry(self._wire).register(model, left_out)

    def close(self) -> None:
        self._wire.close()


@dataclass(slots=True)
class _Memory:
    """What was sent of a run: its id there, points by key, and the sha256 of files by path."""

    id: str
    points: dict[str, Columns] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _number(value: float) -> float | str:
    """A value as MLflow takes it in JSON, which has no words for these."""
    if value != value:
        return "NaN"
    return value if value not in (float("inf"), float("-inf")) else ("Infinity" if value > 0 else "-Infinity")


def _portions(items: Sequence[Any], most: int) -> Iterator[list[Any]]:
    """Items in lists that one request takes: not too many, and not too many bytes."""
    some: list[Any] = []
    size = 0
    for item in items:
        length = len(json.dumps(item)) + 2
        if some and (len(some) == most or size + length > _BODY):
            yield some
            some, size = [], 0
        some.append(item)
        size += length
    if some:
        yield some
