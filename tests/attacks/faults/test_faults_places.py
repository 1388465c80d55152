"""Training in places that vanish, cannot be written, are full or have no name."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autotrack.core.runs import trackers

from .ring import TRAIN, Ring, ring, store

__all__ = ["ring", "store"]

#: Takes from root the power to write where it is not allowed to.
POWERLESS = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search,-fowner")
AROUND = POWERLESS if os.geteuid() == 0 else ()
needs_setpriv = pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="setpriv is not installed, and root writes anywhere"
)


@needs_setpriv
def test_a_working_directory_that_cannot_be_written(ring: Ring) -> None:
    """Nor home, nor the folder for temporary files."""
    (ring.place / "mine.py").write_text("a = 1\n")
    script = ring.base / "train.py"
    bare = ring.base / "bare"
    bare.mkdir()
    ring.commit()
    folders = [Path(folder) for folder, _, _ in os.walk(ring.place)]
    for folder in (*folders, bare):
        folder.chmod(0o555)
    try:
        outcome = ring.attack(steady=True, script=script, around=AROUND, HOME=str(bare), TMPDIR=str(bare))
    finally:
        for folder in (*folders, bare):
            folder.chmod(0o755)
    assert outcome.run.status == "FINISHED" and list(bare.iterdir()) == []


@needs_setpriv
def test_a_store_that_cannot_be_written(ring: Ring) -> None:
    """It is said in a line for the journal and one for the first artifact, and what can be is kept elsewhere."""
    ring.store.mkdir()
    ring.store.chmod(0o555)
    spare = ring.base / "spare"
    spare.mkdir()
    try:
        ended = ring.twice(steady=True, around=AROUND, TMPDIR=str(spare), lines=2)
    finally:
        ring.store.chmod(0o755)
    assert "autotrack sync" in ended.said[0] and "artifact" in ended.said[1]
    ring.sync(spare)
    outcome = ring.outcome(ended)
    assert outcome.run.status == "FINISHED"
    for part in ("code", "environment", "state of the random generators"):
        outcome.gap(f"the {part} could not be kept (Permission denied)")
    outcome.gap("model left out")


@needs_setpriv
def test_no_place_at_all(ring: Ring) -> None:
    """No store, no temporary folder: nothing can be kept, one line says so, and the training is done."""
    ring.store.mkdir()
    ring.store.chmod(0o555)
    bare = ring.base / "bare"
    bare.mkdir()
    bare.chmod(0o555)
    try:
        ended = ring.twice(steady=True, around=AROUND, TMPDIR=str(bare), lines=2)
    finally:
        ring.store.chmod(0o755)
        bare.chmod(0o755)
    assert ended.said and ended.tracked.out.startswith(b"learned")


def test_a_working_directory_that_is_gone_from_the_start(ring: Ring) -> None:
    gone = ring.base / "gone"
    outcome = ring.attack(
        steady=True,
        script=ring.base / "train.py",
        around=("sh", "-c", f'mkdir {gone}; cd {gone}; rmdir {gone}; exec "$@"', "sh"),
    )
    assert outcome.run.status == "FINISHED" and outcome.parts["code"]["kind"] == "snapshot"


def test_a_working_directory_that_goes_while_it_trains(ring: Ring) -> None:
    gone = ring.base / "gone"
    body = f"""
import os, shutil
os.makedirs({str(gone)!r}, exist_ok=True); os.chdir({str(gone)!r})
open("data.csv", "w").write("1,2")
open("data.csv").close()
shutil.rmtree({str(gone)!r})
{TRAIN}
try: open("data.csv")
except FileNotFoundError as error: print(error)
"""
    outcome = ring.attack(body)
    assert outcome.run.status == "FINISHED"


def test_the_programs_own_folder_goes_while_it_trains(ring: Ring) -> None:
    """Sources, working directory and all, before autotrack has looked at them."""
    body = f"""
import os, shutil, sys
import mine
SWITCH
shutil.rmtree({str(ring.place)!r})
{TRAIN}
"""
    outcome = ring.attack(body, prepare=lambda place: (place / "mine.py").write_text("a = 1\n"))
    assert outcome.run.status == "FINISHED"
    assert any("is not kept: No such file or directory" in gap for gap in outcome.gaps), outcome.gaps


@pytest.fixture
def base(store: Path) -> Iterator[Path]:
    """A folder that anybody may get to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        trackers.close_all()


def test_no_home_and_no_user(base: Path) -> None:
    ring = Ring(base, base / "store")
    body = (
        """
import os
for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME"): os.environ.pop(name, None)
os.environ["HOME"] = "/nowhere/at/all"
SWITCH
"""
        + TRAIN
    )
    around = ("env", "-u", "HOME", "-u", "USER", "-u", "LOGNAME", "setpriv", "--reuid=54321", "--clear-groups")
    if os.geteuid() != 0:
        around = around[:7]
    else:
        base.chmod(0o777)
        ring.place.chmod(0o777)
    outcome = ring.attack(body, around=around)
    assert outcome.run.status == "FINISHED" and outcome.run.user is None


@pytest.fixture
def small_disk(ring: Ring) -> Iterator[Path]:
    """A file system of two megabytes, mounted where the store will be."""
    ring.store.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(ring.store)], capture_output=True
    )
    if made.returncode:
        pytest.skip("this machine lets nobody mount")
    yield ring.store
    subprocess.run(["umount", "-l", str(ring.store)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root to be mounted")
def test_a_full_disk(ring: Ring, small_disk: Path) -> None:
    with (small_disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\1" * 1024)
        except OSError:
            pass
    spare = ring.base / "spare"
    spare.mkdir()
    ended = ring.twice(steady=True, TMPDIR=str(spare), lines=2)
    assert "autotrack sync" in ended.said[0] and "artifact" in ended.said[1]
    (small_disk / "ballast").unlink()
    ring.sync(spare)
    outcome = ring.outcome(ended)
    assert outcome.run.status == "FINISHED"
    outcome.gap("the code could not be kept (No space left on device)")
    assert outcome.run.params["alpha"] == "1.0"
    trackers.close_all()
