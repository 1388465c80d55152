"""Unified diffs are read as git writes them, and two changes of one text are told apart without the text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.answers import hunks

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "-x", "+y", "@@ -1 +1 @@", "diff --git a/q b/q"]), max_size=12)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["\n", ""]))


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout.decode()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    git(folder, "init", "-q")
    return folder


def diff_of(clone: Path, name: str, base: str, text: str) -> str:
    """What ``git diff`` says of a file that had one text and has another."""
    file = clone / name
    file.write_bytes(base.encode())
    git(clone, "add", "-A")
    file.write_bytes(text.encode())
    return git(clone, "diff", "--no-ext-diff")


@settings(max_examples=60, deadline=None)
@given(base=TEXTS, changed=TEXTS)
def test_a_change_applied_gives_the_changed_text(clone: Path, base: str, changed: str) -> None:
    found = hunks.parse(diff_of(clone, "t.py", base, changed))
    assert hunks.apply(hunks.split(base), found.get("t.py")) == hunks.split(changed)


@settings(max_examples=60, deadline=None)
@given(base=TEXTS, one=TEXTS, other=TEXTS)
def test_what_is_between_two_changes_leads_from_one_to_the_other(clone: Path, base: str, one: str, other: str) -> None:
    a = hunks.parse(diff_of(clone, "t.py", base, one)).get("t.py")
    b = hunks.parse(diff_of(clone, "t.py", base, other)).get("t.py")
    lines = hunks.between(a, b)
    assert (lines == []) == (one == other)
    step = hunks.parse("\n".join(["diff --git a/t.py b/t.py", *lines, ""])).get("t.py")
    assert hunks.apply(hunks.split(one), step) == hunks.split(other)


def test_only_the_hunk_that_differs_is_between_two_changes(clone: Path) -> None:
    base = "".join(f"line {n}\n" for n in range(60))
    one = base.replace("line 5\n", "line five\n").replace("line 40\n", "line forty\n")
    other = one.replace("line forty", "line FORTY")
    a, b = (hunks.parse(diff_of(clone, "t.py", base, text))["t.py"] for text in (one, other))
    assert hunks.between(a, b) == [
        "@@ -38,7 +38,7 @@",
        " line 37",
        " line 38",
        " line 39",
        "-line forty",
        "+line FORTY",
        " line 41",
        " line 42",
        " line 43",
    ]
    assert hunks.between(a, a) == []
    assert [line for line in hunks.between(None, a) if line[0] in "+-"] == [
        "-line 5",
        "+line five",
        "-line 40",
        "+line forty",
    ]


@pytest.mark.parametrize("name", ["a b.py", "größe.py", 'q"uote.py', "tab\there.py", "x b/y.py"])
def test_paths_are_read_as_git_writes_them(clone: Path, name: str) -> None:
    (clone / name).parent.mkdir(exist_ok=True)
    assert list(hunks.parse(diff_of(clone, name, "1\n", "2\n"))) == [name]
    git(clone, "rm", "-qf", "--", name)


def test_new_removed_and_binary_files(clone: Path) -> None:
    (clone / "gone.py").write_text("1\n")
    git(clone, "add", "gone.py")
    git(clone, "commit", "-qm", "x")
    (clone / "gone.py").unlink()
    (clone / "new.py").write_text("2\n")
    (clone / "b.bin").write_bytes(b"\0\1")
    git(clone, "add", "-A")
    found = hunks.parse(git(clone, "diff", "HEAD", "--no-renames"))
    assert found["gone.py"].removed and found["new.py"].added and found["b.bin"].binary
    assert hunks.apply([], found["new.py"]) == ["2"]
    assert found["b.bin"].blob is None
    whole = hunks.parse(git(clone, "diff", "HEAD", "--no-renames", "--full-index"))
    assert whole["b.bin"].blob == git(clone, "hash-object", "b.bin").strip() and whole["gone.py"].blob is None
    with pytest.raises(ValueError, match="does not fit"):
        hunks.apply(["other"], found["gone.py"])


def test_what_is_no_diff_is_passed_over() -> None:
    assert hunks.parse("hello\n@@ -1 +1 @@\n-a\n+b\n") == {}
    assert hunks.parse("diff --git a/x b/x\n@@ -1,9 +1,9 @@\n-a\n")["x"].hunks == [hunks.Hunk(0, ("a", ""), ("",))]


def test_long_texts_that_differ_everywhere_end_soon() -> None:
    lines = hunks.changes([f"a{n}" for n in range(20_000)], [f"b{n}" for n in range(20_000)])
    assert lines[0] == "@@ -1,20000 +1,20000 @@" and len(lines) == 40_001
