"""Steps that need not run again: their code, parameters, environment and inputs are those of a run that finished.

A step is known by a key over what it is started with. Which files it reads is not known before; of an earlier run it
is, so those are compared with what lies there now.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.plugin import Sink, attempt

from .grammar import Project

if TYPE_CHECKING:
    from autotrack.plugin import Run, RunRecord

#: On a run of a project: what it was started with.
KEY_TAG = "autotrack.project.key"
#: On a run that stands for an earlier one: that run's id.
REUSED_TAG = "autotrack.reused"
#: Files of a project that decide what it does; what else it reads is an input.
_CODE = frozenset(
    ".py .pyx .sh .r .R .ipynb .yaml .yml .toml .cfg .ini .sql .jl .c .cpp .h .cu .proto .jinja .j2 .lock".split()
)
_NAMED = frozenset({"mlproject", "requirements.txt", "makefile", "dockerfile"})
_SKIPPED = frozenset({".git", ".autotrack", "__pycache__", "node_modules", ".venv", "mlruns", ".ipynb_checkpoints"})
#: Files of code, beyond which a project is too large to be known by them.
_MOST = 20_000
#: Earlier runs with the same key that are looked at, the newest.
_EARLIER = 20


def key_of(
    project: Project, entry_point: str, values: Mapping[str, str], contents: Mapping[str, str], environment: str
) -> str | None:
    """What a step is started with, as one text; None for a project that is too large.

    ``values`` are its parameters, ``contents`` stand for those that are files of runs, ``environment`` for packages.
    """
    code = _code(project.folder)
    if code is None:
        return None
    inputs = {name: contents.get(name) or content_of(value) or value for name, value in values.items()}
    what = {"code": code, "entry": entry_point, "inputs": inputs, "environment": environment}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def earlier_run(sink: Sink, key: str, folder: Path, contents: Mapping[str, str]) -> RunRecord | None:
    """The newest run with that key that finished, has kept all that it logged, and read what lies there now."""
    for record in sink.runs(f"tags.\"{KEY_TAG}\" = '{key}' and status = 'FINISHED'", max_results=_EARLIER):
        if _reads_the_same(sink, record, folder, contents) and all(
            _is_there(sink, record, f.path) for f in record.artifacts
        ):
            return record
    return None


def stand_in(run: Run, record: RunRecord, values: Mapping[str, str]) -> None:
    """Writes down, as a run that ends at once, that an earlier one was taken for a step."""
    run.log_params(values)
    run.set_tag(REUSED_TAG, record.id)
    run.end("FINISHED", None, 0)


def packages() -> str:
    """The packages of this Python, as one text."""
    from importlib.metadata import distributions

    found = sorted({f"{each.metadata['Name']}=={each.version}" for each in distributions()})
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _code(folder: Path) -> str | None:
    digest = hashlib.sha256()
    count = 0
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.endswith(".egg-info"))
        for name in sorted(names):
            if Path(name).suffix not in _CODE and name.lower() not in _NAMED:
                continue
            count += 1
            if count > _MOST:
                return None
            path = Path(root, name)
            content, _ = attempt(path.read_bytes)
            if content is not None:
                digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def content_of(value: str) -> str | None:
    """The sha256 of the file, or of the files in the folder, that a value names; None where it names none."""
    path = Path(value)
    if not value.startswith("/") or not path.exists():
        return None
    if path.is_file():
        return _sha256(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())[:_MOST]
    return hashlib.sha256(repr([(str(f.relative_to(path)), _sha256(f)) for f in files]).encode()).hexdigest()


def _sha256(path: Path) -> str | None:
    def read() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return attempt(read)[0]


def _reads_the_same(sink: Sink, record: RunRecord, folder: Path, contents: Mapping[str, str]) -> bool:
    if record.session is None:
        return False
    base = str(sink.session(record.session).data.get("cwd") or "")
    given = " ".join(contents.values())
    files = sink.files(sessions=[record.session])
    written = {(file.path, file.sha256) for file in files if file.role == "written"}
    for file in files:
        if file.role != "read" or (file.path, file.sha256) in written or Path(file.path).suffix in _CODE:
            continue
        if file.sha256 is None:
            return False  # nobody knows what it was
        if file.sha256 in given or not file.path.startswith("/"):
            continue
        inside = base and file.path.startswith(base.rstrip("/") + "/")
        now = folder / os.path.relpath(file.path, base) if inside else Path(file.path)
        if _sha256(now) != file.sha256:
            return False
    return True


def _is_there(sink: Sink, record: RunRecord, path: str) -> bool:
    opened, _ = attempt(sink.artifacts.open, record.files, path)
    if opened is None:
        return False
    opened.close()
    return True
