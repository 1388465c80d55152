"""Several processes at one store, and processes that are killed while they deliver."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from autotrack.core.journal.writer import JournalWriter
from autotrack.store.store import Store

OPENER = """
import sys, secrets, time
from pathlib import Path
from autotrack.core.journal.writer import JournalWriter
from autotrack.store.store import Store
root, points = Path(sys.argv[1]), int(sys.argv[2])
sys.stdin.read(1)
store = Store.open(root)
writer = JournalWriter(root / "journal")
run = secrets.token_hex(16)
now = time.time_ns()
writer.event({"k": "run_start", "t": now, "r": run, "name": "p", "experiment": f"e{now % 3}", "tags": {}})
series = writer.series(run, "m", "f8")
for step in range(points):
    writer.point(series, step, step * 0.5)
    if step % 100 == 0:
        store.deliver(root / "journal")
writer.event({"k": "run_end", "t": time.time_ns(), "r": run, "status": "FINISHED", "ended": time.time_ns()})
writer.close()
store.runs()
store.create_experiment(run)
print(run)
"""

DELIVERER = """
import sys
from pathlib import Path
from autotrack.store.store import Store
store = Store.open(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    store.deliver(store.root / "journal")
"""


def run_all(root: Path, count: int, points: int) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", OPENER, str(root), str(points)]
    pipe = subprocess.PIPE
    children = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(count)]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("g")
        child.stdin.flush()
    runs = []
    for child in children:
        out, err = child.communicate(timeout=100)
        assert child.returncode == 0 and not err, err
        runs.append(out.strip())
    return runs


def check_all(root: Path, runs: list[str], points: int) -> None:
    store = Store.open(root)
    for run in runs:
        history = store.metric_history(run, "m")
        assert history.steps.tolist() == list(range(points))
        assert history.values.tolist() == [step * 0.5 for step in range(points)]
        assert store.run(run).status == "FINISHED"
    assert store.check() == []
    assert not list((root / "journal").iterdir())
    store.close()


def test_eight_processes_on_a_fresh_store_then_on_an_existing_one(tmp_path):
    root = tmp_path / "s"
    runs = run_all(root, 8, 1000)
    check_all(root, runs, 1000)
    more = run_all(root, 8, 250)
    check_all(root, runs, 1000)
    check_all(root, more, 250)
    assert len(Store.open(root).runs()) == 16


def test_a_deliverer_killed_at_any_moment_loses_and_doubles_nothing(tmp_path):
    root = tmp_path / "s"
    store = Store.open(root)
    chance = random.Random(7)
    expected: dict[str, list[float]] = {}
    for attempt in range(12):
        child = subprocess.Popen([sys.executable, "-c", DELIVERER, str(root)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        writer = JournalWriter(root / "journal")
        run = f"{attempt:032x}"
        writer.event({"k": "run_start", "t": time.time_ns(), "r": run, "name": "x", "experiment": "e", "tags": {}})
        keys = {key: writer.series(run, key, "f8") for key in ("a", "b")}
        deadline = time.monotonic() + chance.uniform(0.01, 0.4)
        step = 0
        while time.monotonic() < deadline:
            for _ in range(chance.randrange(1, 3000)):
                for series in keys.values():
                    writer.point(series, step, float(step))
                step += 1
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        expected[run] = [float(n) for n in range(step)]
        writer.event({"k": "run_end", "t": time.time_ns(), "r": run, "status": "FINISHED", "ended": time.time_ns()})
        writer.close()
    for run, values in expected.items():
        for key in ("a", "b"):
            assert store.metric_history(run, key).values.tolist() == values
        assert store.run(run).status == "FINISHED"
    assert store.check() == []
    assert not list((root / "journal").iterdir())
    store.close()


def test_a_program_that_is_killed_is_told_by_its_signal(tmp_path):
    root = tmp_path / "s"
    store = Store.open(root)
    code = """
import sys, time, signal
from pathlib import Path
from autotrack.core.journal.writer import JournalWriter
from autotrack.core.journal.lastwords import LastWords
writer = JournalWriter(Path(sys.argv[1]))
words = LastWords()
words.arm(writer.path)
writer.event({"k": "run_start", "t": time.time_ns(), "r": sys.argv[2], "name": "x", "experiment": "e", "tags": {}})
print("ready", flush=True)
signal.pause()
"""
    wanted = {signal.SIGTERM: "KILLED", signal.SIGHUP: "KILLED", signal.SIGKILL: "CRASHED"}
    for number, (what, status) in enumerate(wanted.items()):
        run = f"{number:032x}"
        child = subprocess.Popen([sys.executable, "-c", code, str(root / "journal"), run], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        assert store.run(run).status == "RUNNING"
        child.send_signal(what)
        child.wait()
        child.stdout.close()
        found = store.run(run)
        assert (found.status, found.ended is not None) == (status, True)
        if status == "KILLED":
            assert what.name in (found.error or "") and "line" in (found.error or "")
    assert not list((root / "journal").iterdir())
    store.close()
