"""``autotrack artifacts``: which files a run has, and that what is fetched is what was logged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import autotrack
from autotrack.cli.commands import State
from autotrack.cli.main import cli


@pytest.fixture
def run(store: Path) -> autotrack.Run:
    with autotrack.start_run("files") as made:
        made.log_text("one\n", "a.txt")
        made.log_text("two\n", "folder/b.txt")
        made.log_text("three\n", "folder/deeper/c.txt")
    autotrack.search_runs()  # brings it to the store
    return made


def called(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, list(words), obj=State(), standalone_mode=True)
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_files_are_listed_with_what_stands_for_them(run: autotrack.Run) -> None:
    code, said = called("artifacts", "list", run.id[:8], "--json")
    assert code == 0, said
    found = {each["path"]: each["sha256"] for each in json.loads(said)}
    assert found["a.txt"] == hashlib.sha256(b"one\n").hexdigest()
    assert found.keys() == {"a.txt", "folder/b.txt", "folder/deeper/c.txt"}
    assert "folder/b.txt" in called("artifacts", "list", run.id, "folder")[1]


def test_a_folder_is_fetched_whole_and_nothing_is_replaced_unasked(run: autotrack.Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert called("artifacts", "get", run.id, "folder", "-o", str(out))[0] == 0
    assert (out / "folder" / "deeper" / "c.txt").read_text() == "three\n"
    (out / "folder" / "b.txt").write_text("mine")
    code, said = called("artifacts", "get", run.id, "folder/b.txt", "-o", str(out / "folder"))
    assert code != 0 and "--force" in said
    assert (out / "folder" / "b.txt").read_text() == "mine"
    assert called("artifacts", "get", run.id, "folder/b.txt", "-o", str(out / "folder"), "--force")[0] == 0
    assert (out / "folder" / "b.txt").read_text() == "two\n"


def test_a_copy_that_was_changed_is_not_handed_out(run: autotrack.Run, store: Path, tmp_path: Path) -> None:
    (kept,) = [path for path in store.rglob("a.txt") if "artifacts" in path.parts]
    kept.chmod(0o644)
    kept.write_text("evil")
    code, said = called("artifacts", "get", run.id, "a.txt", "-o", str(tmp_path))
    assert code != 0 and "sha256 differs" in said
    assert list(tmp_path.glob("*a.txt*")) == []


def test_what_is_not_there_is_said_with_what_is(run: autotrack.Run) -> None:
    code, said = called("artifacts", "get", run.id, "nope")
    assert code != 0 and "a.txt, folder" in said
