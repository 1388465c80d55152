"""``autotrack.diff`` and its kin: what is asked of the store in force here, or done to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.core.runs.run import Run

from .client import Client

if TYPE_CHECKING:
    from autotrack.answers.archive.packing import Exported
    from autotrack.answers.archive.unpacking import Imported
    from autotrack.answers.difference import Diff
    from autotrack.answers.graph import Lineage
    from autotrack.core.registered import ModelVersion


def diff(a: Run | str, b: Run | str) -> Diff:
    """Why two runs differ: what went in and what came out, most telling first (runs, ids or prefixes of ids)."""
    return Client().diff(a, b)


def lineage(what: Run | str, *, depth: int = 3) -> Lineage:
    """What a file, table, run or model was made from, and what was made from it (see ``Client.lineage``)."""
    return Client().lineage(what, depth=depth)


def export_runs(
    runs: Run | str | Iterable[Run | str], path: str | os.PathLike[str], *, replace: bool = False
) -> Exported:
    """Writes runs, and all that is needed to understand them, to one file (see ``Client.export_runs``)."""
    return Client().export_runs(runs, path, replace=replace)


def import_runs(path: str | os.PathLike[str]) -> Imported:
    """Takes the runs of such a file into the store in force here, each once (see ``Client.import_runs``)."""
    return Client().import_runs(Path(path))


def register_model(
    model: Run | str | os.PathLike[str],
    name: str,
    *,
    alias: str | None = None,
    tags: Mapping[str, str] | None = None,
    description: str | None = None,
) -> ModelVersion:
    """Makes a model the next version of a registered model (see ``Client.register_model``)."""
    return Client().register_model(model, name, alias=alias, tags=tags, description=description)
