"""Runs one program twice in the same hostile place, without autotrack and with it, and holds the two side by side.

The program is the user's; ``SWITCH`` stands in its first line, where one of the two has ``autotrack.enable()``.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import autotrack
from autotrack.core.entities import FileRecord, RunRecord
from autotrack.core.objects import Objects
from autotrack.core.runs import trackers

__all__ = ["TRAIN", "Both", "Ended", "Outcome", "Ring", "Runner", "ring", "spent", "store"]

#: A training as small as they come; it prints what it has learned to the bit.
TRAIN = """
from sklearn.linear_model import Ridge
model = Ridge().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
print("learned", model.coef_.tobytes().hex(), model.intercept_.hex(), flush=True)
"""
#: The frames that the wrapper of ``write`` and of ``fit`` have in a traceback: two at most are allowed for.
_FRAMES = re.compile(rb'  File "[^"\n]*/autotrack/core/[^\n]*\n(?:    [^\n]*\n)+')
#: How programs end that do the same anywhere, by their text.
_steady: dict[str, Ended] = {}
#: How much more of a processor a program may take with autotrack, in seconds: imports, and what is done at the end.
SLOWER = 10.0


@dataclass(frozen=True)
class Ended:
    """How a program ended, what it wrote, and the seconds that it and its children had a processor."""

    code: int
    out: bytes
    err: bytes
    seconds: float


@dataclass(frozen=True)
class Both:
    """The same program without and with autotrack, and the lines that autotrack said."""

    plain: Ended
    tracked: Ended
    said: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What is known of a program: its runs (the first one first) and its session; ``files`` are those that it read."""

    ended: Both
    runs: tuple[RunRecord, ...]
    gaps: tuple[str, ...]
    parts: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, FileRecord]
    written: Mapping[str, FileRecord]
    console: str
    objects: Objects

    @property
    def run(self) -> RunRecord:
        """The only run."""
        assert len(self.runs) == 1, [run.name for run in self.runs]
        return self.runs[0]

    def gap(self, text: str) -> str:
        """The one gap that holds the text."""
        found = [gap for gap in self.gaps if text in gap]
        assert len(found) == 1, f"{text!r} among {self.gaps}"
        return found[0]


Runner = Callable[[list[str], dict[str, str], Path], Ended]


class Ring:
    """``place`` is where the programs run; the store lies elsewhere."""

    def __init__(self, base: Path, store: Path) -> None:
        self.base, self.store = base, store
        self.place = base / "place"
        self.place.mkdir()
        self.environment: dict[str, str] = {"PYTHONDONTWRITEBYTECODE": "1"}

    def git(self, *arguments: str, cwd: Path | None = None, stdin: bytes | None = None) -> str:
        """Git's answer in the place, with nothing of the machine's settings."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{who}_NAME": "someone", f"GIT_{who}_EMAIL": "someone@example.org"}
        command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *arguments]
        done = subprocess.run(
            command, cwd=cwd or self.place, env=environment, input=stdin, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    def commit(self, cwd: Path | None = None) -> None:
        """A repository in the place, with all that lies there committed."""
        if not ((cwd or self.place) / ".git").exists():
            self.git("init", "-q", cwd=cwd)
        self.git("add", "-A", cwd=cwd)
        self.git("commit", "-q", "-m", "work", cwd=cwd)

    def attack(self, body: str = TRAIN, **how: Any) -> Outcome:
        """Runs a program twice, compares as ``twice`` does, and answers what is known of it."""
        return self.outcome(self.twice(body, **how))

    def twice(
        self,
        body: str = TRAIN,
        *,
        prepare: Callable[[Path], object] | None = None,
        arguments: Sequence[str] = (),
        around: Sequence[str] = (),
        script: Path | None = None,
        cwd: Path | None = None,
        slower: float = SLOWER,
        lines: int = 1,
        runner: Runner | None = None,
        steady: bool = False,
        **environment: str,
    ) -> Both:
        """Runs a program without and with autotrack: same output and exit code, at most ``lines`` lines of ours, not
        more than ``slower`` seconds of a processor. One that waits for ever runs into the timeout of ``run``.

        With ``prepare`` the place is made anew for each of the two. ``around`` is a command that starts Python.
        ``steady``: what the program does without autotrack depends on nothing but its text, so that once is enough.
        """
        path = script or self.place / "train.py"
        both = []
        for switch in ("pass", "import autotrack; autotrack.enable()"):
            if prepare is not None:
                shutil.rmtree(self.place, ignore_errors=True)
                self.place.mkdir()
                prepare(self.place)
            path.write_text(body.replace("SWITCH", switch) if "SWITCH" in body else f"{switch}\n{body}", "utf-8")
            if steady and switch == "pass" and body in _steady:
                both.append(_steady[body])
                continue
            both.append(
                (runner or run)(
                    [*around, sys.executable, str(path), *arguments],
                    {**os.environ, **self.environment, "AUTOTRACK_TRACKING_URI": str(self.store), **environment},
                    cwd or self.place,
                )
            )
            if steady and switch == "pass":
                _steady[body] = both[0]
        plain, tracked = both
        said = [line for line in tracked.err.splitlines(keepends=True) if line.startswith(b"autotrack: ")]
        rest, frames = _FRAMES.subn(b"", tracked.err)
        assert frames <= 2, tracked.err.decode()
        for line in said:
            rest = rest.replace(line, b"", 1)
        assert (tracked.code, tracked.out, rest) == (plain.code, plain.out, plain.err), tracked.err.decode()
        assert len(said) <= lines, said
        assert tracked.seconds < plain.seconds + slower
        return Both(plain, tracked, tuple(line.decode() for line in said))

    def outcome(self, ended: Both) -> Outcome:
        """What the store knows of the program that has just run. No failure of ours may be among it."""
        client = autotrack.Client(self.store)
        runs = tuple(run.record for run in reversed(list(client.search_runs())))
        assert runs, ended.tracked.err.decode()
        for run in runs:
            assert not {"errors", "refused_records"} & run.health.keys(), run.health
        (name,) = {str(run.session) for run in runs}
        session, files = client.sink.session(name), client.sink.files(sessions=[name])
        gaps = [str(gap["what"]) for part in session.parts.values() for gap in part.get("gaps", ())]
        gaps += [f"{data.name}: {data.partial}" for run in runs for data in run.datasets if data.partial]
        gaps += [f"{file.path}: {file.partial}" for file in files if file.partial]
        gaps += [str(note) for run in runs for note in run.health.get("notes", ())]
        return Outcome(
            ended=ended,
            runs=runs,
            gaps=tuple(gaps),
            parts=session.parts,
            files={file.path: file for file in files if file.role == "read"},
            written={file.path: file for file in files if file.role == "written"},
            console="".join(text for _, _, text in client.sink.console(name)),
            objects=client.sink.objects,
        )

    def sync(self, spare: Path) -> None:
        """Delivers what was kept under another temporary folder, because the store took nothing."""
        (folder,) = spare.glob("*/journal")
        autotrack.Client(self.store).sink.deliver(folder)


def run(command: list[str], environment: dict[str, str], cwd: Path) -> Ended:
    """Runs a command to its end, its output into pipes."""
    began = spent()
    done = subprocess.run(command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=100)
    return Ended(done.returncode, done.stdout, done.stderr, spent() - began)


def spent() -> float:
    """Seconds of a processor that all children so far have had; the clock of a busy machine says nothing."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store that nothing of this process's environment changes, closed in the end."""
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    yield tmp_path / "store"
    trackers.close_all()


@pytest.fixture
def ring(tmp_path: Path, store: Path) -> Ring:
    """An empty place, and a store beside it."""
    return Ring(tmp_path, store)
