"""Kernels with a store of their own, stopped when the test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugins.notebook.kernels import Kernel

Start = Callable[[], Kernel]


@pytest.fixture
def start(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts kernels in a folder that is empty but for the store, with IPython's defaults."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    started: list[Kernel] = []

    def begin() -> Kernel:
        started.append(Kernel(tmp_path))
        return started[-1]

    yield begin
    for kernel in started:
        if kernel.manager.is_alive():
            kernel.stop()
        kernel.client.stop_channels()
        kernel.manager.cleanup_resources()


@pytest.fixture
def kernel(start: Start) -> Kernel:
    """A kernel in which tracking has been switched on, in a cell."""
    kernel = start()
    assert kernel.run("import autotrack; autotrack.enable()", "enable") == []
    return kernel
