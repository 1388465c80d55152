"""A training whose server is killed at step 20 of 200: what it costs, and what is left after ``autotrack sync``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .harness import CALM, Place, Row, median
from .served import autotrack_server

TRAINING = """
import sys, time
import autotrack
kill = sys.argv[1] == "kill"
with autotrack.start_run("trained") as run:
    for step in range(200):
        run.log_metric("loss", 1 / (step + 1), step)
        time.sleep(0.005)
        if step == 20:
            print("now", flush=True)
            sys.stdin.readline()
"""


def rows(place: Place) -> Iterator[Row]:
    added, kept = [], 0.0
    for turn in range(place.scaled(3, 1)):
        folder = place.folder / str(turn)
        (folder / ".autotrack").mkdir(parents=True)  # so that the journals lie here
        with autotrack_server(folder / "whole") as server:
            alone = _train(folder, server.port, None)
        with autotrack_server(folder / "store") as server:
            port = server.port
            killed = _train(folder, port, server.process.pid)
        added.append(killed - alone)
        again = [sys.executable, "-m", "autotrack", "server", "--store", str(folder / "store"), "--port", str(port)]
        process = subprocess.Popen(again, stderr=subprocess.DEVNULL)
        try:
            sync = [sys.executable, "-m", "autotrack", "sync"]
            deadline = time.monotonic() + 30
            while subprocess.run(sync, cwd=folder, env=_environment(port, folder), capture_output=True).returncode:
                if time.monotonic() > deadline:
                    raise RuntimeError("autotrack sync did not deliver")
            code = "import autotrack; print(len(autotrack.last_run().metric_history('loss').steps))"
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=folder, env=_environment(port, folder), capture_output=True
            )
            kept = float(done.stdout or 0)
        finally:
            process.terminate()
            process.wait()
    yield Row("training whose server is killed, added", median(added), "s", 1.0, peers="MLflow 246 s, then it raised")
    yield Row("points of 200 after autotrack sync", kept, "", 200, more_is_better=True)


def _environment(port: int, home: Path) -> dict[str, str]:
    return {**os.environ, **CALM, "HOME": str(home / "home"), "AUTOTRACK_TRACKING_URI": f"http://127.0.0.1:{port}"}


def _train(folder: Path, port: int, victim: int | None) -> float:
    """Seconds from start to end. At step 20 the process ``victim`` is killed."""
    began = time.perf_counter()
    command = [sys.executable, "-c", TRAINING, "kill" if victim else "let"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=folder, env=_environment(port, folder), text=True, **pipes)
    assert process.stdin is not None and process.stdout is not None
    process.stdout.readline()
    if victim is not None:
        os.kill(victim, signal.SIGKILL)
    process.stdin.write("\n")
    _, error = process.communicate()
    if process.returncode or "Traceback" in error:
        raise RuntimeError(f"the training ended with {process.returncode}: {error[-1000:]}")
    return time.perf_counter() - began
