"""Runs a project: fetches it, builds its environment, opens a run, starts the program, ends the run as that ended."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autotrack.plugin import ProjectError, UsageError, choose, environments, hand_over, launched_with, run_for_another

from .commandline import CommandLine, command_line
from .containers import container_command, variables_of
from .environment import Surroundings, surroundings_for
from .grammar import Project, read_project
from .jobs import Job, Submitted
from .parameters import Values, values_for
from .places import Place, opened

if TYPE_CHECKING:
    from autotrack.plugin import Run

Progress = Callable[[str], None]


class SubmittedRun:
    """A run of a project that was started. ``run`` is the run, open until the program has ended."""

    def __init__(self, run: Run, submitted: Submitted, name: str, console: Path, resources: ExitStack) -> None:
        self.run = run
        self.run_id = run.id
        self.name = name
        self.exit_code: int | None = None
        self._submitted = submitted
        self._console = console
        self._resources = resources
        self._cancelled = False
        self._lock = threading.Lock()

    def wait(self) -> bool:
        """True where the program ended with 0. The run has ended when this returns."""
        code = self._submitted.wait()
        with self._lock:
            if self.exit_code is None:
                self._end(code)
        return self.exit_code == 0

    def get_status(self) -> str:
        """``RUNNING``, ``FINISHED``, ``FAILED`` or ``KILLED``."""
        if self.exit_code is None and self._submitted.poll() is None:
            return "RUNNING"
        self.wait()
        return self._status()

    def cancel(self) -> None:
        """Ends the program; the run is KILLED."""
        self._cancelled = self.exit_code is None
        self._submitted.cancel()
        self.wait()

    def _status(self) -> str:
        code = self.exit_code or 0
        if self._cancelled or code < 0 or code == 130:
            return "KILLED"
        return "FAILED" if code else "FINISHED"

    def _end(self, code: int) -> None:
        self.exit_code = code
        try:
            if self._console.is_file() and self._console.stat().st_size:
                self.run.log_artifact(self._console, "project/console.txt")
            self.run.set_tag("autotrack.project.exit_code", code)
            self.run.end(self._status(), None, code if code >= 0 else None)
        finally:
            self._resources.close()


def run_project(
    uri: str,
    entry_point: str = "main",
    parameters: Mapping[str, Any] | None = None,
    *,
    version: str | None = None,
    experiment: str | None = None,
    name: str | None = None,
    env: str = "auto",
    backend: str = "local",
    backend_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: str | None = None,
    synchronous: bool = True,
    shown: bool = True,
    progress: Progress = lambda said: None,
) -> SubmittedRun:
    """Runs an entry point of the project at ``uri`` (a folder, a zip archive, or a repository, ``#folder`` inside it).

    It is a run of its own, a child of the one that is active here; what its program logs and trains joins it.
    ProjectError where the program fails, unless ``synchronous`` is False: then it is asked with ``wait()``.
    """
    given = {str(key): _text(str(key), value) for key, value in (parameters or {}).items()}
    resources = ExitStack()
    try:
        place = resources.enter_context(opened(uri, version, progress))
        project = read_project(place.folder)
        entry = project.entry_point(entry_point)
        values = values_for(entry.parameters, given, entry_point=entry_point, project=place.folder)
        command = command_line(entry, values)
        in_container = project.docker is not None and env in ("auto", "docker")
        surroundings = surroundings_for(project, "local" if in_container else env, progress)
        console = Path(resources.enter_context(TemporaryDirectory(prefix="autotrack-own-"))) / "console.txt"
        title = project.name or place.title
        run = run_for_another(name or f"{title}/{entry_point}", experiment, tags, parent)
        try:
            _describe(run, place, project, entry_point, values, surroundings, backend, command)
            variables = _variables(run, surroundings, command, place.folder)
            argv = command.argv
            if in_container and project.docker is not None:
                ours = {**variables_of(project.docker), **hand_over(run), **command.variables}
                argv = container_command(project.docker, argv, ours, place.folder, run.id)
                variables = {**os.environ, **ours}
            job = Job(run.id, title, argv, variables, place.folder, console, shown, dict(backend_config or {}))
            submitted = choose("submit_project", backend=backend, job=job)
            if submitted is None:
                raise UsageError(f"no plugin runs projects on {backend!r:.60}; local is always there")
        except BaseException as error:
            run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", error, None)
            raise
    except BaseException:
        resources.close()
        raise
    started = SubmittedRun(run, submitted, title, console, resources)
    if synchronous:
        finish(started)
    return started


def finish(started: SubmittedRun) -> None:
    """Waits for a run; ProjectError where it failed. An interrupt ends the program, too."""
    try:
        succeeded = started.wait()
    except KeyboardInterrupt:
        started.cancel()
        raise
    if not succeeded:
        code = started.exit_code or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise ProjectError(f"{started.name} {how}; `autotrack runs show {started.run_id[:8]}` has what it logged")


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool | int | float | str | os.PathLike):
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    raise UsageError(f"parameter {name} must be text or a number, not {type(value).__name__}")


def _describe(
    run: Run,
    place: Place,
    project: Project,
    entry_point: str,
    values: Values,
    surroundings: Surroundings,
    backend: str,
    command: CommandLine,
) -> None:
    """Writes down what runs: MLflow's own tags, so that its clients and ours find the same."""
    tags: dict[str, Any] = {
        "autotrack.project": project.name or place.title,
        "mlflow.project.entryPoint": entry_point,
        "mlflow.project.env": "docker" if project.docker is not None else surroundings.kind,
        "mlflow.project.backend": backend,
        "mlflow.source.name": place.source,
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": place.commit,
        "mlflow.source.git.repoURL": place.repository,
        "mlflow.source.git.branch": place.branch,
        "mlflow.parentRunId": run.parent.id if run.parent is not None else None,
    }
    run.log_params(values.all)
    built = surroundings.built
    if built is not None:
        tags["autotrack.project.environment"] = built.key
        run.log_text(built.lock, "project/environment.lock.json")
        for said in built.left_out:
            run.note(f"environment: left out {said}")
    run.set_tags({key: value for key, value in tags.items() if value is not None})
    run.log_text(json.dumps(list(command.argv)), "project/command.json")


def _variables(run: Run, surroundings: Surroundings, command: CommandLine, folder: Path) -> dict[str, str]:
    variables = {**surroundings.variables, **hand_over(run), **command.variables}
    variables.setdefault("PYTHONUNBUFFERED", "1")  # the output goes through a pipe, and is to come as it is written
    behind = None if surroundings.is_own else str(environments.folder_behind())
    return launched_with(variables, folder=str(folder), behind=behind)
