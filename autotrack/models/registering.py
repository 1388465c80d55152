"""Gives a model a name: from what somebody points at to a version that knows where its files are and what they were."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.errors import ArtifactError, ConflictError, NotFoundError, UsageError
from autotrack.core.model_uris import SCHEME, find_version, parse_model_uri
from autotrack.core.registered import ModelVersion, check_alias, check_model_name

from .finding import split_uri
from .manifest import digest_of
from .mlmodel import NAME, read
from .snapshot import digests

if TYPE_CHECKING:
    from autotrack.core.entities import RunRecord
    from autotrack.core.sink import Sink

_ARTIFACTS = "artifacts/"


def register(
    sink: Sink,
    root: Path,
    source: str | Path,
    name: str,
    *,
    alias: str | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
    user: str | None = None,
) -> ModelVersion:
    """The new version of the model of that name, which is made where it is not there yet.

    ``source`` is a ``runs:/`` or ``models:/`` URI, a folder, or a URI elsewhere; ``root`` is the folder of the store.
    An alias that stood for another version stands for the new one. NotFoundError where there is no such model,
    UsageError for a name or an alias that cannot be: nothing is registered then.
    """
    check_model_name(name)
    if alias is not None:
        check_alias(alias)
    found = located(sink, root, os.fspath(source))
    with suppress(ConflictError):  # most often it is there
        sink.registry.create(name, user=user)
    version = sink.registry.create_version(
        replace(found, name=name, tags=dict(tags or {}), description=description, user=user)
    )
    if alias is not None:
        sink.registry.set_alias(name, alias, version.version, user=user)
        version = sink.registry.version(name, version.version)
    return version


def located(sink: Sink, root: Path, source: str) -> ModelVersion:
    """A version without name and number of what ``source`` points at, with source, place, run and digest."""
    if source.startswith("runs:/"):
        return _of_run(sink, root, source)
    if source.startswith(SCHEME):
        return _of_model(sink, source)
    if "://" in source and not source.startswith("file://"):
        return ModelVersion("", 0, source, artifact_uri=source)
    return _of_folder(sink, root, Path(source.removeprefix("file://")))


def _of_run(sink: Sink, root: Path, uri: str) -> ModelVersion:
    run_id, path = split_uri(uri)
    record, path = sink.run(run_id), path.rstrip("/")
    digest = next((model.digest for model in reversed(record.models) if model.path == path), None)
    known = [model.path for model in record.models]
    if path not in known and f"{path}/{NAME}" not in {file.path for file in record.artifacts}:
        raise NotFoundError(f"run {record.id} has no model {path!r}; its models: {', '.join(known) or 'none'}")
    place = _place(record, path)
    if digest is None and place is not None and ":/" not in place and (root / _ARTIFACTS / place).is_dir():
        digest = digest_of(digests(root / _ARTIFACTS / place))
    return ModelVersion("", 0, f"runs:/{record.id}/{path}", artifact_uri=place, run=record.id, digest=digest)


def _place(record: RunRecord, path: str) -> str | None:
    """Where a run's model lies: among the store's artifacts, or a URI."""
    uri = record.artifact_uri
    return f"{uri.removeprefix(_ARTIFACTS)}/{path}" if uri else None


def _of_model(sink: Sink, uri: str) -> ModelVersion:
    reference = parse_model_uri(uri)
    if reference.id is None:
        version = find_version(sink.registry, reference)
        # The number, not what stood for it today.
        return replace(_bare(version), source=f"{SCHEME}{version.name}/{version.version}")
    model = sink.logged_models.get(reference.id)
    if model.status != "READY":
        raise UsageError(f"the logged model {model.id} is {model.status}: only one that is READY can be registered")
    place = f"{model.experiment_id}/models/{model.id}"
    return ModelVersion("", 0, f"{SCHEME}{model.id}", artifact_uri=place, run=model.run, logged_model=model.id)


def _bare(version: ModelVersion) -> ModelVersion:
    """What a copy of a version has of it."""
    kept = ("source", "artifact_uri", "run", "logged_model", "digest", "run_link")
    return ModelVersion(name="", version=0, **{name: getattr(version, name) for name in kept})


def _of_folder(sink: Sink, root: Path, folder: Path) -> ModelVersion:
    if folder.name == NAME and folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise NotFoundError(f"there is no model folder at {folder}")
    real, artifacts = folder.resolve(), (root / _ARTIFACTS).resolve()
    if real.is_relative_to(artifacts):
        experiment, _, rest = real.relative_to(artifacts).as_posix().partition("/")
        run_id, _, path = rest.partition("/")
        with suppress(NotFoundError, UsageError):
            if path and (record := sink.run(run_id)).artifact_uri == f"{_ARTIFACTS}{experiment}/{run_id}":
                return _of_run(sink, root, f"runs:/{record.id}/{path}")
    description = read(real)
    run = None
    if description.run_id is not None:
        with suppress(NotFoundError, UsageError):
            run = next((found.id for found in [sink.run(description.run_id)] if found.id == description.run_id), None)
    try:
        digest = digest_of(digests(real))
    except OSError as error:
        raise ArtifactError(f"the model in {real} cannot be read: {error.strerror} ({error.filename})") from error
    return ModelVersion("", 0, str(real), artifact_uri=str(real), run=run, digest=digest)
