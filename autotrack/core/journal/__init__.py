"""The journal: where a process writes what it logs, before anything else happens to it.

``JournalWriter`` writes one file a process; ``JournalReader`` reads it while it grows or after its writer died;
``is_alive`` tells which of the two it is, ``read_last_words`` what a signal left behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotrack.core.errors import JournalFull

from .lastwords import LastWord, LastWords, last_words_path, read_last_words
from .layout import SUFFIX, Header
from .lease import ProcessIdentity, is_alive, process_identity
from .writer import JournalWriter

if TYPE_CHECKING:
    from .reader import Batch, Cursor, JournalReader, read_header
    from .slots import decode_points

#: What a process that only writes has no use for.
_LATER = {
    "Batch": "reader",
    "Cursor": "reader",
    "JournalReader": "reader",
    "decode_points": "slots",
    "read_header": "reader",
}

__all__ = [
    "SUFFIX",
    "Batch",
    "Cursor",
    "Header",
    "JournalFull",
    "JournalReader",
    "JournalWriter",
    "LastWord",
    "LastWords",
    "ProcessIdentity",
    "decode_points",
    "is_alive",
    "last_words_path",
    "process_identity",
    "read_header",
    "read_last_words",
]


def __getattr__(name: str) -> Any:
    home = _LATER.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return value
