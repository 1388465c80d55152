"""Writes runs into a folder as MLflow's file store has it: ids kept, each run whole or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from autotrack.plugin import StoreError, check_artifact_path

from .facts import Experiment, Points, RegisteredModel
from .mlruns import read_meta
from .registry_sending import LeftOut
from .registry_to_folder import FolderRegistry
from .telling import SENT, Outgoing
from .yaml_text import yaml_of

_STATUS = {"RUNNING": 1, "SCHEDULED": 2, "FINISHED": 3, "FAILED": 4, "KILLED": 5}
_BLOCK = 1 << 20


class FolderTarget:
    """A folder ``mlruns``, made if it is not there. StoreError where it cannot be written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.shown = str(root)
        # Beside it, and not in it: MLflow takes every folder there for an experiment.
        self._partial = root.with_name(f".{root.name}-partial")
        self._experiments: dict[str, Path] = {}
        self._runs: dict[str, Path] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial.mkdir()
        except OSError as error:
            raise StoreError(f"could not write to {root} ({error.strerror})") from error
        for place in (root, root / ".trash"):
            for folder in sorted(place.iterdir()) if place.is_dir() else ():
                meta = read_meta(folder / "meta.yaml")
                if meta is not None and "name" in meta and "experiment_id" in meta:
                    self._experiments[str(meta["name"])] = folder

    def experiment(self, experiment: Experiment) -> str:
        """The id of the experiment of that name, which is made where there is none."""
        folder = self._experiments.get(experiment.name)
        if folder is None:
            above = self.root / ".trash" if experiment.deleted else self.root
            folder = above / experiment.id
            if folder.exists():
                raise StoreError(f"{folder} is another experiment's; export into a folder of its own")
            folder.mkdir(parents=True)
            self._write(folder / "meta.yaml", yaml_of({
                "artifact_location": str(self.root.absolute() / experiment.id),
                "creation_time": experiment.created,
                "experiment_id": experiment.id,
                "last_update_time": experiment.updated,
                "lifecycle_stage": "deleted" if experiment.deleted else "active",
                "name": experiment.name,
            }))  # fmt: skip
            self._experiments[experiment.name] = folder
        for key, value in experiment.tags.items():
            if not (folder / "tags" / key).exists():
                self._write(folder / "tags" / key, value)
        return folder.name

    def finish(self, experiment: Experiment) -> None:
        """Nothing is left to be done once an experiment's runs are there."""

    def known(self, experiment: str, run_id: str) -> tuple[str, str | None] | None:
        """The run's id there and what of it was sent, where it is there."""
        folder = self._runs[run_id] = self._folder(experiment, run_id)
        try:
            sent = (folder / "tags" / SENT).read_text(encoding="utf-8")
        except OSError:
            sent = None
        return (run_id, sent) if (folder / "meta.yaml").exists() else None

    def _folder(self, experiment: str, run_id: str) -> Path:
        found = next(folder for folder in self._experiments.values() if folder.name == experiment)
        return found / run_id

    def put(
        self,
        experiment: str,
        out: Outgoing,
        history: Callable[[str], Points],
        files: Mapping[str, Callable[[], BinaryIO]],
        state: str,
    ) -> str:
        """Writes a run; its id. One that is there is written over, and what MLflow added to it stays."""
        try:
            return self._put(experiment, out, history, files, state)
        except OSError as error:
            raise StoreError(f"could not write run {out.run.id} to {self.root} ({error.strerror})") from error

    def _put(
        self,
        experiment: str,
        out: Outgoing,
        history: Callable[[str], Points],
        files: Mapping[str, Callable[[], BinaryIO]],
        state: str,
    ) -> str:
        run, place = out.run, self._folder(experiment, out.run.id)
        folder = place if place.exists() else self._partial / run.id
        shutil.rmtree(self._partial / run.id, ignore_errors=True)
        for part in ("params", "metrics", "tags", "artifacts"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for key, value in run.params.items():
            self._write(folder / "params" / key, value)
        for key, name in out.metrics.items():
            points = history(name)
            rows = zip(points.times.tolist(), points.values.tolist(), points.steps.tolist(), strict=True)
            text = "".join(f"{when} {value!r} {step}\n" for when, value, step in rows)
            self._write(folder / "metrics" / key, text)
        for path, opened in files.items():
            self._copy(folder / "artifacts" / Path(*check_artifact_path(path)), opened)
        self._datasets(place.parent, folder, out)
        for key, value in {**run.tags, SENT: state}.items():
            self._write(folder / "tags" / key, value)
        self._write(folder / "meta.yaml", yaml_of({
            "artifact_uri": str(self.root.absolute() / experiment / run.id / "artifacts"),
            "end_time": run.ended,
            "entry_point_name": "",
            "experiment_id": experiment,
            "lifecycle_stage": "deleted" if run.deleted else "active",
            "run_id": run.id,
            "run_name": run.name,
            "run_uuid": run.id,
            "source_name": "",
            "source_type": 4,
            "source_version": "",
            "start_time": run.started,
            "status": _STATUS[run.status],
            "tags": [],
            "user_id": run.user or "",
        }))  # fmt: skip
        if folder != place:
            folder.rename(place)
        return run.id

    def _datasets(self, experiment: Path, folder: Path, out: Outgoing) -> None:
        from hashlib import md5

        for dataset in out.run.datasets:
            # As MLflow names them, so that a data set of two runs is one.
            name = md5((dataset.name + dataset.digest).encode(), usedforsecurity=False).hexdigest()
            place = experiment / "datasets" / name / "meta.yaml"
            if not place.exists():
                fields = ("digest", "name", "profile", "schema", "source", "source_type")
                self._write(place, yaml_of({key: getattr(dataset, key) for key in fields}))
            context = "".join(sorted(f"{key}={value};" for key, value in dataset.tags.items()))
            read = md5(f"{name} {out.run.id} {context}".encode(), usedforsecurity=False).hexdigest()
            self._write(folder / "inputs" / read / "meta.yaml", yaml_of({
                "destination_id": out.run.id,
                "destination_type": "RUN",
                "source_id": name,
                "source_type": "DATASET",
                "tags": dict(dataset.tags),
            }))  # fmt: skip

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._partial / "file"
        with partial.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
        partial.replace(path)

    def _copy(self, path: Path, opened: Callable[[], BinaryIO]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._partial / "file"
        with opened() as source, partial.open("wb") as file:
            shutil.copyfileobj(source, file, _BLOCK)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def source(self, run_id: str, path: str) -> str:
        """Where the folder keeps a folder of a run's files."""
        return str(self._runs[run_id].absolute() / "artifacts" / Path(*check_artifact_path(path)))

    def register(self, model: RegisteredModel, left_out: LeftOut) -> bool:
        """Registers a model with the versions that are not there yet; True where anything of it was new."""
        try:
            return FolderRegistry(self.root, self._write).register(model, left_out)
        except OSError as error:
            raise StoreError(f"could not write the model {model.name!r} to {self.root} ({error.strerror})") from error

    def close(self) -> None:
        """Removes what was only on its way."""
        shutil.rmtree(self._partial, ignore_errors=True)
