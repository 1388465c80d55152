"""The backend ``local``: a program of this machine, its output shown and kept, ended with all that it has started."""

from __future__ import annotations

import atexit
import os
import selectors
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress

from autotrack.plugin import ProjectError, family

from .jobs import Job

#: Seconds for which output may stay away, and may go on, once the program has ended and left behind what could write.
IDLE, LAST = 0.2, 2.0
#: Seconds for which a terminal that is slow may keep the end of a run waiting.
LONGEST = 60.0
_BLOCK = 65536
#: Those that were started here; who has forked this process answers for its own.
_started: weakref.WeakSet[LocalProcess] = weakref.WeakSet()


class LocalProcess:
    """A program of a project that runs here."""

    def __init__(self, job: Job) -> None:
        argv, variables = job.on_a_machine()
        self._job = job
        self._starter = os.getpid()
        self._kept = threading.Event()
        self._woken, self._waking = os.pipe()
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=job.folder,
                env=family.marked(variables, job.run_id),
                stdin=None if job.shown else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=not job.shown,
            )
        except OSError as error:
            os.close(self._waking)
            os.close(self._woken)
            program = argv[0] if error.filename == argv[0] or error.filename is None else error.filename
            raise ProjectError(f"{job.name} cannot be started: {program}: {error.strerror}") from None
        self._lock = threading.Lock()
        if not _started:
            atexit.unregister(_end_all)
            atexit.register(_end_all)  # before what ends the runs of this process, which were there first
        _started.add(self)
        try:
            threading.Thread(target=self._read, name="autotrack console", daemon=True).start()
        except BaseException:  # no memory for a thread, or an interrupt
            self.cancel()
            raise

    def wait(self) -> int:
        """The exit code, once the program has ended and its output is kept."""
        code = self._process.wait()
        with self._lock:
            if self._waking >= 0:
                with suppress(BrokenPipeError):  # the reader has come to the end already
                    os.write(self._waking, b"\0")  # else it is not to wait for what the program has left behind
                os.close(self._waking)
                self._waking = -1
        self._kept.wait(LONGEST)
        return code

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return None if self._process.poll() is None else self.wait()

    def cancel(self) -> None:
        """Ends the program and all that it has started: asked first, then killed."""
        family.end(self._process, self._job.run_id)
        if self._job.docker is not None:
            from .containers import end_container

            end_container(self._job.run_id)

    def end_if_running(self) -> None:
        """Ends it where this process has started it and it has not ended."""
        if self._starter == os.getpid() and self._process.poll() is None:
            self.cancel()

    def _read(self) -> None:
        assert self._process.stdout is not None
        stream = self._process.stdout
        try:
            self._job.keep_output(self._blocks(stream.fileno()))
        finally:
            self._kept.set()
            os.close(self._woken)
        with stream:  # what the program left behind is not to be ended by a pipe that nobody reads
            while os.read(stream.fileno(), _BLOCK):
                pass

    def _blocks(self, descriptor: int) -> Iterator[bytes]:
        """What is written, until nobody can write any more, or the program has ended and nothing comes."""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            deadline: float | None = None
            while ready := selector.select(None if deadline is None else min(IDLE, deadline - time.monotonic())):
                if any(key.fd == self._woken for key, _ in ready):
                    selector.unregister(self._woken)
                    deadline = time.monotonic() + LAST
                if any(key.fd == descriptor for key, _ in ready):
                    block = os.read(descriptor, _BLOCK)
                    if not block:
                        return
                    yield block


def _end_all() -> None:
    """At the end of this process: what it has not waited for ends with it, as the runs do."""
    for process in list(_started):
        process.end_if_running()
