"""A Ray Job: submitted, followed and stopped through Ray's own client."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autotrack.plugin import ProjectError, attempt

from .options import Options, read

#: The whole entry point, for every job. Ray has a shell read it, so nothing of a project's is in it.
ENTRYPOINT = "python start.py"
ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
#: Seconds for which a cluster may be away before its job is given up.
AWAY = 600.0
_CODE = re.compile(r"exit(?:ed)?(?: with)?(?: exit)? code:? (-?\d+)")


def submit(job: Any) -> RayJob:
    """Hands the job to Ray; UsageError for options that it must not have, ProjectError where it cannot be reached."""
    options = read(job.config, os.environ.get("RAY_API_SERVER_ADDRESS"))
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        raise ProjectError("the backend ray needs Ray's client; pip install 'ray[default]'") from None
    with TemporaryDirectory(prefix="autotrack-ray-") as folder:
        for name, content in job.files_to_start_it().items():
            Path(folder, name).write_bytes(content)
        runtime: dict[str, Any] = {"working_dir": folder}
        if options.pip:
            runtime["pip"] = list(options.pip)
        client, error = attempt(JobSubmissionClient, options.address)
        number = None
        if client is not None:
            number, error = attempt(
                client.submit_job,
                entrypoint=ENTRYPOINT,
                submission_id=f"autotrack-{job.run_id}",
                runtime_env=runtime,
                metadata={"autotrack_run": job.run_id},
                entrypoint_num_cpus=options.num_cpus,
                entrypoint_num_gpus=options.num_gpus,
                entrypoint_memory=options.memory,
                entrypoint_resources=dict(options.resources) or None,
            )
    if number is None:
        raise ProjectError(f"ray at {options.address} did not take {job.name}: {error!s:.500}")
    return RayJob(job, str(number), client, options)


class RayJob:
    """A job that Ray has taken. ``job`` is its id there."""

    def __init__(self, job: Any, number: str, client: Any, options: Options) -> None:
        self.job = number
        self._client = client
        self._options = options
        self._code: int | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._answered = time.monotonic()
        self._reader = threading.Thread(
            target=job.keep_output, args=(self._output(),), name="autotrack ray output", daemon=True
        )
        self._reader.start()

    def wait(self) -> int:
        """The exit code, once the job has ended and its output is kept."""
        while (code := self.poll()) is None:
            time.sleep(self._options.poll)
        return code

    def poll(self) -> int | None:
        """The exit code, or None while it waits or runs; ProjectError where Ray has not answered for long."""
        with self._lock:
            if self._code is None:
                self._code = self._look()
                if self._code is not None:
                    self._ended.set()
                    self._reader.join(60.0)
            return self._code

    def standing(self) -> str:
        """``PENDING``, ``RUNNING``, ... and what Ray adds to it."""
        info, error = attempt(self._client.get_job_info, self.job)
        if info is None:
            return f"UNKNOWN: {error!s:.200}"
        return " ".join(filter(None, [_name(info.status), (info.message or "").strip()[:200]]))

    def cancel(self) -> None:
        """Has Ray stop the job, with all that it has started; returns when it has."""
        if self.poll() is None:
            attempt(self._client.stop_job, self.job)
            self.wait()

    def _look(self) -> int | None:
        info, error = attempt(self._client.get_job_info, self.job)
        if info is None:
            if time.monotonic() - self._answered > AWAY:
                raise ProjectError(
                    f"ray at {self._options.address} has not answered for {AWAY / 60:g} minutes: {error!s:.200}"
                )
            return None
        self._answered = time.monotonic()
        status = _name(info.status)
        if status not in ENDED:
            return None
        if status == "STOPPED":
            return -15
        code = getattr(info, "driver_exit_code", None)
        if code is None:
            said = _CODE.search(info.message or "")
            code = int(said[1]) if said else 0
        code = 128 - code if 128 < code < 160 else code  # the shell's way to say a signal
        return 0 if status == "SUCCEEDED" else code or 1

    def _output(self) -> Iterator[bytes]:
        """What the program writes: looked at as it grows, to its end."""
        seen = 0
        while True:
            over = self._ended.is_set()
            text, _ = attempt(self._client.get_job_logs, self.job)
            block = (text or "").encode("utf-8", "replace")
            if len(block) > seen:
                yield block[seen:]
                seen = len(block)
            if over:
                return
            self._ended.wait(self._options.poll)


def _name(status: Any) -> str:
    return str(getattr(status, "value", status))
