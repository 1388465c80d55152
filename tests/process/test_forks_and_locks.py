"""A process forks while other threads hold locks of ours: the child goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, threading, time
import autotrack
from autotrack.core import locks, switch
from autotrack.core.plugins import registry
from autotrack.core.probes import imports
from autotrack.core.runs import trackers
from autotrack.core.guard import guard
import autotrack.store.files.local  # what a child needs is loaded: Python's own import locks are not the matter here

hold_all = sys.argv[1] == "held"
autotrack.enable()
run = autotrack.start_run("parent")
run.log_text("a", "a.txt")
run.log_metric("m", 1.0)
known = list(locks._all)
assert {imports._lock, registry._lock, switch._lock, trackers._registry_lock, guard._lock} <= set(known)
held, go = threading.Barrier(2), threading.Event()

def hold():
    for lock in known:
        lock.__enter__()
    held.wait()
    go.wait()
    for lock in reversed(known):
        lock.__exit__()

if hold_all:
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
else:  # the thread that forks holds them itself, and lets go of them in the child
    for lock in known:
        lock.__enter__()
child = os.fork()
if not child:
    signal.alarm(20)
    if not hold_all:
        for lock in reversed(known):
            lock.__exit__()
    registry.forget_plugins()
    imports.when_imported("not_there", print)()
    autotrack.disable()
    autotrack.enable()
    guard.record("a site", ValueError("in the child"))
    with autotrack.start_run("child") as mine:
        mine.log_text("b", "b.txt")
    os._exit(0)
_, status = os.waitpid(child, 0)
go.set()
if hold_all:
    thread.join()
assert status == 0, status
"""


@pytest.mark.parametrize("who", ["held", "own"])
def test_a_fork_while_locks_are_held(store: Path, who: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, who], capture_output=True, text=True, timeout=60, cwd=store.parent
    )
    assert done.returncode == 0, done.stderr
