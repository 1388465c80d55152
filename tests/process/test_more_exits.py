"""R10 and R11, the rarer ends: threads, exit handlers, other ways to start Python, whole trees of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import autotrack

START = "import os, sys, signal, threading, atexit, time\nimport autotrack\n"


def status_after(script, source: str, returncode: int) -> autotrack.Run:
    done = script(START + textwrap.dedent(source))
    assert done.returncode == returncode, done.stderr
    run = autotrack.last_run()
    assert run.metrics["loss"] == 1.0
    assert run.ended is not None
    return run


ENDINGS = {
    "abort": ("os.abort()", -signal.SIGABRT, "CRASHED"),
    "SIGQUIT": ("os.kill(os.getpid(), signal.SIGQUIT); time.sleep(5)", -signal.SIGQUIT, {"CRASHED", "KILLED"}),
    "SIGSEGV sent": ("os.kill(os.getpid(), signal.SIGSEGV); time.sleep(5)", -signal.SIGSEGV, "CRASHED"),
    "SIGALRM": ("signal.alarm(1); time.sleep(5)", -signal.SIGALRM, "CRASHED"),
    "os._exit(3)": ("os._exit(3)", 3, "CRASHED"),
    "exec": ("os.execv(sys.executable, [sys.executable, '-c', ''])", 0, "CRASHED"),
    "an exception whose text fails": (
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", 1, "FAILED"),
    "a group of exceptions": ("raise ExceptionGroup('two', [ValueError(1), KeyError(2)])", 1, "FAILED"),
    "too deep": ("f = lambda: f()\n    f()", 1, "FAILED"),
    "a thread's exception": (
        "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", 0, "FINISHED"),
    "an exit handler's exception": ("atexit.register(lambda: 1 / 0)", 0, "FINISHED"),
}  # fmt: skip


@pytest.mark.parametrize("block", [True, False], ids=["with", "open"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_status_is_true(ending: str, block: bool, store: Path, script) -> None:
    code, returncode, wanted = ENDINGS[ending]
    begin = "with autotrack.start_run('it') as run:" if block else "run = autotrack.start_run('it')\nif True:"
    run = status_after(script, f"{begin}\n    run.log_metric('loss', 1.0)\n    {code}\n", returncode)
    assert str(run.status) in ({wanted} if isinstance(wanted, str) else wanted)


@pytest.mark.parametrize(
    "code", ["exit(3)", "quit(3)", "raise SystemExit(3)", "from sys import exit as leave; leave(3)"]
)
def test_leaving_in_other_words(code: str, store: Path, script) -> None:
    run = status_after(script, f"with autotrack.start_run() as run:\n    run.log_metric('loss', 1.0)\n    {code}", 3)
    assert (run.status, run.record.exit_code) == ("FAILED", 3)


def test_a_thread_that_dies_with_its_run(store: Path, script) -> None:
    run = status_after(
        script,
        """
        def work():
            with autotrack.start_run("it") as run:
                run.log_metric("loss", 1.0)
                raise ValueError("bad")
        thread = threading.Thread(target=work); thread.start(); thread.join()
        """,
        0,
    )
    assert run.status == "FAILED" and "bad" in (run.error or "")


def test_a_run_finished_in_another_thread_and_context(store: Path, script) -> None:
    run = status_after(
        script,
        """
        import asyncio
        run = autotrack.start_run("it")
        run.log_metric("loss", 1.0)
        thread = threading.Thread(target=run.finish, args=("KILLED",)); thread.start(); thread.join()
        assert autotrack.active_run() is None
        async def main():
            other = autotrack.start_run("other")
            await asyncio.create_task(asyncio.to_thread(other.finish))
            assert autotrack.active_run() is None
        asyncio.run(main())
        run = autotrack.start_run("last"); run.log_metric("loss", 1.0); run.finish("KILLED")
        """,
        0,
    )
    assert run.status == "KILLED" and run.parent is None
    assert sorted(str(each.status) for each in autotrack.search_runs()) == ["FINISHED", "KILLED", "KILLED"]


def test_asyncio_tasks_and_generators_have_runs_of_their_own(store: Path) -> None:
    import asyncio

    async def task(number: int) -> None:
        with autotrack.start_run(f"t{number}"):
            for step in range(5):
                autotrack.log_metric("n", number, step)
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(task(number) for number in range(8)))

    asyncio.run(main())
    runs = autotrack.search_runs()
    assert sorted(run.name for run in runs) == [f"t{number}" for number in range(8)]
    for run in runs:
        assert run.parent is None
        assert run.metric_history("n").values.tolist() == [int(run.name[1:])] * 5


WAYS = {
    "-c": lambda path: ["-c", path.read_text()],
    "-m": lambda path: ["-m", path.stem],
    "stdin": lambda path: ["-"],
    "-O": lambda path: ["-OO", str(path)],
    "-W error": lambda path: ["-W", "error", str(path)],
    "-I": lambda path: ["-I", str(path)],
    "-X dev": lambda path: ["-X", "dev", "-W", "error", str(path)],
}


@pytest.mark.parametrize("code,status", [("pass", "FINISHED"), ("1 / 0", "FAILED"), ("sys.exit(2)", "FAILED")])
@pytest.mark.parametrize("way", WAYS)
def test_however_python_is_started(way: str, code: str, status: str, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(f"{START}run = autotrack.start_run('it')\nrun.log_metric('loss', 1.0)\n{code}\n")
    with path.open() as source:
        done = subprocess.run(
            [sys.executable, *WAYS[way](path)], stdin=source, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == {"pass": 0, "1 / 0": 1, "sys.exit(2)": 2}[code], done.stderr
    assert "autotrack" not in done.stderr.replace("import autotrack", "")
    assert autotrack.last_run().status == status


def test_a_tree_of_processes_is_ended_by_one_signal(store: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        START
        + textwrap.dedent(
            """
            import subprocess
            depth = int(sys.argv[1])
            run = autotrack.start_run(f"depth{depth}")
            run.log_metric("loss", 1.0)
            children = [subprocess.Popen([sys.executable, __file__, str(depth - 1)]) for _ in range(2 if depth else 0)]
            open(f"ready-{os.getpid()}", "w").close()
            time.sleep(60)
            """
        )
    )
    process = subprocess.Popen([sys.executable, str(program), "2"], cwd=tmp_path, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("ready-*"))) < 7:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    deadline = time.monotonic() + 10
    while any(run.status == "RUNNING" for run in autotrack.search_runs()) and time.monotonic() < deadline:
        time.sleep(0.05)
    runs = autotrack.search_runs()
    assert len(runs) == 7
    assert {str(run.status) for run in runs} == {"KILLED"}


def test_the_order_of_exit_handlers(store: Path, script) -> None:
    """R11: logging is shut down, temporary folders and loops are gone, handlers log before and after ours."""
    done = script(
        """
        import atexit, os, sys
        late = []
        atexit.register(lambda: late[0].log_metric("loss", 3.0, 3))  # runs after autotrack's own
        atexit.register(lambda: autotrack.log_param("late", 1))
        import asyncio, logging, tempfile
        logging.basicConfig(filename="log.txt")
        atexit.register(logging.shutdown)
        loop = asyncio.new_event_loop()
        atexit.register(loop.close)
        folder = tempfile.TemporaryDirectory()
        os.chdir(folder.name)
        import autotrack
        run = autotrack.start_run("it")
        late.append(run)
        run.log_metric("loss", 1.0, 1)
        atexit.register(lambda: run.log_metric("loss", 2.0, 2))  # runs before autotrack's own
        """
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (run,) = [run for run in autotrack.search_runs() if run.name == "it"]
    assert run.status == "FINISHED"
    assert run.metric_history("loss").values.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks the system for the threads of this process")
def test_no_thread_of_ours_is_left_when_the_interpreter_ends(store: Path, script) -> None:
    """One that is in C++ code then, and asks for the interpreter again, would abort the process."""
    done = script(
        """
        import atexit, os, time

        def threads():
            until = time.monotonic() + 10  # one that has ended its work is still on its way out
            while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < until:
                time.sleep(0.01)
            print(len(os.listdir("/proc/self/task")))

        atexit.register(threads)  # registered first, so it runs last
        import autotrack
        run = autotrack.start_run()
        run.log_metric("loss", 1.0)
        until = time.monotonic() + 20
        while not run.has_metric("system/memory_percent") and time.monotonic() < until:
            time.sleep(0.01)
        assert len(os.listdir("/proc/self/task")) > 2, "this test says nothing"
        """,
        AUTOTRACK_DELIVER_AFTER="0",
        AUTOTRACK_SYSTEM_FIRST="0",
        AUTOTRACK_SYSTEM_INTERVAL="0.05",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_leaving_with_a_hundred_thousand_points_is_quick(store: Path, script) -> None:
    done = script(
        """
        import atexit, time
        atexit.register(lambda: print(time.monotonic() - began))  # registered first, so it runs last
        import autotrack
        run = autotrack.start_run()
        for step in range(100_000):
            run.log_metric("loss", float(step), step)
        autotrack.search_runs()
        began = time.monotonic()
        """,
        AUTOTRACK_DELIVER_AFTER="0",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert float(done.stdout) < 5.5
    assert len(autotrack.last_run().metric_history("loss")) == 100_000


def test_threads_have_runs_of_their_own(store: Path) -> None:
    """A run of a thread is nobody's child unless that is said: another thread's run may have nothing to do with it."""
    from concurrent.futures import ThreadPoolExecutor

    barrier = threading.Barrier(4)

    def work(number: int, parent: autotrack.Run | None = None) -> str:
        with autotrack.start_run(f"t{number}", parent=parent) as run:
            barrier.wait(10)
            autotrack.log_metric("n", number)
            barrier.wait(10)
            return run.id

    with ThreadPoolExecutor(4) as pool:
        siblings = list(pool.map(work, range(4)))
    with autotrack.start_run("outer") as outer, ThreadPoolExecutor(4) as pool:
        siblings += list(pool.map(work, range(4)))
        children = list(pool.map(work, range(4), [outer] * 4))
    assert [autotrack.get_run(run).parent for run in siblings] == [None] * 8
    assert {child.id for child in outer.children} == set(children)
    for number, run in enumerate(siblings):
        assert autotrack.get_run(run).metrics == {"n": number % 4}
