"""Takes MLflow's models into a store: those that runs have logged, and the registered ones with their versions.

What is there is looked for first, so that it may be interrupted anywhere and done again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.plugin import (
    AutotrackError,
    LoggedMetric,
    NotFoundError,
    check_artifact_path,
)
from autotrack.plugin import LoggedModel as OurModel
from autotrack.plugin import ModelVersion as OurVersion

from .conversion import nanoseconds, run_id
from .facts import LoggedModel, ModelVersion, RegisteredModel, Run

if TYPE_CHECKING:
    from autotrack.plugin import RunRecord

_BLOCK = 1 << 20

LeftOut = Callable[[str, str], None]

#: The source of a version that only counts: MLflow's version of that number was deleted.
_FILLER = "mlflow: a version that was deleted there"
_OF_RUN = re.compile(r"/([0-9a-f]{32})/artifacts/(.+)$")
_RUN_URI = re.compile(r"runs:/+([0-9a-f]{32})/(.+)$")
_VERSION_URI = re.compile(r"models:/+([^/]+)/(\d+)$")


def _moments(thing: RegisteredModel | ModelVersion) -> tuple[int, int]:
    return nanoseconds(thing.created), nanoseconds(max(thing.created, thing.updated))


def entries(storage: Any, place: str) -> list[Any]:
    """Every file in a folder of artifacts."""
    found = []
    waiting = [""]
    for folder in waiting:
        for entry in storage.list(place, folder):
            if entry.is_folder:
                waiting.append(entry.path)
            else:
                found.append(entry)
    return found


class ModelsTaking:
    """Takes models into one store (see ``core.sink.Sink``)."""

    def __init__(self, store: Any, left_out: LeftOut) -> None:
        self._store = store
        self._left_out = left_out

    # Logged models.

    def logged(self, model: LoggedModel, experiment: str, folder: str | None) -> bool:
        """Takes a logged model of an experiment (id here), whose files are in a ``folder`` of its run; True if new."""
        models = self._store.logged_models
        try:
            models.get(model.id)
            new = False
        except NotFoundError:
            new = True
            models.create(
                OurModel(
                    id=model.id,
                    experiment_id=experiment,
                    name=model.name,
                    model_type=model.model_type,
                    run=run_id(model.run) if model.run else None,
                    status=model.status,
                    status_message=model.status_message,
                    created=nanoseconds(model.created),
                    params=model.params,
                    tags=model.tags,
                )
            )
        points = [
            LoggedMetric(
                each.key,
                each.value,
                each.step,
                nanoseconds(each.time),
                run_id(each.run),
                each.dataset_name,
                each.dataset_digest,
            )
            for each in model.points
        ]
        if points:
            models.measured(model.id, points)
        if folder is not None and model.run is not None:
            self._link(run_id(model.run), folder, f"{experiment}/models/{model.id}")
        if new and model.deleted:
            models.delete(model.id)
        return new

    def _link(self, run: str, folder: str, place: str) -> None:
        """Has a model's files in its own place, too: on this machine by links, as no file there is changed in place."""
        record: RunRecord = self._store.run(run)
        storage, above = self._store.artifacts, f"{folder}/"
        there = {entry.path for entry in entries(storage, place)}
        for file in record.artifacts:
            path = file.path.removeprefix(above)
            if not file.path.startswith(above) or path in there:
                continue
            root = getattr(storage, "root", None)
            if isinstance(root, Path):
                target = root / Path(*check_artifact_path(f"{place}/{path}"))
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.link(root / record.files / file.path, target, follow_symlinks=False)
            else:
                with storage.open(record.files, file.path) as stream:
                    storage.put_blocks(place, path, iter(partial(stream.read, _BLOCK), b""))

    def linked(self, run: Run) -> None:
        """Says which models a run took in and brought out, once it is there."""
        identity = run_id(run.id)
        there = {(role, model) for role, model, _ in self._store.logged_models.links([identity]).get(identity, ())}
        for role in ("input", "output"):
            wanted = [(each.model, each.step) for each in run.models if each.role == role]
            wanted = [each for each in wanted if (role, each[0]) not in there]
            if wanted:
                self._store.logged_models.link(identity, role, wanted)

    # The registry.

    def registered(self, model: RegisteredModel) -> tuple[bool, int]:
        """Takes a registered model with its versions, numbers kept; whether it is new, and how many versions are."""
        registry = self._store.registry
        try:
            found = registry.get(model.name)
            new = False
        except NotFoundError:
            found = registry.create(model.name, description=model.description or None, tags=model.tags)
            new = True
        for key, value in model.tags.items():
            if key not in found.tags:
                registry.set_tag(model.name, key, value)
        brought = [version for version in model.versions if self._version(model.name, version)]
        there = self._versions(model.name)
        for number, version in there.items():
            if version.source == _FILLER:
                registry.delete_version(model.name, number)
        for alias, number in model.aliases.items():
            if alias not in found.aliases and number in there:
                registry.set_alias(model.name, alias, number)
        # When it was made there, last: what was done here until now has changed it.
        for version in brought:
            if version.created:
                registry.date(model.name, version.version, *_moments(version))
        if new and model.created:
            registry.date(model.name, None, *_moments(model))
        return new, len(brought)

    def _versions(self, name: str) -> dict[int, Any]:
        quoted = name.replace("'", "''")
        try:
            found = self._store.registry.versions(f"name = '{quoted}'")
        except AutotrackError:
            found = self._store.registry.versions()
        return {each.version: each for each in found if each.name == name}

    def _version(self, name: str, version: ModelVersion) -> bool:
        there = self._versions(name)
        if version.version in there:
            if there[version.version].source != version.source:
                self._left_out(f"version {version.version} of {name!r}", "another model has that number here")
            return False
        while True:
            wanted = OurVersion(name=name, version=0, source=_FILLER)
            last = max(there, default=0)
            if last + 1 == version.version or last > version.version:
                wanted = self._ours(name, version)
            made = self._store.registry.create_version(wanted)
            there[made.version] = made
            if made.version == version.version and made.source == version.source:
                return True
            if made.version >= version.version:
                self._store.registry.delete_version(name, made.version)
                self._left_out(f"version {version.version} of {name!r}", "its number was used and deleted here")
                return False

    def _ours(self, name: str, version: ModelVersion) -> OurVersion:
        place, logged = self._place(version)
        return OurVersion(
            name=name,
            version=0,
            source=version.source,
            artifact_uri=place,
            run=run_id(version.run) if version.run else None,
            logged_model=logged,
            description=version.description or None,
            stage=version.stage,
            status=version.status,
            status_message=version.status_message,
            run_link=version.run_link,
            user=version.user,
            tags=version.tags,
        )

    def _place(self, version: ModelVersion) -> tuple[str | None, str | None]:
        """Where a version's files are here, and which logged model it is; None where they are not here."""
        source = version.source
        if version.model_id or source.startswith("models:/m-"):
            model = version.model_id or source.removeprefix("models:/")
            try:
                found = self._store.logged_models.get(model)
            except NotFoundError:
                return None, None
            return f"{found.experiment_id}/models/{model}", model
        copied = _VERSION_URI.match(source)
        if copied is not None:
            try:
                other = self._store.registry.version(copied[1], int(copied[2]))
            except NotFoundError:
                return None, None
            return other.artifact_uri, other.logged_model
        of_run = _RUN_URI.match(source) or _OF_RUN.search(source)
        if of_run is not None:
            try:
                run: RunRecord = self._store.run(of_run[1])
            except NotFoundError:
                return None, None
            if any(file.path.startswith(f"{of_run[2]}/") for file in run.artifacts):
                return f"{(run.artifact_uri or '').removeprefix('artifacts/')}/{of_run[2]}", None
        return None, None
