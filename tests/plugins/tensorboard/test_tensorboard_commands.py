"""``autotrack import tensorboard`` and ``autotrack tensorboard``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from autotrack_tensorboard.protobuf import scalar_event, version_event
from autotrack_tensorboard.records import framed

import autotrack
from autotrack.core.runs import trackers


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autotrack.cli.main", *words], capture_output=True, text=True, timeout=60
    )


def write(path: Path, steps: range, made: float = 1000.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    events = [] if path.exists() else [version_event(made)]
    events += [scalar_event(made + step, step, "loss", step / 2) for step in steps]
    with path.open("ab") as file:
        file.write(b"".join(framed(event) for event in events))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write(tmp_path / "logs/a/events.out.tfevents.1000.h", range(1, 11))
    write(tmp_path / "logs/b/train/events.out.tfevents.2000.h", range(1, 6), 2000.0)
    write(tmp_path / "logs/b/val/events.out.tfevents.2001.h", range(1, 4), 2001.0)
    return tmp_path / "logs"


def test_each_log_becomes_a_run_and_growing_ones_grow(store: Path, logs: Path) -> None:
    done = command("import", "tensorboard", str(logs))
    assert done.returncode == 0 and "took in 2 runs with 18 points" in done.stdout, done.stderr
    a, b = sorted(autotrack.search_runs(), key=lambda run: run.name)
    assert (a.name, a.experiment, a.status, a.started) == ("a", "logs", "FINISHED", 1000 * 10**9)
    assert (a.ended, a.metrics, set(b.metrics)) == (1010 * 10**9, {"loss": 5.0}, {"train/loss", "val/loss"})
    assert [each.path for each in a.artifacts] == ["tensorboard/events.out.tfevents.1000.h"]

    again = json.loads(command("import", "tensorboard", str(logs), "--json").stdout)
    assert [(each["new"], each["points"]) for each in again["logs"]] == [(False, 0)] * 2
    write(logs / "a/events.out.tfevents.1000.h", range(11, 14))
    write(logs / "a/events.out.tfevents.1500.h", range(14, 16), 1500.0)
    done = command("import", "tensorboard", str(logs))
    assert "added 5 points to 1 run" in done.stdout and "1 run left alone" in done.stdout, done.stderr
    trackers.close_all()
    run = autotrack.get_run(a.id)
    assert [point.step for point in run.metric_history("loss")] == list(range(1, 16))
    assert (len(run.artifacts), run.status, len(autotrack.search_runs())) == (2, "FINISHED", 2)


def test_a_folder_without_logs_is_bad_usage(store: Path, tmp_path: Path) -> None:
    done = command("import", "tensorboard", str(tmp_path))
    assert done.returncode == 2 and "no event file" in done.stderr


def test_damage_is_noted_on_the_run(store: Path, logs: Path) -> None:
    path = logs / "a/events.out.tfevents.1000.h"
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    command("import", "tensorboard", str(logs / "a"))
    (run,) = autotrack.search_runs()
    assert len(run.metric_history("loss")) == 9 and "damaged" in run.health["notes"][0]


def test_tensorboard_shows_the_runs(store: Path, logs: Path) -> None:
    autotrack.enable(silent=True)
    with autotrack.start_run("by hand") as run:
        for step in range(5):
            run.log_metric("acc", step / 10, step)
    trackers.close_all()
    command("import", "tensorboard", str(logs / "a"))
    ids = [each.id for each in autotrack.search_runs()]
    trackers.close_all()
    shown = subprocess.Popen(
        [sys.executable, "-m", "autotrack.cli.main", "tensorboard", *ids, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert shown.stderr is not None
        address = next(found[0] for line in shown.stderr if (found := re.search(r"http://[\w.]+:\d+", line)))
        names: list[str] = []
        while len(names) < 2:  # it reads the files in a thread of its own
            names = json.load(urllib.request.urlopen(f"{address}/data/runs", timeout=30))
        tags = json.load(urllib.request.urlopen(f"{address}/data/plugin/scalars/tags", timeout=30))
        assert sorted(name.rpartition("-")[0] for name in names) == ["a", "by_hand"]
        assert sorted(tag for each in tags.values() for tag in each) == ["acc", "loss"]
    finally:
        os.killpg(shown.pid, signal.SIGINT)
        shown.wait(timeout=30)
        shown.stderr.close()


def test_a_run_that_is_not_there_is_said(store: Path, logs: Path) -> None:
    command("import", "tensorboard", str(logs))
    done = command("tensorboard", "nosuch")
    assert done.returncode == 1 and "nosuch" in done.stderr
