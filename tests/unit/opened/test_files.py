"""Which files a program opened, in which role, and with what in them."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import autotrack
from autotrack.core.private import Ours
from autotrack.core.session import opened
from autotrack.core.session.files import Files
from autotrack.core.session.opened import saw_file
from autotrack.plugin import saw_file as seam

from .conftest import Finish

Old = Callable[..., Path]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write(name: str, text: str, mode: str = "w") -> None:
    with open(name, mode) as file:
        file.write(text)


def test_a_file_read_and_one_written(finish: Finish, old: Old, tmp_path: Path) -> None:
    old("in.csv", "a,b")
    before = time.time_ns()
    Path("in.csv").read_text()
    write("out.txt", "result")
    found = finish()
    assert set(found) == {("in.csv", "read"), ("out.txt", "written")}
    read, written = found["in.csv", "read"], found["out.txt", "written"]
    assert (read.path, read.sha256, read.size, read.mtime) == (
        str(tmp_path / "in.csv"),
        sha256("a,b"),
        3,
        1_000_000_000 * 10**9,
    )
    assert (written.sha256, written.partial, read.partial) == (sha256("result"), None, None)
    assert before - 10**9 < read.first <= time.time_ns()


@pytest.mark.parametrize(
    ("use", "roles"),
    [
        (lambda path: open(path, "rb").close(), {"read"}),
        (lambda path: io.FileIO(path, "rb").close(), {"read"}),
        (lambda path: os.close(os.open(path, os.O_RDONLY)), {"read"}),
        (lambda path: open(os.fsencode(path)).close(), {"read"}),
        (lambda path: open(path, "w").close(), {"written"}),
        (lambda path: open(path, "w+").close(), {"written"}),
        (lambda path: open(path, "a").close(), {"written"}),
        (lambda path: os.close(os.open(path, os.O_WRONLY)), {"written"}),
        (lambda path: open(path, "r+").close(), {"read"}),
        (lambda path: write(path, "more", "r+"), {"read", "written"}),
        (lambda path: write(path, "more", "a+"), {"read", "written"}),
        (lambda path: saw_file(path, "read"), {"read"}),
        (lambda path: seam(path, "written"), {"written"}),
        (lambda path: saw_file(Path(path), "updated"), {"read"}),
        (lambda path: saw_file(f"file://{os.path.abspath(path)}", "read"), {"read"}),
        (lambda path: open(Ours(path)).close(), set()),
        (lambda path: Path(path).stat(), set()),
        (lambda path: os.listdir("."), set()),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_mode_says_the_role(finish: Finish, old: Old, use: Callable[[str], object], roles: set[str]) -> None:
    old("data.bin")
    use("data.bin")
    assert {role for _, role in finish()} == roles


def test_what_was_written_is_read_by_the_same_program(finish: Finish) -> None:
    write("table.csv", "1,2")
    Path("table.csv").read_text()
    found = finish()
    assert {(seen.role, seen.sha256, seen.partial) for seen in found.values()} == {
        ("read", sha256("1,2"), None),
        ("written", sha256("1,2"), None),
    }


def test_each_role_has_its_own_hash(files: Files, finish: Finish, old: Old) -> None:
    old("state.txt", "before")
    Path("state.txt").read_text()
    read = []
    while not read:
        files.wait(5)
        read = files.drain()
    write("state.txt", "after")
    assert [(seen.role, seen.sha256) for seen in read] == [("read", sha256("before"))]
    assert finish()["state.txt", "written"].sha256 == sha256("after")


def test_a_content_that_was_gone_before_it_was_hashed_is_not_made_up(finish: Finish, old: Old) -> None:
    old("state.txt", "before")
    Path("state.txt").read_text()
    write("state.txt", "after")
    found = finish()
    assert found["state.txt", "read"].sha256 is None
    assert "written again" in str(found["state.txt", "read"].partial)
    assert found["state.txt", "written"].sha256 == sha256("after")


def test_a_file_that_somebody_else_changed_since(files: Files, finish: Finish, old: Old) -> None:
    path = old("shared.csv", "one")
    path.read_text()
    subprocess.run(["sh", "-c", "echo two > shared.csv"], check=True)
    assert finish()["shared.csv", "read"].partial == "it was changed at about the time it was read"


def test_a_file_that_was_changed_after_it_was_read(files: Files, finish: Finish, old: Old) -> None:
    path = old("shared.csv", "one")
    path.read_text()
    later = time.time() + 100
    os.utime(path, (later, later))
    assert finish()["shared.csv", "read"].partial == "it was changed after it was read"


def test_an_appended_log_has_its_last_content(files: Files, finish: Finish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotrack.core.session.files.SETTLED", 0)
    with open("log.txt", "w") as log:
        log.write("one\n")
        log.flush()
        first: list[str | None] = []
        while not first:
            files.wait(5)
            first = [seen.sha256 for seen in files.drain()]
        log.write("two\n")
    assert first == [sha256("one\n")]
    assert finish()["log.txt", "written"].sha256 == sha256("one\ntwo\n")


def test_a_file_that_was_renamed_into_place(finish: Finish) -> None:
    write("model.tmp", "weights")
    os.replace("model.tmp", "model.bin")
    assert {key: seen.sha256 for key, seen in finish().items()} == {("model.bin", "written"): sha256("weights")}


def test_temporary_files_leave_nothing(finish: Finish, files: Files) -> None:
    write("scratch", "x")
    os.unlink("scratch")
    assert finish() == {}
    assert files.gaps() == []


def test_names_follow_the_working_directory_of_their_time(finish: Finish, old: Old, tmp_path: Path) -> None:
    for name in ("a/1.csv", "b/2.csv", "b/3.csv", "a/4.csv", "b/c/5.csv"):
        old(name)
    for folder, name in (("a", "1.csv"), ("../b", "2.csv"), ("/", "etc/passwd"), (str(tmp_path), "b/3.csv")):
        os.chdir(folder)
        open(name).close()
    with pytest.raises(FileNotFoundError):
        os.chdir("nowhere")
    open("b/../a/./4.csv").close()
    descriptor = os.open("b", os.O_RDONLY)
    os.chdir(descriptor)
    os.close(descriptor)
    open("c/5.csv").close()
    assert {name for name, _ in finish()} == {f"{number}.csv" for number in range(1, 6)}


def test_links_are_followed(finish: Finish, old: Old, tmp_path: Path) -> None:
    old("real/data.csv")
    os.symlink("real", "link")
    os.symlink("link/data.csv", "other.csv")
    open("link/data.csv").close()
    open("other.csv").close()
    found = finish()
    assert [seen.path for seen in found.values()] == [str(tmp_path / "real/data.csv")]


def test_a_working_directory_that_vanished(finish: Finish, files: Files, tmp_path: Path, old: Old) -> None:
    old("here.csv")
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        Path("relative.csv").read_text()
    open(tmp_path / "here.csv").close()
    assert set(finish()) == {("here.csv", "read")}
    os.chdir(tmp_path)


def test_files_that_are_nobody_s_data(
    finish: Finish, old: Old, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    module = ModuleType("module")
    module.__file__ = str(tmp_path / "module.py")
    monkeypatch.setitem(sys.modules, "module", module)

    for path in ("/etc/passwd", "/proc/self/status", "/dev/null", json.__file__, pytest.__file__, __file__):
        open(path).close()
    open(os.path.relpath(autotrack.__file__)).close()
    installed = ("lib-1.0.dist-info/METADATA", "lib.egg-info/entry_points.txt")
    for name in (".git/config", "__pycache__/a.pyc", ".autotrack/autotrack.db", "module.py", *installed):
        open(old(name)).close()
    assert finish() == {}


def test_code_that_a_program_opens_itself_is_read(finish: Finish, old: Old, tmp_path: Path) -> None:
    for name in ("config.py", "weights.pth", "fast.so", "cells.ipynb"):
        old(name)
    exec(Path("config.py").read_text().replace("old", "rate = 0.3"))
    for name in ("weights.pth", "fast.so", "cells.ipynb"):
        (tmp_path / name).read_bytes()
    assert set(finish()) == {(name, "read") for name in ("config.py", "weights.pth", "fast.so", "cells.ipynb")}


def test_written_code_is_an_output(finish: Finish) -> None:
    write("made.py", "x = 1")
    assert set(finish()) == {("made.py", "written")}


def test_data_sets_that_come_with_a_library_have_a_name(finish: Finish) -> None:
    from sklearn.datasets import load_iris

    load_iris()
    assert {(seen.name, seen.role) for seen in finish().values()} == {("sklearn:iris", "read")}


def test_a_source_told_by_name_counts_wherever_it_lies(finish: Finish) -> None:
    saw_file(json_file := os.path.join(os.path.dirname(os.__file__), "json", "__init__.py"), "read", "stdlib:json")
    assert [(seen.path, seen.name) for seen in finish().values()] == [(os.path.realpath(json_file), "stdlib:json")]


def test_patterns_and_folders_stand_for_their_files(finish: Finish, old: Old) -> None:
    for name in ("a/1.csv", "a/deep/2.csv", "b/3.csv", "b/4.txt"):
        old(name)
    saw_file("a", "read")
    saw_file("b/*.csv", "read")
    assert {name for name, _ in finish()} == {"1.csv", "2.csv", "3.csv"}


def test_what_is_far_away_is_said_without_its_password(finish: Finish, files: Files) -> None:
    saw_file("s3://user:secret@bucket/data.parquet?token=x", "read")
    assert finish() == {}
    (gap,) = files.gaps()
    assert "s3://bucket/data.parquet" in gap.what and "secret" not in gap.what and "token" not in gap.what


def test_a_database_is_read_and_perhaps_written(finish: Finish, old: Old) -> None:
    with sqlite3.connect(":memory:") as memory:
        memory.execute("CREATE TABLE t (a)")
    memory.close()
    connection = sqlite3.connect("q.db")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    assert set(finish()) == {("q.db", "read"), ("q.db", "written")}


def test_a_database_that_was_only_read(finish: Finish, files: Files, tmp_path: Path) -> None:
    opened.stop()
    made = sqlite3.connect("q.db")
    made.execute("CREATE TABLE t (a)")
    made.close()
    os.utime("q.db", (1e9, 1e9))
    files.start()
    connection = sqlite3.connect("q.db")
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    connection.close()
    assert set(finish()) == {("q.db", "read")}


def test_pipes_devices_and_folders_are_not_touched(finish: Finish, files: Files) -> None:
    os.mkfifo("pipe")
    descriptor = os.open("pipe", os.O_RDWR)
    os.close(os.open(".", os.O_RDONLY))
    assert finish() == {}
    os.close(descriptor)
    assert files.gaps() == []


def test_deleted_and_unreadable_files_are_gaps(finish: Finish, files: Files, old: Old) -> None:
    path = old("deleted.csv")
    path.read_text()
    path.unlink()
    assert finish() == {}
    (gap,) = files.gaps()
    assert gap.part == "files" and str(path) in gap.what


def test_too_many_files_are_counted(tmp_path: Path, old: Old) -> None:
    files = Files(most=10)
    files.start()
    for number in range(25):
        open(old(f"{number}.csv")).close()
    found = files.finish(time.monotonic() + 10)
    assert len({seen.path for seen in found}) == 10
    assert any("more files" in gap.what for gap in files.gaps())


def test_more_names_at_once_than_are_kept(finish: Finish, files: Files, old: Old) -> None:
    path = str(old("a.csv"))
    for _ in range(opened.MOST_WAITING + 1):
        sys.audit("open", path, "r", 0)
    assert set(finish()) == {("a.csv", "read")}
    assert any("so many" in gap.what for gap in files.gaps())


def test_a_file_read_over_and_over_is_hashed_once(files: Files, old: Old) -> None:
    path = old("epoch.bin")
    found = []
    for _ in range(3):
        for _ in range(100):
            open(path).close()
        found += files.drain()
        files.wait(5)
    found += files.finish(time.monotonic() + 10)
    assert len(found) == 1


def test_no_time_at_the_end(files: Files, old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        old(f"{number}.bin", b"x" * (number + 1)).read_bytes()
    found = files.finish(time.monotonic() - 1)
    assert all(seen.sha256 is None for seen in found)
    assert any("before the program ended" in gap.what for gap in files.gaps())


def test_a_disk_that_does_not_answer_holds_nobody_up(files: Files, old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    hashed = files.hashes.hash

    def hangs(path: str, stop: Callable[[], bool]) -> object:
        answer.wait()
        return hashed(path, stop)

    monkeypatch.setattr(files.hashes, "hash", hangs)
    for name in ("a.csv", "b.csv"):
        old(name).read_text()
    assert files.drain() == []
    before = time.monotonic()
    found = files.finish(before + 0.2)
    assert time.monotonic() - before < 5
    assert {(os.path.basename(seen.path), seen.sha256) for seen in found} == {("a.csv", None), ("b.csv", None)}
    assert any("2 files were not hashed" in gap.what for gap in files.gaps())
    answer.set()


def test_the_smallest_come_first_at_the_end(files: Files, old: Old) -> None:
    for size in (300_000, 1, 70_000):
        old(f"{size}.bin", b"x" * size).read_bytes()
    found = files.finish(time.monotonic() + 10)
    assert [seen.size for seen in found] == [1, 70_000, 300_000]


def test_many_threads(finish: Finish, old: Old) -> None:
    paths = [old(f"{number}.csv", str(number)) for number in range(200)]

    def read(part: list[Path]) -> None:
        for path in part:
            path.read_text()

    threads = [threading.Thread(target=read, args=(paths[start::8],)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = finish()
    assert {seen.sha256 for seen in found.values()} == {sha256(str(number)) for number in range(200)}


def test_after_stop_nothing_is_noted_or_kept(files: Files, old: Old) -> None:
    files.finish(time.monotonic() + 10)
    path = old("later.csv")
    path.read_text()
    saw_file(path, "read")
    shutil.copy(path, "copy.csv")
    assert not opened.is_watching()
    assert opened.take().items == []
    assert files.drain() == files.finish(time.monotonic() + 1) == []


def test_odd_events_of_others_do_no_harm(finish: Finish) -> None:
    sys.audit("open")
    sys.audit("open", object(), 1, 2)
    sys.audit("open", "relative", "r")
    sys.audit("open", 5, "r", "flags")
    sys.audit("os.chdir", 3)
    sys.audit("os.rename", b"a", b"b", -1, -1)
    assert finish() == {}


def test_nothing_of_the_user_s_is_kept(finish: Finish, old: Old) -> None:
    class MyPath(str):
        pass

    path = MyPath(old("a.csv"))
    open(path).close()
    finish()
    del path
    assert not [found for found in gc.get_objects() if type(found) is MyPath]


def test_hosts_that_a_program_asks_for_are_told(tmp_path: Path) -> None:
    """Not this machine, not the store's own server, and nothing of the program's is kept alive for it."""
    import socket

    files = Files(tmp_path / "store", near=("Tracking.example.invalid",))
    files.start()
    for host in ("localhost", "127.0.0.1", b"127.0.0.2", None, "tracking.example.invalid", socket.gethostname()):
        sys.audit("socket.getaddrinfo", host, 80, 0, 0, 0)
    sys.audit("socket.getaddrinfo")  # somebody's own event
    assert [gap for gap in settled(files) if gap.part == "network"] == []
    files = Files(tmp_path / "store")
    files.start()
    for host in ("Hub.example", b"data.example", "hub.example", "three.example", "four.example"):
        sys.audit("socket.getaddrinfo", host, 443, 0, 0, 0)
    (gap,) = (gap for gap in settled(files) if gap.part == "network")
    assert "hub.example, data.example, three.example and 1 more" in gap.what


def settled(files: Files) -> list[Any]:
    files.finish(time.monotonic() + 10)
    return files.gaps()
