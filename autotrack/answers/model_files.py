"""Models by the contents of their files: which of them somebody has loaded who read some contents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from autotrack.core.entities import ArtifactRecord, ModelRecord, RunRecord

#: Files of a model folder that name the very model: its run, its time, all the other files.
PAPERS = frozenset({"MLmodel", "manifest.json"})
#: What may stand beside another model, too, that was trained on the same table or with the same packages.
_BESIDE = frozenset(
    "requirements.txt conda.yaml python_env.yaml input_example.json serving_input_example.json golden.json "
    "profile.json registered_model_meta mlflow_model.py".split()
)
#: The folder of code that was saved with a model.
_CODE = "code/"


class _Fitting(NamedTuple):
    read: frozenset[str]
    run: RunRecord
    model: ModelRecord


def chosen(
    models: Iterable[tuple[RunRecord, ModelRecord]], contents: set[str], *, self_of: str | None = None
) -> list[tuple[RunRecord, ModelRecord]]:
    """The models that somebody who read those contents has loaded.

    A model was loaded where what names it was read, or the file that holds most of it. Of models of which one's files
    that were read are among another's, that other one is meant; equal ones cannot be told apart, and all count.
    """
    fitting: list[_Fitting] = []
    for run, model in models:
        files = {} if run.id == self_of else _files_of(run, model)
        if any(files[name].sha256 in contents for name in PAPERS & files.keys()) or _weights(files) in contents:
            read = frozenset(file.sha256 for file in files.values() if file.sha256 in contents)
            fitting.append(_Fitting(read, run, model))
    every = {each.read for each in fitting}
    best = {read for read in every if not any(read < other for other in every)}
    return [(each.run, each.model) for each in fitting if each.read in best]


def _weights(files: dict[str, ArtifactRecord]) -> str | None:
    """The content of the flavor's own file: the largest of those that belong to no other model. Of a model that is
    nothing but code, that of its code."""
    own = [(name, file) for name, file in files.items() if name not in PAPERS and name not in _BESIDE and file.size]
    data = [(name, file) for name, file in own if not name.startswith(_CODE)] or own
    return max(data, key=lambda each: (each[1].size, each[0]))[1].sha256 if data else None


def _files_of(run: RunRecord, model: ModelRecord) -> dict[str, ArtifactRecord]:
    """The files of a model's folder by their path in it."""
    folder = f"{model.path}/"
    return {file.path.removeprefix(folder): file for file in run.artifacts if file.path.startswith(folder)}


def contents_of(run: RunRecord, model: ModelRecord) -> frozenset[str]:
    """The contents (sha256) of a model folder's files."""
    return frozenset(file.sha256 for file in _files_of(run, model).values())
