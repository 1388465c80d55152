"""Python objects by value: numbers, texts, times and containers of them. No method of any other object is called.

What cannot be known by value counts by the name of its type, and ``gaps`` says so. A subclass of ``str`` is its text.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID

#: The hash of a null, and the tag of a text; tags of other types follow.
NULL = 0x2545F4914F6CDD1D
TEXT = 1
TAGS = {name: tag for tag, name in enumerate(("null", "str", "bytes", "bool", "int", "float", "complex", "other"))}
#: Containers in containers are followed so far.
DEEPEST = 32
PLAIN = (date, time, timedelta, Decimal, Fraction, UUID, PurePosixPath, PosixPath, PureWindowsPath, WindowsPath)


class Cells:
    """Spells cells; counts those known by their type alone."""

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self._pandas = sys.modules.get("pandas")
        self._numpy = sys.modules.get("numpy")
        nulls = {id(None)}
        if self._pandas is not None:
            nulls |= {id(self._pandas.NA), id(self._pandas.NaT)}
        self._nulls = nulls

    def is_null(self, value: Any) -> bool:
        """None, NaN, pandas.NA, pandas.NaT and numpy's NaT."""
        if id(value) in self._nulls:
            return True
        kind = type(value)
        if kind is float:
            return bool(value != value)
        numpy = self._numpy
        if numpy is None or not issubclass(kind, numpy.generic):
            return False
        if issubclass(kind, numpy.floating):
            return bool(numpy.isnan(value))
        return bool(issubclass(kind, numpy.datetime64 | numpy.timedelta64) and numpy.isnat(value))

    def nulls(self, values: list[Any]) -> list[int] | None:
        """The places of the nulls among strings; None where something else is among them."""
        places = []
        for place, value in enumerate(values):
            if not issubclass(type(value), str):
                if not self.is_null(value):
                    return None
                places.append(place)
        return places

    def spelled(self, values: list[Any]) -> tuple[bytes, list[bytes]]:
        """A tag for each value's type, and its spelling: equal where, and only where, type and value are."""
        tags = bytearray()
        texts = []
        for value in values:
            kind, text = self._cell(value, ())
            tags.append(TAGS.get(kind, TAGS["other"]))
            texts.append(text if kind in TAGS else kind.encode("utf-8", "surrogatepass") + b"\0" + text)
        return bytes(tags), texts

    def _cell(self, value: Any, within: tuple[int, ...]) -> tuple[str, bytes]:
        """(name of the type, spelled value)."""
        if self.is_null(value):
            return "null", b""
        kind = type(value)
        name = _named(kind)
        # Types are compared, not asked: isinstance() would call an object's __class__.
        if kind is str or issubclass(kind, str):
            return "str", str.encode(value, "utf-8", "surrogatepass")
        if kind is bool:
            return "bool", b"1" if value else b"0"
        if kind is int:
            return "int", b"%d" % value if -(2**63) <= value < 2**64 else hex(value).encode()
        if kind is float:
            return "float", value.hex().encode()
        if kind is bytes or kind is bytearray:
            return "bytes", bytes(value)
        if kind is complex:
            return "complex", repr(value).encode()
        if issubclass(kind, (list, tuple, dict, set, frozenset)):
            return name, self._container(value, kind, within)
        text = self._foreign(value, kind) if name.partition(".")[0] in ("numpy", "pandas") else None
        if text is None:
            text = _subtype(value, kind)
        if text is None:
            self.unknown[name] += 1
            return name, b""
        return name, text

    def _container(self, value: Any, kind: type, within: tuple[int, ...]) -> bytes:
        """The spelled items, each with its type and length; a container inside itself ends there."""
        if id(value) in within or len(within) >= DEEPEST:
            self.unknown[f"{_named(kind)} inside itself" if id(value) in within else "deeply nested container"] += 1
            return b"..."
        within = (*within, id(value))
        if issubclass(kind, dict):
            parts = [self._item(item, within) for pair in dict.items(value) for item in pair]
        elif issubclass(kind, (set, frozenset)):
            base: Any = set if issubclass(kind, set) else frozenset
            parts = sorted(self._item(item, within) for item in base.__iter__(value))
        else:
            base = list if issubclass(kind, list) else tuple
            parts = [self._item(item, within) for item in base.__iter__(value)]
        return b"".join(parts)

    def _item(self, value: Any, within: tuple[int, ...]) -> bytes:
        kind, text = self._cell(value, within)
        return b"%d:%b%d:%b" % (len(kind.encode()), kind.encode(), len(text), text)

    def _foreign(self, value: Any, kind: type) -> bytes | None:
        """Scalars and arrays of numpy and pandas."""
        numpy, pandas = self._numpy, self._pandas
        if numpy is not None and issubclass(kind, numpy.generic):
            return f"{value.dtype.str}:".encode() + bytes(value.tobytes()) if value.dtype.kind not in "OV" else None
        if numpy is not None and kind is numpy.ndarray:
            head = f"{value.dtype.str}{value.shape}:".encode()
            if value.dtype.hasobject:
                flat = value.ravel().tolist() if value.dtype.kind == "O" and value.size <= 4096 else None
                return None if flat is None else head + self._container(flat, list, ())
            return head + bytes(value.tobytes())
        if pandas is None:
            return None
        if kind is pandas.Interval:
            return self._item(value.left, ()) + self._item(value.right, ()) + str(value.closed).encode()
        if kind is pandas.Period:
            return f"{value.freqstr}:{value.ordinal}".encode()
        return str(value.isoformat()).encode() if kind in (pandas.Timestamp, pandas.Timedelta) else None

    @property
    def gaps(self) -> list[str]:
        """For each type of which cells count by their type alone: how many."""
        return [f"{count} of type {name}" for name, count in sorted(self.unknown.items())]


def _subtype(value: Any, kind: type) -> bytes | None:
    """Values of the standard library's types, and of subclasses of plain ones by what they inherit."""
    if issubclass(kind, int):
        return int.__repr__(value).encode() if int.bit_length(value) < 10_000 else None
    if issubclass(kind, float):
        return float.hex(value).encode()
    if issubclass(kind, bytes):
        return bytes.__getitem__(value, slice(None))
    if kind is datetime:
        zone = value.tzinfo
        # A time zone of the user's is code of theirs: its name is its type.
        known = zone is None or type(zone) is timezone or type(zone).__module__.partition(".")[0] in ("zoneinfo", "pytz")
        return datetime.isoformat(value if known else value.replace(tzinfo=None)).encode() + _named(type(zone)).encode()
    if any(kind is plain for plain in PLAIN):
        return str(value).encode("utf-8", "surrogatepass")
    return None


def _named(kind: type) -> str:
    return f"{type.__getattribute__(kind, '__module__')}.{type.__getattribute__(kind, '__qualname__')}"
