"""Whether two files whose bytes differ say the same: but for how long something took, and where the program lay."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from autotrack.answers.outcomes import is_timing
from autotrack.core.guard import attempt

from .pickles import Folders, same_pickle

#: Bytes of a file that is read into.
LARGEST = 64 << 20
_PICKLED = (".pkl", ".pickle", ".joblib")


def same_content(path: str, one: bytes, other: bytes, folders: Folders) -> bool:
    """True where the two hold the same, by what their name says they are. ``folders``: folders of the second that stand
    for some of the first."""
    name = path.lower()
    if name.endswith(_PICKLED):
        return same_pickle(one, other, folders)
    texts, error = attempt(lambda: (one.decode(), other.decode()))
    if error is not None or texts is None:
        return False
    a, b = texts
    for folder, original in folders.items():
        b = b.replace(folder, original)
    if a == b:
        return True
    if name.endswith((".csv", ".tsv")):
        return _rows(a, name.endswith(".tsv")) == _rows(b, name.endswith(".tsv"))
    if name.endswith(".json"):
        found = _said(a)
        return found is not None and bool(found == _said(b))
    return False


def _rows(text: str, by_tab: bool) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text), delimiter="\t" if by_tab else ","))
    kept = [at for at, heading in enumerate(rows[0] if rows else ()) if not is_timing(heading)]
    return [[row[at] if at < len(row) else "" for at in kept] + row[len(rows[0]) :] for row in rows]


def _said(text: str) -> Any:
    """A JSON document without what took how long; None where it is none."""
    found, _ = attempt(json.loads, text)
    return _timeless(found)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if not is_timing(key)}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
