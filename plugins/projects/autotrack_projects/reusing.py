"""Steps that need not run again: their code, parameters, environment and inputs are those of a run that finished.

A step is known by a key over what it is started with. What it reads is not known before; of an earlier run it is, so
that is compared with what lies there now: files, sources outside the project, names in folders, and the environment's
variables. Where it is not known what a run has read (another program did, a shell), the step is run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.plugin import NotFoundError, Sink, attempt, names_in

from .grammar import Project
from .programs import MODULES, is_runner

if TYPE_CHECKING:
    from autotrack.plugin import Run, RunRecord, SessionRecord

    from .commandline import CommandLine

#: On a run of a project: what it was started with.
KEY_TAG = "autotrack.project.key"
#: On a run that stands for an earlier one: that run's id.
REUSED_TAG = "autotrack.reused"
#: On a run of a project: the variables of its environment, as one text.
VARIABLES_TAG = "autotrack.project.variables"
#: On a step that was run though an earlier one has its key: why.
AGAIN_TAG = "autotrack.project.again"
#: Variables of a session, a terminal, a desktop, a job's number, and those that say which run it is.
_PASSING = re.compile(
    r"_?AUTOTRACK_\w+|MLFLOW_(?:RUN_ID|EXPERIMENT_ID|EXPERIMENT_NAME|TRACKING_URI)|PWD|OLDPWD|SHLVL|_|TERM\w*|COLORTERM|"
    r"COLUMNS|LINES|WINDOWID|(?:WAYLAND_)?DISPLAY|XAUTHORITY|SSH_\w+|TMUX\w*|STY|WINDOW|DBUS_\w+|DESKTOP_\w+|"
    r"XDG_(?:SESSION|RUNTIME|VTNR|SEAT|MENU|CURRENT)\w*|SESSION_MANAGER|INVOCATION_ID|JOURNAL_STREAM|GPG_\w+|LS_COLORS|"
    r"LSCOLORS|LESS\w*|PAGER|EDITOR|VISUAL|PS[0-4]|HIST\w+|PROMPT\w*|VTE_VERSION|KONSOLE_\w+|ITERM\w*|VSCODE_\w+|"
    r"PYTEST_\w+|SLURM_\w*(?:JOB|STEP|TASK)_?(?:ID|PID|NAME)\w*|SLURM_TASK_PID"
)
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
    project: Project,
    entry_point: str,
    values: Mapping[str, str],
    contents: Mapping[str, str],
    environment: str,
    backend: str,
) -> str | None:
    """What a step is started with, as one text; None for a project that is too large.

    ``values`` are its parameters, ``contents`` stand for those that are files of runs, ``environment`` for packages.
    """
    code = _code(project.folder)
    if code is None:
        return None
    inputs = {name: contents.get(name) or content_of(value) or value for name, value in values.items()}
    what = {"code": code, "entry": entry_point, "inputs": inputs, "environment": environment, "backend": backend}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def variables_of(environment: Mapping[str, str], ignored: Iterable[str] = ()) -> str:
    """The variables that a program is started with as one text, which tells none of them."""
    left_out = frozenset(ignored)
    kept = {name: value for name, value in environment.items() if name not in left_out and not _PASSING.fullmatch(name)}
    text = json.dumps(sorted(kept.items())).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()


def earlier_run(
    sink: Sink, key: str, folder: Path, contents: Mapping[str, str], command: CommandLine, variables: str
) -> tuple[RunRecord | None, str | None]:
    """The newest run with that key that finished, has kept all that it logged, and read what lies there now.

    Where there is one with that key that does not do, it is said why the newest of them does not.
    """
    why = None
    for record in sink.runs(f"tags.\"{KEY_TAG}\" = '{key}' and status = 'FINISHED'", max_results=_EARLIER):
        doubt = next(_doubts(sink, record, folder, contents, command, variables), None)
        if doubt is None:
            return record, None
        why = why or f"run {record.id[:8]} does not stand for it: {doubt}"
    return None, why


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
        folders[:] = sorted(name for name in folders if not _is_skipped(name))
        for name in sorted(names):
            if not _is_code(name):
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


def _is_code(name: str) -> bool:
    return Path(name).suffix in _CODE or name.lower() in _NAMED


def _is_skipped(folder: str) -> bool:
    return folder in _SKIPPED or folder.endswith(".egg-info")


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


def _doubts(
    sink: Sink,
    record: RunRecord,
    folder: Path,
    contents: Mapping[str, str],
    command: CommandLine,
    variables: str,
) -> Iterator[str]:
    """Why an earlier run may have done something else, each reason in a few words."""
    module = _module(command.argv)
    if not command.is_python or (module is not None and (module in MODULES or is_runner(module))):
        yield "its command is more than a program of Python, and what else reads is not known"
    if record.tags.get(VARIABLES_TAG) != variables:
        yield "variables of its environment were others; AUTOTRACK_PROJECTS_IGNORED_VARIABLES leaves some out"
    if any(True for _ in sink.runs(f"tags.\"mlflow.parentRunId\" = '{record.id}'", max_results=1)):
        yield "it ran projects itself"
    session = None
    if record.session is not None:
        try:
            session = sink.session(record.session)
        except NotFoundError:
            pass
    beyond = session.parts.get("beyond") if session is not None else None
    if session is None or not beyond:
        yield "what it imported and started is not known"
        return
    yield from _asked_elsewhere(session, beyond)
    base = str(session.data.get("cwd") or "").rstrip("/")
    yield from _changed(sink, record, base, folder, contents)
    yield from _changed_beyond(beyond, base, folder)
    yield from (f"its {file.path} is gone" for file in record.artifacts if not _is_there(sink, record, file.path))


def _asked_elsewhere(session: SessionRecord, beyond: Mapping[str, object]) -> Iterator[str]:
    """What of it nobody saw."""
    programs = beyond.get("programs")
    if isinstance(programs, list) and programs:
        yield f"it started {programs[0]}, and what that read is not known"
    if beyond.get("processes"):
        yield "it had worker processes, and what those read is not known"
    for name in ("files", "network"):
        for part in session.parts.values():
            said = part.get("gaps")
            for gap in said if isinstance(said, list) else ():
                if gap.get("part") == name:
                    yield str(gap.get("what"))


def _changed(sink: Sink, record: RunRecord, base: str, folder: Path, contents: Mapping[str, str]) -> Iterator[str]:
    """Files that it read and that are others now; those of the project that are in the key need no look."""
    given = " ".join(contents.values())
    files = sink.files(sessions=[str(record.session)])
    written = {(file.path, file.sha256) for file in files if file.role == "written"}
    for file in files:
        if file.role != "read" or (file.path, file.sha256) in written or (file.sha256 and file.sha256 in given):
            continue
        if file.sha256 is None or "://" in file.path:
            yield f"what {file.path} was is not known"
        elif not file.path.startswith("/") or _is_in_key(file.path, base):
            continue  # what came with a library, or is in the key
        elif _sha256(_now(file.path, base, folder)) != file.sha256:
            yield f"{file.path}, which it read, is another"


def _changed_beyond(beyond: Mapping[str, object], base: str, folder: Path) -> Iterator[str]:
    sources, folders = beyond.get("sources"), beyond.get("folders")
    for path, digest in sources.items() if isinstance(sources, dict) else ():
        if not _is_in_key(path, base) and (digest is None or _sha256(_now(path, base, folder)) != digest):
            yield f"{path}, which it imported, is another"
    for path, digest in folders.items() if isinstance(folders, dict) else ():
        if digest is None or names_in(str(_now(path, base, folder))) != digest:
            yield f"files in {path}, which it looked through, came or went"


def _now(path: str, base: str, folder: Path) -> Path:
    """Where a file of that run would be now: a project of a repository is somewhere else each time."""
    inside = base and f"{path}/".startswith(f"{base}/")
    return folder / os.path.relpath(path, base) if inside else Path(path)


def _is_in_key(path: str, base: str) -> bool:
    """True for a file of the project's that the key holds."""
    if not base or not path.startswith(f"{base}/") or "/../" in path:
        return False
    *folders, name = path.removeprefix(f"{base}/").split("/")
    return _is_code(name) and not any(map(_is_skipped, folders))


def _module(argv: tuple[str, ...]) -> str | None:
    return argv[argv.index("-m") + 1] if "-m" in argv[:-1] else None


def _is_there(sink: Sink, record: RunRecord, path: str) -> bool:
    opened, _ = attempt(sink.artifacts.open, record.files, path)
    if opened is None:
        return False
    opened.close()
    return True
