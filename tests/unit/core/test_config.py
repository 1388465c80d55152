"""Where settings come from, and where the store is."""

from pathlib import Path

import pytest

from autotrack.core.config import Settings, find_store, load_settings, usable_settings, usable_store
from autotrack.core.errors import UsageError


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_call_wins_over_environment_over_project_over_default(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().experiment == "default"
    (bare / "pyproject.toml").write_text('[tool.autotrack]\nexperiment = "project"\nexclude = ["a.B"]\n')
    assert load_settings().experiment == "project"
    assert load_settings().exclude == ("a.B",)
    monkeypatch.setenv("AUTOTRACK_EXPERIMENT", "environment")
    assert load_settings().experiment == "environment"
    assert load_settings(experiment="call").experiment == "call"


@pytest.mark.parametrize(("text", "expected"), [("0", False), ("off", False), ("TRUE", True), ("1", True)])
def test_switches_from_the_environment(text: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_MODELS", text)
    assert load_settings().models is expected


def test_bad_values_say_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="exit_timeout from environment is 'soon'"):
        load_settings()


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown setting 'modles'"):
        load_settings(modles=False)


def test_broken_project_file_is_named(bare: Path) -> None:
    (bare / "pyproject.toml").write_text("[tool.autotrack\n")
    with pytest.raises(UsageError, match=r"pyproject\.toml is not valid TOML"):
        load_settings()


def test_store_order(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = bare / "project" / "sub"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_store().root == inner / ".autotrack"
    (bare / "project" / ".git").mkdir()
    assert find_store().root == bare / "project" / ".autotrack"
    (bare / ".autotrack").mkdir()
    assert find_store().root == bare / ".autotrack"
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(bare / "elsewhere"))
    assert find_store().root == bare / "elsewhere"
    assert find_store().is_local
    assert find_store(f"sqlite:///{bare}/x/autotrack.db").root == bare / "x"
    assert not (bare / "elsewhere").exists()


def test_removed_working_directory(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = bare / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert find_store().root == Path.home() / ".autotrack"


def test_each_setting_that_cannot_be_meant_is_left_out_alone(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "pyproject.toml").write_text('[tool.autotrack]\nexperiment = "churn"\nruns_per_site = inf\n')
    monkeypatch.setenv("AUTOTRACK_DELIVER_AFTER", "abc")
    monkeypatch.setenv("AUTOTRACK_SILENT", "1")
    settings, problems = usable_settings()
    assert (settings.experiment, settings.silent) == ("churn", True)
    assert (settings.runs_per_site, settings.deliver_after) == (Settings().runs_per_site, Settings().deliver_after)
    assert [str(problem).split(" from")[0] for problem in problems] == [
        "setting runs_per_site",
        "setting deliver_after",
    ]
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", "sqlite:///:memory:")
    location, problem = usable_store()
    assert location.root == bare / ".autotrack" and "no database file" in str(problem)
