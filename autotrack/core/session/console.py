"""What a program prints, kept while it is printed: a bounded copy of stdout and stderr that no caller can notice.

The stream objects stay in place, with their buffering, encoding and file descriptor. Only an attribute ``write`` is put
on the instance: ``print``, ``writelines``, tracebacks and logging find it there before the type's own. It calls that
and keeps the text. Taking it away again leaves the object as it was. What does not come by there is not seen: C
libraries, child processes, ``sys.stdout.buffer`` and ``os.write``.
"""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from .. import process
from ..gaps import Gap
from ..guard import guard
from ..locks import Lock

#: Characters that are kept from the start, and of the rest from the end.
HEAD, TAIL = 1 << 20, 256 << 10
#: A line that is not complete is held back up to this length.
LONGEST_LINE = 64 << 10
#: So many writes, or characters in one, are put together at once instead of by the background thread.
MOST_WAITING, LARGE = 4096, 256 << 10

Piece = tuple[int, str, str]
STREAMS = ("stdout", "stderr")


class Console:
    """Copies what is written to ``sys.stdout`` and ``sys.stderr`` from ``start()`` to ``stop()``.

    ``take()`` answers what is new as pieces ``(offset, stream, text)`` of whole lines: ``offset`` counts the characters
    of all streams since the start, so a piece that follows another without a gap begins where that ends. Of a line that
    was written over (``\\r``), as progress bars do, only the last state is kept.
    """

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._head, self._tail = head, tail
        self._pid = os.getpid()
        self._on = False
        self._teed: list[tuple[Any, Callable[..., int], Any]] = []
        self._missing: list[str] = []
        #: What was written, as it comes; and put together to few longer texts, bounded. Held for moments only.
        self._waiting: deque[tuple[str, str]] = deque()
        self._together: list[tuple[str, str | int]] = []
        self._together_size = 0
        self._lock = Lock()
        #: The other end: one caller at a time. Of each stream there is the line that is not complete.
        self._taking = Lock()
        self._lines = dict.fromkeys(STREAMS, "")
        self._pieces: list[Piece] = []
        self._offset = self._kept = self._omitted = 0
        self._last: deque[Piece] = deque()
        self._last_size = 0

    def start(self) -> None:
        """Copies what is written from here on; a stream that is None, closed or not of a known kind is left alone."""
        if self._on:
            return
        self._on = True
        process.on_fork("the console", self._after_fork)
        for name in STREAMS:
            stream = getattr(sys, name)
            if any(stream is teed for teed, _, _ in self._teed):
                continue  # both are one
            if not (_is_known(stream) and self._tee(name, stream)):
                self._missing.append(name)

    def stop(self) -> None:
        """Takes our ``write`` away where it is still in place; nothing more is copied."""
        self._on = False
        teed, self._teed = self._teed, []
        for stream, write, before in teed:
            if vars(stream).get("write") is write:
                if before is None:
                    del stream.write
                else:
                    stream.write = before

    def take(self) -> list[Piece]:
        """Whole lines that are new since the last call, for the background thread."""
        if os.getpid() != self._pid:
            return []  # a forked child: its parent records
        with self._taking:
            self._put_together()
            with self._lock:
                together, self._together = self._together, []
                self._together_size = 0
            for stream, text in together:
                if isinstance(text, int):
                    self._offset += text
                    self._omitted += text
                else:
                    self._split(stream, text)
            pieces, self._pieces = self._pieces, []
            return pieces

    def finish(self) -> list[Piece]:
        """Stops; all that was held back: lines without an end and, after what had to be left out, the last ones."""
        self.stop()
        pieces = self.take()
        with self._taking:
            for stream, line in self._lines.items():
                if line:
                    self._add(stream, _last_state(line))
            self._lines = dict.fromkeys(STREAMS, "")
            pieces += self._pieces
            if self._omitted:
                at = self._last[0][0] if self._last else self._offset
                pieces.append((at, "autotrack", f"omitted {self._omitted} characters\n"))
                # A store keeps one piece a place: what comes after this makes room for it.
                pieces += [(place + 1, stream, text) for place, stream, text in self._last]
            else:
                pieces += self._last
            self._pieces = []
            self._last.clear()
            self._last_size = self._omitted = 0
        return pieces

    def gaps(self) -> list[Gap]:
        """What is known to be missing from the console output."""
        return [
            Gap("console", f"what was written to {name} is not known: it is no text stream") for name in self._missing
        ]

    # On the user's thread.

    def _tee(self, name: str, stream: Any) -> bool:
        before = vars(stream).get("write")
        original: Callable[..., int] = stream.write
        waiting, append = self._waiting, self._waiting.append

        def write(*given: Any, **named: Any) -> int:
            count = original(*given, **named)
            if self._on:
                text = given[0] if given else next(iter(named.values()), "")
                if type(text) is not str:  # no code of a class of the user's is run
                    text = str.__str__(text) if isinstance(text, str) else ""
                append((name, text))
                if len(waiting) >= MOST_WAITING or len(text) >= LARGE:
                    guard.call("console", self._put_together)
            return count

        try:
            stream.write = write
        except AttributeError:
            return False
        self._teed.append((stream, write, before))
        return True

    def _put_together(self) -> None:
        """Joins what waits to one text for each run of writes to one stream, and leaves out the middle of too much."""
        with self._lock:
            parts: list[str] = []
            current = ""
            for _ in range(len(self._waiting)):
                stream, text = self._waiting.popleft()
                if stream != current:
                    self._join(current, parts)
                    current, parts = stream, []
                parts.append(text)
            self._join(current, parts)
            if self._together_size > 2 * (self._head + self._tail):
                self._leave_out_the_middle(self._together_size)

    def _join(self, stream: str, parts: list[str]) -> None:
        text = "".join(parts)
        if len(text) > self._head + self._tail:
            left_out = len(text) - self._head - self._tail
            self._together += [(stream, text[: self._head]), ("", left_out), (stream, text[-self._tail :])]
            self._together_size += self._head + self._tail
        elif text:
            self._together.append((stream, text))
            self._together_size += len(text)

    def _leave_out_the_middle(self, size: int) -> None:
        kept: list[tuple[str, str | int]] = []
        start = left_out = 0
        for stream, text in self._together:
            length = len(text) if isinstance(text, str) else 0
            # Whole texts from the first that begins after the head to the last that ends before the tail.
            if isinstance(text, int) or (start >= self._head and start + length <= size - self._tail):
                left_out += text if isinstance(text, int) else length
                if kept and kept[-1][0] == "":
                    kept.pop()
                kept.append(("", left_out))
            else:
                if kept and kept[-1][0] == "":
                    left_out = 0
                kept.append((stream, text))
            start += length
        self._together = kept
        self._together_size = sum(len(text) for _, text in kept if isinstance(text, str))

    def _after_fork(self) -> None:
        if self._on:
            self.stop()

    # On the background thread.

    def _split(self, stream: str, text: str) -> None:
        complete, end, line = (self._lines[stream] + text).rpartition("\n")
        if end:
            if "\r" in complete:
                complete = "\n".join(map(_last_state, complete.split("\n")))
            self._add(stream, complete + end)
        line = line[line.rfind("\r", 0, -1) + 1 :]  # the last character may yet become the first half of a line's end
        if len(line) > LONGEST_LINE:
            self._add(stream, line)
            line = ""
        self._lines[stream] = line

    def _add(self, stream: str, text: str) -> None:
        room = self._head - self._kept
        if room > 0 and not self._last:
            now, text = text[:room], text[room:]
            self._pieces.append((self._offset, stream, now))
            self._offset += len(now)
            self._kept += len(now)
        if text:
            self._last.append((self._offset, stream, text))
            self._offset += len(text)
            self._last_size += len(text)
        while self._last_size > self._tail:
            at, first, text = self._last.popleft()
            cut = min(len(text), self._last_size - self._tail)
            if cut < len(text):
                self._last.appendleft((at + cut, first, text[cut:]))
            self._last_size -= cut
            self._omitted += cut


def _last_state(line: str) -> str:
    """What is to be seen of a line that was written over: what stands after the last return to its start."""
    return line.rstrip("\r").rpartition("\r")[2]


def _is_known(stream: Any) -> bool:
    """True for an open text stream on a file, and for a notebook's; others belong to whoever put them there."""
    if isinstance(stream, io.TextIOWrapper):
        return not stream.closed
    return type(stream).__module__.split(".")[0] == "ipykernel" and hasattr(stream, "__dict__")
