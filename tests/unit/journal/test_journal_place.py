"""Where a journal lives: moving it, losing its directory, forking away from it, and who holds its lease."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from autotrack.core.errors import JournalError
from autotrack.core.journal import JournalFull, JournalWriter, is_alive, process_identity, read_header


def test_going_on_elsewhere_loses_nothing(tmp_path, read_all):
    """The directory is removed while eight threads log; nothing that was acknowledged is missing or there twice."""
    writer = JournalWriter(tmp_path / "first")
    writer.event({"k": "session"})
    series = [writer.series("r" * 32, str(number), "f8") for number in range(8)]
    written = [0] * 8
    stop = threading.Event()

    def log(number: int) -> None:
        while not stop.is_set():
            writer.point(series[number], written[number], number)
            written[number] += 1
            if written[number] % 50 == 0:
                writer.event({"k": "tags", "series": number, "step": written[number]})

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    delivered = read_all(writer.path, final=False)
    for hop in range(5):
        before = sum(written)
        while sum(written) < before + 2000:
            pass
        folder = writer.path.parent
        shutil.rmtree(folder)
        assert not writer.linked()
        writer.relocate(tmp_path / f"hop {hop}")
        assert writer.linked() and writer.path.parent.name == f"hop {hop}"
    stop.set()
    for thread in threads:
        thread.join()
    assert is_alive(writer.path, read_header(writer.path))
    writer.close()
    found = read_all(writer.path, cursor=delivered.cursor)  # offsets hold across the moves
    points = delivered.points + found.points
    steps: dict[int, list[int]] = {}
    for _, step, _, number in points:
        steps.setdefault(number, []).append(step)
    assert [steps[number] for number in series] == [list(range(count)) for count in written]
    tags = [event for event in delivered.events + found.events if event["k"] == "tags"]
    assert len(tags) == sum(count // 50 for count in written)
    assert found.damaged == 0


def test_a_move_that_fails_changes_nothing(tmp_path, read_all):
    writer = JournalWriter(tmp_path / "first")
    writer.point(1, 0, 1.0)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError):
        writer.relocate(tmp_path / "file")
    writer.point(1, 1, 1.0)
    writer.event({"k": "after"})
    writer.close()
    found = read_all(writer.path)
    assert [slot for slot, *_ in found.points] == [0, 1] and found.events == [{"k": "after"}]


def test_moving_away_leaves_no_second_journal(tmp_path):
    writer = JournalWriter(tmp_path / "first")
    writer.relocate(tmp_path / "second")
    assert list((tmp_path / "first").iterdir()) == []
    assert [place.name for place in (tmp_path / "second").iterdir()] == [f"{writer.writer}.atj"]
    writer.close()


def test_a_renamed_directory_is_still_there(tmp_path, read_all):
    writer = JournalWriter(tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "second")
    assert writer.linked()
    writer.point(1, 0, 1.0)
    writer.close()
    assert len(read_all(tmp_path / "second" / writer.path.name).points) == 1


def test_a_program_that_closes_all_descriptors_does_not_get_its_files_written_to(tmp_path, read_all):
    writer = JournalWriter(tmp_path / "journal")
    number = writer._space.descriptor()
    os.close(number)
    other = os.open(tmp_path / "users", os.O_RDWR | os.O_CREAT)
    assert other == number
    for step in range(5000):  # grows over several extents
        writer.point(1, step, 0.0)
    writer.sync()
    assert is_alive(writer.path, writer.header)
    writer.close()
    assert os.fstat(other).st_size == 0
    os.close(other)
    assert len(read_all(writer.path).points) == 5000


def test_a_forked_child_leaves_the_journal_alone(tmp_path, read_all):
    writer = JournalWriter(tmp_path)
    series = writer.series("r" * 32, "loss", "f8")
    writer.point(series, 0, 0.0)
    cached = writer.point
    child = os.fork()
    if child == 0:
        code = 1
        try:
            writer.abandon()
            refused = 0
            for call in (cached, writer.point):
                try:
                    call(series, 99, 0.0)
                except JournalError:
                    refused += 1
            try:
                writer.event({"k": "child"})
            except JournalError:
                refused += 1
            writer.sync()
            writer.close()
            mine = JournalWriter(tmp_path)
            mine.event({"k": "child"})
            mine.close()
            code = 0 if refused == 3 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert is_alive(writer.path, writer.header)
    writer.point(series, 1, 0.0)
    writer.event({"k": "parent"})
    writer.close()
    found = read_all(writer.path)
    assert [step for _, step, *_ in found.points] == [0, 1]
    assert [event["k"] for event in found.events] == ["series", "parent"]
    (other,) = [path for path in tmp_path.glob("*.atj") if path != writer.path]
    assert read_all(other).events == [{"k": "child"}]


def test_forking_while_a_thread_logs_never_hangs(tmp_path):
    writer = JournalWriter(tmp_path)
    stop = threading.Event()

    def log() -> None:
        while not stop.is_set():
            writer.event({"k": "tags"})
            writer.point(1, 0, 0.0)

    threads = [threading.Thread(target=log) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                writer.abandon()
                writer.close()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        writer.close()


SCRIPT = """
import sys, time
from pathlib import Path
from autotrack.core.journal import JournalWriter
writer = JournalWriter(Path(sys.argv[1]))
print(writer.path, flush=True)
sys.stdin.read()
"""


def test_a_lease_ends_with_its_process(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    from pathlib import Path

    path = Path(child.stdout.readline().strip())
    header = read_header(path)
    assert is_alive(path, header)
    child.kill()
    child.wait()
    assert not is_alive(path, header)
    child.stdin.close()
    child.stdout.close()


def test_who_is_alive(tmp_path):
    writer = JournalWriter(tmp_path)
    header, path = writer.header, writer.path
    assert is_alive(path, header)
    orphan = dataclasses.replace(header, pid=2**22 - 1)  # a forked child holds the lock of a writer that is gone
    assert not is_alive(path, orphan)
    reborn = dataclasses.replace(header, pid_started=header.pid_started - 1)  # the pid was used again
    assert not is_alive(path, reborn)
    lockless = dataclasses.replace(header, lease=False)
    assert is_alive(path, lockless)
    assert not is_alive(path, dataclasses.replace(lockless, pid=2**22 - 1))
    assert is_alive(path, dataclasses.replace(orphan, pid_space="pid:[1]"))  # another container: trust the lock
    writer.close()
    assert not is_alive(path, header)
    elsewhere = dataclasses.replace(header, host="elsewhere", boot_id="b")
    os.utime(path)
    assert is_alive(path, elsewhere)
    os.utime(path, (time.time() - 61, time.time() - 61))
    assert not is_alive(path, elsewhere)
    path.unlink()
    assert not is_alive(path, header)


def test_identity_is_that_of_this_process():
    me = process_identity()
    assert me.pid == os.getpid() and me.host == os.uname().nodename
    child = os.fork()
    if child == 0:
        os._exit(0 if process_identity().pid == os.getpid() and process_identity() != me else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(JournalError, match="writable"):
        JournalWriter(tmp_path)
    assert JournalFull.__mro__[1] is JournalError
