"""Signals are noted, and nothing that the program or its parent can see is different for it."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from autotrack.core.journal import LastWord, last_words_path, read_last_words

ARM = """
import faulthandler, os, signal, sys
from pathlib import Path
from autotrack.core.journal import LastWords
journal = Path(sys.argv[1])
words = LastWords()
"""


def run(tmp_path: Path, body: str, **options) -> tuple[subprocess.CompletedProcess, LastWord | None]:
    journal = tmp_path / "w.atj"
    script = tmp_path / "script.py"
    script.write_text(ARM + body)
    done = subprocess.run(
        [sys.executable, str(script), str(journal)], capture_output=True, text=True, timeout=60, **options
    )
    return done, read_last_words(journal)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"])
def test_the_signal_is_noted_and_its_status_stays(tmp_path, name):
    done, word = run(tmp_path, f"def here():\n    os.kill(os.getpid(), signal.{name})\nwords.arm(journal)\nhere()\n")
    assert done.returncode == -signal.Signals[name]
    assert (done.stdout, done.stderr) == ("", "")
    assert word is not None and word.signal == name and "in here" in word.traceback


def test_a_real_crash(tmp_path):
    done, word = run(tmp_path, "words.arm(journal)\nimport ctypes\nctypes.string_at(0)\n")
    assert done.returncode == -signal.SIGSEGV and done.stderr == ""
    assert word is not None and word.signal == "SIGSEGV" and "string_at" in word.traceback


def test_nothing_is_left_of_a_quiet_end(tmp_path):
    body = "words.arm(journal)\nassert os.stat(str(journal) + '.last').st_mode & 0o777 == 0o600\nwords.disarm()\n"
    done, word = run(tmp_path, "os.umask(0)\n" + body)
    assert (done.returncode, done.stderr, word) == (0, "", None)
    assert not last_words_path(tmp_path / "w.atj").exists()
    done, word = run(tmp_path, "words.arm(journal)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert (done.returncode, word) == (-signal.SIGKILL, None)
    assert stat.S_IMODE(last_words_path(tmp_path / "w.atj").stat().st_mode) == 0o600


def test_handlers_of_the_program_are_not_seen_to_change(tmp_path):
    body = """
before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP), faulthandler.is_enabled()
words.arm(journal)
assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP), faulthandler.is_enabled()) == before
words.disarm()
assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP), faulthandler.is_enabled()) == before
"""
    done, _ = run(tmp_path, body)
    assert done.returncode == 0, done.stderr


def test_an_earlier_handler_runs(tmp_path):
    body = """
signal.signal(signal.SIGTERM, lambda *_: (print("handled", flush=True), sys.exit(7)))
words.arm(journal)
os.kill(os.getpid(), signal.SIGTERM)
"""
    done, word = run(tmp_path, body)
    assert (done.returncode, done.stdout, done.stderr) == (7, "handled\n", "")
    assert word is not None and word.signal == "SIGTERM"


def test_a_later_handler_is_the_programs_own(tmp_path):
    body = """
words.arm(journal)
signal.signal(signal.SIGTERM, lambda *_: print("handled", flush=True))
words.disarm()
os.kill(os.getpid(), signal.SIGTERM)
print("went on")
"""
    done, word = run(tmp_path, body)
    assert (done.returncode, done.stdout, word) == (0, "handled\nwent on\n", None)


def test_an_ignored_signal_stays_ignored(tmp_path):
    body = "words.arm(journal)\nos.kill(os.getpid(), signal.SIGHUP)\nprint('went on')\n"
    done, word = run(tmp_path, body, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert (done.returncode, done.stdout, word) == (0, "went on\n", None)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("asks", ["", "if not faulthandler.is_enabled(): "])
def test_a_crash_trace_still_goes_to_stderr(tmp_path, before, asks):
    enable = f"{asks}faulthandler.enable()\n"
    lines = (enable, "words.arm(journal)\n") if before else ("words.arm(journal)\n", enable)
    body = "".join(lines) + "assert faulthandler.is_enabled()\nimport ctypes\nctypes.string_at(0)\n"
    done, word = run(tmp_path, body)
    assert done.returncode == -signal.SIGSEGV
    assert done.stderr.startswith("Fatal Python error: Segmentation fault") and word is None


def test_a_registration_of_the_program_stays(tmp_path):
    for first, second in (("words.arm(journal)", "{}"), ("{}", "words.arm(journal)")):
        register = "faulthandler.register(signal.SIGTERM, chain=True, all_threads=False)"
        body = "\n".join([first.format(register), second.format(register), "words.disarm()"])
        done, word = run(tmp_path, body + "\nos.kill(os.getpid(), signal.SIGTERM)\n")
        assert done.returncode == -signal.SIGTERM
        assert "most recent call first" in done.stderr and word is None


def test_a_crash_handler_of_another_library_keeps_its_place(tmp_path):
    """One that lives by handling SIGSEGV, as Java's virtual machine does: we must not stand before it."""
    body = """
import ctypes
libc = ctypes.CDLL(None)
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.signal.restype = ctypes.c_void_p
address = ctypes.cast(libc.abs, ctypes.c_void_p).value  # a C function that returns at once
libc.signal(signal.SIGSEGV, address)
libc.signal(signal.SIGTERM, address)
words.arm(journal)
os.kill(os.getpid(), signal.SIGSEGV)
os.kill(os.getpid(), signal.SIGTERM)
print("went on")
"""
    done, word = run(tmp_path, body)
    assert (done.returncode, done.stdout, word) == (0, "went on\n", None), done.stderr


def test_a_forked_child_that_is_terminated_writes_nothing(tmp_path):
    body = """
words.arm(journal)
for signum in (signal.SIGTERM, signal.SIGSEGV):
    child = os.fork()
    if child == 0:
        words.disarm()
        os.kill(os.getpid(), signum)
    assert os.waitpid(child, 0)[1] & 0x7f == signum
assert os.stat(str(journal) + ".last").st_size == 0
child = os.fork()
if child == 0:
    words.disarm()
    words.arm(journal.with_name("child.atj"))
    os.kill(os.getpid(), signal.SIGSEGV)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGTERM)
"""
    done, word = run(tmp_path, body)
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert word is not None and word.signal == "SIGTERM"
    child = read_last_words(tmp_path / "child.atj")
    assert child is not None and child.signal == "SIGSEGV"


@pytest.mark.parametrize(
    "content", [b"", b"garbage", bytes(range(255, 0, -1)), b"\0" * (3 << 20)], ids=["empty", "text", "bytes", "zeros"]
)
def test_any_file_reads(tmp_path, content):
    last_words_path(tmp_path / "w.atj").write_bytes(content)
    assert read_last_words(tmp_path / "w.atj") is None
