"""Twenty SIGKILLs at random moments: what was acknowledged must be there, once, and nothing else."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import autotrack

from .harness import CALM, Place, Row

#: Each point is acknowledged on a pipe after log_metric returned; the value tells the step, so that an invented or
#: misplaced point shows.
WRITER = """
import os, autotrack
run = autotrack.start_run()
os.write(1, run.id.encode() + b"\\n")
step = 0
while True:
    run.log_metric("loss", step * 0.5, step)
    step += 1
    os.write(1, b"%d\\n" % step)
"""


def rows(place: Place) -> Iterator[Row]:
    acknowledged = lost = invented = twice = 0
    for _ in range(place.scaled(20, 2)):
        run_id, count = _killed(random.uniform(0.0, 0.3))
        if count == 0:
            continue
        columns = autotrack.get_run(run_id).metric_history("loss")
        steps = [int(step) for step in columns.steps]
        known = set(steps)
        acknowledged += count
        lost += len(set(range(count)) - known)
        # One point more than was acknowledged may be there: killed between log_metric's return and the pipe.
        invented += sum(step > count for step in known)
        invented += sum(float(value) != step * 0.5 for step, value in zip(steps, columns.values, strict=True))
        twice += len(steps) - len(known)
    if not acknowledged:
        raise RuntimeError("no point was acknowledged before any kill: nothing was shown")
    peers = "lost: trackio 10 to 100 %, swanlab 3 to 39 %, W&B 0 to 8 %"
    yield Row(f"lost to SIGKILL, of {acknowledged:,} acknowledged", float(lost), "points", 0, peers=peers)
    yield Row("invented by SIGKILL", float(invented), "points", 0)
    yield Row("there twice after SIGKILL", float(twice), "points", 0)


def _killed(after: float) -> tuple[str, int]:
    """A run's id and how many points it acknowledged; its process was killed so many seconds after the first."""
    process = subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE, env={**os.environ, **CALM})
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    said = bytearray()
    until = None
    with process:
        while True:
            ready, _, _ = select.select([pipe], [], [], 60.0 if until is None else max(0.0, until - _now()))
            if ready:
                piece = os.read(pipe, 1 << 16)
                if not piece:
                    raise RuntimeError(f"the writer ended by itself with {process.wait()}")
                said += piece
                if until is None and said.count(b"\n") >= 2:
                    until = _now() + after
            if until is not None and _now() >= until:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        while piece := os.read(pipe, 1 << 16):
            said += piece
    lines = bytes(said).split(b"\n")[:-1]  # a line cut in two was not acknowledged
    return lines[0].decode(), int(lines[-1]) if len(lines) > 1 else 0


def _now() -> float:
    return os.times().elapsed
