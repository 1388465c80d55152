"""The copy of what is printed, and the streams that are as they were."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.session import console as consoles
from autotrack.core.session.console import Console, Piece


class Streams:
    """A console on two files, which stand as sys.stdout and sys.stderr from ``install()`` or the first use on."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out = io.open(folder / "out", "w+", encoding="utf-8")  # noqa: SIM115, UP020
        self.err = io.open(folder / "err", "w+", encoding="utf-8")  # noqa: SIM115, UP020
        self.made = Console()
        self._monkeypatch = monkeypatch

    def install(self) -> None:
        # In the test itself: pytest puts its own streams in place between a fixture and its test.
        self._monkeypatch.setattr(sys, "stdout", self.out)
        self._monkeypatch.setattr(sys, "stderr", self.err)

    @property
    def console(self) -> Console:
        if sys.stdout is not self.out:
            self.install()
        return self.made

    def printed(self) -> str:
        self.out.flush()
        return Path(self.out.name).read_bytes().decode()


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Streams(tmp_path, monkeypatch)
        yield made
        made.made.stop()
        made.out.close()
        made.err.close()


def text(pieces: list[Piece], stream: str = "stdout") -> str:
    return "".join(piece for _, name, piece in pieces if name == stream)


def test_everything_printed_is_copied(streams: Streams) -> None:
    streams.console.start()
    print("a", 1, sep="-")
    sys.stdout.writelines(["b\n", "c\n"])
    sys.stdout.write("ü€😀\n")
    print("to stderr", file=sys.stderr)
    handler = logging.StreamHandler()
    handler.emit(logging.makeLogRecord({"msg": "logged"}))
    try:
        raise ValueError("boom")
    except ValueError:
        traceback.print_exc()
    pieces = streams.console.finish()
    assert text(pieces) == "a-1\nb\nc\nü€😀\n" == streams.printed()
    assert text(pieces, "stderr").startswith("to stderr\nlogged\nTraceback")
    assert text(pieces, "stderr").endswith("ValueError: boom\n")


def test_offsets_follow_one_another(streams: Streams) -> None:
    streams.console.start()
    pieces = []
    for number in range(5):
        print("line", number)
        print("other", number, file=sys.stderr)
        pieces += streams.console.take()
    print("end", end="")
    pieces += streams.console.finish()
    at = 0
    for offset, _, piece in pieces:
        assert offset == at
        at += len(piece)
    assert [name for _, name, _ in pieces[:4]] == ["stdout", "stderr", "stdout", "stderr"]


def test_a_line_is_held_back_until_it_is_whole(streams: Streams) -> None:
    streams.console.start()
    sys.stdout.write("token=abc")
    assert streams.console.take() == []
    sys.stdout.write("def\nnext")
    assert streams.console.take() == [(0, "stdout", "token=abcdef\n")]
    assert streams.console.take() == []
    assert streams.console.finish() == [(13, "stdout", "next")]


def test_a_very_long_line_comes_in_parts(streams: Streams) -> None:
    streams.console.start()
    sys.stdout.write("x" * (consoles.LONGEST_LINE + 1))
    assert len(text(streams.console.take())) == consoles.LONGEST_LINE + 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (["0%\r", "50%\r", "100%\r", "\n"], "100%\n"),
        (["\r0%", "\r50%", "\r100%", "\nnext\n"], "100%\nnext\n"),
        (["a\r\nb\r\n"], "a\nb\n"),
        (["a\r", "\n"], "a\n"),
        (["working...\rdone\n"], "done\n"),
        (["\r10%", "\r20%"], "20%"),
        (["\n\r\n"], "\n\n"),
        (["\rx\r"], "x"),
    ],
)
@pytest.mark.parametrize("often", [False, True])
def test_a_line_written_over_has_its_last_state(streams: Streams, written: list[str], kept: str, often: bool) -> None:
    streams.console.start()
    pieces = []
    for part in written:
        sys.stdout.write(part)
        if often:
            pieces += streams.console.take()
    assert text(pieces + streams.console.finish()) == kept
    assert streams.printed() == "".join(written)


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(alphabet="ab\n", max_size=30)), max_size=30))
def test_nothing_is_lost_below_the_bounds(writes: list[tuple[str, str]]) -> None:
    console = Console()
    pieces = []
    for number, (stream, written) in enumerate(writes):
        console._waiting.append((stream, written))
        if number % 3 == 0:
            pieces += console.take()
    pieces += console.finish()
    for stream in ("stdout", "stderr"):
        assert text(pieces, stream) == "".join(written for name, written in writes if name == stream)


@given(st.lists(st.text(alphabet="ab\n", max_size=60), max_size=60), st.booleans())
def test_the_start_and_the_end_are_kept_and_the_rest_is_counted(writes: list[str], at_once: bool) -> None:
    console = Console(head=100, tail=40)
    pieces = []
    for written in writes:
        console._waiting.append(("stdout", written))
        if not at_once:
            pieces += console.take()
    pieces += console.finish()
    whole = "".join(writes)
    note = [piece for _, stream, piece in pieces if stream == "autotrack"]
    if len(whole) <= 140:
        assert text(pieces) == whole and not note
        return
    (said,) = note
    omitted = int(said.split()[1])
    kept = text(pieces)
    assert len(kept) + omitted == len(whole)
    assert kept.startswith(whole[:100]) and kept.endswith(whole[-40:])
    assert len(kept) <= 2 * 140
    places = [place for place, _, _ in pieces]
    assert places == sorted(set(places))  # a store keeps one piece a place, in their order


def test_more_than_memory_should_hold_is_left_out_at_once(streams: Streams) -> None:
    console = streams.made = Console(head=1000, tail=500)
    streams.install()
    console.start()
    sys.stdout.write("x" * 2_000_000 + "END\n")
    for number in range(50_000):
        print(number)
    held = sum(len(part) for _, part in console._waiting) + sum(
        len(part) for _, part in console._together if isinstance(part, str)
    )
    assert held < 100_000
    pieces = console.finish()
    assert text(pieces).startswith("x" * 1000) and text(pieces).endswith("49998\n49999\n")
    assert len(text(pieces)) <= 3500


def test_the_stream_is_the_same_object_and_as_it_was(streams: Streams) -> None:
    streams.install()
    before = dict(vars(streams.out))
    facts = (
        sys.stdout.encoding,
        sys.stdout.errors,
        sys.stdout.line_buffering,
        sys.stdout.fileno(),
        sys.stdout.isatty(),
    )
    streams.console.start()
    assert sys.stdout is streams.out and type(sys.stdout) is io.TextIOWrapper
    assert facts == (
        sys.stdout.encoding,
        sys.stdout.errors,
        sys.stdout.line_buffering,
        sys.stdout.fileno(),
        sys.stdout.isatty(),
    )
    assert sys.stdout.write("four") == 4
    sys.stdout.reconfigure(line_buffering=True)
    streams.console.stop()
    assert vars(streams.out) == before
    assert sys.stdout.write.__self__ is streams.out


@pytest.mark.parametrize("wrong", [(), (1,), (b"bytes",), ("two", "texts"), (None,)])
def test_errors_are_the_stream_s_own(streams: Streams, wrong: tuple[Any, ...]) -> None:
    def error() -> tuple[type[BaseException], str]:
        with pytest.raises(TypeError) as caught:
            sys.stdout.write(*wrong)
        return type(caught.value), str(caught.value)

    streams.install()
    before = error()
    streams.console.start()
    assert error() == before
    assert streams.console.finish() == []


def test_what_could_not_be_written_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console()
    with open(tmp_path / "ascii", "w", encoding="ascii") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        console.start()
        with pytest.raises(UnicodeEncodeError):
            print("ü")
        stream.close()
        with pytest.raises(ValueError, match="closed file"):
            print("late")
        assert text(console.finish()).strip() == ""


def test_texts_of_a_class_of_the_user_s(streams: Streams) -> None:
    class Text(str):
        def __str__(self) -> str:
            raise AssertionError("was asked")

        def __len__(self) -> int:
            raise AssertionError("was asked")

    streams.console.start()
    sys.stdout.write(Text("plain\n"))
    (piece,) = streams.console.take()
    assert type(piece[2]) is str and piece[2] == "plain\n"


@pytest.mark.parametrize("missing", [None, "closed", "strange"])
def test_no_stream_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str | None) -> None:
    with open(tmp_path / "closed", "w") as closed:
        pass
    stream: Any = {None: None, "closed": closed, "strange": io.StringIO()}[missing]
    console = Console()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        console.start()
        print("nowhere") if missing != "closed" else None
        console.finish()
    assert [gap.part for gap in console.gaps() if "stdout" in gap.what] == ["console"]


def test_a_redirected_stream_is_not_ours(streams: Streams) -> None:
    streams.console.start()
    with contextlib.redirect_stdout(io.StringIO()) as other:
        print("redirected")
    print("back")
    assert other.getvalue() == "redirected\n"
    assert text(streams.console.finish()) == "back\n"


def test_one_object_for_both_streams_is_copied_once(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    streams.install()
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    streams.console.start()
    print("once", file=sys.stderr)
    assert streams.console.finish() == [(0, "stdout", "once\n")]


def test_somebody_else_s_write_is_called_and_comes_back(streams: Streams) -> None:
    seen: list[str] = []
    own = streams.out.write

    def theirs(text: str) -> int:
        seen.append(text)
        return own(text)

    streams.out.write = theirs  # type: ignore[method-assign]
    streams.console.start()
    print("x")
    streams.console.stop()
    assert vars(streams.out)["write"] is theirs
    assert "".join(seen) == "x\n" and text(streams.console.take()) == "x\n"


def test_a_write_put_over_ours_stays(streams: Streams) -> None:
    streams.console.start()
    ours = streams.out.write
    theirs: Callable[[str], int] = lambda text: ours(text.upper())  # noqa: E731
    streams.out.write = theirs  # type: ignore[method-assign]
    streams.console.stop()
    print("after")
    assert vars(streams.out)["write"] is theirs
    assert streams.console.take() == [] and streams.printed() == "AFTER\n"


def test_start_and_stop_over_and_over(streams: Streams) -> None:
    for number in range(3):
        streams.console.start()
        streams.console.start()
        print(number)
        streams.console.stop()
        streams.console.stop()
        print("unseen")
    assert text(streams.console.take()) == "0\n1\n2\n"


def test_threads_lose_nothing(streams: Streams) -> None:
    streams.console.start()
    stop = threading.Event()
    pieces: list[Piece] = []

    def drain() -> None:
        while not stop.is_set():
            pieces.extend(streams.console.take())

    def write(letter: str) -> None:
        for _ in range(5000):
            sys.stdout.write(letter)

    drainer = threading.Thread(target=drain)
    writers = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in (drainer, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    drainer.join()
    pieces += streams.console.finish()
    kept = text(pieces)
    assert {letter: kept.count(letter) for letter in "abcd"} == dict.fromkeys("abcd", 5000)


def test_a_forked_child_is_not_copied(streams: Streams) -> None:
    streams.console.start()
    print("parent")
    sys.stdout.flush()
    child = os.fork()
    if not child:
        clean = "write" not in vars(sys.stdout) and streams.console.take() == [] == streams.console._pieces
        os._exit(0 if clean else 1)
    assert os.waitpid(child, 0)[1] == 0
    print("still")
    assert text(streams.console.finish()) == "parent\nstill\n"
