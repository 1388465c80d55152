"""Models out of folders, by path or by run. Nothing of a model's files runs unless somebody vouched for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError, NotFoundError, UntrustedModelError, UsageError
from autotrack.core.flavor import Flavor

from .mlmodel import NAME, ModelDescription, read
from .registered import registered_flavors

Resolve = Callable[[str], Path]


def load_model(
    uri: str | Path,
    trust: bool | None = None,
    *,
    resolve: Resolve | None = None,
    flavors: Iterable[Flavor] | None = None,
) -> Any:
    """The model under a path or ``runs:/<run id>/<path>``.

    ``trust``: True vouches for the model's files, False vouches for nothing, None (the default) for what lies in the
    store in force here. Without trust a file that could run code is refused (UntrustedModelError names what is in
    it). ``resolve`` finds the local folder of a ``runs:/`` URI. NotFoundError, ArtifactError where there is no model.
    """
    folder, own = locate(uri, resolve)
    description = read(folder)
    vouched = own if trust is None else trust
    _refuse_code(description, folder, vouched)
    known = {flavor.name: flavor for flavor in (registered_flavors() if flavors is None else flavors)}
    for name, entry in description.flavors.items():
        if name in known:
            return known[name].load(folder, entry, vouched)
    wanted = ", ".join(sorted(set(description.flavors) - {"python_function"})) or "python_function"
    raise ArtifactError(
        f"{folder} holds a model of flavor {wanted}, which no plugin here loads (there are: {', '.join(sorted(known))})"
    )


def locate(uri: str | Path, resolve: Resolve | None = None) -> tuple[Path, bool]:
    """The local folder of a model, and whether it lies in the store in force (then its files are the user's own)."""
    text = os.fspath(uri)
    if text.startswith("runs:/"):
        return (resolve or folder_of_run)(text), True
    if "://" in text and not text.startswith("file://"):
        raise UsageError(f"{text} is not a model URI known here; give a path or runs:/<run id>/<path>")
    folder = Path(text.removeprefix("file://"))
    if folder.name == NAME and folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise NotFoundError(f"there is no model folder at {folder}")
    return folder, is_own(folder)


def folder_of_run(uri: str) -> Path:
    """The local folder of ``runs:/<run id or prefix>/<path>`` in the store in force (NotFoundError, ArtifactError)."""
    from autotrack.core.run import Run
    from autotrack.core.tracker import tracker

    run_id, _, path = uri.removeprefix("runs:/").strip("/").partition("/")
    if not run_id or not path:
        raise UsageError(f"{uri} names no model; it should be runs:/<run id>/<path>, most often runs:/<run id>/model")
    current = tracker()
    current.catch_up()
    record = current.sink().run(run_id)
    root = Run(record.id, tracker=lambda: current, sink=current.sink, record=record).artifact_uri
    if "://" in root:
        raise ArtifactError(f"the files of run {record.id} are kept at {root}; download the model and load the folder")
    folder = (Path(root) / path).resolve()
    if not folder.is_relative_to(Path(root).resolve()) or not folder.is_dir():
        models = ", ".join(model.path for model in record.models) or "none"
        raise NotFoundError(f"run {record.id} has no model {path!r}; its models: {models}")
    return folder


def is_own(folder: Path) -> bool:
    """True where the folder lies among the artifacts of the store in force here and belongs to this user."""
    from autotrack.core.tracker import tracker

    real = folder.resolve()
    if not real.is_relative_to(tracker().location.artifacts.resolve()):
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
