"""R10: however a program ends, the status of its run is true, and the program ends as it would have."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import autotrack

START = """
import os, sys, signal, ctypes, resource, threading, time
import autotrack
"""

BLOCK = "with autotrack.start_run('it') as run:\n    run.log_metric('loss', 1.0)\n    {ending}\n"
OPEN = "run = autotrack.start_run('it')\nrun.log_metric('loss', 1.0)\n{ending}\n"

ENDINGS = {
    "return": ("pass", 0, "FINISHED", "FINISHED"),
    "exception": ("raise ValueError('no data')", 1, "FAILED", "FAILED"),
    "sys.exit(0)": ("sys.exit(0)", 0, "FINISHED", "FINISHED"),
    "sys.exit(3)": ("sys.exit(3)", 3, "FAILED", "FAILED"),
    "sys.exit(text)": ("sys.exit('no data')", 1, "FAILED", "FAILED"),
    "SystemExit(3)": ("raise SystemExit(3)", 3, "FAILED", "FAILED"),
    "exit(3)": ("exit(3)", 3, "FAILED", "FAILED"),
    "exit in a thread": (
        "thread = threading.Thread(target=sys.exit, args=(1,)); thread.start(); thread.join()",
        0,
        "FINISHED",
        "FINISHED",
    ),
    "os._exit(0)": ("os._exit(0)", 0, "CRASHED", "CRASHED"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", -signal.SIGINT, "KILLED", "KILLED"),
    "SIGINT": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(5)", -signal.SIGINT, "KILLED", "KILLED"),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", -signal.SIGTERM, "KILLED", "KILLED"),
    "SIGHUP": ("os.kill(os.getpid(), signal.SIGHUP); time.sleep(5)", -signal.SIGHUP, "KILLED", "KILLED"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "CRASHED", "CRASHED"),
    "segfault": ("ctypes.string_at(0)", -signal.SIGSEGV, "CRASHED", "CRASHED"),
    "MemoryError": (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29)); bytearray(1 << 34)",
        1,
        "FAILED",
        "FAILED",
    ),
}


@pytest.mark.parametrize("shape", [BLOCK, OPEN], ids=["with", "open"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_status_is_true(ending: str, shape: str, store: Path, script) -> None:
    code, returncode, inside, outside = ENDINGS[ending]
    done = script(START + shape.format(ending=code))
    assert done.returncode == returncode, done.stderr
    run = autotrack.last_run()
    assert run.status == (inside if shape is BLOCK else outside)
    assert run.metrics == {"loss": 1.0}
    assert run.ended is not None
    assert run.ended >= run.started
    if ending == "exception":
        assert run.error is not None
        assert "ValueError: no data" in run.error
        assert "autotrack" not in done.stderr.replace("import autotrack", "")
    if ending in {"SIGTERM", "SIGHUP"}:
        assert run.error is not None
        assert ending in run.error


def test_the_users_own_handlers_run(store: Path, script) -> None:
    done = script(
        START
        + """
import atexit
signal.signal(signal.SIGTERM, lambda *_: (print("handled"), sys.exit(7)))
sys.excepthook = lambda *_: print("hooked")
atexit.register(lambda: print("left"))
run = autotrack.start_run()
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(5)
"""
    )
    assert done.returncode == 7
    assert done.stdout.split() == ["handled", "left"]
    assert autotrack.last_run().status == "FAILED"
    assert autotrack.last_run().record.exit_code == 7


def test_a_handler_set_after_autotrack_wins(store: Path, script) -> None:
    done = script(
        START
        + """
run = autotrack.start_run()
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGTERM)
run.log_metric("loss", 2.0)
"""
    )
    assert (done.returncode, done.stdout.split()) == (0, ["handled"])
    assert autotrack.last_run().status == "FINISHED"


def test_a_caught_exit_is_no_failure(store: Path, script) -> None:
    done = script(
        START
        + """
run = autotrack.start_run()
try:
    sys.exit(2)
except SystemExit:
    pass
autotrack.start_run("second").finish()
"""
    )
    assert done.returncode == 0, done.stderr
    assert {run.status for run in autotrack.search_runs()} == {"FINISHED"}


def test_sys_exit_is_left_alone(store: Path) -> None:
    import sys

    before = sys.exit
    run = autotrack.start_run()
    assert sys.exit is before
    run.finish()


def test_exit_code_is_known(store: Path, script) -> None:
    script("import autotrack, sys; autotrack.start_run(); sys.exit(41)")
    assert autotrack.last_run().record.exit_code == 41
    assert autotrack.last_run().error == "the program ended with exit code 41"
    assert sorted(path.suffix for path in (store / "journal").iterdir()) == []


def test_a_failed_line_of_an_interactive_session_is_not_its_end(store: Path, script) -> None:
    done = script(
        """
        import code, autotrack, sys
        sys.ps1 = ">>> "
        session = code.InteractiveInterpreter()
        run = autotrack.start_run()
        session.runsource("1/0")
        run.log_metric("loss", 1.0)
        """
    )
    assert "ZeroDivisionError" in done.stderr
    assert autotrack.last_run().status == "FINISHED"


def test_output_is_the_same(store: Path, script) -> None:
    """A traceback, an exit message and plain output are byte for byte what they are without autotrack."""
    source = """
import sys
import {module} as tracking
run = {start}
print("out"); print("err", file=sys.stderr)
def train():
    raise RuntimeError("bad")
train()
"""
    import_line = source.format(module="autotrack", start="tracking.start_run()")
    plain = source.format(module="os", start="tracking.getpid()")
    tracked, bare = script(import_line), script(plain)
    assert (tracked.returncode, tracked.stdout, tracked.stderr) == (bare.returncode, bare.stdout, bare.stderr)
