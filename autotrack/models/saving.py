"""Models into folders: the flavor writes its files, the rest of the folder is written here, once for all flavors."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autotrack.core.errors import UsageError
from autotrack.core.flavor import Flavor

from .environment import distributions_of, environment_files
from .flavors import require_flavor
from .mlmodel import NAME, describe
from .registered import chosen_flavor, registered_flavors


def save_model(
    model: Any, path: str | Path, *, flavor: str | None = None, flavors: Iterable[Flavor] | None = None
) -> Path:
    """Saves a model as a folder that ``load_model`` and MLflow load, and answers the folder.

    The folder appears complete or not at all. UsageError where it exists already or no plugin can save the model.
    ``flavors`` are those to choose from (by default all that the plugins bring).
    """
    target = Path(path)
    if target.exists():
        raise UsageError(f"{target} exists already; save the model under another name, or remove it first")
    if flavors is None:
        flavors, flavor = registered_flavors(), flavor or chosen_flavor(model)
    chosen = require_flavor(model, flavors, flavor)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        fill(model, chosen, staging)
        staging.rename(target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return target


def fill(
    model: Any, flavor: Flavor, folder: Path, *, path: str | None = None, run_id: str | None = None
) -> dict[str, int]:
    """Writes the model's whole folder into an existing empty one; answers its files with their sizes in bytes."""
    entry = dict(flavor.save(model, folder))
    modules = entry.pop("modules", ())
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    files = dict(environment_files(distributions_of(flavor.packages, [type(model).__module__, *modules])))
    files[NAME] = describe(flavor, entry, size=size, path=path, run_id=run_id)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size for file in sorted(folder.rglob("*")) if file.is_file()
    }
