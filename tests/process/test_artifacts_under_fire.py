"""R13 on this machine: a stored file is the old or the new one, whole, with the digest that was declared."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import autotrack
from tests.attacks.runner import Payload, cases

WRITER = """
import sys, autotrack
run = autotrack.start_run("it")
run.log_text("old", "other.txt")
print(run.artifact_uri, flush=True)
sys.stdin.readline()
print("go", flush=True)
run.log_artifact(sys.argv[1], "big.bin")
print("kept", flush=True)
sys.stdin.readline()
"""


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_killed_while_a_large_file_is_stored(store: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(random.Random(1).randbytes(1 << 20) * 48)
    program = tmp_path / "writer.py"
    program.write_text(WRITER)
    torn = 0
    for delay in (0.0, 0.005, 0.02, 0.05, 0.1, 1.0):
        process = subprocess.Popen(
            [sys.executable, str(program), str(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin and process.stdout
        folder = Path(process.stdout.readline().strip())
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "go\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        acknowledged = "kept" in process.stdout.read()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        run = autotrack.last_run()
        files = {file.path: file for file in run.artifacts}
        assert "other.txt" in files
        assert ("big.bin" in files) or not acknowledged
        if (folder / "big.bin").exists():
            assert digest(folder / "big.bin") == digest(source)
        else:
            assert "big.bin" not in files
            torn += 1
        for path, file in files.items():
            assert digest(folder / path) == file.sha256
            assert (folder / path).stat().st_size == file.size
    assert torn  # at least one kill came in time


def test_two_writers_of_one_name(store: Path) -> None:
    contents = [bytes([number]) * 3_000_000 for number in range(4)]
    with autotrack.start_run() as run:
        threads = [
            threading.Thread(target=lambda content=content: [run.put("same.bin", content) for _ in range(5)])
            for content in contents
        ]
        for thread in threads:
            thread.start()
        path = Path(run.artifact_uri) / "same.bin"
        while any(thread.is_alive() for thread in threads):
            if path.exists():
                assert path.read_bytes() in contents  # one of them, whole, at any moment
        for thread in threads:
            thread.join()
    (file,) = run.artifacts
    assert digest(path) in {hashlib.sha256(content).hexdigest() for content in contents}
    assert file.size == 3_000_000


def test_a_file_that_grows_while_it_is_read(store: Path, tmp_path: Path) -> None:
    """Storing ends, and keeps what the file held when it was opened, or a little more."""
    source = tmp_path / "growing.log"
    source.write_bytes(b"a" * 1_000_000)
    stop = threading.Event()

    def grow() -> None:
        with source.open("ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < 4_000_000_000:
                file.write(b"b" * 4_000_000)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        with autotrack.start_run() as run:
            run.log_artifact(source)
    finally:
        stop.set()
        thread.join()
    (file,) = run.artifacts
    kept = Path(run.artifact_uri) / "growing.log"
    assert (kept.stat().st_size, digest(kept)) == (file.size, file.sha256)
    with source.open("rb") as original, kept.open("rb") as copy:
        while block := copy.read(1 << 20):
            assert original.read(len(block)) == block
    assert file.size < 200_000_000
    source.unlink()


def test_sources_that_are_no_plain_files(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("folder/inner").mkdir(parents=True)
    Path("folder/inner/file.txt").write_text("inner")
    os.mkfifo("folder/pipe")
    Path("folder/loop").symlink_to("..")
    Path("link.txt").symlink_to("folder/inner/file.txt")
    Path("dangling").symlink_to("nowhere")
    with autotrack.start_run() as run:
        for source in (
            "pipe",
            "dangling",
            "/dev/zero",
            "/dev/null",
            "missing",
            "folder",
            "link.txt",
            "/proc/self/status",
        ):
            run.log_artifact(source, f"kept/{Path(source).name}")
        run.log_artifacts("folder", "again")
    paths = {file.path for file in run.artifacts}
    assert {"kept/folder/inner/file.txt", "kept/link.txt", "again/inner/file.txt", "kept/status"} <= paths
    assert not {path for path in paths if "pipe" in path or "zero" in path or "null" in path}
    assert run.health["refused_artifacts"] == 5
    assert (Path(run.artifact_uri) / "kept/status").stat().st_size > 0


@cases("paths")
def test_names_through_the_public_calls(payload: Payload, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("content")
    canary = tmp_path / "canary"
    canary.write_text("CANARY-7731")
    before = sorted(path for path in tmp_path.rglob("*") if store not in path.parents and path != store)
    with autotrack.start_run() as run:
        run.log_text("content", payload.input)
        if not payload.input.endswith("/"):  # a folder's name, to log_artifact
            run.log_artifact(source, payload.input)
    assert sorted(path for path in tmp_path.rglob("*") if store not in path.parents and path != store) == before
    if payload.refused and payload.id != "through-link":
        assert run.artifacts == ()
        assert run.health["refused_artifacts"] >= 1
    else:
        assert [file.path for file in run.artifacts] == [payload.input]
        assert (Path(run.artifact_uri) / payload.input).read_text() == "content"
