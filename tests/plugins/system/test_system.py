"""The machine's metrics, while runs are open."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import autotrack_system
import pytest
from autotrack_system import meters

import autotrack
from autotrack.core.plugins.registry import forget_plugins
from autotrack.core.runs.run import Run
from tests.conftest import Script


@pytest.fixture
def quick(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AUTOTRACK_SYSTEM_INTERVAL", "0.05")
    monkeypatch.setenv("AUTOTRACK_SYSTEM_FIRST", "0")
    forget_plugins()
    monkeypatch.setattr(autotrack_system, "_sampling", None)
    yield
    forget_plugins()


def until_sampled(run: Run, key: str) -> None:
    limit, pause = time.monotonic() + 20, threading.Event()
    while not run.has_metric(key):
        assert time.monotonic() < limit, f"no {key} after 20 seconds"
        pause.wait(0.01)


def test_a_run_is_sampled_while_it_is_open(quick: None) -> None:
    with autotrack.start_run() as run:
        until_sampled(run, "system/process_cpu_percent")
    found = run.metrics
    assert {"system/cpu_percent", "system/memory_percent", "system/memory_used_mb", "system/disk_free_mb"} <= set(found)
    assert 0 < found["system/memory_percent"] <= 100 and 5 < found["system/process_memory_mb"] < 100_000
    assert "system.host" in run.tags and "system.rank" not in run.tags
    count = len(run.metric_history("system/memory_percent"))
    with autotrack.start_run() as other:
        until_sampled(other, "system/memory_percent")
    assert len(run.refresh().metric_history("system/memory_percent")) == count


def test_a_rank_is_a_tag(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    with autotrack.start_run() as run:
        until_sampled(run, "system/memory_percent")
    assert run.tags["system.rank"] == "0"


LAUNCHER = """
import os, subprocess, sys
if "RANK" in os.environ:
    sys.stdin.readline()
    sys.exit()
if len(sys.argv) > 1:  # rank 0, which looks at the others
    os.environ["RANK"] = "0"
    import psutil
    from autotrack_system.ranks import Ranks
    found, counters = {}, {}
    Ranks(psutil).read(found, counters)
    print(sorted(found), sorted(counters))
    sys.exit()
others = [
    subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, env={**os.environ, **rank})
    for rank in ({"RANK": "1"}, {"RANK": "7", "LOCAL_RANK": "2"})
]
subprocess.run([sys.executable, __file__, "look"])
for other in others:
    other.communicate(b"")
"""


def test_the_other_ranks_of_a_launcher_are_looked_at_from_rank_0(store: Path, script: Script) -> None:
    found = script(LAUNCHER)
    assert (
        found.stdout.split()
        == (
            "['rank.1.process_memory_mb', 'rank.7.process_memory_mb'] "
            "['rank.1.process_cpu_percent', 'rank.7.process_cpu_percent']"
        ).split()
    ), found.stderr


def test_a_run_is_left_alone_in_its_first_seconds(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_SYSTEM_FIRST", "1000")
    forget_plugins()
    with autotrack.start_run() as young:
        monkeypatch.setenv("AUTOTRACK_SYSTEM_FIRST", "0")
        forget_plugins()
        with autotrack.start_run() as old:
            until_sampled(old, "system/process_cpu_percent")
    assert young.metrics == {} and not young.tags


def test_zero_switches_it_off(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_SYSTEM_INTERVAL", "0")
    forget_plugins()
    with autotrack.start_run():
        pass
    assert autotrack_system._sampling is None


def test_psutil_is_not_loaded_before_a_sample_is_due(store: Path, script: Script) -> None:
    done = script(
        """
        import sys, autotrack
        autotrack.enable()
        with autotrack.start_run():
            pass
        print("psutil" in sys.modules, "pynvml" in sys.modules)
        """
    )
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_the_program_finds_no_thread_of_ours(store: Path, script: Script) -> None:
    """psutil, imported on the thread that samples, asks for ``threading.current_thread()``, which enters it there."""
    done = script(
        """
        import sys, threading, time, autotrack
        with autotrack.start_run() as run:
            limit, pause = time.monotonic() + 20, threading.Event()
            while not run.has_metric("system/memory_percent") and time.monotonic() < limit:
                pause.wait(0.01)
            assert "psutil" in sys.modules
            pause.wait(0.2)
            print([thread.name for thread in threading.enumerate()])
        """,
        AUTOTRACK_SYSTEM_FIRST="0",
        AUTOTRACK_SYSTEM_INTERVAL="1000",
    )
    assert (done.returncode, done.stdout) == (0, "['MainThread']\n"), done.stderr


def test_rates_are_means_since_the_sample_before() -> None:
    sampler = meters.Meters()
    first = sampler.sample()
    assert "process_cpu_percent" not in first and "cpu_percent" not in first
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    second = sampler.sample()
    assert second["process_cpu_percent"] > 10 and 0 <= second["cpu_percent"] <= 110


def test_a_container_is_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "memory.max": "1000000000",
        "memory.current": "600000000",
        "memory.stat": "anon 1\ninactive_file 100000000\n",
        "cpu.max": "50000 100000",
        "cpu.stat": "usage_usec 1000000\nuser_usec 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    sampler = meters.Meters()
    monkeypatch.setattr(sampler, "_group", tmp_path)
    found = sampler.sample()
    assert (found["memory_percent"], found["memory_used_mb"]) == (50.0, 500.0)
    (tmp_path / "cpu.stat").write_text("usage_usec 1500000\n")
    monkeypatch.setattr(sampler, "_when", time.monotonic() - 10)
    # Half a second of work in ten, of the half processor that there is.
    assert sampler.sample()["cpu_percent"] == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize(
    ("variable", "visible"),
    [(None, [0, 1, 2]), ("", []), ("1", [1]), ("2,0", [0, 2]), ("GPU-b", [1]), ("-1", [])],
)
def test_only_visible_cards_count(monkeypatch: pytest.MonkeyPatch, variable: str | None, visible: list[int]) -> None:
    if variable is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    names = ["GPU-a1", "GPU-b2", "GPU-c3"]
    assert [number for number, name in enumerate(names) if meters._is_visible(number, name)] == visible


def test_a_forked_child_has_a_thread_of_its_own(store: Path, script: Script) -> None:
    done = script(
        """
        import os, threading, time, autotrack
        with autotrack.start_run() as run:
            child = os.fork()
            if not child:
                assert [t.name for t in threading.enumerate()] == ["MainThread"]
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        assert not run.health
        """,
        AUTOTRACK_SYSTEM_FIRST="0",
    )
    assert done.returncode == 0, done.stderr
