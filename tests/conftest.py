"""What every test gets: a store of its own, and the promise that autotrack's guard caught nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import settings

from autotrack.core import streams
from autotrack.core.guard import guard
from autotrack.core.runs import trackers
from tests import postgres

Script = Callable[..., "subprocess.CompletedProcess[str]"]

# The programs that tests start find autotrack compiled, as installed ones do. Where the environment forbids that, each
# of them would compile it anew, which takes 0.2 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Threads of libraries wait for one another without keeping the processors busy, of which each worker of pytest has one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The same examples in every run of a change, so that a failure is the change's; new ones each night, to find more.
settings.register_profile("change", derandomize=True, deadline=None)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile("nightly" if "AUTOTRACK_TEST_NIGHTLY" in os.environ else "change")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store in force for this process and its children; everything is closed afterwards."""
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    root = tmp_path / ".autotrack"
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(root))
    # A busy machine leaves no model and no metric out; tests of what is left out set their own.
    monkeypatch.setenv("AUTOTRACK_OVERHEAD_ALLOWANCE", "60")
    trackers.close_all()
    yield root
    from autotrack.core import switch

    switch.disable()
    trackers.close_all()


@pytest.fixture(autouse=True)
def nothing_was_guarded(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which the guard swallowed something, unless it is marked ``guarded``."""
    guard.reset()
    yield
    failures = list(guard.failures)
    guard.reset()
    if request.node.get_closest_marker("guarded") is None:
        assert not failures


@pytest.fixture(autouse=True)
def threads_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that an earlier test left, as of a model that hangs, are none of the program that a test stands for: they
    draw no random numbers, and do not keep a model from being asked."""
    left = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    running = streams.running

    def of_this_test() -> dict[int, FrameType]:
        apart = {thread.ident for thread in left if thread.is_alive()}
        return {ident: frame for ident, frame in running().items() if ident not in apart}

    monkeypatch.setattr(streams, "running", of_this_test)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.choose_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.stop_and_remove()


@pytest.fixture(scope="session")
def postgres_server(worker_id: str) -> postgres.Server:
    """The PostgreSQL server of this pytest session."""
    return postgres.server_of_session()


@pytest.fixture(scope="session")
def own_database(postgres_server: postgres.Server, worker_id: str) -> str:
    """The URI of a database with our tables, of this worker's own."""
    return postgres_server.made(worker_id)


@pytest.fixture
def postgresql(own_database: str) -> str:
    """The URI of a PostgreSQL database with our tables and nothing in them."""
    postgres.emptied(own_database)
    return own_database


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs Python source in a process of its own, in ``tmp_path``."""

    def run(
        source: str,
        *arguments: str,
        timeout: float = 60,
        options: tuple[str, ...] = (),
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, *options, str(path), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run
