"""Whether two files whose bytes differ say the same: but for how long something took, and where the program lay."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autotrack.answers.timing import is_timing as known_timing
from autotrack.core.guard import attempt

from .pickles import Folders, same_pickle

#: Bytes of a file that is read into.
LARGEST = 64 << 20
_PICKLED = (".pkl", ".pickle", ".joblib")
_ZIPPED = (".pt", ".pth", ".ckpt", ".npz", ".zip")
#: What a file of predictions says is a result, whatever its columns are called.
_PREDICTED = ("predict", "golden", "forecast")
#: Stands for what is not compared, so that it is there in both.
_TIME = ("time",)

IsTiming = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Whether two files say the same; ``timing`` are the columns and keys that were not compared, for they say how long
    something took."""

    same: bool
    timing: tuple[str, ...] = ()


def likeness(
    path: str, one: bytes, other: bytes, folders: Folders, is_timing: IsTiming | None = known_timing
) -> Likeness:
    """How alike two files of a path are, by what its name says they are. ``folders``: folders of the second that stand
    for some of the first. ``is_timing``: the names of what is left out; of predictions nothing is."""
    name = path.lower()
    if name.endswith(_PICKLED):
        return Likeness(same_pickle(one, other, folders))
    if name.endswith(_ZIPPED):
        return Likeness(_same_zip(one, other, folders) or same_pickle(one, other, folders))
    texts, _ = attempt(lambda: (one.decode(), other.decode()))
    if texts is None:
        return Likeness(False)
    a, b = texts[0], mapped(texts[1], folders)
    if a == b:
        return Likeness(True)
    if any(word in name.rpartition("/")[2] for word in _PREDICTED):
        is_timing = None
    found, again = (attempt(_said, name, text, is_timing)[0] for text in (a, b))
    if found is None or again is None:  # another kind of file, or a broken one
        return Likeness(False)
    return Likeness(found[0] == again[0], found[1])


def mapped(text: str, folders: Folders) -> str:
    """A text of the second program with the folders of the first."""
    for folder, original in folders.items():
        text = text.replace(folder, original)
    return text


def timing_in(path: str, content: bytes, is_timing: IsTiming = known_timing) -> bool:
    """Whether a file holds something that is left out where two of its kind are compared."""
    found, _ = attempt(lambda: _said(path.lower(), content.decode(), is_timing))
    return found is not None and bool(found[1])


def _said(name: str, text: str, is_timing: IsTiming | None) -> tuple[Any, tuple[str, ...]] | None:
    """What a table or a document says without what took how long, and the names of that; None for another file."""
    timing: dict[str, None] = {}
    if name.endswith((".csv", ".tsv")):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if name.endswith(".tsv") else ","))
        timing = dict.fromkeys(
            heading for heading in (rows[0] if rows else ()) if is_timing is not None and is_timing(heading)
        )
        columns = [at for at, heading in enumerate(rows[0] if rows else ()) if heading in timing]
        for row in rows[1:] if timing else ():
            for at in columns:
                row[at : at + 1] = ["" for _ in row[at : at + 1]]
        return rows, tuple(timing)
    if name.endswith((".json", ".jsonl", ".ndjson")):
        texts = [text] if name.endswith(".json") else [line for line in text.splitlines() if line.strip()]
        return [_document(each, timing, is_timing) for each in texts], tuple(timing)
    return None


def _document(text: str, timing: dict[str, None], is_timing: IsTiming | None) -> Any:
    """JSON with the types that it has: 1, 1.0, true and "1" are four things. Of an object the order does not count."""

    def pairs(found: list[tuple[str, Any]]) -> Any:
        left_out = [key for key, value in found if is_timing is not None and is_timing(key) and value is not None]
        timing.update(dict.fromkeys(left_out))
        return {"object": sorted(((key, _TIME if key in left_out else value) for key, value in found), key=_first)}

    def number(said: str) -> Any:
        return ("number", said)

    return json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=number)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _same_zip(one: bytes, other: bytes, folders: Folders) -> bool:
    """By what is in them, whatever the time and the topmost folder: that of a checkpoint is named for its file."""
    entries, _ = attempt(lambda: [_entries(content) for content in (one, other)])
    if entries is None or entries[0].keys() != entries[1].keys():
        return False
    a, b = entries
    return all(a[name] == b[name] or likeness(name, a[name], b[name], folders, None).same for name in a)


def _entries(content: bytes) -> Mapping[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [info for info in archive.infolist() if not info.is_dir()]
        if sum(info.file_size for info in names) > 4 * LARGEST:
            raise ValueError("too much to look into")
        tops = {info.filename.partition("/")[0] for info in names}
        cut = len(tops) == 1 and all("/" in info.filename for info in names)
        return {(info.filename.partition("/")[2] if cut else info.filename): archive.read(info) for info in names}
