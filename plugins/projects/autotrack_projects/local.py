"""The local backend: a process of this machine, its output shown and kept, ended with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from autotrack.plugin import ProjectError

from .jobs import Job

#: Bytes of a program's output that are kept: of its beginning, and of its end.
KEPT = 1 << 20
#: Seconds that a program has to end after it was asked to.
GRACE = 5.0


class LocalProcess:
    """A program of a project that runs here."""

    def __init__(self, job: Job) -> None:
        try:
            self._process = subprocess.Popen(
                job.argv,
                cwd=job.folder,
                env=dict(job.variables),
                stdin=None if job.shown else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=not job.shown,
            )
        except OSError as error:
            program = job.argv[0] if error.filename == job.argv[0] or error.filename is None else error.filename
            raise ProjectError(f"{job.name} cannot be started: {program}: {error.strerror}") from None
        self._shown = job.shown
        assert self._process.stdout is not None
        self._reader = threading.Thread(
            target=_keep, args=(self._process.stdout, job.console, job.shown), name="autotrack console", daemon=True
        )
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
        """Ends the program and, where it has a group of its own, all in it: asked first, then killed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            with suppress(ProcessLookupError, PermissionError):
                if self._shown:
                    self._process.send_signal(number)
                else:
                    os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)


def _keep(stream: BinaryIO, file: Path, shown: bool) -> None:
    """Copies output to the terminal as it comes; its first and its last part to a file, in bounded memory."""
    terminal = sys.stdout.buffer if shown and hasattr(sys.stdout, "buffer") else None
    left, tail, dropped = KEPT, bytearray(), 0
    with stream, open(file, "wb") as out:
        while block := stream.read1(65536) if hasattr(stream, "read1") else stream.read(65536):
            if terminal is not None:
                with suppress(OSError, ValueError):
                    terminal.write(block)
                    terminal.flush()
            out.write(block[:left])
            out.flush()
            tail += block[left:]
            left = max(0, left - len(block))
            if len(tail) > 2 * KEPT:
                dropped += len(tail) - KEPT
                del tail[:-KEPT]
        if len(tail) > KEPT:
            dropped += len(tail) - KEPT
            del tail[:-KEPT]
        if dropped:
            out.write(f"\n... {dropped:,} bytes left out ...\n".encode())
        out.write(tail)
