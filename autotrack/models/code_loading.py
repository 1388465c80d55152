"""Running the Python code that a model brings: only where somebody vouches for it, and without hiding anything."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.core.guard import attempt

from .environment import distribution_of
from .own_modules import importable, run


def load_class(file: Path, name: str, folders: Sequence[Path], trust: bool) -> Any:
    """The class of that name in a Python file, which is run with what is in ``folders`` importable, now and later.

    UntrustedModelError unless ``trust``; ArtifactError where the code cannot be run or has no such class. Modules that
    come out of the folders are the model's alone: another model, and the program, may have others of the same name.
    """
    if not trust:
        raise UntrustedModelError(
            f"the model's code, {file}, would run here. If you know who made it, load it with "
            f"autotrack.load_model(..., trust=True)"
        )
    packed = all(folder.name == "code" for folder in folders)
    names = {place.stem for folder in folders for place in folder.iterdir()} - {file.stem}
    hidden = shadowed(names) if packed else []
    if hidden:
        raise ArtifactError(f"the model's code brings {hidden[0]}, which would hide an installed or standard module")
    own = filter(_may_be_own, importable(folders, packed))
    module, error = attempt(run, file, folders, own)
    if module is None:
        raise ArtifactError(f"the model's code, {file}, cannot be run: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise ArtifactError(f"the model's code, {file}, has no class {name}")
    return found


def shadowed(names: Iterable[str]) -> list[str]:
    """Those names that the standard library or an installed distribution has already."""
    return sorted(
        name
        for name in set(names)
        if name.isidentifier() and (name in sys.stdlib_module_names or distribution_of(name) is not None)
    )


def _may_be_own(name: str) -> bool:
    return name not in sys.stdlib_module_names and distribution_of(name) is None
