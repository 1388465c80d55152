"""Every command against a real store: what it prints, what it changes, how it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.cli.commands import Group
from autotrack.cli.main import cli
from autotrack.core.journal.writer import JournalWriter

Autotrack = Callable[..., Any]


def test_the_list_folds_children_and_says_what_varies(autotrack: Autotrack, filled: Path) -> None:
    answer = autotrack("runs", "list")
    lines = answer.out.splitlines()
    assert answer.code == 0
    assert lines[0].split() == ["run", "name", "experiment", "status", "started", "took", "training_score", "C"]
    assert [line.split()[1] for line in lines[1:]] == ["broken", "search", "LogisticRegression", "LogisticRegression"]
    assert lines[2].split()[2] == "+2"
    assert "✗ failed" in lines[1]
    assert "solver" not in answer.out
    assert "\x1b" not in answer.out


def test_the_list_shows_children_where_asked(autotrack: Autotrack, filled: Path) -> None:
    out = autotrack("runs", "list", "--children").out
    assert out.count("└ candidate") == 2


def test_the_list_on_a_terminal_is_coloured_and_fits(
    autotrack: Autotrack, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    for columns in ("60", "80", "120", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        out = autotrack("runs", "list").out
        assert "\x1b[" in out
        assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in out.splitlines()) <= int(columns)


def test_the_limit_counts_runs_that_are_nobodys_child(autotrack: Autotrack, filled: Path) -> None:
    found = autotrack("runs", "list", "--limit", "2", "--json").json
    assert [run["name"] for run in found] == ["broken", "search", "candidate", "candidate"]
    ordered = autotrack("runs", "list", "--limit", "1", "--order-by", "started ASC", "--json").json
    assert [run["name"] for run in ordered] == ["LogisticRegression"]


def test_json_has_stable_keys_and_both_kinds_of_time(autotrack: Autotrack, filled: Path) -> None:
    found = autotrack("runs", "list", "-e", "other", "--json").json
    assert len(found) == 1
    run = found[0]
    assert run["id"] == "f" * 32
    assert run["status"] == "FAILED"
    assert run["exit_code"] == 1
    assert run["started"].endswith("Z")
    assert isinstance(run["started_ns"], int)
    assert set(run) >= {"params", "metrics", "tags", "parent", "experiment", "error", "models", "artifacts", "health"}
    assert autotrack("runs", "show", "aaaa", "--json").json["metrics"]["odd"] == "NaN"


def test_search_finds_by_the_filter(autotrack: Autotrack, filled: Path) -> None:
    found = autotrack("runs", "search", "metrics.training_score > 0.905", "--json").json
    assert [run["id"] for run in found] == ["1" * 32]
    assert autotrack("runs", "search", "params.C = 'nothing'").err == "no run matches\n"


def test_a_bad_filter_points_at_the_character(autotrack: Autotrack, filled: Path) -> None:
    answer = autotrack("runs", "search", "metrics.loss >")
    assert answer.code == 2
    assert answer.err.rstrip().endswith("^")
    assert "Traceback" not in answer.err


def test_show_has_everything_on_one_page(autotrack: Autotrack, filled: Path) -> None:
    out = autotrack("runs", "show", "aaaa").out
    for part in ("search", "finished", "a" * 32, "metrics (2)", "loss", "children (2 finished)", "load_model"):
        assert part in out
    failed = autotrack("runs", "show", "ffff").out
    assert "ValueError: no data" in failed
    assert "exit code 1" in failed


def test_show_without_a_run_is_the_newest(autotrack: Autotrack, filled: Path) -> None:
    assert autotrack("runs", "show").out.startswith("broken")


def test_show_draws_curves(autotrack: Autotrack, filled: Path) -> None:
    out = autotrack("runs", "show", "aaaa", "--plot", "loss").out
    assert "━ loss" in out
    assert "└" in out
    assert out.splitlines()[-1].endswith("step")
    assert autotrack("runs", "delete", "ffff").code == 0  # then `search` is the newest run
    newest = autotrack("runs", "show", "--plot", "loss").out
    assert newest.splitlines()[3:] == out.splitlines()[3:]
    answer = autotrack("runs", "show", "aaaa", "--plot", "nothing")
    assert answer.code == 1
    assert "it has loss, odd" in answer.err


def test_delete_restore_and_gc(autotrack: Autotrack, filled: Path) -> None:
    artifact = filled / "artifacts" / "exp" / ("1" * 32) / "model.bin"
    artifact.parent.mkdir(parents=True)
    artifact.write_bytes(b"x" * 2048)
    assert autotrack("gc").out == "nothing to free\n"
    assert autotrack("runs", "delete", "1111").out == "deleted 1 run\n"
    assert [run["id"] for run in autotrack("runs", "list", "--deleted", "--json").json] == ["1" * 32]
    assert autotrack("runs", "restore", "1111").out == "restored 1 run\n"
    assert autotrack("gc", "--json").json["bytes"] == 0
    assert autotrack("runs", "delete", "--filter", "params.C = '1.0'", "--json").json["deleted"] == 1
    plan = autotrack("gc", "--json").json
    assert plan["bytes"] == 2048
    assert plan["runs"] == ["1" * 32]
    assert artifact.exists()
    assert "would free 2.0 KiB" in autotrack("gc").out
    assert "freed 2.0 KiB" in autotrack("gc", "--yes").out
    assert not artifact.exists()
    assert autotrack("runs", "show", "1111").code == 1


def test_experiments(autotrack: Autotrack, filled: Path) -> None:
    assert autotrack("experiments", "create", "churn", "-t", "team=risk").code == 0
    assert autotrack("experiments", "rename", "churn", "loss of customers").code == 0
    found = {each["name"]: each for each in autotrack("experiments", "list", "--json").json}
    assert found["loss of customers"]["tags"] == {"team": "risk"}
    assert found["default"]["run_count"] == 5
    assert autotrack("experiments", "delete", "other").code == 0
    assert "other" not in autotrack("experiments", "list").out
    assert "other" in autotrack("experiments", "list", "--deleted").out
    assert autotrack("experiments", "restore", "other").code == 0
    assert autotrack("runs", "list", "-e", "other", "--json").json[0]["name"] == "broken"
    assert autotrack("experiments", "create", "other").code == 2
    assert autotrack("experiments", "delete", "nothing").code == 1


def test_sync_says_what_it_delivered(autotrack: Autotrack, filled: Path) -> None:
    first = autotrack("sync", "--json").json
    assert (first["points"], first["journals"], first["left"]) == (53, 1, 0)
    assert autotrack("sync").out.startswith("nothing new")


def test_records_that_make_no_sense_are_counted_and_told(autotrack: Autotrack, filled: Path) -> None:
    """One of them in one journal used to end every listing, for good."""
    writer = JournalWriter(filled / "journal")
    child = {"id": "e" * 32, "name": "c", "started": 1, "ended": 2, "status": "FINISHED", "metrics": {"m": "x"}}
    writer.event({"k": "children", "t": 1, "r": "a" * 32, "runs": [child]})
    writer.event({"k": "tags", "t": 1, "r": "a" * 32, "tags": {"note": "kept"}})
    writer.close()
    answer = autotrack("sync")
    assert answer.code == 0 and "1 record made no sense: left out (children: metrics 'm' is no number" in answer.out
    assert autotrack("runs", "show", "a" * 32, "--json").json["tags"] == {"note": "kept"}
    assert len(autotrack("runs", "list", "--json").json) == 6


def test_journals_for_other_stores_are_left_and_said(autotrack: Autotrack, filled: Path, tmp_path: Path) -> None:
    for journal in (filled / "journal").iterdir():
        journal.unlink()
    writer = JournalWriter(filled / "journal", meta={"store": "../other.db"})
    writer.close()
    answer = autotrack("sync")
    assert answer.code == 0 and "1 journal there for other stores" in answer.out and "other.db" in answer.out
    assert autotrack("sync", "--json").json["others"] == [str(filled / "other.db")]
    journals = next(check for check in autotrack("doctor", "--json").json["checks"] if check["check"] == "journals")
    assert f"for other stores ({filled}/other.db)" in journals["found"]
    assert writer.path.exists()


def test_sync_takes_a_folder(autotrack: Autotrack, filled: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    filled.rename(elsewhere)
    assert autotrack("sync", str(elsewhere)).out.startswith("delivered 53 metric points")
    assert len(autotrack("runs", "list", "--json").json) == 6
    assert autotrack("sync", str(tmp_path / "nowhere")).code == 2


def test_db_upgrade_has_nothing_to_do(autotrack: Autotrack, filled: Path) -> None:
    assert autotrack("db", "upgrade").code == 1
    autotrack("runs", "list")
    assert autotrack("db", "upgrade", "--json").json["upgraded"] is False


def test_without_a_store_nothing_is_made(autotrack: Autotrack, tmp_path: Path) -> None:
    assert autotrack("runs", "list", "--json").json == []
    answer = autotrack("runs", "list")
    assert (answer.code, answer.out) == (0, "")
    assert "there are no runs yet" in answer.err
    assert autotrack("runs", "show").code == 1
    assert autotrack("gc").code == 1
    assert not (tmp_path / ".autotrack").exists()


def test_doctor_is_content(autotrack: Autotrack, filled: Path) -> None:
    autotrack("runs", "list")
    answer = autotrack("doctor", "--json")
    assert answer.json["ok"], answer.json
    assert answer.code == 0
    assert {check["check"] for check in answer.json["checks"]} >= {
        "python",
        "store",
        "database",
        "journals",
        "disk space",
    }
    assert "nothing is wrong" in autotrack("doctor").out


def test_doctor_finds_a_damaged_database(autotrack: Autotrack, filled: Path) -> None:
    autotrack("runs", "list")
    database = filled / "autotrack.db"
    data = bytearray(database.read_bytes())
    data[4096 : 4096 * 3] = b"\xff" * 8192
    database.write_bytes(bytes(data))
    answer = autotrack("doctor")
    assert answer.code == 1
    assert "✗ wrong" in answer.out


def test_doctor_warns_of_others_who_may_write(autotrack: Autotrack, filled: Path) -> None:
    filled.chmod(0o777)
    answer = autotrack("doctor")
    assert "others may write" in answer.out
    assert answer.code == 0


def test_plugins_are_listed_with_their_status(autotrack: Autotrack) -> None:
    found = {each["name"]: each for each in autotrack("plugins", "list", "--json").json}
    assert found["store"] == {
        "name": "store",
        "distribution": "autotrack",
        "version": found["store"]["version"],
        "module": "autotrack.store.plugin",
        "status": "loaded",
        "why": "",
    }
    assert found["store"]["version"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rnus", "list"], 2, "Did you mean `runs`"),
        (["runs", "lst"], 2, "Did you mean `list`"),
        (["runs", "list", "--limit", "0"], 2, "--limit"),
        (["runs", "show", "zzzz"], 1, "zzzz"),
        (["runs", "delete"], 2, "--filter"),
        (["--store", "nosuch://x", "runs", "list"], 2, "nosuch://"),
        (["experiments", "create", "x", "-t", "y"], 2, "KEY=VALUE"),
    ],
)
def test_an_error_is_a_sentence(autotrack: Autotrack, filled: Path, arguments: list[str], code: int, said: str) -> None:
    answer = autotrack(*arguments)
    assert answer.code == code
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""


def test_the_store_can_be_named_before_and_after(autotrack: Autotrack, filled: Path, tmp_path: Path) -> None:
    for arguments in (["--store", str(filled), "runs", "list"], ["runs", "list", "--store", str(filled)]):
        assert autotrack(*arguments, "--json").code == 0
    assert autotrack("--store", str(tmp_path / "new"), "runs", "list", "--json").json == []
    assert autotrack("--store", f"sqlite:///{filled}/autotrack.db", "runs", "list").code == 0


def test_names_cannot_write_to_the_terminal(
    autotrack: Autotrack, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autotrack("experiments", "create", "a[red]b\x1b[2J\u202ec")
    for forced in ("", "1"):
        monkeypatch.setenv("FORCE_COLOR", forced)
        out = autotrack("experiments", "list").out
        assert "a[red]b\\x1b[2J\\u202ec" in out


def commands(group: Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    import click

    context = click.Context(group, info_name="autotrack")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found += commands(command, (*path, name)) if isinstance(command, Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)  # type: ignore[arg-type]
def test_every_command_explains_itself_with_examples(autotrack: Autotrack, path: tuple[str, ...]) -> None:
    answer = autotrack(*path, "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert f"autotrack {' '.join(path)}".strip() in answer.out
    assert "--store" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 100


def test_version(autotrack: Autotrack) -> None:
    from autotrack import __version__

    assert autotrack("--version").out == f"autotrack {__version__}\n"


def test_json_of_everything_that_prints_data(autotrack: Autotrack, filled: Path) -> None:
    for arguments in (
        ["runs", "list"],
        ["runs", "search", "status = 'FINISHED'"],
        ["runs", "show", "aaaa"],
        ["experiments", "list"],
        ["plugins", "list"],
        ["doctor"],
        ["gc"],
        ["sync"],
        ["db", "upgrade"],
    ):
        json.loads(autotrack(*arguments, "--json").out)
