"""Files that are watched for the length of a test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autotrack.core.private import Ours
from autotrack.core.session import opened
from autotrack.core.session.files import Files
from autotrack.core.session.seen import FileSeen

Finish = Callable[[], dict[tuple[str, str], FileSeen]]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    """Started, with its store below ``tmp_path``, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    watched = Files(tmp_path / ".autotrack")
    watched.start()
    yield watched
    watched.finish(time.monotonic() + 10)
    opened.stop()
    opened.take()


@pytest.fixture
def finish(files: Files) -> Finish:
    """Ends the watching; the last of what is known by (name, role)."""

    def end() -> dict[tuple[str, str], FileSeen]:
        return {(os.path.basename(seen.path), seen.role): seen for seen in files.finish(time.monotonic() + 10)}

    return end


@pytest.fixture
def old(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file that was last written long ago."""

    def make(name: str, content: str | bytes = "old") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(Ours(path), "wb") as file:  # not the program's doing
            file.write(content.encode() if isinstance(content, str) else content)
        os.utime(path, (1e9, 1e9))
        return path

    return make
