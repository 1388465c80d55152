"""A program and all that it has started, wherever that went: found by parentage and by a mark, and ended together.

A process whose parent has ended belongs to nobody, and one that began a session of its own is in no group of its
starter's. The mark is a variable of the environment, which every process inherits; /proc shows it (Linux). Elsewhere
the program itself is all that is known.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: The variable: the marks of the programs that a process belongs to, outer ones first.
VARIABLE = "_AUTOTRACK_FAMILY"
#: Seconds that programs have to end after they were asked to.
GRACE = 5.0
#: Seconds between two looks at who is there: the first, and the longest.
_PAUSES = 0.01, 0.2


@dataclass(frozen=True, slots=True)
class _Process:
    """One process: its number may be another's by now, its number and birth cannot."""

    pid: int
    born: str


def marked(variables: Mapping[str, str], mark: str) -> dict[str, str]:
    """These variables, with a mark by which what is started with them is found again."""
    outer = variables.get(VARIABLE)
    return {**variables, VARIABLE: f"{outer},{mark}" if outer else mark}


def end(program: subprocess.Popen[bytes], mark: str | None = None, *, grace: float = GRACE) -> None:
    """Ends a program and what it has started: asked first (SIGTERM), killed where ``grace`` seconds were not enough.

    Returns when all of it is gone, or where it cannot be killed. A program that has ended already is no obstacle to
    ending what it left behind; without a ``mark`` that is known only while the program runs.
    """
    known: set[_Process] = set()
    for number in (signal.SIGTERM, signal.SIGKILL):
        told: set[_Process] = set()
        deadline, pause = time.monotonic() + grace, _PAUSES[0]
        while True:
            running = program.poll() is None
            known |= _below([program.pid] if running else [], known, mark)
            alive = {process for process in known if _is_alive(process)}
            if running and program.pid not in {process.pid for process in alive}:
                alive.add(_Process(program.pid, ""))  # no /proc here
            if not alive:
                return
            for process in alive - told:
                _send(process.pid, number)
            told |= alive
            if time.monotonic() > deadline:
                break
            time.sleep(pause)
            pause = min(2 * pause, _PAUSES[1])


def _below(pids: Iterable[int], known: Iterable[_Process], mark: str | None) -> set[_Process]:
    """The processes below some (and those themselves), and those with the mark."""
    stats = {int(entry.name): said for entry in Path("/proc").glob("[0-9]*") if (said := _stat(int(entry.name)))}
    children: dict[int, list[int]] = {}
    for pid, said in stats.items():
        children.setdefault(int(said[1]), []).append(pid)
    waiting = [*pids, *(process.pid for process in known if _is_alive(process))]
    if mark is not None:
        waiting += [pid for pid in stats if _has_mark(pid, mark)]
    found: set[_Process] = set()
    seen = {os.getpid()}
    while waiting:
        pid = waiting.pop()
        if pid not in seen and pid in stats:
            seen.add(pid)
            found.add(_Process(pid, stats[pid][19]))
            waiting += children.get(pid, [])
    return found


def _has_mark(pid: int, mark: str) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False  # somebody else's, or gone
    beginning = f"{VARIABLE}=".encode()
    return any(mark.encode() in each[len(beginning) :].split(b",") for each in variables if each.startswith(beginning))


def _is_alive(process: _Process) -> bool:
    said = _stat(process.pid)
    return bool(said) and said[19] == process.born and said[0] not in ("Z", "X")


def _stat(pid: int) -> list[str]:
    """State, parent and so on of a process, as /proc has them; nothing where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return  # it has ended meanwhile, or has become another user's
