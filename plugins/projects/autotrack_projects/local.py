"""The local backend: a process of this machine, its output shown and kept, ended with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from autotrack.plugin import ProjectError

from .jobs import Job

#: Seconds that a program has to end after it was asked to.
GRACE = 5.0


class LocalProcess:
    """A program of a project that runs here."""

    def __init__(self, job: Job) -> None:
        argv, variables = job.on_a_machine()
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=job.folder,
                env=variables,
                stdin=None if job.shown else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=not job.shown,
            )
        except OSError as error:
            program = argv[0] if error.filename == argv[0] or error.filename is None else error.filename
            raise ProjectError(f"{job.name} cannot be started: {program}: {error.strerror}") from None
        self._shown = job.shown
        assert self._process.stdout is not None
        blocks = _blocks(self._process.stdout)
        self._reader = threading.Thread(target=job.keep_output, args=(blocks,), name="autotrack console", daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """The exit code, once the program has ended and its output is kept."""
        code = self._process.wait()
        self._reader.join(GRACE)  # a program that it left behind may hold the pipe for ever
        return code

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return None if self._process.poll() is None else self.wait()

    def cancel(self) -> None:
        """Ends the program and all that it has started: asked first, then killed."""
        family = _descendants(self._process.pid) if self._shown else []
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    if self._shown:
                        self._process.send_signal(number)
                    else:
                        os.killpg(self._process.pid, number)
            for pid, born in family:
                if _born(pid) == born:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while block := stream.read1(65536) if hasattr(stream, "read1") else stream.read(65536):
            yield block


def _descendants(pid: int) -> list[tuple[int, str]]:
    """The processes below one, with the moment of their birth, by which they are known again. Linux only."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        said = _stat(int(entry.name))
        if said:
            children.setdefault(int(said[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += [(child, _born(child)) for child in below]
        waiting += below
    return found


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process, as /proc has them; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _born(pid: int) -> str:
    said = _stat(pid)
    return said[19] if said else ""
