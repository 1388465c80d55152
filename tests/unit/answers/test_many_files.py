"""Of hundreds of files git is asked at once, and says what it says of each alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from told import Told

from autotrack.answers import repository as module
from autotrack.answers.diff import compare_runs
from autotrack.answers.repository import Repository

#: Names that are hard to tell apart from what git says.
ODD = [
    "a b.bin",
    "größe.bin",
    "two\nlines.bin",
    "is missing",
    "100 blob 7",
    "-x",
    "a:b",
    " begins",
    "ends ",
    "re\rturn",
    "text.csv",
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What git was asked for."""
    found: list[tuple[str, ...]] = []
    real = Repository._ask

    def counted(self: Repository, *arguments: str, **more: object) -> bytes | None:
        found.append(arguments)
        return real(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Repository, "_ask", counted)
    return found


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return git(folder, "rev-parse", "HEAD")


def told(tell, clone: Path, *commits: str) -> list[Told]:
    programs = [tell(at, root=str(clone)) for at, _ in enumerate(commits, 1)]
    for program, each in zip(programs, commits, strict=True):
        program.git(commit=each)
    return programs


def test_hundreds_of_changed_files_cost_a_few_processes(store, tell, clone, asked) -> None:
    commits = [commit(clone, {f"{at}.png": b"\0%d %d" % (at, n) for at in range(240)}) for n in range(2)]
    one, other = told(tell, clone, *commits)
    for program, digest in ((one, "f1" * 32), (other, "f2" * 32)):
        program.file(f"{clone}/7.png", digest)  # a file that the program read is data
    found = compare_runs(store, store.run(one.run(1)), store.run(other.run(2)))
    assert [fact.text for fact in found["code"][:-1]] == ["differs (it is no text)"] * 239
    assert [fact.text for fact in found["files"]] == ["its content changed (it is no text)"]
    assert len(asked) < 20, len(asked)


def test_what_is_said_of_many_is_what_is_said_of_each(clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 20)
    contents = {name: (b"\0%d" if name.endswith(".bin") else b"%d\n") % at for at, name in enumerate(ODD)}
    first = commit(clone, contents)
    second = commit(clone, {name: content + content for name, content in contents.items()})
    names = [*ODD, "nowhere", "lone\ud800"]
    ahead, alone = Repository(clone), Repository(clone)
    ahead.foresee([first, second], names)
    for name in names:
        for each in (first, second):
            assert ahead.has(each, name) == alone.has(each, name) == (name in ODD), name
            assert ahead.blob(each, name) == alone.blob(each, name), name
            assert ahead.text(each, name) == alone.text(each, name), name
    files = alone.files(second) or []
    assert [(file.path, content) for file, content in alone.contents(files)] == [
        (file.path, 2 * contents[file.path]) for file in files
    ]
    gone = [files[0], module.Committed("gone", "100644", "1" * 40, 3), *files[1:]]
    assert [file.path for file, _ in alone.contents(gone)] == [file.path for file in files]
