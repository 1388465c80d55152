"""A project of its own, and programs in it that say what a session would capture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.core.objects import Objects

#: Nothing of the machine's own git settings.
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
CAPTURE = """
    import json, os, sys, time
    from pathlib import Path
    from autotrack.core.objects import Objects
    from autotrack.core.session.code import collect_code, collect_imported
    known = set()
    objects = Objects(Path(os.environ["OBJECTS"]))
    started = int(os.environ.get("STARTED", time.time_ns() + 10**12))
    began = time.perf_counter()
    document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started, known=known)
    took = time.perf_counter() - began
    def tell(more=None):
        print(json.dumps([document, [gap.document() for gap in gaps], took, more]))
"""


class Project:
    """A folder with a program in it. ``capture()`` runs the program and answers what it captured of itself."""

    def __init__(self, root: Path, objects: Path) -> None:
        self.root = root
        self.objects = Objects(objects)
        self.environment: dict[str, str] = {}
        self.took = 0.0
        self.more: Any = None
        root.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, text: str | bytes = "x = 1\n") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return path

    def program(self, body: str = "tell()", *, imports: str = "", name: str = "train.py") -> None:
        self.write(name, f"{imports}\n{textwrap.dedent(CAPTURE)}\n{textwrap.dedent(body)}\n")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | GIT
        done = subprocess.run(
            command, cwd=cwd or self.root, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self) -> str:
        if not (self.root / ".git").exists():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "work")
        return self.git("rev-parse", "HEAD")

    def capture(self, *command: str, cwd: Path | None = None) -> tuple[dict[str, Any], list[str]]:
        """The document, and what each gap says."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[3])])),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OBJECTS": str(self.objects.root),
            "HINT": str(cwd or self.root),
            **self.environment,
        }
        done = subprocess.run(
            [sys.executable, *(command or ("train.py",))],
            cwd=cwd or self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        document, gaps, self.took, self.more = json.loads(done.stdout)
        return document, [gap["what"] for gap in gaps]

    def kept(self, record: dict[str, Any] | str) -> bytes:
        return self.objects.get(record if isinstance(record, str) else record["sha256"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", tmp_path / "objects")


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[[str], Project]:
    return lambda name: Project(tmp_path / name, tmp_path / "objects")
