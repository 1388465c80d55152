"""Every hook that is declared is called, on the thread and in the order that the documentation promises."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge

import autotrack
from autotrack.cli.commands import add_plugin_commands
from autotrack.core.errors import NotFoundError, UsageError
from autotrack.core.plugins import hookspecs
from autotrack.core.plugins import registry as loaded
from autotrack.core.runs.trackers import tracker
from autotrack.plugin import PluginError, choose, hookimpl, hookspec, notify, settings
from autotrack.server.plugins import plugin_table

X, Y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]

SPECS = {
    name: function
    for name, function in vars(hookspecs).items()
    if inspect.isfunction(function) and function.__module__ == hookspecs.__name__
}


def plugin(**hooks: Callable[..., Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


@pytest.fixture
def register(store: Path) -> Iterator[Callable[[Any, str], None]]:
    """Registers plugins for the time of one test."""
    loaded.forget_plugins()
    yield lambda what, name: loaded.plugins().register(what, name)
    from autotrack.core import switch
    from autotrack.core.runs import trackers

    switch.disable()
    trackers.close_all()
    loaded.forget_plugins()


class Heard:
    """A plugin that implements every hook, answers nothing and keeps what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any], int]] = []
        for name, spec in SPECS.items():
            setattr(self, name, self._implementation(name, list(inspect.signature(spec).parameters)))

    def _implementation(self, name: str, arguments: list[str]) -> Any:
        scope: dict[str, Any] = {"keep": self._keep}
        given = ", ".join(f"{argument}={argument}" for argument in arguments)
        exec(f"def {name}({', '.join(arguments)}): return keep({name!r}, dict({given}))", scope)
        return hookimpl(scope[name])

    def _keep(self, name: str, details: dict[str, Any]) -> None:
        self.calls.append((name, details, threading.get_ident()))

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


def test_every_hook_has_a_caller(register: Any, tmp_path: Path) -> None:
    from autotrack.cli.commands import Group
    from autotrack.cli.imports import imports
    from autotrack.cli.platforms import _asked

    heard = Heard()
    register(heard, "heard")
    autotrack.enable()
    with autotrack.start_run("mine") as run:
        Ridge().fit(X, Y)
        run.set_tag("a", "b")
        autotrack.search_runs()
    root = Group("autotrack", commands={"import": imports})
    for _ in range(2):
        add_plugin_commands(root)
    assert root.commands["export"].params[0].name == "destination"  # the second time, too
    with pytest.raises(UsageError, match="no entry point"):
        autotrack.run_project(str(tmp_path))
    with pytest.raises(UsageError, match="no container"):
        autotrack.spark_udf(None, str(tmp_path), env="no container")
    with pytest.raises(UsageError, match="no plugin asks models on nowhere"):
        _asked("nowhere", tmp_path, None)
    loaded.plugins().choose("run_target", target="nothing of that name")
    loaded._settings.clear()
    loaded.settings("heard")
    loaded.plugins().panels()
    plugin_table()
    tracker().catch_up()
    with pytest.raises(UsageError):
        autotrack.load_model("bank://churn")
    assert len(SPECS) > 15
    assert set(SPECS) == set(heard.names())


def test_observers_of_a_run_by_hand_hear_all_in_order_off_the_training_thread(register: Any) -> None:
    heard = Heard()
    register(heard, "heard")
    with autotrack.start_run("mine") as run:
        run.log_param("p", 1)
        for step in range(1000):
            run.log_metric("loss", step / 2)
        run.log_metric("count", 2**60 + 1)
        run.log_text("x", "a/b.txt")
        run.log_model(Ridge().fit(X, Y))
    seen = [call for call in heard.calls if call[0] in ("run_started", "run_ended") or call[0].endswith(("ed", "set"))]
    names = [name for name, _, _ in seen]
    assert names[0] == "run_started" and names[-1] == "run_ended"
    told = {name: details for name, details, _ in seen}
    assert all(details["run"] is run for _, details, _ in seen)
    assert told["params_logged"]["params"] == {"p": "1"}
    assert told["run_ended"]["status"] == "FINISHED"
    assert told["model_saved"]["flavor"] == "sklearn"
    paths = [details["path"] for name, details, _ in seen if name == "artifact_logged"]
    assert paths[0] == "a/b.txt" and paths[-1] == "model/MLmodel"
    points = [point for name, details, _ in seen if name == "metrics_logged" for point in details["points"]]
    assert [(key, step, value) for key, step, _, value in points[:1000]] == [("loss", n, n / 2) for n in range(1000)]
    assert points[1000][0::3] == ("count", 2**60 + 1)


def test_a_slow_observer_never_makes_training_wait_for_it(register: Any) -> None:
    entered, go, order, training = threading.Event(), threading.Event(), [], threading.get_ident()

    def params_logged(params: Any) -> None:
        assert threading.get_ident() != training
        entered.set()
        go.wait()
        order.append("params")

    register(plugin(params_logged=params_logged, run_ended=lambda run: order.append("ended")), "slow")
    run = autotrack.start_run("mine")
    run.log_param("p", 1)
    assert entered.wait(10)
    began = time.monotonic()
    run.log_param("q", 1)
    run.finish()
    assert time.monotonic() - began < 3
    assert order == [], "the end of the run is told before what came earlier"
    go.set()
    tracker().catch_up()
    assert order == ["params", "params", "ended"]


def test_an_observer_may_read_the_run_and_log_to_it(register: Any) -> None:
    def params_logged(run: Any, params: Any) -> None:
        if "p" in params:
            run.set_tag("read", run.params["p"])

    register(plugin(params_logged=params_logged), "reader")
    began = time.monotonic()
    with autotrack.start_run("mine") as run:
        run.log_param("p", "7")
    assert run.tags["read"] == "7"
    assert time.monotonic() - began < 4, "an observer waited for itself"


@pytest.mark.guarded
def test_a_failing_observer_leaves_a_note_and_nothing_else(register: Any) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    register(plugin(run_started=fail, run_ended=fail, params_logged=fail, metrics_logged=fail), "bad")
    autotrack.enable(silent=True)
    with autotrack.start_run("mine") as run:
        run.log_param("p", 1)
        run.log_metric("m", 1.0)
    assert str(run.status) == "FINISHED" and run.metrics == {"m": 1.0}
    assert "bad.run_started: RuntimeError: no" in run.health["errors"]


def test_a_hanging_observer_does_not_keep_the_program_from_ending(store: Path, script: Any) -> None:
    done = script(
        """
        import threading, time
        import autotrack
        from autotrack.core.plugins.registry import plugins
        from autotrack.plugin import hookimpl

        class Hangs:
            @hookimpl
            def metrics_logged(self, points):
                threading.Event().wait()

        plugins().register(Hangs(), "hangs")
        run = autotrack.start_run("mine")
        run.log_metric("m", 1.0)
        run.log_param("p", 1)
        print(time.time(), flush=True)
        """,
        AUTOTRACK_EXIT_TIMEOUT="1",
        timeout=20,
    )
    assert done.returncode == 0
    assert "jobs were lost" in done.stderr
    (run,) = autotrack.search_runs()
    assert run.metrics == {"m": 1.0} and str(run.status) == "FINISHED"


def test_a_program_that_ends_tells_its_observers_all(store: Path, script: Any) -> None:
    done = script(
        """
        import autotrack
        from autotrack.core.plugins.registry import plugins
        from autotrack.plugin import hookimpl

        class Prints:
            @hookimpl
            def metrics_logged(self, points):
                print("points", len(points), flush=True)
            @hookimpl
            def tags_set(self, tags):
                print("tags", tags, flush=True)

        plugins().register(Prints(), "prints")
        run = autotrack.start_run("mine")
        run.set_tag("a", "b")
        autotrack.search_runs()
        run.log_metric("m", 1.0)
        """
    )
    assert sorted(done.stdout.splitlines()) == ["points 1", "tags {'a': 'b'}"], done.stderr


@pytest.mark.parametrize("answer", ["worker", "rank"])
def test_a_plugin_says_that_this_process_is_none_that_records(register: Any, answer: str) -> None:
    register(plugin(process_role=lambda: answer), "launcher")
    autotrack.enable()
    assert not autotrack.is_enabled()
    with autotrack.start_run("mine") as run:
        run.log_metric("m", 1.0)
    assert [found.name for found in autotrack.search_runs()] == (["mine"] if answer == "worker" else [])


def test_a_plugin_chooses_the_flavor(register: Any, tmp_path: Path) -> None:
    flavor = autotrack.plugin.Flavor(
        name="note",
        handles=(),
        save=lambda model, folder: {"data": str((folder / "note.txt").write_text("saved") and "note.txt")},
        load=lambda folder, entry, trust: (folder / str(entry["data"])).read_text(),
    )
    choose = lambda model: "note" if isinstance(model, DummyClassifier) else None  # noqa: E731
    register(plugin(register_flavors=lambda: [flavor], choose_flavor=choose), "notes")
    with autotrack.start_run("mine") as run:
        run.log_model(DummyClassifier().fit(X, [0, 1, 1]))
        run.log_model(Ridge().fit(X, Y), "ridge")
    assert {(model.path, model.flavor) for model in run.models} == {("model", "note"), ("ridge", "sklearn")}
    assert autotrack.load_model(f"runs:/{run.id}/model") == "saved"
    autotrack.save_model(DummyClassifier(), tmp_path / "saved")
    assert autotrack.load_model(tmp_path / "saved") == "saved"
    autotrack.save_model(DummyClassifier(), tmp_path / "sklearn", flavor="sklearn")


def test_a_plugin_finds_models_of_its_own_scheme(register: Any, tmp_path: Path) -> None:
    autotrack.save_model(Ridge().fit(X, Y), tmp_path / "bank" / "churn")

    def find(uri: str) -> Path | None:
        return tmp_path / "bank" / uri.removeprefix("bank://") if uri.startswith("bank://") else None

    register(plugin(find_model=find), "bank")
    register(plugin(find_model=lambda uri: None), "asked first")
    assert autotrack.load_model("bank://churn").predict([[1.0]]).round(6).tolist() == [1.0]
    with pytest.raises(NotFoundError, match="no such folder"):
        autotrack.load_model("bank://nothing")
    with pytest.raises(UsageError, match="no plugin finds it"):
        autotrack.load_model("vault://user:secret@host/churn")


def test_models_that_cannot_be_saved_do_not_keep_others_from_it(
    register: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Locked(DummyClassifier):
        def __getstate__(self) -> Any:
            raise RuntimeError("locked")

    for _ in range(4):
        with autotrack.start_run("bad") as run:
            run.log_model(Locked().fit(X, [0, 1, 1]))
        assert run.health["refused_artifacts"] == 1 and "locked" in run.health["refusals"][0]
    with autotrack.start_run("good") as run:
        run.log_model(Ridge().fit(X, Y))
    assert [model.flavor for model in run.models] == ["sklearn"]


SETTINGS = {"depth": 3, "rate": 0.5, "on": True, "names": ["a"], "text": "x", "free": None}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.chdir(tmp_path)
    return lambda text: void((tmp_path / "pyproject.toml").write_text(text))


def void(_: object) -> None:
    return None


def test_settings_of_a_plugin(register: Any, project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project('[tool.autotrack.my-plugin]\ndepth = 4\nrate = 0.25\nnames = ["b", "c"]\nfree = [1]\n')
    monkeypatch.setenv("AUTOTRACK_MY_PLUGIN_DEPTH", "5")
    monkeypatch.setenv("AUTOTRACK_MY_PLUGIN_ON", "off")
    read: list[Any] = []

    def probe(call: Any, run: Any) -> Iterator[None]:
        read.append((run.setting("depth"), run.setting("models")))
        yield

    def run_started(run: Any) -> None:
        read.append(settings("my-plugin")["depth"])

    patches = [autotrack.plugin.Patch("statistics:linear_regression", probe=probe)]
    mine = plugin(register_settings=lambda: SETTINGS, register_patches=lambda: patches, run_started=run_started)
    register(mine, "my-plugin")
    found = {"depth": 5, "rate": 0.25, "on": False, "names": ["b", "c"], "text": "x", "free": [1]}
    assert dict(settings("my-plugin")) == found
    autotrack.enable()
    import statistics

    statistics.linear_regression([1, 2, 3], [2, 4, 6])
    autotrack.start_run("mine").finish()
    assert read == [(5, True), 5]
    assert settings("nobody") == {}


def test_a_setting_that_cannot_be_meant_says_where_it_stands(register: Any, project: Any) -> None:
    project('[tool.autotrack.linreg]\ndepth = "deep"\n')
    register(plugin(register_settings=lambda: SETTINGS), "linreg")
    with pytest.raises(UsageError, match=r"linreg\.depth from \[tool\.autotrack\.linreg\] is 'deep'"):
        settings("linreg")


def test_names_that_nothing_reads_are_said(store: Path, project: Any, script: Any) -> None:
    project("[tool.autotrack]\nmodles = false\n[tool.autotrack.elsewhere]\nx = 1\n")
    done = script("import autotrack\nautotrack.enable()\nautotrack.start_run('a').finish()\n")
    assert done.returncode == 0
    assert done.stderr.count("unknown setting 'modles' in [tool.autotrack]") == 1
    assert "elsewhere" not in done.stderr


@pytest.mark.guarded
def test_a_plugin_calls_the_hooks_that_it_declares(register: Any) -> None:
    class Specs:
        @hookspec
        def make_tea(self, leaves: str) -> Any:
            """Tea, or None."""

    told: list[str] = []
    owner = plugin(register_hookspecs=lambda: [Specs])
    register(owner, "owner")
    register(plugin(make_tea=lambda leaves: told.append(leaves)), "cup")
    register(plugin(make_tea=lambda leaves: f"{leaves} tea" if leaves == "green" else None), "pot")
    register(plugin(make_tea=lambda: 1 / 0), "broken")
    assert choose("make_tea", leaves="green") == "green tea"
    notify("make_tea", leaves="black")
    assert told == ["black"]
    for foreign in ("open_sink", "no_such_hook"):
        with pytest.raises(PluginError):
            choose(foreign, uri="x")
