"""Which process records, in the processes that really occur."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.core import process

SCRIPT = """
import os, sys
from autotrack.core import process

where = {where!r}
def say(_=None):
    return process.role()

if where == "spawn-import" and __name__ != "__main__":
    open({out!r}, "w").write(process.role())

if __name__ == "__main__":
    if where == "plain":
        answer = say()
    elif where == "imported":
        import multiprocessing
        answer = say()
    elif where in ("fork", "spawn", "forkserver", "spawn-import"):
        import multiprocessing
        context = multiprocessing.get_context(where.partition("-")[0])
        with context.Pool(1) as pool:
            answer = pool.map(say, [1])[0]
            pool.close()
            pool.join()
    elif where in ("loky", "multiprocessing", "threading"):
        import joblib
        answer = joblib.Parallel(2, backend=where)(joblib.delayed(process.role)() for _ in range(2))[1]
        if where == "loky":
            from joblib.externals.loky import get_reusable_executor
            get_reusable_executor().shutdown(wait=True)
    elif where in ("os.fork", "os.fork tracked"):
        if "tracked" in where:
            process.mark_tracked()
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.write(write, process.role().encode())
            os._exit(0)
        os.waitpid(child, 0)
        answer = os.read(read, 20).decode()
        assert process.role() == "main"
    if where != "spawn-import":
        open({out!r}, "w").write(answer)
    assert process.role() == "main"
"""


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("plain", "main"),
        ("imported", "main"),
        ("fork", "worker"),
        ("spawn", "worker"),
        ("forkserver", "worker"),
        ("spawn-import", "worker"),
        ("loky", "worker"),
        ("multiprocessing", "worker"),
        ("threading", "main"),
        ("os.fork", "main"),
        ("os.fork tracked", "worker"),
    ],
)
def test_roles(tmp_path: Path, where: str, expected: str) -> None:
    out = tmp_path / "out"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(where=where, out=str(out)))
    environment = {key: value for key, value in os.environ.items() if key not in process.RANK_VARIABLES}
    subprocess.run([sys.executable, str(script)], check=True, timeout=60, env=environment, cwd=tmp_path)
    assert out.read_text() == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "main"),
        ({"RANK": "0"}, "main"),
        ({"RANK": "1"}, "rank"),
        ({"RANK": "4", "LOCAL_RANK": "0"}, "rank"),
        ({"RANK": "0", "LOCAL_RANK": "0", "SLURM_PROCID": "3"}, "main"),
        ({"LOCAL_RANK": "2"}, "rank"),
        ({"SLURM_PROCID": "1"}, "rank"),
        ({"JSM_NAMESPACE_RANK": "5"}, "rank"),
        ({"RANK": "", "SLURM_PROCID": "x"}, "main"),
        ({"RANK": "-1"}, "main"),
    ],
)
def test_ranks(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    for name in process.RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert process.role() == expected


def test_a_plugin_can_say_so_for_launchers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in process.RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    answers: list[tuple[str | None, str]] = [("worker", "worker"), ("rank", "rank"), (None, "main"), ("other", "main")]
    for answer, expected in answers:
        choose: Callable[[], str | None] = lambda answer=answer: answer  # noqa: E731
        assert process.role(choose) == expected


FORKS = """
import os, threading
from autotrack.core import process
from autotrack.core.probes.capture import Engine
from autotrack.core.guard import guard

guard.silent = True
order = []
process.on_fork("first", lambda: order.append("first"))
process.on_fork("bad", lambda: 1 / 0)
process.on_fork("last", lambda: order.append("last"))
process.mark_tracked()
stop = threading.Event()

def hold():
    while not stop.is_set():
        with guard._lock:
            pass

thread = threading.Thread(target=hold)
thread.start()
for _ in range(200):
    order.clear()
    child = os.fork()
    if not child:
        ok = order == ["first", "last"] and process.role() == "worker" and guard.failures[0].site == "fork of bad"
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
thread.join()
assert process.role() == "main" and order == [] and not guard.failures
"""


def test_200_forks_while_a_thread_holds_our_lock() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True, timeout=60)
