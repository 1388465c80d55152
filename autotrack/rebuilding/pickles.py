"""Whether two pickles hold the same, without running either: but for names that are drawn by chance, and folders.

cloudpickle gives each class that it writes whole an id of chance and the path of its source; torch names storages by
their address. The instructions are compared (``pickletools.genops``), such names by the order in which they come.
"""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autotrack.core.guard import attempt

#: What begins the form of ``torch.save`` before its zip files: pickles one after another, then the numbers.
_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_DRAWN = re.compile(r"[0-9a-f]{32}")
_ADDRESS = re.compile(r"[0-9]{6,20}")
#: Pickles within pickles that are followed.
_DEEPEST = 4

Folders = Mapping[str, str]


def same_pickle(one: bytes, other: bytes, folders: Folders) -> bool:
    """True where both make the same. ``folders``: folders of the second that stand for some of the first."""
    said, error = attempt(lambda: list(_said(one, {}, {}, 0)) == list(_said(other, folders, {}, 0)))
    return error is None and bool(said)


def _said(content: bytes, folders: Folders, names: dict[str, int], depth: int) -> Iterator[tuple[str, Any]]:
    """The instructions of the pickles that stand one after another, then the bytes behind them."""
    drawn = _ADDRESS if content.startswith(_TORCH) else _DRAWN if b"cloudpickle" in content else None
    stream = io.BytesIO(content)
    while (at := stream.tell()) < len(content):
        instructions, _ = attempt(lambda: list(pickletools.genops(stream)))
        if content[at : at + 1] != b"\x80" or instructions is None:  # numbers, as they lie in memory
            yield "bytes", content[at:]
            return
        for code, value, _ in instructions:
            if code.name in ("FRAME", "MEMOIZE"):
                continue
            yield from _argument(code.name, value, folders, names, drawn, depth)


def _argument(
    code: str, value: Any, folders: Folders, names: dict[str, int], drawn: re.Pattern[str] | None, depth: int
) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str):
        for folder, original in folders.items():
            value = value.replace(folder, original)
        code = "text" if "UNICODE" in code else code  # how long it is written depends on how long it is
        if drawn is not None and drawn.fullmatch(value):
            value = names.setdefault(value, len(names))
    elif isinstance(value, bytes) and value.startswith(b"\x80") and depth < _DEEPEST:
        yield "pickle", len(names)
        yield from _said(value, folders, {}, depth + 1)
        return
    yield code, value
