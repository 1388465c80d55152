"""What a report holds: the answers that its pages will ask for, as far as they are not too large."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from autotrack.core.errors import AutotrackError, NotFoundError
from autotrack.core.version import __version__

from .asking import Asking, Said

FORMAT = 1
#: Files of runs up to this size are in a report, and so many bytes of all of them.
FILE, FILES = 1 << 20, 24 << 20
#: Points of all lines together up to which all are in it, and that are aimed at where there are more; columns of pixels
#: of a line, at least and at most.
POINTS, COLUMNS = 150_000, (60, 800)
#: Points that a column of pixels may have (server/v1/drawing.py), and lines of one question.
_PER_COLUMN, _LINES, _TEXT = 4, 900, 6000
#: Runs up to which the code of each is compared with that of each other one; else with the first one's.
_ALL_PAIRS = 5
_FOLDERS = 200


@dataclass(slots=True)
class Holding:
    """Answers by what was asked, files by where they are, lines of metrics as the server packs them.

    ``left``: the files that are not in it, with their sizes.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    curves: list[dict[str, str]] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """All of it as JSON."""
        made = {"format": FORMAT, "version": __version__, "made": int(time.time() * 1000)}
        held = {"runs": self.runs, "answers": self.answers, "files": self.files, "curves": self.curves}
        return made | held | {"left": self.left}


def hold(store: Asking, runs: Sequence[str], *, largest: int = FILE) -> Holding:
    """The answers about some runs, and about them compared (NotFoundError). ``largest``: bytes of a file."""
    gathering = _Gathering(store, largest)
    for run in dict.fromkeys(runs):
        gathering.run(run)
    gathering.curves()
    if len(gathering.held.runs) > 1:
        gathering.comparison()
    return gathering.held


def key_of(path: str, query: Mapping[str, Any] | None = None) -> str:
    """What a question is kept under; ``report/answers.js`` makes the same of the pages' questions."""
    pairs = sorted((name, str(value)) for name, value in (query or {}).items())
    return path + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")


class _Gathering:
    def __init__(self, store: Asking, largest: int) -> None:
        self.held = Holding()
        self._store = store
        self._largest = largest
        self._room = FILES
        self._metrics: dict[str, dict[str, int]] = {}

    def _ask(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        found = self._store.ask(path, query).json()
        self.held.answers[key_of(path, query)] = found
        return found

    def _ask_if_there(self, path: str, query: Mapping[str, Any] | None = None) -> None:
        """As ``_ask`` of what a server may not have, or may be unable to read: the page says so."""
        with suppress(AutotrackError):
            self._ask(path, query)

    def run(self, run: str) -> None:
        about = self._ask(f"/runs/{run}")
        experiment = about["experiment_id"]
        self.held.runs.append({name: about[name] for name in ("id", "name", "experiment", "experiment_id")})
        found = self._ask(f"/runs/{run}/metrics")["metrics"]
        self._metrics[run] = {each["key"]: each["count"] for each in found}
        self._ask(f"/runs/{run}/standing")
        # A panel's page is its plugin's, and asks a server.
        self.held.answers[f"/runs/{run}/panels"] = {"panels": []}
        if key_of("/columns", {"exp": experiment}) not in self.held.answers:
            self._ask("/columns", {"exp": experiment})
        self._ask("/table", {"exp": experiment, "where": f"parent = '{run}'", "limit": 1000})
        if about.get("session"):
            self._session(about["session"])
        files = list(self._walk(run))
        for path, size in files:
            self._file(run, path, size)
        if any("tfevents" in path for path, _ in files):
            self._ask_if_there(f"/plugins/tensorboard/scalars/{run}")

    def _session(self, session: str) -> None:
        if key_of(f"/sessions/{session}") in self.held.answers:
            return
        parts = self._ask(f"/sessions/{session}").get("parts") or {}
        self._ask(f"/sessions/{session}/console")
        document = {"sessions": [session]}
        found = self._store.ask("/files/search", document=document).json()
        self.held.answers[key_of("/files/search", {"sessions": session})] = found
        code, environment = parts.get("code") or {}, parts.get("environment") or {}
        sources = [
            kept if isinstance(kept, str) else kept.get("sha256") for kept in (code.get("sources") or {}).values()
        ]
        for sha256 in (code.get("diff"), environment.get("lock"), *sources):
            if sha256:
                self._object(sha256)

    def _object(self, sha256: str) -> None:
        path = f"/objects/{sha256}"
        if path in self.held.files:
            return
        try:
            self._keep(path, self._store.ask(path))
        except NotFoundError:  # it was not kept, or is gone: the page says so
            self.held.left[path] = 0

    def _walk(self, run: str) -> Iterator[tuple[str, int]]:
        """Every file of a run with its size; the folders are kept on the way."""
        waiting = [""]
        seen = 0
        while waiting and seen < _FOLDERS:
            seen += 1
            folder = waiting.pop(0)
            # The top of the tree is asked for with and without naming it.
            found = self._ask(f"/runs/{run}/artifacts", {"path": folder} if folder else None)["files"]
            for entry in found:
                if entry["is_folder"]:
                    waiting.append(entry["path"])
                else:
                    yield entry["path"], entry["size"]

    def _file(self, run: str, path: str, size: int) -> None:
        where = f"/runs/{run}/artifacts/{path}"
        if size > min(self._largest, self._room):
            self.held.left[where] = size
            return
        self._keep(where, self._store.ask(where))
        if path.endswith(".parquet"):
            self._ask_if_there(f"/runs/{run}/rows", {"path": path})

    def _keep(self, path: str, said: Said) -> None:
        if len(said.content) > min(max(self._largest, FILE), self._room):
            self.held.left[path] = len(said.content)
            return
        self._room -= len(said.content)
        self.held.files[path] = {"media": said.media, "data": base64.b64encode(said.content).decode()}

    def curves(self) -> None:
        """The lines of all metrics: with all their points where those are few, else as charts need them."""
        keys = list(dict.fromkeys(key for own in self._metrics.values() for key in own))
        runs = [run["id"] for run in self.held.runs]
        lines = max(1, sum(map(len, self._metrics.values())))
        points = sum(sum(own.values()) for own in self._metrics.values())
        least, most = COLUMNS
        columns = 0 if points <= POINTS else max(least, min(most, POINTS // (lines * _PER_COLUMN)))
        for some in _few(keys, max(1, _LINES // max(1, len(runs)))):
            for across, px in (("step", columns), ("time", columns and max(least, columns // 2))):
                query = {"runs": ",".join(runs), "keys": ",".join(map(_quoted, some)), "x": across, "px": px}
                data = base64.b64encode(self._store.ask("/series", query).content).decode()
                self.held.curves.append({"x": across, "data": data})

    def comparison(self) -> None:
        ids = [run["id"] for run in self.held.runs]
        found = self._ask("/compare", {"runs": ",".join(ids), "same": 1})
        if not any(row["path"] and not row["same"] for block in found["blocks"] for row in block["rows"]):
            return
        for a, b in permutations(ids, 2) if len(ids) <= _ALL_PAIRS else ((ids[0], other) for other in ids[1:]):
            self._ask("/compare/code", {"a": a, "b": b})


def _quoted(key: str) -> str:
    return f"`{key.replace('`', '``')}`" if "," in key or "`" in key else key


def _few(keys: Sequence[str], most: int) -> Iterator[list[str]]:
    """Keys in parts that fit into one question each."""
    some: list[str] = []
    room = _TEXT
    for key in keys:
        size = 3 * len(key.encode()) + 3
        if some and (len(some) == most or size > room):
            yield some
            some, room = [], _TEXT
        some.append(key)
        room -= size
    if some:
        yield some
