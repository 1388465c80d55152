"""A small laboratory: an engine with recordings of our own, and fake libraries that are really imported."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autotrack.core.guard import Guard
from autotrack.core.probes.bridges import JoblibBridge
from autotrack.core.probes.capture import Call, Engine
from autotrack.core.probes.frames import Frame
from autotrack.core.probes.installer import Installer
from autotrack.core.probes.patching import Patch


class Record:
    """What a probe logged, and how the call ended."""

    def __init__(self, call: Call, parent: Frame | None) -> None:
        self.target = call.target
        self.site = call.site
        self.parent = parent.run if parent is not None else None
        self.log: list[Any] = []
        self.finished = 0
        self.error: BaseException | None = None

    def finish(self, error: BaseException | None) -> None:
        self.finished += 1
        self.error = error


class Lab:
    """An engine of its own, armed, with everything that it recorded."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.guard = Guard()
        self.guard.silent = True
        self.engine = Engine(self._open, guard=self.guard)
        self.engine.armed = True
        self.installer = Installer(self.engine)
        self.bridge = JoblibBridge(self.engine, self.installer.visit_again)

    def _open(self, call: Call, parent: Frame | None) -> Record:
        record = Record(call, parent)
        self.records.append(record)
        return record

    def watch(self, target: str, probe: Callable[..., Any], **options: Any) -> None:
        self.installer.install(f"test{len(self.installer.installed())}", [Patch(target, probe, **options)])

    @property
    def errors(self) -> list[str]:
        return [f"{failure.site}: {failure.error}" for failure in self.guard.failures]

    @property
    def targets(self) -> list[str]:
        return [record.target for record in self.records]


def plain(call: Any, run: Any) -> Iterator[None]:
    """The smallest probe."""
    run.log.append("before")
    yield
    run.log.append("after" if call.error is None else "error")


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.bridge.uninstall()
    lab.installer.uninstall()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes modules of a package: ``library("lib", {"__init__": source, "sub": source})``. Nothing is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name: str, modules: dict[str, str]) -> None:
        for module, source in {"__init__": "", **modules}.items():
            path = tmp_path / name / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(source))

    yield write
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[module]


@pytest.fixture
def training(library: Callable[..., None]) -> ModuleType:
    """An imported library with a base class and functions, in the style of scikit-learn."""
    library(
        "fakelib",
        {
            "base": """
                import functools

                class Base:
                    def fit(self, X, y=None, *, weight=None, callbacks=()):
                        '''Fits.'''
                        self.seen = (X, y, weight, callbacks)
                        if X == "boom":
                            raise ValueError("boom")
                        if X == "interrupt":
                            raise KeyboardInterrupt
                        return self

                class Meta(Base):
                    def __init__(self, inner=None):
                        self.inner = inner

                    def fit(self, X, y=None):
                        self.inner.fit(X, y)
                        return self

                class Inherits(Base):
                    pass

                def train(params, data, rounds=10, *rest, callbacks=None, **extra):
                    return (params, data, rounds, rest, callbacks, extra)

                def positional(a, b=2, /, c=3):
                    return a, b, c
            """,
            "api": "from fakelib.base import train",
        },
    )
    import fakelib.api  # type: ignore[import-not-found]
    import fakelib.base  # type: ignore[import-not-found]

    return fakelib.base  # type: ignore[no-any-return]
