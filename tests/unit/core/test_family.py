"""A program is ended with all that it started, wherever that went, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotrack.core import family

#: A child, one in a session of its own, one whose parent has ended; the last word is what each does before it sleeps.
PROGRAM = """
import os, subprocess, sys, time
folder, then, stays = sys.argv[1:]
code = "import os, signal, sys, time\\n" + then
code += "\\nopen(os.path.join(sys.argv[1], str(os.getpid())), 'x'); time.sleep(600)"
child = [sys.executable, "-c", code, folder]
subprocess.Popen(child)
subprocess.Popen(child, start_new_session=True)
orphan = "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True)"
subprocess.run([sys.executable, "-c", orphan, *child], check=True)
if stays:
    exec(code, {"sys": type("sys", (), {"argv": sys.argv})})
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("stays", ["stays", ""])
@pytest.mark.parametrize("then", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_all_of_it_ends(tmp_path: Path, then: str, stays: str) -> None:
    marks = {"ours": tmp_path / "ours", "other": tmp_path / "other"}
    programs = {}
    for mark, folder in marks.items():
        folder.mkdir()
        program = then if mark == "ours" else ""
        variables = family.marked(family.marked(dict(os.environ), "outer"), mark)
        line = [sys.executable, "-c", PROGRAM, str(folder), program, stays if mark == "ours" else ""]
        programs[mark] = subprocess.Popen(line, env=variables)
    pids: dict[str, list[int]] = {}
    deadline = time.monotonic() + 60
    for mark, folder in marks.items():
        wanted = 4 if stays and mark == "ours" else 3
        while len(pids.setdefault(mark, [int(name) for name in os.listdir(folder)])) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.02)
            del pids[mark]
    programs["other"].wait(60)
    try:
        family.end(programs["ours"], "ours", grace=0.3)
        assert not any(map(is_alive, pids["ours"])) and all(map(is_alive, pids["other"]))
        assert programs["ours"].poll() is not None
    finally:
        family.end(programs["other"], "outer")  # a mark of both
    assert not any(map(is_alive, pids["other"]))


def test_a_mark_is_added_to_those_that_are_there() -> None:
    assert family.marked({"A": "1"}, "m") == {"A": "1", family.VARIABLE: "m"}
    assert family.marked({family.VARIABLE: "m"}, "n") == {family.VARIABLE: "m,n"}
