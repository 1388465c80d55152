"""Files that never end, wait, grow, go or are no files, opened by a training."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from .ring import TRAIN, Ring, ring, store

__all__ = ["ring", "store"]

#: Waits until the files opened so far are noted: what follows happens to files that wait to be hashed.
BEGIN = "import os, socket, sys, tempfile, threading, time\n"


def made(place: Path) -> None:
    (place / "plain.csv").write_text("1,2\n")


def test_what_is_no_file(ring: Ring) -> None:
    """Pipes, sockets, devices, the kernel's files, folders, descriptors, and names that lead nowhere."""
    body = (
        BEGIN
        + f"""
os.mkfifo("pipe")
def write():
    with open("pipe", "w") as pipe: pipe.write("through the pipe")
thread = threading.Thread(target=write); thread.start()
print(open("pipe").read()); thread.join()
other = socket.socket(socket.AF_UNIX); other.bind("socket")
for name in ("socket", "missing", ".", "", "nul\\0", "x" * 300, "loop"):
    try: open(name)
    except (OSError, ValueError) as error: print(type(error).__name__, getattr(error, "errno", None))
os.symlink("loop", "loop")
print(len(open("/dev/zero", "rb").read(5)), len(open("/dev/urandom", "rb").read(5)))
print(open("/proc/self/status").read(4), open("/proc/self/stat").read(1) != "")
try: os.listdir("/proc/self/fdinfo")
except OSError: pass
with open("plain.csv") as file, open(file.fileno(), closefd=False) as again: print(again.read())
print(open(os.open("plain.csv", os.O_RDONLY)).read())
print(open(os.open("plain.csv", os.O_RDONLY | os.O_PATH), "rb", closefd=False).fileno() > 0)
with tempfile.TemporaryDirectory() as folder:
    os.makedirs(folder + "/deep/er")
os.open(".", os.O_RDONLY | os.O_DIRECTORY)
{TRAIN}
"""
    )
    outcome = ring.attack(body, prepare=made)
    assert {Path(path).name for path in outcome.files} == {"plain.csv"}
    (gap,) = outcome.gaps
    assert gap.startswith("3 opened files were not there to be hashed")  # missing, the long name, the loop


def test_files_that_do_not_hold_still(ring: Ring) -> None:
    """Grown, replaced and deleted behind the reader's back: no wrong hash, and each one named."""
    body = (
        BEGIN
        + f"""
from pathlib import Path
stop = threading.Event()
def grow():
    with open("growing.log", "ab", buffering=0) as file:
        while not stop.is_set(): file.write(b"x" * 65536)
thread = threading.Thread(target=grow)
with open("growing.log", "rb") as file: file.read(10)
thread.start()
print(open("replaced.csv").read())
Path("new").write_text("other"); os.replace("new", "replaced.csv")
print(open("deleted.csv").read()); os.unlink("deleted.csv")
print(open("piped.csv").read()); os.unlink("piped.csv"); os.mkfifo("piped.csv")
os.mkdir("data"); Path("data/inner.csv").write_text("x"); print(open("data/inner.csv").read())
os.rename("data", "moved")
{TRAIN}
time_is_up = time.monotonic() + 1.2
while time.monotonic() < time_is_up: pass
stop.set(); thread.join()
"""
    )

    def prepare(place: Path) -> None:
        for name in ("growing.log", "replaced.csv", "deleted.csv", "piped.csv"):
            (place / name).write_text("content of " + name)

    outcome = ring.attack(body, prepare=prepare)
    files = {Path(path).name: file for path, file in outcome.files.items()}
    outcome.gap("opened files were not there to be hashed")
    for name in ("growing.log", "replaced.csv"):
        assert files[name].sha256 is None or files[name].partial, files[name]
        assert any(name in gap for gap in outcome.gaps), outcome.gaps
    right = hashlib.sha256(b"content of deleted.csv").hexdigest()
    assert "deleted.csv" not in files or files["deleted.csv"].sha256 == right


@pytest.mark.parametrize("seconds", ["0.3"])
def test_files_that_take_longer_than_there_is_time(ring: Ring, seconds: str) -> None:
    """Six sparse gigabytes of which a little was read, and a hundred files beside them: the end comes on time."""
    body = (
        BEGIN
        + f"""
with open("huge.bin", "rb") as file: print(len(file.read(100)))
for number in range(4):
    with open(f"large{{number}}.bin", "rb") as file: print(len(file.read(100)))
for number in range(100):
    with open(f"small{{number}}.csv") as file: file.read()
{TRAIN}
"""
    )

    def prepare(place: Path) -> None:
        for name, size in (("huge.bin", 6 << 30), *((f"large{number}.bin", 3 << 30) for number in range(4))):
            with (place / name).open("wb") as file:
                file.truncate(size)
        for number in range(100):
            (place / f"small{number}.csv").write_text(str(number))

    outcome = ring.attack(body, prepare=prepare, AUTOTRACK_EXIT_TIMEOUT=seconds, slower=6.0)
    files = {Path(path).name: file for path, file in outcome.files.items()}
    assert len(files) == 105
    large = [files[name] for name in files if name.endswith(".bin")]
    assert all(file.partial for file in large), large
    outcome.gap("files were not hashed before the program ended")


def test_ten_thousand_files(ring: Ring) -> None:
    body = (
        BEGIN
        + f"""
total = 0
for number in range(10_000):
    with open(f"{{number}}.txt") as file: total += int(file.read())
print(total)
{TRAIN}
"""
    )

    def prepare(place: Path) -> None:
        for number in range(10_000):
            (place / f"{number}.txt").write_text(str(number))

    prepare(ring.place)
    outcome = ring.attack(body)
    assert len(outcome.files) == 10_000
    hashed = sum(file.sha256 is not None for file in outcome.files.values())
    if hashed < 10_000:
        outcome.gap(f"{10_000 - hashed} files were not hashed before the program ended")
    digest = outcome.files[str(ring.place / "7.txt")].sha256
    assert digest in (None, hashlib.sha256(b"7").hexdigest())
