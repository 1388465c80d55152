"""Plugins come from the entry points of what is installed; one that fails is told apart and hurts nobody."""

from __future__ import annotations

import importlib.metadata
import logging
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from autotrack.core.errors import ArtifactError, PluginError, StoreError
from autotrack.core.guard import Guard
from autotrack.core.plugins.discovery import entry_points, parse
from autotrack.core.plugins.hookspecs import hookimpl
from autotrack.core.plugins.manager import BLOCK_VARIABLE, Manager
from autotrack.core.probes.frames import FRAME, SEALED

HOOKS = "from autotrack.core.plugins.hookspecs import hookimpl\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a distribution with one plugin module into a folder of the search path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    loaded: list[str] = []

    def write(name: str, source: str, *, module: str | None = None) -> None:
        module = module or f"fake_{name}"
        loaded.append(module)
        (folder / f"{module}.py").write_text(HOOKS + textwrap.dedent(source))
        info = folder / f"fake_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fake-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[autotrack]\n{name} = {module}\n")

    yield write
    for module in loaded:
        sys.modules.pop(module, None)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    monkeypatch.delenv(BLOCK_VARIABLE, raising=False)
    guard = Guard()
    guard.silent = True
    return Manager(guard=guard)


def failures(manager: Manager) -> list[str]:
    return [failure.site for failure in manager._guard.failures]


def test_discovery_finds_what_importlib_metadata_finds(install: Any) -> None:
    install("one", "")
    for group in ("autotrack", "console_scripts", "pytest11"):
        ours = sorted((e.name, e.target) for e in entry_points(group))
        theirs = sorted((e.name, e.value) for e in importlib.metadata.entry_points(group=group))
        assert ours == theirs, group
    assert any(e.name == "sklearn" for e in entry_points("autotrack"))


def test_discovery_reads_comments_extras_and_attributes() -> None:
    text = "# c\n[ autotrack ]\n a = m : f [extra]\n; c\n[autotrack.other]\nb = n\n[autotrack]\nc=o.p\n"
    assert parse(text, "autotrack") == [("a", "m:f"), ("c", "o.p")]


def test_discovery_survives_odd_search_paths(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    binary = tmp_path / "x" / "bad-1.dist-info"
    binary.mkdir(parents=True)
    (binary / "entry_points.txt").write_bytes(b"\xff[autotrack]\na = b\n")
    assert entry_points("autotrack", [str(tmp_path / "absent"), str(tmp_path / "x")]) == []
    assert entry_points("autotrack", [str(tmp_path / "a.zip")]) == []


def test_a_plugin_is_loaded_and_asked(install: Any, manager: Manager) -> None:
    install(
        "good",
        """
        @hookimpl
        def register_settings(): return {"depth": 3}
        @hookimpl
        def run_tags(): return {"ticket": "7"}
        """,
    )
    assert "good" in manager.available() and "fake_good" not in sys.modules
    assert manager.load("good") == ["good"]
    assert manager.loaded() == ["good"]
    assert manager.settings() == {"good": {"depth": 3}}
    assert manager.run_tags() == {"ticket": "7"}
    assert manager.patches() == [] and manager.flavors() == []
    manager.unregister("good")
    assert manager.loaded() == []


def test_three_kinds_of_failure_are_told_apart(
    install: Any, manager: Manager, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "autotrack.manager")
    install("lacking", "import not_installed_anywhere")
    install("broken", "1 / 0")
    install("own", "from autotrack.core import no_such_module_of_ours")
    install("misfit", "@hookimpl\ndef run_started(run, nothing): pass")
    install("unknown", "@hookimpl\ndef run_startet(run): pass")
    install("wrapping", "@hookimpl(wrapper=True)\ndef run_started(run):\n    yield")
    loaded = manager.load()
    names = {"lacking", "broken", "own", "misfit", "unknown", "wrapping"}
    assert not names & {*loaded, *manager.loaded()}
    kinds = {name: problem.kind for name, problem in manager.problems.items() if name in names}
    assert kinds == dict.fromkeys(names - {"lacking"}, "broken") | {"lacking": "missing"}
    assert "not_installed_anywhere" in caplog.text and "plugin lacking" not in failures(manager)
    assert {f"plugin {name}" for name in names - {"lacking"}} <= set(failures(manager))
    count = len(failures(manager))
    manager.load()
    assert len(failures(manager)) == count, "what failed is not tried, and told, again"
    for name in ("lacking", "misfit", "unknown", "wrapping"):
        with pytest.raises(PluginError, match=name):
            manager.load(name)
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        manager.load("broken")


def test_asked_for_by_name(install: Any, manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    install("good", "")
    with pytest.raises(PluginError, match=r"no plugin named 'goood'.*good"):
        manager.load("goood")
    monkeypatch.setenv(BLOCK_VARIABLE, "other, good")
    blocked = Manager(guard=manager._guard)
    assert "good" not in blocked.load()
    assert blocked.problems["good"].kind == "blocked"
    with pytest.raises(PluginError, match="blocked"):
        blocked.load("good")
    monkeypatch.delenv(BLOCK_VARIABLE)
    everything = Manager(block=["*"], guard=manager._guard)
    assert everything.load() == []
    assert everything.load("good") == ["good"]


class Observer:
    def __init__(self, name: str, told: list[Any], fails: bool = False) -> None:
        from autotrack.core.plugins.hookspecs import hookimpl

        def run_ended(run: Any, error: Any) -> None:
            frame = FRAME.get()
            told.append((name, run, error, frame is not None and frame.state == SEALED))
            if fails:
                raise RuntimeError("observer")

        def open_sink(uri: str) -> Any:
            if fails:
                raise RuntimeError("choice")
            return f"{name}:{uri}" if uri == name else None

        self.run_ended = hookimpl(run_ended)
        self.open_sink = hookimpl(open_sink)


def test_observers_are_told_one_by_one_and_a_failing_one_stops_no_other(manager: Manager) -> None:
    told: list[Any] = []
    manager.register(Observer("first", told), "first")
    manager.register(Observer("bad", told, fails=True), "bad")
    manager.register(Observer("last", told), "last")
    for _ in range(4):
        manager.notify("run_ended", run="R", status="FAILED", error=None)
    assert [entry[0] for entry in told] == ["last", "bad", "first"] * 3 + ["last", "first"]
    assert told[0] == ("last", "R", None, True)
    assert failures(manager) == ["bad.run_ended"] * 3
    assert FRAME.get() is None


def test_choices_pass_over_a_plugin_that_fails(manager: Manager) -> None:
    for name, fails in (("first", False), ("bad", True), ("last", False)):
        manager.register(Observer(name, [], fails), name)
    assert manager.choose("open_sink", uri="first") == "first:first"
    with pytest.raises(StoreError, match=r"'bad' could not open other \(RuntimeError: choice\)"):
        manager.choose("open_sink", uri="other")
    manager.unregister("bad")
    assert manager.choose("open_sink", uri="other") is None
    with pytest.raises(PluginError, match="no hook named"):
        manager.notify("no_such_hook")


@pytest.mark.parametrize("error", [ConnectionRefusedError("nobody listens"), RuntimeError("a bug")])
def test_a_place_that_was_away_is_asked_for_again(manager: Manager, error: Exception) -> None:
    asked: list[str] = []

    class Away:
        @staticmethod
        @hookimpl
        def open_sink(uri: str) -> str:
            asked.append(uri)
            if len(asked) <= 5:
                raise error
            return "here"

    manager.register(Away(), "away")
    for _ in range(5):
        with pytest.raises(StoreError, match=r"could not (reach|open) http://host/x \(.*; the next use tries again"):
            manager.choose("open_sink", uri="http://user:sekret@host/x")
    assert manager.choose("open_sink", uri="http://user:sekret@host/x") == "here" and len(asked) == 6
    assert failures(manager) == ["away.open_sink"] * (0 if isinstance(error, OSError) else 3)


def test_a_model_that_could_not_be_saved_does_not_stop_the_next(manager: Manager) -> None:
    class Full:
        @staticmethod
        @hookimpl
        def log_model(model: str) -> bool:
            if model == "large":
                raise OSError(28, "No space left on device")
            return True

    manager.register(Full(), "full")
    rest = {"run": None, "path": "p", "example": None, "predictor": None, "golden": None, "seconds": None}
    for _ in range(4):
        with pytest.raises(ArtifactError, match=r"'full' could not save the model \(OSError: .*No space"):
            manager.choose("log_model", model="large", **rest)
    assert manager.choose("log_model", model="small", **rest) is True


def test_hooks_of_a_plugins_own_can_be_implemented_by_others(install: Any, manager: Manager) -> None:
    install(
        "owner",
        """
        from autotrack.core.plugins.hookspecs import hookspec
        import types
        specs = types.SimpleNamespace()
        @hookspec(firstresult=True)
        def submit_thing(what): "x"
        specs.submit_thing = submit_thing
        @hookimpl
        def register_hookspecs(): return [specs]
        """,
    )
    install("user", "@hookimpl\ndef submit_thing(what): return what * 2")
    manager.load("owner", "user")
    assert manager.choose("submit_thing", what=4) == 8


@pytest.mark.parametrize("blocked", ["sklearn"])
def test_every_plugin_imports_with_its_target_blocked(blocked: str) -> None:
    source = f"""
        import sys
        sys.modules[{blocked!r}] = None
        from autotrack.core.guard import guard
        from autotrack.core.plugins.manager import Manager
        manager = Manager()
        names = manager.load()
        manager.patches(); manager.flavors(); manager.settings(); manager.run_tags()
        assert not guard.failures, guard.failures
        assert {{p.kind for p in manager.problems.values()}} <= {{"missing"}}, manager.problems
        assert sys.modules[{blocked!r}] is None
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=True)


def test_importing_the_manager_searches_for_nothing() -> None:
    source = """
        import sys
        from autotrack.core.plugins.manager import Manager
        Manager()
        assert not {"importlib.metadata", "autotrack_sklearn", "wrapt", "asyncio"} & set(sys.modules)
    """
    subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path = " + repr(sys.path) + "\n" + textwrap.dedent(source)],
        check=True,
    )
