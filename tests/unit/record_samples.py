"""Journal records for tests: a whole one of every kind, and values to put in their fields."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

RUN, OTHER, DIGEST = "a1" * 16, "b2" * 16, "c3" * 32
BASE = {"t": 5, "r": RUN}
CHILD = {
    "id": OTHER,
    "name": "c",
    "started": 1,
    "ended": 2,
    "status": "FINISHED",
    "params": {"C": "1"},
    "tags": {"k": "v"},
    "metrics": {"score": 0.5, "big": 2**60},
}
FILE = {"path": "/d", "role": "read", "first": 1, "size": 2, "mtime": 3, "sha256": f"partial:{DIGEST}", "partial": "p"}
#: One record a kind, with every field that the kind has.
WHOLE: dict[str, dict[str, Any]] = {
    "run_start": {
        **BASE,
        "name": "n",
        "experiment": "e",
        "parent": OTHER,
        "session": OTHER,
        "user": "u",
        "artifact_uri": f"artifacts/x/{RUN}",
        "random_state": DIGEST,
        "tags": {"a": "1"},
    },
    "params": {**BASE, "params": {"lr": "0.1"}},
    "tags": {**BASE, "tags": {"a": "é"}},
    "untag": {**BASE, "keys": ["a"]},
    "rename": {**BASE, "name": "m"},
    "series": {**BASE, "id": 7, "key": "loss", "dtype": "i8"},
    "artifact": {**BASE, "path": "plots/loss.png", "size": 3, "sha256": DIGEST},
    "dataset": {
        **BASE,
        "name": "d",
        "context": "train",
        "digest": "9",
        "rows": 5,
        "bytes": 6,
        "columns": {"": "f8"},
        "source": "s",
        "kind": "k",
        "fingerprint": DIGEST,
        "mlflow_digest": "m",
        "partial": "p",
        "mlflow": "{}",
    },
    "model": {**BASE, "path": "model", "flavor": "f", "class_name": "c", "size": 1, "digest": DIGEST},
    "health": {**BASE, "health": {"notes": ["x"], "lost_points": 3}},
    "run_end": {**BASE, "status": "FAILED", "ended": 6, "error": "e", "exit_code": 1},
    "children": {**BASE, "runs": [CHILD]},
    "session": {"t": 5, "id": OTHER, "argv": ["train.py"], "pid": 3, "entry": None},
    "part": {"t": 5, "session": OTHER, "part": "code", "data": {"gaps": []}},
    "files": {"t": 5, "session": OTHER, "files": [FILE]},
    "console": {"t": 5, "session": OTHER, "at": 0, "stream": "stderr", "text": "x\n"},
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=4)
    | st.sampled_from(["\ud800", "\0", "..", RUN, OTHER, DIGEST, "FINISHED", "a/b", "é" * 1001]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The mappings in a record whose fields a test may change: itself, and those inside."""
    found = [record]
    for each in found:
        found += [inner for inner in each.values() if isinstance(inner, dict)]
        found += [
            inner for rows in each.values() if isinstance(rows, list) for inner in rows if isinstance(inner, dict)
        ]
    return found


def whole(kind: str) -> dict[str, Any]:
    return {"k": kind, **copy.deepcopy(WHOLE.get(kind, {}))}
