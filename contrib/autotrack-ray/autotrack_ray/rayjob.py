"""A Ray Job: submitted, followed and stopped through Ray's own client."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autotrack.plugin import ProjectError, attempt

from .options import Options, read

#: The whole entry point, for every job. Ray has a shell read it, so nothing of a project's is in it.
ENTRYPOINT = "python start.py"
ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
_CODE = re.compile(r"exit(?:ed)?(?: with)?(?: exit)? code:? (-?\d+)")


def submit(job: Any) -> Any:
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
    return job.follow(RayJob(str(number), client, options), str(number), every=options.poll)


class RayJob:
    """A job that Ray has taken, by its id there."""

    def __init__(self, number: str, client: Any, options: Options) -> None:
        self._number = number
        self._client = client
        self._options = options

    def standing(self) -> str:
        """``PENDING``, ``RUNNING``, ... and what Ray adds to it."""
        info, error = attempt(self._client.get_job_info, self._number)
        if info is None:
            return f"UNKNOWN: {error!s:.200}"
        return " ".join(filter(None, [_name(info.status), (info.message or "").strip()[:200]]))

    def stop(self) -> None:
        """Has Ray stop the job, with all that it has started."""
        attempt(self._client.stop_job, self._number)

    def tidy(self) -> None:
        """Nothing was put down here; what the cluster has of the job is its own to remove."""

    def look(self) -> int | None:
        """The exit code, or None while it waits or runs; ConnectionError where Ray does not answer."""
        info, error = attempt(self._client.get_job_info, self._number)
        if info is None:
            raise ConnectionError(f"ray at {self._options.address} does not answer: {error!s:.200}")
        status = _name(info.status)
        if status not in ENDED:
            return None
        if status == "STOPPED":
            return -15
        code = getattr(info, "driver_exit_code", None)
        if code is None:
            said = _CODE.search(info.message or "")
            code = int(said[1]) if said else 0
        return 0 if status == "SUCCEEDED" else code or 1

    def output(self, ended: threading.Event) -> Iterator[bytes]:
        """What the program writes: looked at as it grows, to its end."""
        seen = 0
        while True:
            over = ended.is_set()
            text, _ = attempt(self._client.get_job_logs, self._number)
            block = (text or "").encode("utf-8", "replace")
            if len(block) > seen:
                yield block[seen:]
                seen = len(block)
            if over:
                return
            ended.wait(self._options.poll)


def _name(status: Any) -> str:
    return str(getattr(status, "value", status))
