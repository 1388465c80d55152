"""A folder that MLflow's file store has written: YAML and text files, as ``mlruns`` has them.

    <experiment>/meta.yaml, tags/<key>, datasets/<id>/meta.yaml
    <experiment>/<run>/meta.yaml, params/<key>, tags/<key>, metrics/<key>, inputs/<id>/meta.yaml, outputs/<model>/...
    <experiment>/models/<model>/meta.yaml, params, tags, metrics
    models/<registered model>/meta.yaml, tags, aliases, version-<n>/meta.yaml, version-<n>/tags
    .trash/<experiment>                                             deleted experiments

A key may hold ``/`` and is a path of folders then. No link is followed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autotrack.plugin import UsageError

from .facts import (
    Dataset,
    Experiment,
    Files,
    LoggedModel,
    ModelLink,
    ModelPoint,
    ModelVersion,
    Points,
    RegisteredModel,
    Run,
)
from .places import Places

_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MODEL_STATUS = {1: "PENDING", 2: "READY", 3: "UPLOAD_FAILED"}
_TRASH = ".trash"
_MODELS = "models"


class MlrunsSource:
    """Reads one folder of MLflow's file store."""

    def __init__(self, folder: Path, places: Places) -> None:
        self.root = folder
        self.shown = str(folder)
        self.unread: list[tuple[str, str]] = []
        self._places = places
        if not any(self._experiment_folders()) and not (folder / _MODELS).is_dir():
            raise UsageError(
                f"there is nothing of MLflow's in {folder}: no folder in it has a meta.yaml of an experiment; name the "
                "folder that MLflow calls mlruns, or its database as sqlite:///mlflow.db"
            )

    # Experiments and runs.

    def experiments(self) -> Iterator[Experiment]:
        for folder in self._experiment_folders():
            meta = self._meta(folder)
            if meta is not None:
                yield Experiment(
                    id=str(meta.get("experiment_id", folder.name)),
                    name=str(meta.get("name", folder.name)),
                    deleted=meta.get("lifecycle_stage") == "deleted" or folder.parent.name == _TRASH,
                    created=_integer(meta.get("creation_time")) or 0,
                    updated=_integer(meta.get("last_update_time")) or 0,
                    tags=self._texts(folder / "tags"),
                    place=str(folder),
                )

    def _experiment_folders(self) -> Iterator[Path]:
        for place in (self.root, self.root / _TRASH):
            for folder in _folders(place):
                if folder.name not in (_TRASH, _MODELS) and (folder / "meta.yaml").is_file():
                    yield folder

    def count(self, experiment: Experiment) -> int | None:
        return sum(1 for _ in self._run_folders(experiment))

    def _run_folders(self, experiment: Experiment) -> Iterator[Path]:
        for folder in _folders(Path(experiment.place)):
            if folder.name not in ("tags", "datasets", "models", "traces") and (folder / "meta.yaml").is_file():
                yield folder

    def runs(self, experiment: Experiment) -> Iterator[Run]:
        for folder in self._run_folders(experiment):
            meta = self._meta(folder)
            if meta is not None:
                yield self._run(experiment, folder, meta)

    def _run(self, experiment: Experiment, folder: Path, meta: Mapping[str, Any]) -> Run:
        params, tags = self._texts(folder / "params"), self._texts(folder / "tags")
        datasets, models = self._inputs(experiment, folder), self._outputs(folder)
        seen = [repr(sorted(meta.items(), key=str)), repr(params), repr(tags), repr(datasets), repr(models)]
        for part in ("metrics", "artifacts"):
            seen += [f"{part} {key} {info.st_size} {info.st_mtime_ns}" for key, _, info in _walk(folder / part)]
        return Run(
            id=str(meta.get("run_id") or meta.get("run_uuid") or folder.name),
            name=str(meta.get("run_name") or meta.get("name") or ""),
            status=_named(_STATUS, meta.get("status"), "RUNNING"),
            started=_integer(meta.get("start_time")) or 0,
            ended=_integer(meta.get("end_time")),
            state=hashlib.sha256("\n".join(seen).encode("utf-8", "surrogatepass")).hexdigest(),
            deleted=meta.get("lifecycle_stage") == "deleted",
            user=str(meta["user_id"]) if meta.get("user_id") else None,
            artifact_uri=str(meta.get("artifact_uri") or ""),
            params=params,
            tags=tags,
            datasets=datasets,
            models=models,
            place=str(folder),
        )

    def points(self, run: Run) -> Iterator[tuple[str, Points]]:
        for key, path, _ in _walk(Path(run.place) / "metrics"):
            text = self._read(path)
            if text is not None:
                rows = [row for line in text.splitlines() if (row := self._point(path, line)) is not None]
                yield key, _columns(rows)

    def _point(self, path: Path, line: str) -> tuple[int, float, int] | None:
        words = line.split()
        try:
            # The first files had no step; the newest add the data set.
            return int(words[0]), float(words[1]), int(words[2]) if len(words) > 2 else 0
        except (ValueError, IndexError):
            if line.strip():
                self.unread.append((str(path), f"the line {line[:80]!r} is no point of a metric"))
            return None

    def _inputs(self, experiment: Experiment, folder: Path) -> tuple[Dataset, ...]:
        found = []
        for place in _folders(folder / "inputs"):
            meta = self._meta(place) or {}
            if meta.get("source_type") != "DATASET":
                continue
            source = _beside(Path(experiment.place) / "datasets", meta.get("source_id"))
            dataset = self._meta(source) if source is not None else None
            if dataset is None:
                self.unread.append((str(place), "the data set that it names is not there"))
                continue
            found.append(
                Dataset(
                    name=str(dataset.get("name", "")),
                    digest=str(dataset.get("digest", "")),
                    source_type=str(dataset.get("source_type") or ""),
                    source=str(dataset.get("source") or ""),
                    schema=_text(dataset.get("schema")),
                    profile=_text(dataset.get("profile")),
                    tags=_texts_of(meta.get("tags")),
                )
            )
        return tuple(found)

    def _outputs(self, folder: Path) -> tuple[ModelLink, ...]:
        found = []
        for part, role in (("inputs", "input"), ("outputs", "output")):
            for place in _folders(folder / part):
                meta = self._meta(place) or {}
                if str(meta.get("destination_type", "")).startswith("MODEL"):
                    found.append(ModelLink(role, str(meta.get("destination_id")), _integer(meta.get("step")) or 0))
        return tuple(found)

    # Models.

    def logged_models(self, experiment: Experiment) -> Iterator[LoggedModel]:
        for folder in _folders(Path(experiment.place) / "models"):
            meta = self._meta(folder)
            if meta is None:
                continue
            yield LoggedModel(
                id=str(meta.get("model_id", folder.name)),
                name=str(meta.get("name", "model")),
                artifact_uri=str(meta.get("artifact_location") or folder / "artifacts"),
                status=_named(_MODEL_STATUS, meta.get("status"), "READY"),
                status_message=_text(meta.get("status_message")),
                model_type=_text(meta.get("model_type")),
                run=_text(meta.get("source_run_id")),
                deleted=meta.get("lifecycle_stage") == "deleted",
                created=_integer(meta.get("creation_timestamp")) or 0,
                updated=_integer(meta.get("last_updated_timestamp")) or 0,
                params=self._texts(folder / "params"),
                tags=self._texts(folder / "tags"),
                points=tuple(self._model_points(folder)),
            )

    def _model_points(self, folder: Path) -> Iterator[ModelPoint]:
        for key, path, _ in _walk(folder / "metrics"):
            for line in (self._read(path) or "").splitlines():
                words = line.split()
                point = self._point(path, line)
                if point is not None and len(words) > 3:
                    name, digest = words[4:6] if len(words) > 5 else (None, None)
                    yield ModelPoint(key, point[1], point[0], point[2], words[3], name, digest)

    def registered_models(self) -> Iterator[RegisteredModel]:
        for folder in _folders(self.root / _MODELS):
            meta = self._meta(folder) if (folder / "meta.yaml").is_file() else None
            if meta is None:
                continue
            aliases = {
                key: number for key, text in self._texts(folder / "aliases").items() if (number := _integer(text))
            }
            versions = [self._version(place) for place in _folders(folder) if place.name.startswith("version-")]
            yield RegisteredModel(
                name=str(meta.get("name", folder.name)),
                description=_text(meta.get("description")),
                created=_integer(meta.get("creation_timestamp")) or 0,
                updated=_integer(meta.get("last_updated_timestamp")) or 0,
                tags=self._texts(folder / "tags"),
                aliases=aliases,
                versions=tuple(sorted((each for each in versions if each is not None), key=lambda each: each.version)),
            )

    def _version(self, folder: Path) -> ModelVersion | None:
        meta = self._meta(folder)
        number = _integer(meta.get("version")) if meta is not None else None
        if meta is None or number is None or meta.get("current_stage") == "Deleted_Internal":
            return None
        return ModelVersion(
            version=number,
            source=str(meta.get("source") or ""),
            run=_text(meta.get("run_id")),
            model_id=_text(meta.get("model_id")),
            description=_text(meta.get("description")),
            stage=str(meta.get("current_stage") or "None"),
            status=str(meta.get("status") or "READY"),
            status_message=_text(meta.get("status_message")),
            run_link=_text(meta.get("run_link")),
            user=_text(meta.get("user_id")),
            created=_integer(meta.get("creation_timestamp")) or 0,
            updated=_integer(meta.get("last_updated_timestamp")) or 0,
            tags=self._texts(folder / "tags"),
        )

    # Files.

    def files(self, uri: str, place: str) -> Files:
        return self._places.files(uri, beside=Path(place) / "artifacts" if place else None)

    def _texts(self, folder: Path) -> dict[str, str]:
        return {key: text for key, path, _ in _walk(folder) if (text := self._read(path)) is not None}

    def _read(self, path: Path) -> str | None:
        try:
            # Not blocking, and no link: a folder from elsewhere may hold anything.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return file.read().decode()
        except (OSError, UnicodeDecodeError) as error:
            self.unread.append((str(path), f"it cannot be read ({error})"))
            return None

    def _meta(self, folder: Path) -> dict[str, Any] | None:
        from yaml import YAMLError

        path = folder / "meta.yaml"
        text = self._read(path)
        if text is None:
            return None
        try:
            found = _document(text)
        except (YAMLError, ValueError, RecursionError) as error:
            self.unread.append((str(path), f"it is no YAML ({error})".replace("\n", " ")[:300]))
            return None
        if not isinstance(found, dict):
            self.unread.append((str(path), "it holds no mapping"))
            return None
        return found

    def close(self) -> None:
        """Nothing is held open."""


def read_meta(path: Path) -> dict[str, Any] | None:
    """What a meta.yaml says; None where there is none, or none that can be read."""
    from yaml import YAMLError

    try:
        found = _document(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError):
        return None
    return found if isinstance(found, dict) else None


def _document(text: str) -> object:
    """One YAML document of plain values."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)  # ten times as fast where libyaml is there
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _folders(place: Path) -> list[Path]:
    """The folders in a folder, by name; none where there is no such folder."""
    try:
        with os.scandir(place) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _walk(folder: Path, above: str = "") -> Iterator[tuple[str, Path, os.stat_result]]:
    """Files below a folder, by path: their path in it, where they are, and what the system says of them."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{above}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield f"{above}{entry.name}", Path(entry.path), entry.stat(follow_symlinks=False)


def _beside(folder: Path, name: object) -> Path | None:
    """A folder of that name in another one, which the name must not lead out of."""
    text = str(name)
    return folder / text if text not in ("", ".", "..") and "/" not in text and "\0" not in text else None


def _columns(rows: list[tuple[int, float, int]]) -> Points:
    import numpy as np

    times, values, steps = zip(*rows, strict=True) if rows else ((), (), ())
    return Points(np.array(times, np.int64), np.array(values, np.float64), np.array(steps, np.int64))


def _named(names: Mapping[int, str], value: object, default: str) -> str:
    return value if isinstance(value, str) else names.get(_integer(value) or 0, default)


def _integer(value: object) -> int | None:
    try:
        return None if value is None else int(str(value))
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts_of(value: object) -> dict[str, str]:
    return {str(key): str(each) for key, each in value.items()} if isinstance(value, dict) else {}
