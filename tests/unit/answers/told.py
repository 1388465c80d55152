"""Programs as their collectors would tell of them, written by hand into a store's journal."""

from __future__ import annotations

import json
import time
from typing import Any

from autotrack.core.journal.writer import JournalWriter
from autotrack.store.store import Store

COMMIT = "1f" * 20


class Told:
    """One program: a session, what its collectors found, and the runs that it made."""

    def __init__(self, store: Store, number: int, *, root: str = "/home/ada/churn", started: int | None = None) -> None:
        self.store = store
        self.writer = JournalWriter(store.root / "journal")
        self.id = f"{number:032x}"
        self.root = root
        self.started = started or time.time_ns()
        self._series: dict[tuple[str, str], int] = {}
        self.event(
            "session", id=self.id, argv=["train.py"], entry=f"{root}/train.py", cwd=root, host="lab", python="3.11"
        )

    def event(self, kind: str, run: str | None = None, /, **fields: Any) -> None:
        record = {"k": kind, "t": self.started, **fields}
        self.writer.event({**record, "r": run} if run is not None else record)

    def part(self, name: str, **data: Any) -> None:
        self.event("part", session=self.id, part=name, data={"gaps": [], **data})

    def put(self, text: str) -> str:
        return self.store.objects.put(text.encode())

    def git(
        self, diff: str | None = None, *, commit: str = COMMIT, sources: dict[str, str] | None = None, **more: Any
    ) -> None:
        """A git repository with uncommitted changes and untracked sources (path: text)."""
        kept = {path: {"sha256": self.put(text), "size": len(text)} for path, text in (sources or {}).items()}
        base = {"kind": "git", "entry": "train.py", "root": self.root, "commit": commit, "branch": "main"}
        found = {**base, "dirty": diff is not None, "diff": None if diff is None else self.put(diff), "sources": kept}
        self.part("code", **{**found, **more})

    def snapshot(self, sources: dict[str, str], **more: Any) -> None:
        kept = {path: {"sha256": self.put(text), "size": len(text)} for path, text in sources.items()}
        self.part("code", **{"kind": "snapshot", "entry": "train.py", "root": self.root, "sources": kept, **more})

    def environment(self, packages: dict[str, str], **more: Any) -> None:
        lock = {"format": 1, "distributions": [{"name": name, "version": packages[name]} for name in sorted(packages)]}
        base = {"lock": self.put(json.dumps(lock)), "distributions": len(packages), "python": {"version": "3.11.4"}}
        self.part("environment", **{**base, "cpu": {"model": "Z80", "logical": 2}, **more})

    def file(self, path: str, content: str | None, role: str = "read", first: int | None = None, **more: Any) -> None:
        base = {"size": 10, "mtime": 1, "partial": None}
        seen = {"path": path, "role": role, "first": first or self.started, "sha256": content, **base, **more}
        self.event("files", session=self.id, files=[seen])

    def run(
        self,
        number: int,
        *,
        params: dict[str, str] | None = None,
        metrics: dict[str, float] | None = None,
        started: int | None = None,
        ended: int | None = None,
        name: str = "forest",
        status: str = "FINISHED",
        **more: Any,
    ) -> str:
        """A finished run; its id is the number."""
        run = f"{number:032x}"
        base = {"parent": None, "session": self.id, "user": "ada", "artifact_uri": f"artifacts/e/{run}", "tags": {}}
        begun = started or self.started
        self.event("run_start", run, **{"name": name, "experiment": "churn", **base, "t": begun, **more})
        if params:
            self.event("params", run, params=params)
        for key, value in (metrics or {}).items():
            self.point(run, key, value)
        self.event("run_end", run, status=status, ended=ended or begun + 10**9, error=None, exit_code=None)
        return run

    def point(self, run: str, key: str, value: float, step: int = 0) -> None:
        if (run, key) not in self._series:
            self._series[run, key] = self.writer.series(run, key, "f8")
        self.writer.point(self._series[run, key], step, value)

    def dataset(self, run: str, name: str, digest: str, **more: Any) -> None:
        base = {"context": "train", "rows": 150, "columns": {"a": "float64"}, "source": None, "kind": "numpy.ndarray"}
        self.event("dataset", run, **{"name": name, "digest": digest, **base, **more})

    def close(self) -> None:
        self.writer.close()


def patch(path: str, at: int, old: list[str], new: list[str]) -> str:
    """A one-hunk diff of a file; lines with their sign are given without it where they are context."""
    body = "".join(f"{line}\n" for line in [*old, *new])
    left = sum(line[0] in "- " for line in (*old, *new))
    right = sum(line[0] in "+ " for line in (*old, *new))
    head = f"diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\n+++ b/{path}\n"
    return f"{head}@@ -{at},{left} +{at},{right} @@\n{body}"
