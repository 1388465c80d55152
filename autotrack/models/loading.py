"""Models out of their folders. Nothing of their files runs unless somebody vouched for them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError, AutotrackError, UntrustedModelError
from autotrack.core.guard import attempt, warn
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.session.opened import saw_file

from . import trust as trusts
from .finding import locate
from .flavors import registered_flavors
from .golden import FILE as GOLDEN
from .golden import Replay
from .located import Located, Resolve
from .mlmodel import ModelDescription, read
from .profile_file import FILE as PROFILE
from .snapshot import Snapshot, take

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


def _refuse_code(description: ModelDescription, folder: Path, trust: bool) -> None:
    """Refuses a model that brings Python files of its own, unless they are vouched for."""
    brings = [entry["code"] for entry in description.flavors.values() if entry.get("code")]
    if brings and not trust:
        raise UntrustedModelError(
            f"the model in {folder} brings code of its own ({brings[0]}), which would run here. If you know who made "
            f"it, load it with autotrack.load_model(..., trust=True)"
        )
