"""R1 and R6 at the journal: SIGKILL at any moment, a full disk, and logging from a signal handler."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotrack.core.journal import Cursor, JournalReader, decode_points, is_alive

TRAINER = """
import os, sys, time
from pathlib import Path
from autotrack.core.journal import JournalWriter
writer = JournalWriter(Path(sys.argv[1]))
series = writer.series("r" * 32, "loss", "f8")
os.write(1, f"{writer.path}\\n".encode())
number = 0
while True:
    for _ in range(50):
        writer.point(series, number, number * 0.5)
        number += 1
    os.write(1, b"p %d\\n" % number)
    writer.event({"k": "tags", "n": number})
    os.write(1, b"e %d\\n" % number)
"""


def read_journal(path: Path) -> tuple[list[dict], list[tuple[int, float]], int]:
    events, points, damaged, cursor = [], [], 0, Cursor()
    with JournalReader(path) as reader:
        while True:
            batch = reader.read(cursor, final=True)
            events += batch.events
            damaged += batch.damaged
            for _, data in batch.points:
                points += [
                    (step, struct.unpack("<d", struct.pack("<q", bits))[0])
                    for _, step, _, bits, _ in decode_points(data)
                ]
            cursor = batch.cursor
            if not batch.more:
                return events, points, damaged


def test_twenty_kills_lose_nothing(tmp_path):
    chance = random.Random(20)
    for attempt in range(20):
        log = tmp_path / f"{attempt}.out"
        with log.open("wb") as out:
            child = subprocess.Popen([sys.executable, "-c", TRAINER, str(tmp_path / str(attempt))], stdout=out)
            while not log.read_bytes().count(b"\n"):
                assert child.poll() is None
            deadline = time.monotonic() + chance.uniform(0, 0.25)
            while time.monotonic() < deadline:
                assert child.poll() is None
            child.kill()
            child.wait()
        lines = log.read_bytes().decode().splitlines()
        path = Path(lines[0])
        acked = {"p": 0, "e": 0}
        for line in lines[1:]:
            if match := re.fullmatch(r"([pe]) (\d+)", line):
                acked[match[1]] = int(match[2])
        with JournalReader(path) as reader:
            assert not is_alive(path, reader.header)
        events, points, damaged = read_journal(path)
        assert points == [(n, n * 0.5) for n in range(len(points))]  # none lost, invented or twice
        assert acked["p"] <= len(points) <= acked["p"] + 50
        numbers = [event["n"] for event in events[1:]]
        assert numbers == [50 * (n + 1) for n in range(len(numbers))]
        assert acked["e"] <= (numbers[-1] if numbers else 0) <= acked["e"] + 50
        assert damaged <= 1  # the one record that was being written


# Logs against a limit on the file's size, then lifts it. Prints what was acknowledged and what came back.
FULL = """
import json, resource, sys, time
from pathlib import Path
from autotrack.core.journal import JournalFull, JournalWriter

folder = Path(sys.argv[1])
mode = sys.argv[2]
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
writer = JournalWriter(folder)
ballast = folder / "ballast"
if mode == "rlimit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
series = writer.series("r" * 32, "loss", "f8")
acked, lost, number = [], 0, 0
while lost < 20_000:
    try:
        writer.point(series, number, 0.0)
        acked.append(number)
    except JournalFull:
        lost += 1
    number += 1
events = 0
try:
    while True:
        writer.event({"k": "tags", "pad": "x" * 200})
        events += 1
except JournalFull:
    pass
writer.event({"k": "run_end", "error": "e" * 3000})
writer.event({"k": "health", "health": {"lost_points": lost}})
writer.sync()
if mode == "rlimit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
else:
    ballast.unlink()
start = time.monotonic()
while True:
    try:
        writer.point(series, number, 0.0)
        acked.append(number)
        break
    except JournalFull:
        assert time.monotonic() - start < 5
    number += 1
waited = time.monotonic() - start
writer.event({"k": "tags", "after": True})
writer.close()
print(json.dumps({"path": str(writer.path), "acked": acked, "events": events, "lost": lost, "waited": waited}))
"""


def check_full(folder: Path, mode: str) -> None:
    import json

    done = subprocess.run([sys.executable, "-c", FULL, str(folder), mode], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    events, points, damaged = read_journal(Path(said["path"]))
    assert [step for step, _ in points] == said["acked"] and len(points) > 2000
    kinds = [event["k"] for event in events]
    assert kinds == ["series", *["tags"] * said["events"], "run_end", "health", "tags"]
    assert damaged == 0 and said["waited"] < 5


def test_a_full_disk_loses_only_what_was_refused(tmp_path):
    check_full(tmp_path, "rlimit")


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("mount") is None, reason="mounting takes root")
def test_a_full_file_system(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        (place / "ballast").write_bytes(bytes(300_000))
        check_full(place, "tmpfs")
    finally:
        subprocess.run(["umount", str(place)], check=True)


# A handler that logs, interrupting code that logs: neither hangs, nor is a record lost or torn.
HANDLER = """
import os, signal, sys
from pathlib import Path
from autotrack.core.journal import JournalFull, JournalWriter
writer = JournalWriter(Path(sys.argv[1]))
from itertools import count as counter
numbers = counter()
handled = refused = 0
def log(*_):
    global handled, refused
    number = next(numbers)  # the handler may interrupt itself
    writer.event({"k": "tags", "from": "handler", "n": number})
    handled = max(handled, number + 1)
    try:
        writer.point(2, number, 0.0)
    except JournalFull:  # it interrupted a reservation: refused, and said so
        refused += 1
signal.signal(signal.SIGALRM, log)
writer.point(1, 0, 0.0)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
count = 0
while handled < 300:
    writer.event({"k": "tags", "from": "main", "n": count})
    writer.point(1, count + 1, 0.0)
    count += 1
signal.setitimer(signal.ITIMER_REAL, 0)
writer.close()
print(writer.path, handled, count, refused)
"""


def test_logging_from_a_signal_handler(tmp_path):
    done = subprocess.run([sys.executable, "-c", HANDLER, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    path, handled, count, refused = done.stdout.split()
    events, points, damaged = read_journal(Path(path))
    for who, total in (("handler", int(handled)), ("main", int(count))):
        assert sorted(event["n"] for event in events if event["from"] == who) == list(range(total))
    assert len(points) == int(handled) + int(count) + 1 - int(refused) and damaged == 0
    assert int(refused) < 10


INTERRUPTED = """
import signal, sys
from pathlib import Path
from autotrack.core.journal import JournalWriter
writer = JournalWriter(Path(sys.argv[1]))
def stop(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
writer.point(1, 0, 0.0)
acked = interrupted = 0
while interrupted < 300:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0003)
        while True:
            writer.point(1, acked, 0.0)
            acked += 1
    except KeyboardInterrupt:
        interrupted += 1
print(writer.path, acked, flush=True)
import os, time
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_interrupt_leaves_no_empty_slot(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    path, acked = done.stdout.split()
    cursor, slots = Cursor(), 0
    with JournalReader(Path(path)) as reader:
        while True:
            batch = reader.read(cursor, final=False)  # a live reader stops at an empty slot
            slots += sum(len(data) // 32 for _, data in batch.points)
            cursor = batch.cursor
            if not batch.more:
                break
    assert int(acked) + 1 <= slots <= int(acked) + 301
