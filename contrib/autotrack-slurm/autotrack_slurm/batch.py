"""A batch job: submitted by sbatch, asked about with squeue, scontrol and sacct, ended by scancel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from autotrack.plugin import ProjectError, UsageError, environments

from .options import job_name, output_pattern, words_for

#: The whole script, for every job: what it starts and where its exit code goes are arguments, not text of it.
SCRIPT = '#!/bin/sh\n"$1" -I "$2"\ncode=$?\nprintf "%s\\n" "$code" >"$3.part" && mv "$3.part" "$3"\nexit "$code"\n'
#: Beginnings of variables that the node knows better than the machine that submits.
KEEPING = ("SLURM", "CUDA_VISIBLE", "GPU_DEVICE", "ROCR_VISIBLE", "ZE_AFFINITY", "TMPDIR", "HOSTNAME", "KRB5CCNAME")
#: States in which a job has not ended.
ALIVE = frozenset(
    "PENDING CONFIGURING RUNNING COMPLETING SUSPENDED STOPPED RESIZING SIGNALING STAGE_OUT REQUEUED REQUEUE_FED "
    "REQUEUE_HOLD RESV_DEL_HOLD SPECIAL_EXIT".split()
)
#: Seconds that a call of the controller may take.
CALL = 60.0
#: Seconds for which a file of the node may not be seen here yet.
LATE = 10.0
_JOB = re.compile(r"\d+")


def submit(job: Any) -> Any:
    """Hands the job to Slurm; UsageError for options that it must not have, ProjectError where sbatch refuses."""
    options = words_for(job.config)
    poll = _seconds(job.config.get("poll", 2))
    if shutil.which("sbatch") is None:
        raise ProjectError("the backend slurm needs sbatch, which is not on the PATH; run this on a login node")
    place = _folder(job.config.get("folder"), job.run_id)
    try:
        for name, content in job.files_to_start_it(keeping=KEEPING).items():
            _write(place / name, content)
        _write(place / "batch.sh", SCRIPT.encode())
        output = place / "output.txt"
        _write(output, b"")
        words = [
            "sbatch",
            "--parsable",
            "--export=NIL",  # the program's variables are in a file: none is dropped, none is cut at a comma
            f"--job-name={job_name(job.name)}",
            f"--output={output_pattern(str(output))}",
            "--open-mode=append",
            f"--chdir={place}",
            *options,
            str(place / "batch.sh"),
            sys.executable,
            str(place / "start.py"),
            str(place / "exit"),
        ]
        done = _call(words)
        number = done.stdout.strip().partition(";")[0]
        if done.returncode or not _JOB.fullmatch(number):
            said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise ProjectError(f"sbatch did not take {job.name}: {said:.500}")
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return job.follow(BatchJob(number, place), number, every=poll)


class BatchJob:
    """A batch job that Slurm has taken, by its number there."""

    def __init__(self, number: str, place: Path) -> None:
        self._number = number
        self._place = place

    def standing(self) -> str:
        """``PENDING (Priority)``, ``RUNNING on node7``: as squeue says."""
        done = _call(["squeue", "--noheader", f"--jobs={self._number}", "--format=%T|%R"])
        state, _, where = done.stdout.strip().partition("|")
        if not state or done.returncode:
            return self._state()[0] or "UNKNOWN"
        return f"{state} on {where}" if state == "RUNNING" else f"{state} {where}".strip()

    def stop(self) -> None:
        """Has Slurm end the job, with all that it has started."""
        _call(["scancel", self._number])

    def tidy(self) -> None:
        """Removes the job's files."""
        shutil.rmtree(self._place, ignore_errors=True)

    def look(self) -> int | None:
        """The exit code, or None while it waits or runs; ConnectionError where Slurm does not answer."""
        state, code = self._state()
        if state is None:
            written = self._written()
            if written is None:
                raise ConnectionError(f"see `squeue -j {self._number}`")
            return written
        if state in ALIVE:
            return None
        if state in ("COMPLETED", "FAILED"):
            deadline = time.monotonic() + (LATE if code is None else 0.0)
            while (written := self._written()) is None and time.monotonic() < deadline:
                time.sleep(0.1)
            return written if written is not None else code if code is not None else int(state == "FAILED")
        return (
            -9 if state.startswith("OUT_OF_ME") else code if code else -15
        )  # CANCELLED, TIMEOUT, PREEMPTED, NODE_FAIL

    def _state(self) -> tuple[str | None, int | None]:
        """State and exit code as the controller has them, else as the accounting does; None where neither knows."""
        done = _call(["scontrol", "show", "job", self._number, "--oneliner"])
        fields = dict(word.partition("=")[::2] for word in done.stdout.split())
        if done.returncode == 0 and "JobState" in fields:
            return fields["JobState"], exit_code(fields.get("ExitCode", ""))
        done = _call(
            ["sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={self._number}", "--format=State,ExitCode"]
        )
        if done.returncode == 0 and done.stdout.strip():
            state, _, code = done.stdout.split("\n", 1)[0].partition("|")
            return state.split()[0], exit_code(code)  # "CANCELLED by 1000"
        return None, None

    def _written(self) -> int | None:
        """The exit code that the script wrote down."""
        with suppress(OSError, ValueError):
            return int((self._place / "exit").read_text("ascii"))
        return None

    def output(self, ended: threading.Event) -> Iterator[bytes]:
        """What the program writes, as it comes, until the job has ended and all of it was read."""
        with open(self._place / "output.txt", "rb") as file:
            while True:
                over = ended.is_set()
                while block := file.read(65536):
                    yield block
                if over:
                    return
                ended.wait(0.2)


def exit_code(said: str) -> int | None:
    """``0:15``, an exit code and a signal, as one number: negative for a signal."""
    code, _, number = said.partition(":")
    if not code.isdigit():
        return None
    if number.isdigit() and int(number):
        return -int(number)
    return 128 - int(code) if 128 < int(code) < 160 else int(code)


def _call(words: list[str]) -> subprocess.CompletedProcess[str]:
    """What a command of Slurm's answers; as one that failed where it takes too long or is not there."""
    try:
        return subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=CALL, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def _folder(said: Any, run_id: str) -> Path:
    """A fresh, private folder for the job's files, which the node must see, too."""
    if said is not None and not (isinstance(said, str) and said and "\0" not in said):
        raise UsageError(f"slurm's folder must be a path, not {said!r:.60}")
    root = Path(said).expanduser() if said else environments.environments_folder().parent / "slurm"
    place = root.absolute() / run_id
    output_pattern(str(place))
    try:
        place.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise ProjectError(f"{place} cannot be made: {error.strerror}; say another with -B folder=PATH") from None
    return place


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as out:
        out.write(content)


def _seconds(said: Any) -> float:
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0.05 <= seconds <= 3600:
        raise UsageError(f"slurm's poll must be seconds from 0.05 to 3600, not {said!r:.60}")
    return seconds
