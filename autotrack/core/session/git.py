"""Runs git for what only git can tell, and lets it do nothing else: no prompt, network, lock, hook, pager or filter.

The output is read as it comes and cut at a limit, and the clock is watched, so that a repository of any size costs a
bounded amount of memory and time. Nothing is written: neither index nor objects.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

#: Settings that could run a program, ask the network, write the index, or make equal changes read differently.
_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=true",
    "core.askPass=/bin/false",
    "core.sshCommand=/bin/false",
    "credential.helper=",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "diff.autoRefreshIndex=false",
    "diff.algorithm=myers",
    "diff.context=3",
    "diff.interHunkContext=0",
    "diff.indentHeuristic=true",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "diff.suppressBlankEmpty=false",
    "diff.orderFile=/dev/null",
)
#: Names of filters that a repository's settings may have, in bytes, and the time to list them in seconds.
_LONGEST_SETTINGS, _SECONDS = 1 << 16, 5.0
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ASKPASS": "/bin/false",
}


class Answer(NamedTuple):
    """What git wrote, up to the limit.

    ``failure`` says why it is not all, or nothing: ``"absent"`` (no git here), ``"limit"``, ``"time"``, or what git
    itself complained about. None where all went well.
    """

    output: bytes
    failure: str | None


def ask_git(root: Path, *arguments: str, limit: int, seconds: float) -> Answer:
    """The output of one git command in a working tree, at the lowest priority.

    Waits ``seconds`` at most and keeps ``limit`` bytes at most; a git that has more to say is stopped.
    """
    program = shutil.which("git")
    if program is None:
        return Answer(b"", "absent")
    switches = _without_filters(program, root)
    if switches is None:
        return Answer(b"", "the repository's settings name filters that cannot be switched off")
    return _run(program, root, [*switches, *arguments], limit, seconds)


def _without_filters(program: str, root: Path) -> list[str] | None:
    """Arguments that switch off what the repository's attributes would run on each changed file; None where that
    cannot be done. No option of git does it for all of them, so each is switched off by its name.
    """
    asked = ["config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$"]
    answer = _run(program, root, asked, _LONGEST_SETTINGS, _SECONDS)
    names = {os.fsdecode(name).rpartition(".")[0] for name in answer.output.split(b"\0") if name}
    if answer.failure == "limit" or any("=" in name for name in names):  # with -c a name ends at the first =
        return None
    ends = ("clean=", "smudge=", "process=", "required=false")
    return [part for name in sorted(names) for end in ends for part in ("-c", f"{name}.{end}")]


def _run(program: str, root: Path, arguments: Sequence[str], limit: int, seconds: float) -> Answer:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    # What git's variables say is about another place or another purpose (a hook that runs us, a dotfiles script).
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ENVIRONMENT
    nice = shutil.which("nice")
    command = [*([nice, "-n", "19"] if nice else []), program, "--no-pager", *settings, *arguments]
    try:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is meant for the training, and its handler decides what it means
        )
    except OSError as error:
        return Answer(b"", f"git cannot be started: {error.strerror or error}")
    with process:
        try:
            output, complaint, stopped = _read(process, limit, time.monotonic() + seconds)
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
    if stopped:
        return Answer(output, stopped)
    if process.returncode:
        text = complaint.decode("utf-8", "replace").strip()
        return Answer(output, text[:500] or f"git ended with exit status {process.returncode}")
    return Answer(output, None)


def _read(process: subprocess.Popen[bytes], limit: int, deadline: float) -> tuple[bytes, bytes, str | None]:
    """Output, complaint and what stopped the reading, if it was stopped."""
    assert process.stdout is not None and process.stderr is not None
    output, complaint = bytearray(), bytearray()
    stopped: str | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, complaint)
        while selector.get_map() and stopped is None:
            left = deadline - time.monotonic()
            if left <= 0:
                stopped = "time"
            for key, _ in selector.select(max(0.0, left)):
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.data is output:
                    output += piece
                elif len(complaint) < 10_000:
                    complaint += piece
            if len(output) > limit:
                stopped = "limit"
    if stopped is None:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            stopped = "time"
    return bytes(output[:limit]), bytes(complaint), stopped


def listed(paths: Sequence[str], *, leave_out: bool = False) -> list[str]:
    """Path arguments that mean exactly these paths from the root, or (``leave_out``) everything but them."""
    if leave_out:
        return ["--", ":(top)", *(f":(top,exclude,literal){path}" for path in paths)]
    return ["--", *(f":(top,literal){path}" for path in paths)]
