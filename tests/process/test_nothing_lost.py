"""R1, R6, R7, R11, R12 through the public names: what was acknowledged is there, once, whoever is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import autotrack

LOGGER = """
import sys, autotrack
run = autotrack.start_run("killed")
write, step = sys.stdout.write, 0
while True:
    run.log_metric("loss", step * 0.5, step=step)
    write(f"{step}\\n")
    step += 1
"""


def spawn(tmp_path: Path, source: str, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
    path = tmp_path / f"script_{random.randrange(10**9)}.py"
    path.write_text(textwrap.dedent(source))
    return subprocess.Popen([sys.executable, "-u", str(path), *arguments], cwd=tmp_path, **options)  # type: ignore[call-overload, no-any-return]


def test_acknowledged_points_survive_sigkill(store: Path, tmp_path: Path) -> None:
    """Twenty kills at random moments: no acknowledged point lost, none invented, none twice."""
    acknowledged: list[int] = []
    source = LOGGER.replace("write(", "open_file.write(").replace(
        "write, step = sys.stdout.write, 0", "open_file, step = open(sys.argv[1], 'w', buffering=1), 0"
    )
    for number in range(20):
        output = tmp_path / f"acknowledged_{number}"
        process = spawn(tmp_path, source, str(output))
        while not output.exists() or output.stat().st_size == 0:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        process.wait()
        lines = output.read_text().split("\n")
        acknowledged.append(len([line for line in lines[:-1] if line]))
    runs = autotrack.search_runs(order_by="start_time ASC")
    assert len(runs) == 20
    for run, count in zip(runs, acknowledged, strict=True):
        assert run.status == "CRASHED"
        history = run.metric_history("loss")
        assert history.steps.tolist() == list(range(len(history)))  # none invented, none twice, in order
        assert history.values.tolist() == [step * 0.5 for step in range(len(history))]
        assert count <= len(history) <= count + 1


def test_readers_killed_while_they_deliver_lose_nothing(store: Path, tmp_path: Path) -> None:
    with autotrack.start_run() as run:
        for step in range(20_000):
            run.log_metric("loss", float(step), step)
    reader = "import autotrack; autotrack.search_runs(); print('done', flush=True)"
    for _ in range(6):
        process = spawn(tmp_path, reader, stdout=subprocess.DEVNULL)
        time.sleep(random.uniform(0.2, 0.8))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert autotrack.get_run(run.id).metric_history("loss").values.tolist() == list(range(20_000))


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh store", "existing store"])
def test_eight_processes_at_once(fresh: bool, store: Path, tmp_path: Path) -> None:
    if not fresh:
        autotrack.start_run("first").finish()
        autotrack.search_runs()
    source = """
        import autotrack, time
        slowest = 0.0
        with autotrack.start_run() as run:
            for step in range(1000):
                begin = time.perf_counter()
                run.log_metric("loss", float(step), step)
                slowest = max(slowest, time.perf_counter() - begin) if step else 0.0
        print(slowest, len(autotrack.search_runs()))
    """
    processes = [spawn(tmp_path, source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    for process in processes:
        out, err = process.communicate(timeout=90)
        assert (process.returncode, err) == (0, "")
        slowest, seen = out.split()
        assert int(seen) >= 1
        assert float(slowest) < 0.5
    runs = [run for run in autotrack.search_runs() if run.name != "first"]
    assert len(runs) == 8
    assert all(run.status == "FINISHED" for run in runs)
    assert sum(len(run.metric_history("loss")) for run in runs) == 8000


def test_forked_children_log_to_the_parents_run(store: Path, script) -> None:
    done = script(
        """
        import os, autotrack
        run = autotrack.start_run("family")
        run.log_metric("parent", 0.0)
        children = []
        for number in range(4):
            pid = os.fork()
            if pid == 0:
                run.log_metric("child", float(number), step=number)
                os._exit(0)
            children.append(pid)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
        run.log_metric("parent", 1.0)
        run.finish()
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = autotrack.search_runs()
    assert run.status == "FINISHED"
    assert sorted(run.metric_history("child").values.tolist()) == [0.0, 1.0, 2.0, 3.0]
    assert run.metric_history("parent").values.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_make_no_runs_of_their_own(method: str, store: Path, script) -> None:
    done = script(
        f"""
        import multiprocessing, autotrack
        from sklearn.linear_model import Ridge
        autotrack.enable()

        def fit(alpha):
            return float(Ridge(alpha=alpha).fit([[0.0], [1.0]], [0.0, 1.0]).coef_[0])

        if __name__ == "__main__":
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(pool.map(fit, [0.0, 1.0]))
            Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(autotrack.search_runs()) == 1


def test_two_hundred_forks_while_threads_log(store: Path, script) -> None:
    done = script(
        """
        import os, threading, autotrack
        run = autotrack.start_run()
        stop = threading.Event()
        def log(name):
            step = 0
            while not stop.is_set():
                run.log_metric(name, float(step), step)
                run.set_tag(name, step)
                step += 1
        threads = [threading.Thread(target=log, args=(f"t{n}",)) for n in range(3)]
        for thread in threads: thread.start()
        for number in range(200):
            pid = os.fork()
            if pid == 0:
                run.log_metric("child", float(number), number)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for thread in threads: thread.join()
        run.finish()
        """,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = autotrack.search_runs()
    assert run.metric_history("child").steps.tolist() == list(range(200))
    for name in ("t0", "t1", "t2"):
        steps = run.metric_history(name).steps.tolist()
        assert steps == list(range(len(steps)))


def test_sixteen_threads_share_a_run(store: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with autotrack.start_run() as run, ThreadPoolExecutor(16) as pool:

        def log(number: int) -> None:
            for step in range(500):
                autotrack.log_metric(f"m{number}", float(step), step)  # the module's name finds the one open run

        list(pool.map(log, range(16)))
    for number in range(16):
        assert run.metric_history(f"m{number}").values.tolist() == list(range(500))


def test_exit_is_quick_with_much_to_deliver(store: Path, script) -> None:
    began = time.monotonic()
    done = script(
        """
        import autotrack
        run = autotrack.start_run()
        for step in range(300_000):
            run.log_metric("loss", float(step), step)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began < 15
    assert len(autotrack.last_run().metric_history("loss")) == 300_000


def test_removed_folder_costs_one_warning(store: Path, script) -> None:
    done = script(
        """
        import shutil, time, autotrack, os
        run = autotrack.start_run()
        run.log_metric("loss", 1.0, 1)
        os.rename(os.environ["AUTOTRACK_TRACKING_URI"], "gone")  # at once, as nothing may be written to it meanwhile
        shutil.rmtree("gone")
        deadline = time.monotonic() + 10
        while not os.path.isdir(os.environ["AUTOTRACK_TRACKING_URI"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        run.log_metric("loss", 2.0, 2)
        run.finish()
        """
    )
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert autotrack.last_run().metric_history("loss").values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("end", "code", "status"), [("", 0, "FINISHED"), ("raise SystemExit(3)", 3, "FAILED")])
def test_a_folder_removed_just_before_the_end(end: str, code: int, status: str, store: Path, script) -> None:
    """Whoever makes the folder again, the background thread has no time left to look for the journal."""
    done = script(
        f"""
        import shutil, autotrack, os
        from pathlib import Path
        run = autotrack.start_run()
        run.log_metric("loss", 1.0, 1)
        root = Path(os.environ["AUTOTRACK_TRACKING_URI"])
        root.rename("gone")
        shutil.rmtree("gone")
        root.mkdir(exist_ok=True)
        run.log_metric("loss", 2.0, 2)
        {end}
        """
    )
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    (run,) = autotrack.search_runs()
    assert (run.status, run.metric_history("loss").values.tolist()) == (status, [1.0, 2.0])


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root to be mounted")
def test_full_disk(tmp_path: Path, script) -> None:
    """The journal on a file system of 1 MiB: training goes on, one warning, the loss is counted, logging comes back."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True)
    try:
        done = script(
            """
            import os, time, autotrack
            ballast = os.environ["AUTOTRACK_TRACKING_URI"] + "/../ballast"
            run = autotrack.start_run("full")
            for step in range(100):
                run.log_metric("early", float(step), step)
            try:
                with open(ballast, "wb", buffering=0) as file:
                    while True: file.write(b"x" * 4096)
            except OSError:
                pass
            for step in range(60_000):
                run.log_metric("middle", float(step), step)
            run.log_param("late", 1)
            os.unlink(ballast)
            deadline = time.monotonic() + 5
            run.log_metric("after", 0.0, 0)
            while time.monotonic() < deadline:
                run.log_metric("after", 1.0, 1)
                time.sleep(0.05)
            run.finish()
            print("done")
            """,
            AUTOTRACK_TRACKING_URI=str(small / "store"),
        )
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        run = autotrack.Client(small / "store").last_run()
        assert run.status == "FINISHED"
        assert len(run.metric_history("early")) == 100
        kept = run.metric_history("middle").steps.tolist()
        lost = int(run.health["lost_points"])
        assert kept == list(range(len(kept)))
        assert 0 < len(kept) < 60_000
        assert len(run.metric_history("after")) > 10  # it came back
        assert lost >= 60_000 - len(kept)
        assert run.params == {"late": "1"}
    finally:
        from autotrack.core.runs import trackers

        trackers.close_all()
        subprocess.run(["umount", "-l", str(small)], check=True)
