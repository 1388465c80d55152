"""Files and console of processes that fork, lose their folder, refuse hooks, open many files at once or just end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import Script

PRELUDE = """
import json, os, sys, threading, time
from pathlib import Path
from autotrack.core.session import opened
from autotrack.core.session.files import Files

def told(files, seconds=20):
    found = files.finish(time.monotonic() + seconds)
    print(json.dumps({
        "seen": sorted([os.path.basename(seen.path), seen.role, seen.sha256 is not None] for seen in found),
        "gaps": [gap.what for gap in files.gaps()],
    }))
"""


def told(script: Script, source: str, **options: Any) -> Any:
    done = script(PRELUDE + source, **options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])


def test_ten_thousand_files_from_four_threads(script: Script) -> None:
    answer = told(
        script,
        """
for number in range(10_000):
    Path(f"{number}.txt").write_text(str(number))
files = Files(Path(".autotrack"))
files.start()
def read(start):
    for number in range(start, 10_000, 4):
        with open(f"{number}.txt") as file:
            assert file.read() == str(number)
threads = [threading.Thread(target=read, args=(start,)) for start in range(4)]
for thread in threads: thread.start()
found = files.drain()
for thread in threads: thread.join()
found += files.finish(time.monotonic() + 60)
import hashlib
expected = {hashlib.sha256(str(number).encode()).hexdigest() for number in range(10_000)}
assert {seen.sha256 for seen in found} == expected, len(found)
assert len(found) == 10_000 and files.gaps() == []
print(json.dumps("good"))
""",
    )
    assert answer == "good"


def test_a_forked_child_notes_nothing_and_the_parent_goes_on(script: Script) -> None:
    answer = told(
        script,
        """
for name in "abc": Path(name).write_text(name)
files = Files(); files.start()
open("a").close()
files.drain()
child = os.fork()
if not child:
    open("b").close()
    quiet = not opened.is_watching() and files.drain() == [] == files.finish(time.monotonic() + 5)
    os._exit(0 if quiet and opened.take().items == [] else 1)
assert os.waitpid(child, 0)[1] == 0
open("c").close()
told(files)
""",
    )
    # what was known when the parent looked has been answered already, or comes now
    assert ["b", "read", True] not in answer["seen"] and ["c", "read", True] in answer["seen"]


def test_a_working_directory_that_is_gone_from_the_start(script: Script) -> None:
    answer = told(
        script,
        """
Path("here.txt").write_text("x"); here = os.path.abspath("here.txt")
os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
files = Files(); files.start()
try: open("relative")
except FileNotFoundError: pass
open(here).close()
told(files)
""",
    )
    assert answer["seen"] == [["here.txt", "read", True]]
    assert any("could not be followed" in gap for gap in answer["gaps"])


def test_another_hook_may_refuse_ours(script: Script) -> None:
    answer = told(
        script,
        """
def refuse(event, args):
    if event == "sys.addaudithook": raise RuntimeError("no hooks here")
sys.addaudithook(refuse)
Path("a").write_text("x")
files = Files(); files.start()
open("a").close()
told(files)
""",
    )
    assert answer["seen"] == []
    assert any("another audit hook" in gap for gap in answer["gaps"])


def test_a_pipe_in_place_of_a_file_does_not_hang(script: Script) -> None:
    answer = told(
        script,
        """
Path("data").write_text("x")
files = Files(); files.start()
open("data").close()
os.unlink("data"); os.mkfifo("data")
told(files)
""",
    )
    assert answer["seen"] == []


def test_a_program_that_ends_without_a_word(script: Script) -> None:
    done = script(
        PRELUDE
        + """
from autotrack.core.session.console import Console
console = Console(); console.start()
files = Files(); files.start()
Path("a").write_text("x"); open("a").close()
files.drain()
print("last words")
sys.exit(3)
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "last words\n", "")


def test_output_is_the_same_to_the_byte(script: Script, tmp_path: Path) -> None:
    program = """
import subprocess, traceback
print("a", "b", sep="", end="")
sys.stderr.write("e\\n")
sys.stdout.buffer.write(b"bytes\\n")
os.write(1, b"raw\\n")
subprocess.run([sys.executable, "-c", "print('child')"])
for number in range(3000): print(number, end="\\r", flush=number % 100 == 0)
sys.stdout.writelines(["x\\n", "y"])
raise SystemExit("ends")
"""
    start = """
from autotrack.core.session.console import Console
console = Console(); console.start()
import atexit; atexit.register(console.finish)
"""
    plain, teed = script(PRELUDE + program), script(PRELUDE + start + program)
    assert (plain.returncode, plain.stdout, plain.stderr) == (teed.returncode, teed.stdout, teed.stderr)


def test_audit_hooks_leave_limits_and_tracing_alone(script: Script) -> None:
    answer = told(
        script,
        """
Path("a").write_text("x")
files = Files(); files.start()
seen = set()
sys.settrace(lambda frame, event, arg: seen.add(frame.f_code.co_filename))
sys.setprofile(lambda frame, event, arg: seen.add(frame.f_code.co_filename))
open("a").close()
sys.settrace(None); sys.setprofile(None)
assert not any("opened.py" in name for name in seen), seen
told(files)
""",
    )
    assert answer["seen"] == [["a", "read", True]]
