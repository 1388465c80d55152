"""Output that is closed, huge, binary, on a terminal, turned elsewhere or shared: the same to the byte."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from pathlib import Path

import pytest

from .ring import TRAIN, Ended, Ring, Runner, ring, spent, store

__all__ = ["ring", "store"]

DIALOGUE = (
    (b"name? ", b"somebody\n"),
    (b"word? ", b"hidden\n"),
    (b"(Pdb) ", b"p model.alpha + 1\n"),
    (b"(Pdb) ", b"c\n"),
)
QUIET = TRAIN.replace("print(", "_ = (").replace(", flush=True", "")


def on_a_terminal(*dialogue: tuple[bytes, bytes]) -> Runner:
    """A runner whose program has a terminal; somebody sits there who types an answer to each prompt, in this order."""

    def runner(command: list[str], environment: dict[str, str], cwd: Path) -> Ended:
        began = spent()
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        output, seen, waiting = bytearray(), 0, list(dialogue)
        while select.select([ours], [], [], 60)[0]:
            try:
                output += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            if waiting and (at := output.find(waiting[0][0], seen)) >= 0:
                prompt, answer = waiting.pop(0)
                seen = at + len(prompt)
                os.write(ours, answer)
        os.close(ours)
        assert not waiting, output
        code = process.wait(30)
        return Ended(code, bytes(output), b"", spent() - began)

    return runner


def into_files(command: list[str], environment: dict[str, str], cwd: Path) -> Ended:
    """Runs a program with its output in two files, as a batch system does."""
    began = spent()
    out, err = cwd.parent / "out", cwd.parent / "err"
    with out.open("wb") as first, err.open("wb") as second:
        done = subprocess.run(
            command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=first, stderr=second, timeout=100
        )
    return Ended(done.returncode, out.read_bytes(), err.read_bytes(), spent() - began)


def test_every_way_around_the_streams(ring: Ring) -> None:
    """Binary, raw, from children and threads and forks, turned elsewhere by contextlib and dup2, held by handlers."""
    body = (
        """
import contextlib, faulthandler, io, logging, os, subprocess, sys, threading, warnings
held = logging.StreamHandler(sys.stderr)
log = logging.getLogger("mine"); log.addHandler(held); log.propagate = False
faulthandler.enable()
SWITCH
print("one", file=sys.stderr); log.warning("two")
sys.stdout.write("text "); sys.stdout.flush(); sys.stdout.buffer.write(b"\\xff\\x00bytes\\n"); sys.stdout.buffer.flush()
os.write(1, b"raw\\n"); os.write(2, b"raw too\\n")
subprocess.run([sys.executable, "-c", "import sys; print('child'); print('child too', file=sys.stderr)"])
with contextlib.redirect_stdout(io.StringIO()) as turned, contextlib.redirect_stderr(turned):
    print("elsewhere"); log.warning("three")
print(repr(turned.getvalue()), flush=True)
thread = threading.Thread(target=print, args=("from a thread",), kwargs={"flush": True}); thread.start(); thread.join()
for number in range(200): print(f"\\r{number:3d}% \\x1b[32m#\\x1b[0m", end="", flush=True)
print(flush=True)
warnings.warn("a warning")
child = os.fork()
if not child:
    print("in a forked child", flush=True); os._exit(0)
os.waitpid(child, 0)
saved = os.dup(1); other = os.open("other.txt", os.O_CREAT | os.O_WRONLY); os.dup2(other, 1)
print("into the file", flush=True); os.dup2(saved, 1)
print(open("other.txt").read(), flush=True)
out = sys.stdout
print(out.isatty(), out.encoding, out.line_buffering, out.name, type(out), out is sys.__stdout__)
faulthandler.dump_traceback(all_threads=False)
sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), write_through=True); print("through another stream")
sys.stdout = sys.__stdout__
"""
        + TRAIN
        + """
print("no end of line", end="")
sys.exit(7)
"""
    )
    outcome = ring.attack(body)
    assert outcome.ended.plain.code == 7 and outcome.run.status == "FINISHED"
    for text in ("one\n", "two\n", "from a thread\n", "199% ", "into the file\n", "no end of line"):
        assert text in outcome.console, outcome.console
    assert "198% " not in outcome.console and "elsewhere\n" not in outcome.console


def test_a_hundred_megabytes_into_a_file(ring: Ring) -> None:
    """The first and the last of it is kept, and how much is not."""
    body = f"""
line = "x" * 99
for number in range(1_000_000): print(line)
{TRAIN}
"""
    outcome = ring.attack(body, runner=into_files)
    assert len(outcome.ended.plain.out) > 100_000_000
    assert len(outcome.console) < 2_000_000 and "omitted" in outcome.console and "learned" in outcome.console


@pytest.mark.parametrize("closes", ["stdout", "stderr", "both"])
def test_streams_that_are_closed(ring: Ring, closes: str) -> None:
    """From the start by the shell, and by the program while it runs."""
    close = {"stdout": ">&-", "stderr": "2>&-", "both": ">&- 2>&-"}[closes]
    outcome = ring.attack(TRAIN, around=("sh", "-c", f'exec "$@" {close}', "sh"))
    assert outcome.run.status == "FINISHED"
    assert ("what was written to stdout is not known" in str(outcome.gaps)) == (closes != "stderr")


def test_a_program_that_closes_its_streams(ring: Ring) -> None:
    body = f"""
import os, sys
print("before", flush=True)
{QUIET}
sys.stderr.close(); os.close(2)
try: print("more", file=sys.stderr)
except ValueError as error: print(error)
sys.stdout.close()
"""
    outcome = ring.attack(body)
    assert outcome.run.status == "FINISHED" and "before" in outcome.console


def test_a_reader_that_goes_away(ring: Ring) -> None:
    """``python train.py | head -1``: the broken pipe is the program's, with its own exit code and message."""
    body = f"""
{TRAIN}
for number in range(100_000): print(number)
"""
    outcome = ring.attack(body, around=("bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "bash"))
    assert outcome.ended.plain.code != 0 and b"BrokenPipeError" in outcome.ended.plain.err
    assert outcome.runs


def test_a_full_device(ring: Ring) -> None:
    """Output that the system takes no more of: the program's own error, and its own exit code."""
    body = f"""
{QUIET}
print("x" * 100_000)
"""
    outcome = ring.attack(body, around=("sh", "-c", 'exec "$@" > /dev/full', "sh"))
    assert outcome.ended.plain.code == 1 and b"No space left" in outcome.ended.plain.err
    assert outcome.runs


def test_a_terminal_with_prompts_and_a_debugger(ring: Ring) -> None:
    """Colours, progress bars, ``input()`` with its line editing, ``getpass``, and pdb."""
    body = f"""
import getpass, pdb, shutil, sys
SWITCH
print(sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.isatty(), sys.stdout.line_buffering, sys.stdout.name)
try: import readline
except ImportError: pass
print("hello", input("name? "))
print(len(getpass.getpass("word? ")))
for number in range(50): print(f"\\r{{number}}%", end="", file=sys.stderr)
print()
{TRAIN}
pdb.set_trace()
print("after", model.alpha)
"""
    outcome = ring.attack(body, runner=on_a_terminal(*DIALOGUE), TERM="xterm")
    assert b"hello somebody" in outcome.ended.plain.out and b"2.0" in outcome.ended.plain.out, outcome.ended.plain.out
    assert outcome.run.status == "FINISHED" and "hidden" not in outcome.console
    assert "49%" in outcome.console and "48%" not in outcome.console


def test_a_program_that_never_returns_to_python(ring: Ring) -> None:
    """``os._exit`` and ``exec`` in the middle: the output is the program's, and what was logged is kept."""
    body = f"""
import os, sys
{TRAIN}
sys.stdout.flush()
os.execv(sys.executable, [sys.executable, "-c", "print('another program')"])
"""
    outcome = ring.attack(body)
    assert outcome.ended.plain.out.endswith(b"another program\n")
    assert outcome.run.params["alpha"] == "1.0"
