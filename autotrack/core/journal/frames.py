"""Finding event frames in a stretch of a journal, past whatever is damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .layout import COPY_FOLLOWS, FRAME, IS_COPY, SEQUENCE_MASK, frame_crc, frame_size

_WINDOW = 256 * 1024
#: A search for the next whole frame checks at most this many times the bytes that it looks through.
_EFFORT = 16


class FrameScan:
    """Walks frames through one or more stretches and counts those that are lost on the way.

    ``lost`` counts by the gaps in the frames' own sequence numbers where one was read before, else one a gap.
    """

    def __init__(self, read: Callable[[int, int], bytes]) -> None:
        self._read = read
        self._start = 0
        self._buffer = b""
        self._expected: int | None = None
        self._garbage = False
        self.lost = 0

    def frames(self, start: int, stop: int, *, closed: bool) -> Iterator[tuple[bytes | None, int]]:
        """Payloads from file offset ``start`` up to ``stop``, each with the offset behind it.

        Not ``closed``: stops where a frame may yet be completed. A payload of None says only that all up to that offset
        is done with.
        """
        self._forget()
        position = start
        while stop - position >= FRAME.size:
            found = self._frame(position, stop)
            if found is None:
                where = self._resume(position, stop, closed)
                if where is None:
                    if closed and self._any(position, stop):
                        self._garbage = True
                        yield None, stop
                    return
                if self._start_of_doubt(position, stop):
                    continue
                self._garbage = self._garbage or self._any(position, where)
                position = where
                continue
            tagged, payload = found
            self._count(tagged)
            position += frame_size(len(payload)) * (2 if tagged >> 56 & COPY_FOLLOWS else 1)
            yield payload, min(position, stop)
        if closed and position < stop and self._any(position, stop):
            self._garbage = True
            yield None, stop

    def trailing_damage(self, final: bool) -> int:
        """1 where what was damaged is followed by nothing that would say how much it was."""
        return 1 if final and self._garbage else 0

    def _count(self, tagged: int) -> None:
        sequence = tagged & SEQUENCE_MASK
        if self._expected is not None:
            self.lost += max(sequence - self._expected, 0)
        elif self._garbage:
            self.lost += 0 if tagged >> 56 & IS_COPY else 1
        self._expected = sequence + 1
        self._garbage = False

    def _start_of_doubt(self, position: int, stop: int) -> bool:
        """True where a second look finds the frame whole: it was being written while the first one was read."""
        self._forget()
        return self._frame(position, stop) is not None

    def _frame(self, position: int, stop: int) -> tuple[int, bytes] | None:
        """The whole frame at an offset: its tagged sequence and its payload."""
        head = self._get(position, FRAME.size)
        if len(head) < FRAME.size:
            return None
        length, crc, tagged = FRAME.unpack(head)
        if length == 0 or position + FRAME.size + length > stop:
            return None
        payload = self._get(position + FRAME.size, length)
        if len(payload) < length or frame_crc(length, tagged, payload) != crc:
            return None
        return tagged, payload

    def _resume(self, position: int, stop: int, closed: bool) -> int | None:
        """Offset of the next whole frame behind ``position``; None where there is none."""
        if not closed and not any(self._get(position, FRAME.size)):
            return None  # the end of what is written so far
        least = self._expected if self._expected is not None else 0
        most = least + (1 << 32) if self._expected is not None else SEQUENCE_MASK
        effort = _EFFORT * (stop - position)
        place = position + 8
        while stop - place >= FRAME.size:
            chunk = self._get(place, min(_WINDOW, stop - place))
            if len(chunk) < FRAME.size:
                return None
            if chunk.count(0) == len(chunk):
                place += max((len(chunk) - FRAME.size) // 8 * 8, 8)
                continue
            for at in range(0, len(chunk) - FRAME.size + 1, 8):
                length, _, tagged = FRAME.unpack_from(chunk, at)
                if length == 0 or not least <= tagged & SEQUENCE_MASK <= most or place + at + length + 16 > stop:
                    continue
                effort -= length
                if effort < 0:
                    return None  # made to look like frames at every offset: not worth more time
                if self._frame(place + at, stop) is not None:
                    return place + at
            place += (len(chunk) - FRAME.size) // 8 * 8 + 8
        return None

    def _any(self, start: int, stop: int) -> bool:
        """True where something is written between two offsets."""
        while start < stop:
            chunk = self._read(start, min(_WINDOW, stop - start))
            if chunk.count(0) != len(chunk):
                return True
            if not chunk:
                return False
            start += len(chunk)
        return False

    def _get(self, offset: int, size: int) -> bytes:
        begin = offset - self._start
        if begin < 0 or begin + size > len(self._buffer):
            if size > _WINDOW:
                return self._read(offset, size)
            self._start, self._buffer, begin = offset, self._read(offset, _WINDOW), 0
        return self._buffer[begin : begin + size]

    def _forget(self) -> None:
        self._buffer = b""
