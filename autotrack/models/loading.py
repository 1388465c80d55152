"""Models out of folders, by path, by run or by name. Nothing of their files runs unless somebody vouched for them."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.core.addresses import is_server, shown
from autotrack.core.errors import ArtifactError, AutotrackError, NotFoundError, UntrustedModelError, UsageError
from autotrack.core.guard import attempt, warn
from autotrack.core.imported import is_imported
from autotrack.core.model_uris import SCHEME, find_version, parse_model_uri
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.session.opened import saw_file

from . import trust as trusts
from .flavors import registered_flavors
from .golden import FILE as GOLDEN
from .golden import Replay
from .mlmodel import NAME, ModelDescription, read
from .profile_file import FILE as PROFILE
from .snapshot import Snapshot, take

if TYPE_CHECKING:
    from autotrack.core.config import Location
    from autotrack.core.entities import RunRecord
    from autotrack.core.registered import ModelVersion
    from autotrack.core.sink import Sink

#: Schemes of object stores, from which the files of a version may come. Not of this machine's files.
_STORAGES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "hdfs"})


@dataclass(frozen=True, slots=True)
class Located:
    """A model's local folder; whether it lies in the store in force; the digest that its run or its version keeps."""

    folder: Path
    own: bool
    digest: str | None = None
    #: True for a private copy that was made of files that are elsewhere.
    fetched: bool = False

    def discard(self) -> None:
        """Removes a private copy; a folder of the user's stays."""
        if self.fetched:
            shutil.rmtree(self.folder, ignore_errors=True)


#: Finds the folder of a ``runs:/`` or ``models:/`` URI: a path, or all that is known of it.
Resolve = Callable[[str], Path | Located]
#: Hears what a model's folder says of it.
Described = Callable[[ModelDescription], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that was loaded, with what its folder says of it and how its golden predictions were replayed."""

    model: Any
    flavor: Flavor
    description: ModelDescription
    digest: str
    sealed: bool
    replay: Replay
    #: The content of ``golden.json``; None where the folder has none.
    golden: bytes | None = None
    #: The content of ``profile.json``; None where the folder has none.
    profile: bytes | None = None


def load_model(
    uri: str | Path,
    trust: bool | str | None = None,
    *,
    as_pyfunc: bool = False,
    strict_golden: bool = False,
    resolve: Resolve | None = None,
    flavors: Iterable[Flavor] | None = None,
    described: Described | None = None,
) -> Any:
    """The model under a path, ``runs:/<run id>/<path>``, ``models:/<name>/<version>`` or ``models:/<name>@<alias>``, as
    it was saved; as ``PyFunc`` with ``as_pyfunc``.

    ``trust``: True vouches for the model's files, False vouches for nothing, a sha256 for the folder with that digest
    alone; None (the default) for what lies in the store in force here and for what ``autotrack models trust`` wrote
    down. Without trust a file that could run code is refused (UntrustedModelError names it). A folder with a manifest
    is loaded only if every byte of it is as it was (ArtifactError), a registered one only if it is what was registered.
    Where the model's golden predictions are others here, one warning says so; with ``strict_golden`` it is an
    ArtifactError, and so it is where they cannot be asked for without rewinding the random numbers of another thread.
    ``resolve`` finds the local folder of a ``runs:/`` or ``models:/`` URI; ``described`` hears what the folder says of
    the model before its library is imported. NotFoundError, ArtifactError where there is no model.
    """
    opened = open_model(uri, trust, resolve=resolve, flavors=flavors, described=described)
    unasked = opened.golden is not None and opened.replay.verdict == "none"
    if strict_golden and (unasked or not opened.replay.passed):
        raise ArtifactError(f"the model {uri} was not loaded: {opened.replay}")
    if not opened.replay.passed:
        warn(f"the model {uri}: {opened.replay}")
    if as_pyfunc:
        from .pyfunc import PyFunc

        return PyFunc(opened)
    return opened.model


def load_pyfunc(uri: str | Path, trust: bool | str | None = None, **options: Any) -> Any:
    """The model as ``PyFunc``: one face for every flavor, with its schema enforced; see ``load_model``."""
    return load_model(uri, trust, as_pyfunc=True, **options)


def open_model(
    uri: str | Path,
    trust: bool | str | None = None,
    *,
    resolve: Resolve | None = None,
    flavors: Iterable[Flavor] | None = None,
    described: Described | None = None,
    replayed: bool = True,
) -> Opened:
    """The model with its description, digest and replay; see ``load_model``. No warning is given here."""
    located = locate(uri, resolve)
    known = {flavor.name: flavor for flavor in (registered_flavors() if flavors is None else flavors)}
    try:
        snapshot = take(located.folder, located.digest)
    finally:
        located.discard()  # what is looked into and loaded is the snapshot
    kept = False
    try:
        description = read(snapshot.folder)
        flavor = _flavor(description, known, located.folder)
        vouched = _vouched(trust, located, snapshot, description)
        _refuse_code(description, located.folder, vouched)
        if described is not None:
            described(description)
        model = flavor.load(snapshot.folder, description.flavors[flavor.name], vouched)
        golden = (snapshot.folder / GOLDEN).read_bytes() if GOLDEN in snapshot.files else None
        profile = (snapshot.folder / PROFILE).read_bytes() if PROFILE in snapshot.files else None
        replay = _replay(golden, model, flavor) if replayed else Replay("none", reason="not asked for")
        _note_read(str(uri), located, snapshot)
        kept = flavor.keeps_folder and _leave_with(model, snapshot)
        return Opened(model, flavor, description, snapshot.digest, snapshot.sealed, replay, golden, profile)
    except AutotrackError as error:
        raise _said(error, str(uri), located, snapshot) from error.__cause__
    finally:
        if not kept:
            snapshot.discard()


def _note_read(uri: str, located: Located, snapshot: Snapshot) -> None:
    """Tells whoever watches files that the program has read the model, by the name that it gave it."""
    for path in snapshot.files:
        saw_file(located.folder / path, "read", f"{uri.rstrip('/')}/{path}")


def _flavor(description: ModelDescription, known: Mapping[str, Flavor], folder: Path) -> Flavor:
    """The flavor of a plugin here that the description names; never a module that it names."""
    for name in description.flavors:
        if name in known:
            return known[name]
    wanted = ", ".join(sorted(set(description.flavors) - {"python_function"})) or "python_function"
    raise ArtifactError(
        f"{folder} holds a model of flavor {wanted}, which no plugin here loads (there are: {', '.join(sorted(known))})"
    )


def _vouched(trust: bool | str | None, located: Located, snapshot: Snapshot, description: ModelDescription) -> bool:
    if isinstance(trust, str):
        from .pickle_scan import risky_files

        risky = risky_files(snapshot.folder, snapshot.files, description.flavors.values())
        return trusts.matches(
            trust, snapshot.digest, {name: snapshot.files[name].sha256 for name in risky}, located.folder
        )
    if trust is not None:
        return trust
    return located.own or trusts.is_trusted(snapshot.digest)


def _replay(content: bytes | None, model: Any, flavor: Flavor) -> Replay:
    if content is None:
        return Replay("none", reason="the folder holds no golden predictions")
    from .asking import asking
    from .golden import replay

    def ask() -> Replay:
        with asking(model, flavor) as (asks, why):
            if why is not None:
                return Replay("none", reason=f"its golden predictions were not asked for: {why}")
            return replay(content, asks)

    found, error = attempt(ask)
    return found or Replay("failed", reason=f"{type(error).__name__}: {str(error)[:300]}")


def _leave_with(model: Any, snapshot: Snapshot) -> bool:
    """Lets the copy live as long as the model; False for a model that nothing can be tied to."""
    finalizer, _ = attempt(weakref.finalize, model, snapshot.discard)
    return finalizer is not None


def _said(error: AutotrackError, uri: str, located: Located, snapshot: Snapshot) -> AutotrackError:
    """The error with the folder's own name in it instead of the copy's, and with what to do about missing trust."""
    shown = uri if located.fetched else str(located.folder)
    text = str(error).replace(str(snapshot.folder), shown).replace(str(located.folder), shown)
    if isinstance(error, UntrustedModelError):
        text += (
            f". Or look into it and vouch for this very model, digest {snapshot.digest}: autotrack models trust {uri}"
        )
    return type(error)(text)


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


def is_own(folder: Path, root: Path | None = None) -> bool:
    """True where the folder lies among the artifacts of the store with this root (by default the one in force here),
    belongs to this user, and is not of a run that was imported."""
    from autotrack.core.runs.trackers import tracker

    root = tracker().location.root if root is None else root
    real, artifacts = folder.resolve(), (root / "artifacts").resolve()
    if not real.is_relative_to(artifacts):
        return False
    if any(is_imported(root, part) for part in real.relative_to(artifacts).parts):
        return False
    return not hasattr(os, "getuid") or real.stat().st_uid == os.getuid()


def _refuse_code(description: ModelDescription, folder: Path, trust: bool) -> None:
    """Refuses a model that brings Python files of its own, unless they are vouched for."""
    brings = [entry["code"] for entry in description.flavors.values() if entry.get("code")]
    if brings and not trust:
        raise UntrustedModelError(
            f"the model in {folder} brings code of its own ({brings[0]}), which would run here. If you know who made "
            f"it, load it with autotrack.load_model(..., trust=True)"
        )


@contextmanager
def local_model(uri: str | Path) -> Iterator[Path]:
    """The folder of a model, here for as long as the context lasts: its own, or a private copy of one that is elsewhere
    (NotFoundError, ArtifactError)."""
    located = locate(uri)
    try:
        yield located.folder
    finally:
        located.discard()
