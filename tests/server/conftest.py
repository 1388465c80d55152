"""A server as users start it: a real process on a free port over a fresh store, and raw requests to it.

``server`` is shared by the tests of a module; ``new_server`` starts further ones with other options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_process import ServerProcess, clean_environment

NewServer = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests of a module, over a store that was empty when the first of them began."""
    started = ServerProcess(tmp_path_factory.mktemp("server"), environment=clean_environment())
    yield started
    started.close()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[NewServer]:
    """Starts a server of the test's own: ``new_server("--workers", "4", store=..., AUTOTRACK_X="1")``."""
    made: list[ServerProcess] = []

    def start(*options: str, store: Any = None, **environment: str) -> ServerProcess:
        base = tmp_path / f"server{len(made)}"
        base.mkdir()
        made.append(ServerProcess(base, *options, store=store, environment={**clean_environment(), **environment}))
        return made[-1]

    yield start
    for one in made:
        one.close()
