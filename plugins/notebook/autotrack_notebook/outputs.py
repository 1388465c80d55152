"""What a cell shows, put together from the messages that the kernel sends to its front ends, and bounded.

The messages and what they do are those of Jupyter's messaging protocol (jupyter-client.readthedocs.io, "Messages on the
IOPub channel"); the documents are outputs of nbformat 4.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

#: What is left out is counted in characters: of nearly all that cells show one is a byte.
LEFT_OUT = "[autotrack: {count} more characters of output are not kept: all output of a notebook may take {limit}]\n"
KINDS = frozenset(("stream", "display_data", "update_display_data", "execute_result", "error", "clear_output"))
#: Mime types under which nbformat takes more than text.
JSON = re.compile(r"application/(?:.*\+)?json")
#: What of a picture or table is kept where there is no room for all of it.
_SHORT = "text/plain"


class Room:
    """How many characters all outputs together may take, and do."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    @property
    def left(self) -> int:
        """What may still be kept."""
        return max(0, self.limit - self.used)


class Stream:
    """Text of stdout or stderr as a terminal shows it: what was written over (``\\r``) is gone."""

    __slots__ = ("_done", "_line", "name", "size")

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self._done: list[str] = []
        self._line = ""

    def add(self, text: str) -> None:
        """Takes what was written next."""
        self.size -= len(self._line)
        complete, end, line = (self._line + text).rpartition("\n")
        if end:
            if "\r" in complete:
                complete = "\n".join(map(_overwritten, complete.split("\n")))
            self._done.append(complete + end)
            self.size += len(complete) + 1
        if line.count("\r") > 1:  # the last one stays: what comes next stands behind what came after it
            before, _, last = line.rpartition("\r")
            line = f"{_overwritten(before)}\r{last}"
        self._line = line
        self.size += len(line)

    def document(self) -> dict[str, Any]:
        """The output as nbformat has it."""
        return {"output_type": "stream", "name": self.name, "text": "".join((*self._done, _overwritten(self._line)))}


class Shown:
    """Anything else: a picture, a table, a result, an error. Kept as JSON, so that nothing of the user's is held."""

    __slots__ = ("display_id", "kind", "number", "size", "texts")

    def __init__(self, kind: str, content: Mapping[str, Any]) -> None:
        self.kind = kind
        transient = content.get("transient")
        display_id = transient.get("display_id") if isinstance(transient, Mapping) else None
        self.display_id = None if display_id is None else str(display_id)
        #: The number of an ``execute_result``.
        self.number = content.get("execution_count")
        self.size = 0
        self.texts: dict[str, str] = {}

    def put(self, content: Mapping[str, Any], room: int) -> int:
        """Takes the content; answers how many characters of it found no room."""
        if self.kind == "error":
            texts = {name: _json(content.get(name)) for name in ("ename", "evalue", "traceback")}
        else:
            data = content.get("data")
            texts = {mime: _json(value) for mime, value in data.items()} if isinstance(data, Mapping) else {}
            texts[""] = _json(content.get("metadata") or {})
        size = sum(map(len, texts.values()))
        left_out = 0
        if size > room:
            texts = {name: text for name, text in texts.items() if name == _SHORT and len(text) <= room}
            left_out, size = size, sum(map(len, texts.values()))
        self.texts, self.size = texts, size
        return left_out - size if left_out else 0

    def document(self) -> dict[str, Any] | None:
        """The output as nbformat has it; None where nothing of it was kept."""
        found = {name: json.loads(text) for name, text in self.texts.items()}
        if self.kind == "error":
            traceback = found.get("traceback")
            return {
                "output_type": "error",
                "ename": str(found.get("ename", "")),
                "evalue": str(found.get("evalue", "")),
                "traceback": [str(line) for line in traceback] if isinstance(traceback, list) else [],
            }
        metadata = found.pop("", None)
        if not found:
            return None
        data = {mime: _valid(mime, value) for mime, value in found.items()}
        document = {"output_type": self.kind, "data": data, "metadata": metadata or {}}
        return document | ({"execution_count": self.number} if self.kind == "execute_result" else {})


class Outputs:
    """What one execution of one cell has shown so far."""

    __slots__ = ("_clears", "_documents", "_items", "_room", "left_out")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._items: list[Stream | Shown] = []
        self._clears = False
        self._documents: list[dict[str, Any]] | None = []
        self.left_out = 0

    def take(self, kind: str, content: Mapping[str, Any]) -> None:
        """Takes one message's content. ``kind`` is one of ``KINDS``, an update of another output excepted."""
        self._documents = None
        if kind == "clear_output":
            if content.get("wait"):
                self._clears = True
            else:
                self.clear()
            return
        if self._clears:
            self.clear()
        if kind == "stream":
            self._write(str(content.get("name")), str(content.get("text")))
            return
        shown = Shown(kind, content)
        self._items.append(shown)
        self._put(shown, content)

    def update(self, display_id: str, content: Mapping[str, Any]) -> None:
        """Puts new content in the place of what was shown under this id."""
        for item in self._items:
            if isinstance(item, Shown) and item.display_id == display_id:
                self._documents = None
                self._put(item, content)

    def clear(self) -> None:
        """Forgets what was shown."""
        self._room.used -= sum(item.size for item in self._items)
        self._items.clear()
        self._documents = None
        self._clears, self.left_out = False, 0

    def documents(self) -> list[dict[str, Any]]:
        """The outputs as nbformat has them, with a note behind where some were left out. The same list, not to be
        changed, until something is shown again."""
        if self._documents is not None:
            return self._documents
        documents = [document for item in self._items if (document := item.document()) is not None]
        if self.left_out:
            note = LEFT_OUT.format(count=self.left_out, limit=self._room.limit)
            documents.append({"output_type": "stream", "name": "stderr", "text": note})
        self._documents = documents
        return documents

    def _put(self, shown: Shown, content: Mapping[str, Any]) -> None:
        self._room.used -= shown.size
        self.left_out += shown.put(content, self._room.left)
        self._room.used += shown.size

    def _write(self, name: str, text: str) -> None:
        last = self._items[-1] if self._items else None
        stream = last if isinstance(last, Stream) and last.name == name else Stream(name)
        if stream is not last:
            self._items.append(stream)
        room = self._room.left
        if len(text) > room:
            self.left_out += len(text) - room
            text = text[:room]
        self._room.used -= stream.size
        stream.add(text)
        self._room.used += stream.size


def _valid(mime: str, value: Any) -> Any:
    """The value as nbformat takes it: JSON under a mime type of JSON, text under any other."""
    if isinstance(value, str) or JSON.fullmatch(mime):
        return value
    return json.dumps(value, ensure_ascii=False)


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _overwritten(line: str) -> str:
    """What is to be seen of a line in which the cursor went back to its start."""
    seen = ""
    for part in line.split("\r"):
        seen = part + seen[len(part) :]
    return seen
