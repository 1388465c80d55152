"""The password of a store is shown nowhere: not at the terminal, in an error, in a repr, in a pickle, in a journal."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import autotrack
from autotrack.cli.main import cli
from autotrack.core.config import find_store, load_settings
from autotrack.core.errors import StoreError
from autotrack.core.plugins import registry
from autotrack.core.runs import trackers
from autotrack.plugin import hookimpl

URI = "away://user:sekret@host.example/track"
SHOWN = "away://host.example/track"


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[None]:
    """A remote store in force, which no plugin opens."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", URI)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".autotrack").mkdir()
    yield
    trackers.close_all()


def test_a_program_whose_store_is_away(tmp_path: Path, script: Any) -> None:
    done = script(
        """
        import autotrack
        with autotrack.start_run() as run:
            run.log_metric("loss", 1.0)
        print(autotrack.Client(), repr(run.__reduce__()), repr(run._tracker_of().location))
        print(run._tracker_of().settings)
        try:
            run.metrics
        except Exception as error:
            print(error)
        """
    )
    assert done.returncode == 0, done.stderr
    assert f"{SHOWN} did not take the runs" in done.stderr and f"Client('{SHOWN}')" in done.stdout
    assert f"no plugin opens '{SHOWN}'" in done.stdout
    assert "sekret" not in done.stdout + done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "script.py"]
    assert len(written) > 1 and not [path for path in written if b"sekret" in path.read_bytes()]


def test_a_plugin_that_quotes_the_uri_in_its_error(register: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Away:
        @staticmethod
        @hookimpl
        def open_sink(uri: str) -> Any:
            raise StoreError(f"{uri} is on holiday")

    register(Away(), "away")
    with autotrack.start_run() as run:
        run.log_metric("loss", 1.0)
    trackers.close_all()
    said = caplog.text
    assert f"{SHOWN} is on holiday" in said and "sekret" not in said


@pytest.mark.guarded
def test_a_plugin_with_a_bug(register: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Away:
        @staticmethod
        @hookimpl
        def open_sink(uri: str) -> Any:
            raise TypeError(f"no {uri}")

    register(Away(), "away")
    with autotrack.start_run():
        autotrack.log_metric("loss", 1.0)
    trackers.close_all()
    said = caplog.text
    assert "host.example/track" in said and "sekret" not in said


def test_commands_show_the_address() -> None:
    for command in (["runs", "list"], ["doctor"], ["sync"], ["gc"], ["db", "upgrade"], ["experiments", "list"]):
        done = CliRunner().invoke(cli, command)
        said = done.output + str(done.exception)
        assert SHOWN in said and "sekret" not in said, command


def test_a_pickled_run_finds_its_store_with_the_credentials_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    run = autotrack.start_run()
    run.finish()
    content = pickle.dumps(run)
    assert "sekret" not in "".join(map(str, (argument for _, argument, _ in pickletools.genops(content))))
    assert pickle.loads(content)._tracker_of().location.uri == URI
    trackers.close_all()  # as in a process that has the setting, and no run yet
    assert pickle.loads(content)._tracker_of().location.uri == URI
    trackers.close_all()
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", "away://elsewhere.example")
    assert pickle.loads(content)._tracker_of().location.uri == SHOWN
    assert autotrack.Client("away://other:word@host.example/track")._location.uri.startswith("away://other:word@")


def test_settings_are_shown_without(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sekret" not in repr(load_settings()) + repr(find_store())
    assert load_settings().tracking_uri == find_store().uri == URI


@pytest.fixture
def register() -> Iterator[Any]:
    """Takes plugins in for one test."""
    names: list[str] = []

    def take_in(plugin: object, name: str) -> None:
        names.append(name)
        registry.plugins().register(plugin, name)

    yield take_in
    trackers.close_all()
    for name in names:
        registry.plugins().unregister(name)
