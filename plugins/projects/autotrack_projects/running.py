"""Runs a project: fetches it, builds its environment, opens a run, starts the program, ends the run as that ended."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from autotrack.plugin import (
    ProjectError,
    UsageError,
    choose,
    find_store,
    hand_over,
    launched_with,
    open_sink,
    run_for_another,
    secrets_told,
    settings,
)

from . import reusing
from .commandline import CommandLine, command_line
from .containers import variables_of
from .environment import Surroundings, surroundings_for
from .grammar import Project, read_project
from .hiding import hidden_argv, hidden_output, secrets_of
from .jobs import Job, Submitted
from .outputs import Output, fetched
from .parameters import values_for
from .places import Place, opened

if TYPE_CHECKING:
    from autotrack.plugin import Run, Sink

Progress = Callable[[str], None]


def how_it_ended(code: int) -> str:
    """An exit code in words; a negative one is a signal."""
    if code == -signal.SIGKILL:
        return "SIGKILL, as where memory runs out"
    known = -code in set(signal.Signals)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name if known else f"signal {-code}"


class _Store:
    """The store in force, opened when it is asked about: a project that needs nothing of it is not kept waiting."""

    def __init__(self, resources: ExitStack) -> None:
        self._resources = resources
        self._sink: Sink | None = None

    def sink(self) -> Sink:
        """What answers, with all that this machine has recorded for it so far."""
        if self._sink is None:
            location = find_store()
            self._sink = self._resources.enter_context(closing(open_sink(location.uri)))
            self._sink.deliver(location.journal)
        return self._sink


class ReusedRun:
    """A step that was not run, since an earlier run did the same. ``run_id`` is that run; ``run`` is the one that says
    so, inside the workflow."""

    exit_code: int | None = 0

    def __init__(self, run: Run, run_id: str, name: str) -> None:
        self.run = run
        self.run_id = run_id
        self.name = name

    def wait(self) -> bool:
        """True: it has finished."""
        return True

    def get_status(self) -> str:
        """``FINISHED``."""
        return "FINISHED"

    def cancel(self) -> None:
        """There is nothing to end."""

    def output(self, path: str) -> Output:
        """A file or folder that it has kept, as a parameter of another run."""
        return Output(self, path)


class SubmittedRun:
    """A run of a project that was started. ``run`` is the run, open until the program has ended."""

    def __init__(
        self,
        run: Run,
        submitted: Submitted,
        name: str,
        console: Path,
        resources: ExitStack,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self.run = run
        self.run_id = run.id
        self.name = name
        self.exit_code: int | None = None
        self._submitted = submitted
        self._console = console
        self._resources = resources
        self._secrets = secrets
        self._cancelled = False
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        #: True where the program was ended because its time was over.
        self.timed_out = False
        #: The backend's name for the job, if it has names.
        self.job: str | None = getattr(submitted, "job", None)

    def end_after(self, seconds: float) -> None:
        """The program is ended once so much time is over; the run is KILLED and says why."""
        self._timer = threading.Timer(seconds, self._expire, (seconds,))
        self._timer.daemon = True
        self._timer.start()

    def standing(self) -> str:
        """How the job stands, in its backend's own words; else as ``get_status()`` has it."""
        said = getattr(self._submitted, "standing", None)
        return str(said()) if said is not None and self.exit_code is None else self.get_status()

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

    def output(self, path: str) -> Output:
        """A file or folder that it keeps, as a parameter of another run, which waits for it."""
        return Output(self, path)

    def cancel(self) -> None:
        """Ends the program with all that it has started; the run is KILLED. One that has ended stays as it is."""
        if self.exit_code is not None:
            return
        self._cancelled = True
        self._submitted.cancel()
        self.wait()

    def _expire(self, seconds: float) -> None:
        if self.exit_code is not None or self._submitted.poll() is not None:
            return
        self.timed_out = self._cancelled = True
        self.run.set_tag("autotrack.project.timeout", f"ended after {seconds:g} s")
        self._submitted.cancel()

    def _status(self) -> str:
        code = self.exit_code or 0
        if self._cancelled or code < 0 or code == 130:
            return "KILLED"
        return "FAILED" if code else "FINISHED"

    def _end(self, code: int) -> None:
        self.exit_code = code
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self._console.is_file() and self._console.stat().st_size:
                kept, is_masked = hidden_output(self._console, self._secrets)
                self.run.log_artifact(kept, "project/console.txt")
                if is_masked:
                    self.run.note("what looks like a secret is kept as *** in project/console.txt")
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
    timeout: float | None = None,
    synchronous: bool = True,
    shown: bool = True,
    cache: bool = True,
    progress: Progress = lambda said: None,
) -> SubmittedRun | ReusedRun:
    """Runs an entry point of the project at ``uri`` (a folder, a zip archive, or a repository, ``#folder`` inside it).

    It is a run of its own, a child of the one that is active here; what its program logs and trains joins it.
    ProjectError where the program fails, unless ``synchronous`` is False: then it is asked with ``wait()``.

    A value may be an output of another run (``run.output("data.csv")``), which is waited for. A step, a run inside
    another, for which an earlier run did the same is not run again, unless ``cache`` is False: that run stands for it.
    A program that takes longer than ``timeout`` (seconds) is ended, and its run is KILLED.
    """
    if timeout is not None and not 0 < timeout < threading.TIMEOUT_MAX:
        raise UsageError(f"timeout must be a number of seconds above 0, not {timeout!r:.30}")
    given = {str(key): _text(str(key), value) for key, value in (parameters or {}).items()}
    resources = ExitStack()
    try:
        place = resources.enter_context(opened(uri, version, progress))
        project = read_project(place.folder)
        entry = project.entry_point(entry_point)
        files = Path(resources.enter_context(TemporaryDirectory(prefix="autotrack-own-")))
        store = _Store(resources)
        # Not among our own temporary files, of which nobody is told what reads them.
        inputs = Path(resources.enter_context(TemporaryDirectory(prefix="autotrack-inputs-")))
        local, contents = fetched(entry.parameters, given, store.sink, inputs)
        values = values_for(entry.parameters, local, entry_point=entry_point, project=place.folder)
        logged = {**values.all, **{key: given[key] for key in contents}}
        command = command_line(entry, values)
        secrets = secrets_of({**given, **values.all})
        command = replace(command, variables={**command.variables, **secrets_told(secrets)})
        in_container = project.docker is not None and env in ("auto", "docker")
        surroundings = surroundings_for(project, "local" if in_container else env, progress)
        console = files / "console.txt"
        title = project.name or place.title
        run = run_for_another(name or f"{title}/{entry_point}", experiment, tags, parent)
        key = why = None
        if cache and settings("projects")["reuse"] and run.parent is not None and not in_container:
            packages = surroundings.built.key if surroundings.built is not None else reusing.packages()
            key = reusing.key_of(project, entry_point, values.all, contents, packages, backend)
            surrounding = reusing.variables_of(os.environ, settings("projects")["ignored_variables"])
            record = None
            if key is not None:
                record, why = reusing.earlier_run(store.sink(), key, place.folder, contents, command, surrounding)
            if why is not None:
                progress(f"{title}/{entry_point} is run: {why}")
            if record is not None:
                reusing.stand_in(run, record, logged)
                resources.close()
                progress(f"{title}/{entry_point}: run {record.id[:8]} did the same, and stands for it")
                return ReusedRun(run, record.id, title)
        try:
            _describe(run, place, project, entry_point, logged, surroundings, backend, command, secrets)
            if key is not None:
                run.set_tags({reusing.KEY_TAG: key, reusing.VARIABLES_TAG: surrounding})
            if why is not None:
                run.set_tag(reusing.AGAIN_TAG, why)
            variables = _variables(run, surroundings, command, place.folder)
            own = {**hand_over(run), **command.variables}
            if in_container and project.docker is not None:
                own = {**variables_of(project.docker), **own}
                variables = dict(os.environ)
            job = Job(
                run.id,
                title,
                command.argv,
                variables,
                place.folder,
                console,
                shown,
                dict(backend_config or {}),
                own,
                project.docker if in_container else None,
                inputs,
            )
            submitted = choose("submit_project", backend=backend, job=job)
            if submitted is None:
                raise UsageError(f"no plugin runs projects on {backend!r:.60}; local is always there")
        except BaseException as error:
            run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", error, None)
            raise
    except BaseException:
        resources.close()
        raise
    started = SubmittedRun(run, submitted, title, console, resources, secrets)
    try:
        if started.job is not None:
            run.set_tag("autotrack.project.job", started.job)
        if timeout is not None:
            started.end_after(timeout)
    except BaseException:
        started.cancel()
        raise
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
        if started.timed_out:
            raise ProjectError(
                f"{started.name} was ended, its time was over; see `autotrack runs show {started.run_id[:8]}`"
            )
        how = f"{'was ended by' if code < 0 else 'ended with'} {how_it_ended(code)}"
        raise ProjectError(f"{started.name} {how}; `autotrack runs show {started.run_id[:8]}` has what it logged")


def _text(name: str, value: Any) -> str:
    if isinstance(value, Output):
        return str(value)
    if isinstance(value, bool | int | float | str | os.PathLike):
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    raise UsageError(f"parameter {name} must be text or a number, not {type(value).__name__}")


def _describe(
    run: Run,
    place: Place,
    project: Project,
    entry_point: str,
    values: Mapping[str, str],
    surroundings: Surroundings,
    backend: str,
    command: CommandLine,
    secrets: tuple[str, ...],
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
    # A value that is no Unicode reaches the program as it is; on the run, its bytes are spelled.
    run.log_params({name: value.encode("utf-8", "backslashreplace").decode() for name, value in values.items()})
    built = surroundings.built
    if built is not None:
        tags["autotrack.project.environment"] = built.key
        run.log_text(built.lock, "project/environment.lock.json")
        for said in built.left_out:
            run.note(f"environment: left out {said}")
    run.set_tags({key: value for key, value in tags.items() if value is not None})
    run.log_text(json.dumps(hidden_argv(command.argv, secrets)), "project/command.json")


def _variables(run: Run, surroundings: Surroundings, command: CommandLine, folder: Path) -> dict[str, str]:
    variables = {**surroundings.variables, **hand_over(run), **command.variables}
    behind = None
    if not surroundings.is_own:
        from autotrack.plugin import environments

        behind = str(environments.folder_behind())
    return launched_with(variables, folder=str(folder), behind=behind, by_lines=True)
