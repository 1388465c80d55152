"""Running the Python code that a model brings: only where somebody vouches for it, and without hiding anything."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.core.guard import attempt
from autotrack.core.locks import Lock

from .environment import distribution_of

_one_at_a_time = Lock()


def load_class(file: Path, name: str, folders: Sequence[Path], trust: bool) -> Any:
    """The class of that name in a Python file, which is run with ``folders`` importable.

    UntrustedModelError unless ``trust``; ArtifactError where the code cannot be run or has no such class. Modules that
    come out of the folders are the model's alone: another model, and the program, may have others of the same name.
    """
    if not trust:
        raise UntrustedModelError(
            f"the model's code, {file}, would run here. If you know who made it, load it with "
            f"autotrack.load_model(..., trust=True)"
        )
    names = {place.stem for folder in folders for place in folder.iterdir()} - {file.stem}
    hidden = shadowed(names) if all(folder.name == "code" for folder in folders) else []
    if hidden:
        raise ArtifactError(f"the model's code brings {hidden[0]}, which would hide an installed or standard module")
    with _one_at_a_time, _importable(folders, names):
        module, error = attempt(_run, file)
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


def _run(file: Path) -> Any:
    # A name of its own, kept in sys.modules: dataclasses and type hints look their module up there.
    spec = importlib.util.spec_from_file_location(f"autotrack_model_{os.urandom(6).hex()}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


@contextlib.contextmanager
def _importable(folders: Sequence[Path], names: set[str]) -> Iterator[None]:
    """The folders first on the path, for a while; the program's own modules of the same names are laid aside."""
    places = [str(folder.resolve()) for folder in folders]
    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_own(name, names)}
    before, quiet = set(sys.modules), sys.dont_write_bytecode
    sys.path[:0] = places
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = quiet
        for place in places:
            with contextlib.suppress(ValueError):
                sys.path.remove(place)
        for name in set(sys.modules) - before:
            origin = getattr(sys.modules[name], "__file__", None) or ""
            if name.partition(".")[0] in names and origin.startswith(tuple(places)):
                del sys.modules[name]
        sys.modules.update(aside)


def _is_own(name: str, names: set[str]) -> bool:
    top = name.partition(".")[0]
    return top in names and top not in sys.stdlib_module_names and distribution_of(top) is None
