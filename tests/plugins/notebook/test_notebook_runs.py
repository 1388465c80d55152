"""Runs and the cells that start, use and end them, in real kernels."""

from __future__ import annotations

from pathlib import Path

import autotrack
from tests.plugins.notebook.conftest import Start
from tests.plugins.notebook.kernels import Kernel, until


def statuses() -> dict[str, str]:
    return {run.name: str(run.status) for run in autotrack.search_runs()}


def test_a_cell_that_fails_leaves_none_of_its_runs_open(kernel: Kernel) -> None:
    kernel.run("outer = autotrack.start_run('outer'); inner = autotrack.start_run('inner'); 1/0")
    assert kernel.text("print(outer.is_open, inner.is_open, autotrack.active_run())") == "False False None\n"
    kernel.stop()
    assert statuses() == {"outer": "FAILED", "inner": "FAILED"}
    assert all("ZeroDivisionError" in (run.error or "") for run in autotrack.search_runs())


def test_an_interrupted_cell_ends_its_run_as_killed(kernel: Kernel) -> None:
    waits = "print('begun', flush=True); import time; time.sleep(60)"
    kernel.run(f"autotrack.start_run('plain'); {waits}", while_running=kernel.interrupt)
    # ipykernel cancels what a cell awaits once the loop wakes up.
    waits = "import asyncio; print('begun', flush=True)\nfor _ in range(600): await asyncio.sleep(0.1)"
    kernel.run(f"autotrack.start_run('awaiting'); {waits}", while_running=kernel.interrupt)
    kernel.run("with autotrack.start_run('block'): raise KeyboardInterrupt")
    kernel.stop()
    assert statuses() == dict.fromkeys(("plain", "awaiting", "block"), "KILLED")


def test_a_cell_that_runs_again_never_logs_to_the_old_run(kernel: Kernel) -> None:
    for by_id in ("cell-a", None):
        code = f"run = autotrack.start_run('{by_id}'); autotrack.log_metric('m', 1.0)"
        kernel.run(code, by_id)
        kernel.run("first = run")
        kernel.run(code if by_id is None else f"{code} # edited", by_id)
        assert kernel.text("print(first.is_open, run.is_open, run.parent)") == "False True None\n"
        kernel.run("run.finish()")
    kernel.stop()
    runs = autotrack.search_runs()
    assert [str(run.status) for run in runs] == ["FINISHED"] * 4
    assert [len(run.metric_history("m").values) for run in runs] == [1] * 4


def test_a_run_goes_over_cells_whatever_they_await(kernel: Kernel) -> None:
    kernel.run("import asyncio; run = autotrack.start_run('long'); await asyncio.sleep(0)", "a")
    kernel.run("autotrack.log_metric('m', 1.0)", "b")
    kernel.run("await asyncio.sleep(0); autotrack.log_metric('m', 2.0); raise ValueError('another cell')", "c")
    kernel.run("with autotrack.start_run('below') as below: await asyncio.sleep(0)", "d")
    assert kernel.text("print(autotrack.active_run() is run, below.parent == run)", "e") == "True True\n"
    kernel.run("await asyncio.sleep(0); run.finish()", "f")
    assert kernel.text("print(autotrack.active_run())", "g") == "None\n"
    kernel.stop()
    assert statuses() == {"long": "FINISHED", "below": "FINISHED"}
    long = autotrack.search_runs("name = 'long'")[0]
    assert list(long.metric_history("m").values) == [1.0, 2.0]


def test_watched_calls_of_later_cells_join_a_run_started_in_a_cell_that_awaits(kernel: Kernel) -> None:
    kernel.run("import asyncio; run = autotrack.start_run('mine'); await asyncio.sleep(0)")
    kernel.run("from sklearn.linear_model import Ridge; Ridge(alpha=0.25).fit([[0.0], [1.0]], [0.0, 1.0])")
    kernel.stop()
    (run,) = autotrack.search_runs()
    assert run.name == "mine" and run.params["alpha"] == "0.25"


def test_what_still_runs_in_the_background_keeps_its_run(kernel: Kernel) -> None:
    kernel.run(
        """
import asyncio, threading
go, went = threading.Event(), threading.Event()
def in_thread(name):
    with autotrack.start_run(name) as run:
        went.set()
        go.wait(30)
        run.log_metric('m', 1.0)
async def in_task():
    with autotrack.start_run('task') as run:
        began.set()
        await on.wait()
        run.log_metric('m', 1.0)
on, began = asyncio.Event(), asyncio.Event()
thread = threading.Thread(target=in_thread, args=['thread']); thread.start(); went.wait(30); went.clear()
pooled = asyncio.ensure_future(asyncio.to_thread(in_thread, 'pooled')); await asyncio.to_thread(went.wait, 30)
task = asyncio.ensure_future(in_task()); await began.wait()
1/0
""",
        "background",
    )
    kernel.run("on.set(); go.set(); await task; await pooled; thread.join(30)")
    kernel.stop()
    runs = autotrack.search_runs()
    assert {run.name: (str(run.status), run.metrics) for run in runs} == {
        "thread": ("FINISHED", {"m": 1.0}),
        "pooled": ("FINISHED", {"m": 1.0}),
        "task": ("FINISHED", {"m": 1.0}),
    }


def test_a_task_that_failed_leaves_no_run_open(kernel: Kernel) -> None:
    kernel.run(
        "import asyncio\nasync def train():\n    autotrack.start_run('in a task')\n    raise ValueError('bad')\n"
        "await asyncio.gather(train())"
    )
    kernel.stop()
    assert statuses() == {"in a task": "FAILED"}


def test_a_cell_inside_a_cell_is_part_of_it(kernel: Kernel) -> None:
    kernel.run("run = autotrack.start_run('outer'); get_ipython().run_cell('1/0')")
    assert kernel.text("print(run.is_open)") == "True\n"
    kernel.run("run.finish()")
    kernel.run("get_ipython().run_cell('run = autotrack.start_run(\"inner\")'); get_ipython().run_cell('1/0')")
    assert kernel.text("print(run.is_open)") == "True\n"
    kernel.run("%%time\nrun.finish(); timed = autotrack.start_run('timed')")
    assert kernel.text("print(run.is_open, timed.is_open)") == "False True\n"


def test_a_loop_of_torch_ends_with_the_cell_that_fails_in_it_and_begins_anew_in_the_next(kernel: Kernel) -> None:
    kernel.run(
        "import torch; net = torch.nn.Linear(2, 1); optimizer = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "def steps(count, fails_at=-1):\n"
        "    for step in range(count):\n"
        "        optimizer.zero_grad(); net(torch.ones(4, 2)).sum().backward(); optimizer.step()\n"
        "        check(step != fails_at)\n"
        "def check(fine):\n"
        "    if not fine: raise ArithmeticError('in the loop')\n"
    )
    kernel.run("steps(5, fails_at=3)", "loop")
    kernel.run("steps(5)", "again")
    kernel.run("steps(5)", "again")
    kernel.run("1/0", "elsewhere")
    kernel.stop()
    runs = sorted(autotrack.search_runs(), key=lambda run: run.started)
    assert [str(run.status) for run in runs] == ["FAILED", "FINISHED", "FINISHED"]
    assert "in the loop" in (runs[0].error or "")


def test_the_end_of_a_kernel_is_told_by_how_it_ended(start: Start) -> None:
    for how in ("stop", "restart", "kill"):
        kernel = start()
        kernel.run("import autotrack; autotrack.enable()")
        kernel.run(f"run = autotrack.start_run('{how}')")
        getattr(kernel, how)()
    busy = start()
    busy.run("import autotrack; autotrack.enable()")
    busy.send("autotrack.start_run('busy'); import time; time.sleep(60)")
    until(lambda: autotrack.search_runs("name = 'busy'"))
    busy.stop()
    expected = {"stop": "FINISHED", "restart": "FINISHED", "kill": "CRASHED", "busy": "KILLED"}
    until(lambda: statuses() == expected)


def test_a_terminal_ends_runs_with_their_cells(store: Path, script) -> None:
    done = script(
        """
        from IPython.terminal.interactiveshell import TerminalInteractiveShell
        shell = TerminalInteractiveShell.instance()
        shell.run_cell("import autotrack; autotrack.enable()", store_history=True)
        shell.run_cell("run = autotrack.start_run('typed'); 1/0", store_history=True)
        shell.run_cell("print('open:', run.is_open)", store_history=True)
        shell.run_cell("run = autotrack.start_run('twice')", store_history=True)
        shell.run_cell("first = run", store_history=True)
        shell.run_cell("run = autotrack.start_run('twice')", store_history=True)
        shell.run_cell("print('first:', first.is_open, 'second:', run.is_open)", store_history=True)
        """,
        IPYTHONDIR=str(store.parent / "ipython"),
    )
    assert "open: False" in done.stdout and "first: False second: True" in done.stdout
    assert sorted(str(run.status) for run in autotrack.search_runs()) == ["FAILED", "FINISHED", "FINISHED"]
    assert not [run for run in autotrack.search_runs() if run.artifacts]


def test_the_kernels_own_threads_are_no_threads_that_draw(kernel: Kernel) -> None:
    """A model that may draw random numbers is asked only where no other thread of the program's may."""
    kernel.run("from autotrack.core.streams import others_may_draw")
    assert kernel.text("print(others_may_draw())") == "False\n"
    kernel.run("import threading; leave = threading.Event(); threading.Thread(target=leave.wait).start()")
    assert kernel.text("print(others_may_draw()); leave.set()") == "True\n"
