"""Models by path, by run or by name: the folder of each, on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.addresses import is_server, shown
from autotrack.core.errors import ArtifactError, NotFoundError, UsageError
from autotrack.core.imported import is_imported
from autotrack.core.model_uris import SCHEME, find_version, parse_model_uri

from .located import Located, Resolve, is_own
from .mlmodel import NAME

if TYPE_CHECKING:
    from autotrack.core.config import Location
    from autotrack.core.entities import RunRecord
    from autotrack.core.registered import ModelVersion
    from autotrack.core.sink import Sink

#: Schemes of object stores, from which the files of a version may come. Not of this machine's files.
_STORAGES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "hdfs"})


def locate(uri: str | Path, resolve: Resolve | None = None) -> Located:
    """The local folder of a model, whether its files are the user's own, and the digest that its run or version has."""
    text = os.fspath(uri)
    if text.startswith(("runs:/", SCHEME)):
        found = (resolve or folder_in_force)(text)
        return found if isinstance(found, Located) else Located(found, True)
    if "://" in text and not text.startswith("file://"):
        return _found_by_plugin(text)
    folder = Path(text.removeprefix("file://"))
    if folder.name == NAME and folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise NotFoundError(f"there is no model folder at {folder}")
    return Located(folder, is_own(folder))


def _found_by_plugin(uri: str) -> Located:
    """The folder that a plugin has for a URI of a scheme of its own (UsageError, NotFoundError)."""
    from autotrack.core.plugins.registry import plugins

    folder = plugins().choose("find_model", uri=uri)
    if folder is None:
        raise UsageError(
            f"{shown(uri)} is not a model URI known here, and no plugin finds it; give a path, runs:/<run id>/<path> "
            "or models:/..."
        )
    if not Path(folder).is_dir():
        raise NotFoundError(f"a plugin says that {shown(uri)} is in {folder}, and there is no such folder")
    return Located(Path(folder), False)


def folder_in_force(uri: str) -> Located:
    """The folder of a ``runs:/`` or ``models:/`` URI in the store in force (NotFoundError, ArtifactError)."""
    from autotrack.core.runs.trackers import tracker_to_read

    current = tracker_to_read()
    current.catch_up()
    return folder_of(uri, current.sink(), current.location)


def folder_of(uri: str, sink: Sink, location: Location) -> Located:
    """The same in another store."""
    if not uri.startswith(SCHEME):
        run_id, path = split_uri(uri)
        return located_in(sink, run_id, path, location)
    reference = parse_model_uri(uri)
    if reference.id is None:
        return folder_of_version(find_version(sink.registry, reference), sink, location)
    try:
        model = sink.logged_models.get(reference.id)
    except NotFoundError as error:
        raise NotFoundError(
            f"{error} If {reference.id!r} is a registered model, say which version: {uri}/<version> or {uri}@<alias>"
        ) from None
    place = f"{model.experiment_id}/models/{model.id}"
    return _among_artifacts(place, sink, location, f"the logged model {model.id}", None)


def folder_of_version(version: ModelVersion, sink: Sink, location: Location) -> Located:
    """The folder of a version of a registered model, with the digest that it was registered with (NotFoundError,
    ArtifactError). A relative place lies among the store's artifacts, most often with a run."""
    named = f"{version.name} version {version.version}"
    place = version.artifact_uri or version.source
    folder = Path(place)
    if folder.is_absolute():
        if not folder.is_dir():
            raise NotFoundError(f"{named} was registered from {place}, and there is no such folder here")
        return Located(folder, is_own(folder, location.root), version.digest)
    _, run, path = (*place.split("/", 2), "", "")[:3]
    if not path or version.run != run or _in_folder(sink, location):
        return _among_artifacts(place, sink, location, named, version.digest)
    return replace(located_in(sink, run, path, location), digest=version.digest)


def _in_folder(sink: Sink, location: Location) -> bool:
    """True where the store's artifacts are in the store's own folder on this machine."""
    return location.is_local and getattr(sink.artifacts, "root", None) == location.root / "artifacts"


def _among_artifacts(place: str, sink: Sink, location: Location, named: str, digest: str | None) -> Located:
    root = location.root
    if place.partition("://")[0].lower() in _STORAGES:
        from autotrack.core.plugins.registry import artifacts

        from .fetching import fetched_folder

        above, _, name = place.rstrip("/").rpartition("/")
        return fetched_folder(artifacts(above), name, named, digest)
    if ":/" in place or (is_server(location.uri) and place.split("/")[1:2] != ["models"]):
        raise ArtifactError(f"the files of {named} are kept at {place}; download the model and load the folder")
    if not _in_folder(sink, location):
        from .fetching import fetched_folder

        return fetched_folder(sink.artifacts, place, named, digest)
    top = (root / "artifacts").resolve()
    folder = (top / place).resolve()
    if not folder.is_relative_to(top) or not folder.is_dir():
        raise NotFoundError(f"the files of {named} should be in {top / place}, and are not there")
    return Located(folder, is_own(folder, root), digest)


def split_uri(uri: str) -> tuple[str, str]:
    """Run id (or the beginning of one) and path of a ``runs:/`` URI (UsageError where it names no model)."""
    run_id, _, path = uri.removeprefix("runs:/").strip("/").partition("/")
    if not run_id or not path:
        raise UsageError(f"{uri} names no model; it should be runs:/<run id>/<path>, most often runs:/<run id>/model")
    return run_id, path


def located_in(sink: Sink, run_id: str, path: str, location: Location) -> Located:
    """The folder of a run's model in a store: its own folder, or a private copy of what is fetched from elsewhere, to
    be discarded (NotFoundError, ArtifactError)."""
    record = sink.run(run_id)
    if _in_folder(sink, location):
        return folder_in(record, path, location.root)
    from .fetching import fetched

    return fetched(sink, record, path.rstrip("/"), location.files)


def folder_in(record: RunRecord, path: str, root: Path) -> Located:
    """The folder of a run's model, for a store whose root is this folder (NotFoundError, ArtifactError)."""
    uri = record.artifact_uri or ""
    if "://" in uri:
        raise ArtifactError(f"the files of run {record.id} are kept at {uri}; download the model and load the folder")
    top = (root / uri).resolve()
    folder = (top / path).resolve()
    if not uri or not folder.is_relative_to(top) or not folder.is_dir():
        models = ", ".join(model.path for model in record.models) or "none"
        raise NotFoundError(f"run {record.id} has no model {path!r}; its models: {models}")
    digests = [model.digest for model in record.models if model.path == path.rstrip("/")]
    # What a run's record says of its place is no more than a claim: where the files really lie decides.
    own = is_own(folder, root) and not is_imported(root, record.id)
    return Located(folder, own, digests[-1] or None if digests else None)


@contextmanager
def local_model(uri: str | Path) -> Iterator[Path]:
    """The folder of a model, here for as long as the context lasts: its own, or a private copy of one that is elsewhere
    (NotFoundError, ArtifactError)."""
    located = locate(uri)
    try:
        yield located.folder
    finally:
        located.discard()
