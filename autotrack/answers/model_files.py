"""Models by the contents of their files: which of them somebody has loaded who read some contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from autotrack.core.entities import ModelRecord, RunRecord


def chosen(
    models: Iterable[tuple[RunRecord, ModelRecord]], contents: set[str], *, self_of: str | None = None
) -> list[tuple[RunRecord, ModelRecord]]:
    """The models that somebody who read those contents has loaded.

    Models share small files (requirements), so the largest file must be among the contents; of several models with the
    same one, those count of which more was read, down to the papers that name the very run.
    """
    fitting: dict[str, list[tuple[int, RunRecord, ModelRecord]]] = defaultdict(list)
    for run, model in models:
        if run.id == self_of:
            continue
        files = [file for file in run.artifacts if file.path.startswith(f"{model.path}/")]
        largest = max(files, key=lambda file: (file.size, file.path))
        if largest.sha256 in contents:
            read = sum(file.sha256 in contents for file in files)
            fitting[largest.sha256].append((read, run, model))
    found = []
    for same in fitting.values():
        most = max(read for read, _, _ in same)
        found += [(run, model) for read, run, model in same if read == most]
    return found


def contents_of(run: RunRecord, model: ModelRecord) -> frozenset[str]:
    """The contents (sha256) of a model folder's files."""
    return frozenset(file.sha256 for file in run.artifacts if file.path.startswith(f"{model.path}/"))
