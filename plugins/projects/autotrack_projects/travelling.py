"""A job as files that start it: beside the project on a machine with the same files, or anywhere with the project."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.plugin import ProjectError

if TYPE_CHECKING:
    from .jobs import Job

#: Bytes that a project may have where it travels.
LARGEST = 256 << 20
#: Folders that are no part of a project's code.
LEFT = frozenset({".git", ".hg", ".svn", ".autotrack", ".venv", "__pycache__", "mlruns", "node_modules", ".tox"})


def in_place(
    argv: tuple[str, ...], variables: Mapping[str, str], folder: Path, keeping: tuple[str, ...]
) -> dict[str, bytes]:
    """``start.py`` and its ``job.json`` for a machine that has the project's folder at the same place."""
    return _files({"argv": list(argv), "variables": dict(variables), "folder": str(folder), "keeping": list(keeping)})


def packed(job: Job, variables: Mapping[str, str]) -> dict[str, bytes]:
    """``start.py``, ``job.json`` and ``project.zip`` for any machine.

    Values that name something in the project name it from its folder. ProjectError where one names a file that another
    run made, which is here alone, or where the project is too large.
    """
    argv = [_seen_from_there(word, job) for word in job.argv]
    there = {name: _seen_from_there(value, job) for name, value in variables.items()}
    document = {"argv": argv, "variables": there, "folder": None, "keeping": []}
    return {**_files(document), "project.zip": _archive(job.folder)}


def _files(document: Mapping[str, object]) -> dict[str, bytes]:
    start = Path(__file__).with_name("start.py").read_bytes()
    return {"start.py": start, "job.json": json.dumps(document).encode("ascii")}


def _seen_from_there(word: str, job: Job) -> str:
    if job.inputs is not None and word.startswith(f"{job.inputs}{os.sep}"):
        raise ProjectError(
            f"{Path(word).name} was made by another run and is on this machine alone; a project that runs elsewhere "
            "takes it as a URI: declare the parameter as uri or string"
        )
    inside = word == str(job.folder) or word.startswith(f"{job.folder}{os.sep}")
    if "\0" in word or not inside or len(word) > 4096 or not Path(word).exists():
        return word
    return os.path.relpath(word, job.folder)


def _archive(folder: Path) -> bytes:
    buffer, size = io.BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _sources(folder):
            size += file.stat().st_size
            if size > LARGEST:
                raise ProjectError(
                    f"the project in {folder} has more than {LARGEST >> 20} MiB, too much to travel with a job; "
                    "keep data outside it and name them by a URI"
                )
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())  # no times: equal projects, equal archives
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _sources(folder: Path) -> Iterator[Path]:
    """The regular files of a project, and links to some of them."""
    root = folder.resolve()
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT)
        for name in sorted(names):
            file = Path(place, name)
            if file.is_file() and file.resolve().is_relative_to(root):
                yield file
