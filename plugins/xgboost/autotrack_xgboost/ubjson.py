"""Reads a UBJSON file (draft 12, the part that XGBoost writes) without XGBoost, which ends the process on a torn one.

Arrays of one type of number come as numpy arrays over the file's own bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DEEPEST = 64
#: Numbers by their marker, all with the highest byte first.
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_WORDS = {"T": True, "F": False, "Z": None, "N": None}


class Malformed(ValueError):
    """The bytes are no UBJSON, or end too early."""


def parse(content: bytes) -> Any:
    """The value in the bytes: dicts, lists, numpy arrays, numbers, texts. Malformed where they hold none."""
    reader = _Reader(content)
    value = reader.value(reader.marker(), 0)
    if reader.at != len(content):
        raise Malformed(f"{len(content) - reader.at} bytes follow its end")
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self._content) - self.at:
            raise Malformed(f"it ends at byte {len(self._content)}, in the middle of a value")
        start, self.at = self.at, self.at + size
        return self._content[start : self.at]

    def marker(self) -> str:
        return self.take(1).decode("latin-1")

    def value(self, marker: str, depth: int) -> Any:
        if depth > DEEPEST:
            raise Malformed(f"it is nested more than {DEEPEST} deep")
        if marker in _NUMBERS:
            return self.numbers(marker, 1)[0].item()
        if marker == "S":
            return self.text()
        if marker == "C":
            return self.marker()
        if marker in _WORDS:
            return _WORDS[marker]
        if marker == "[":
            return self.array(depth)
        if marker == "{":
            return self.object(depth)
        raise Malformed(f"byte {self.at - 1} is {marker!r}, where a value should begin")

    def numbers(self, marker: str, count: int) -> Any:
        dtype = np.dtype(_NUMBERS[marker])
        if count > (len(self._content) - self.at) // dtype.itemsize:
            raise Malformed(f"it ends at byte {len(self._content)}, in the middle of {count} numbers")
        return np.frombuffer(self.take(count * dtype.itemsize), dtype)

    def count(self) -> int:
        marker = self.marker()
        if marker not in "iUIlL":
            raise Malformed(f"byte {self.at - 1} is {marker!r}, where a length should be")
        found = int(self.numbers(marker, 1)[0])
        if not 0 <= found <= len(self._content):
            raise Malformed(f"a length of {found} at byte {self.at}")
        return found

    def text(self) -> str:
        try:
            return self.take(self.count()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed(f"a text that is none before byte {self.at}") from error

    def array(self, depth: int) -> Any:
        marker = self.marker()
        if marker == "$":
            kind = self.marker()
            if self.marker() != "#" or kind not in _NUMBERS:
                raise Malformed(f"an array of {kind!r} at byte {self.at}, which XGBoost does not write")
            return self.numbers(kind, self.count())
        if marker == "#":
            return [self.value(self.marker(), depth + 1) for _ in range(self.count())]
        found = []
        while marker != "]":
            found.append(self.value(marker, depth + 1))
            marker = self.marker()
        return found

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            start = self.at
            if self.marker() == "}":
                return found
            self.at = start
            key = self.text()
            if key in found:
                raise Malformed(f"the key {key!r} twice")
            found[key] = self.value(self.marker(), depth + 1)
