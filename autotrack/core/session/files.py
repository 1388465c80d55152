"""The files that a program read and wrote, each with the sha256 of what it held, worked out beside the training."""

from __future__ import annotations

import glob
import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..background import Background
from ..gaps import Gap
from ..guard import guard
from ..locks import Lock
from ..private import Ours
from . import opened
from .beyond import EVENTS, Beyond
from .hashing import TOTAL, WHOLE, FileHashes, Hashed, NotRegular, Stopped
from .hosts import Hosts
from .opened import Batch, Role, Told
from .paths import Paths
from .seen import NOWHERE, FileSeen, SeenFile, stat_or_none, was_there

#: A file that was written is hashed once nothing has changed it for this long, or at the end (nanoseconds).
SETTLED = 2_000_000_000
#: The kernel stamps files with a clock that may be this far behind (nanoseconds).
CLOCK_LAG = 20_000_000
#: Different files that are kept track of; further ones are counted.
MOST_FILES = 100_000
#: While the program trains, this many small steps are done in a row, then it has the interpreter for itself (seconds).
STEPS, PAUSE = 16, 0.02
#: Below this size a file's cost is the interpreter's, which the training waits for; hashing more runs beside it.
SMALL = 1 << 16
#: Names that are looked at in a row.
NOTES = 128

log = logging.getLogger("autotrack.files")


class Files:
    """Watches what this process opens and hashes it on a thread of its own.

    ``drain()`` answers what is known since the last call, in microseconds; ``finish()`` waits for the rest.
    ``root`` is the store's folder: it remembers hashes there and leaves out what lies in it; ``near`` are its hosts.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        own: Iterable[str | os.PathLike[str]] = (),
        near: Iterable[str] = (),
        whole: int = WHOLE,
        total: int = TOTAL,
        most: int = MOST_FILES,
    ) -> None:
        self.hashes = FileHashes(root / "cache" / "file-hashes" if root is not None else None, whole=whole, total=total)
        self._paths = Paths([*own, *([root] if root is not None else [])])
        self._most = most
        self._pid = os.getpid()
        self._lock = Lock()
        self._batches: deque[Batch] = deque()
        self._names: dict[str, SeenFile | None] = {}
        self._files: dict[str, SeenFile] = {}
        self._jobs: deque[tuple[SeenFile, Role]] = deque()
        self._doing: tuple[SeenFile, Role] | None = None
        self._unsettled: dict[str, SeenFile] = {}
        self._done: list[FileSeen] = []
        self._unreadable: dict[str, str] = {}
        self._gone: dict[str, None] = {}
        self._remote: dict[str, None] = {}
        self._hosts, self.beyond = Hosts(near), Beyond()
        self._too_many = self._unhashed = self._lost_batches = 0
        self._overflowed = self._forbidden = False
        self._deadline: float | None = None
        self._wake, self._hurry, self._idle = threading.Event(), threading.Event(), threading.Event()
        self._idle.set()
        self._thread: Background | None = None

    def start(self) -> None:
        """Notes opened files from here on."""
        self._forbidden = not opened.watch()

    def drain(self) -> list[FileSeen]:
        """What has become known since the last call; what was opened meanwhile is looked at in the background."""
        if os.getpid() != self._pid:
            return []  # a forked child: its parent records
        if self._deadline is None:
            batch = opened.take()
            if (batch.items or self._unsettled) and (self._begin() or batch.items):
                with self._lock:
                    self._idle.clear()
                    self._batches.append(batch)
                self._wake.set()
        with self._lock:
            done, self._done = self._done, []
        return done

    def wait(self, seconds: float) -> bool:
        """True once everything drained so far is looked at, save what is still being written."""
        return self._idle.wait(seconds)

    def finish(self, deadline: float) -> list[FileSeen]:
        """Stops watching; all the rest, hashed as far as there is time (``time.monotonic()``), the smallest first."""
        if os.getpid() != self._pid:
            return []
        opened.stop()
        done = self.drain()
        self._deadline = deadline
        self._hurry.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(deadline)
        elif self._batches:
            self._work_once()
        done += self.drain()
        with self._lock:
            left = [*([self._doing] if self._doing is not None else []), *self._jobs]
            left += [(file, "written") for file in self._unsettled.values()]
            self._jobs.clear()
            self._unsettled.clear()
            self._lost_batches = sum(len(batch.items) for batch in self._batches)
        for file, role in dict.fromkeys(left):
            self._unhashed += 1
            why = "the program ended before it was hashed"
            done.append(FileSeen(file.path, role, file.first.get(role, 0), 0, 0, None, why, file.name))
        return done

    def gaps(self) -> list[Gap]:
        """What is not known about files, as of now."""
        found: list[tuple[str, str]] = []
        if self._forbidden:
            found.append(("no file is known, for another audit hook of the process refuses ours", ""))
        found += [("so many files were opened at once that some were not noted", "")] if self._overflowed else []
        if self._too_many:
            found.append((f"{self._too_many} more files were opened than the {self._most} that are kept track of", ""))
        if self._paths.unresolved:
            what = f"{self._paths.unresolved} names could not be followed to a file"
            found.append((what, "Open files by full paths"))
        if self._unhashed or self._lost_batches:
            count = self._unhashed + self._lost_batches
            found.append((f"{count} files were not hashed before the program ended", "Raise exit_timeout"))
        for names, what in (
            (self._gone, "opened files were not there to be hashed"),
            (self._remote, "sources are not on this machine"),
        ):
            found += [(f"{len(names)} {what}, the first {next(iter(names))}", "")] if names else []
        if self._unreadable:
            path, error = next(iter(self._unreadable.items()))
            found.append((f"{len(self._unreadable)} files could not be hashed, the first {path}: {error}", ""))
        return [*(Gap("files", what, close) for what, close in found), *self._hosts.gaps()]

    # The background.

    def _begin(self) -> bool:
        if self._thread is None:
            thread = Background(self._work)
            try:
                thread.start()
            except RuntimeError:  # the interpreter ends, and from Python 3.12 on starts no thread then
                return False
            self._thread = thread
        return True

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            last = self._deadline is not None
            self._work_once()
            with self._lock:
                if not self._batches:
                    self._idle.set()
            if last:
                return

    def _work_once(self) -> None:
        with guard.section("files"):
            self._work_off()
        try:
            self.hashes.save()
        except OSError as error:
            log.debug("hashes are not remembered", exc_info=error)

    def _work_off(self) -> None:
        """Looks at all batches, then at all files that they named."""
        steps = 0
        while True:
            while self._batches:
                self._take_in(self._batches[0])
                self._batches.popleft()
            self._look_at_written()
            if self._deadline is not None:
                self._smallest_first()
            if not self._jobs:
                return
            while self._deadline is not None or not self._batches:
                if self._out_of_time():
                    return
                with self._lock:
                    if not self._jobs:  # done, or taken away by ``finish``, which waits no longer
                        break
                    self._doing = self._jobs.popleft()
                steps += self._one(*self._doing) < SMALL
                self._doing = None
                if steps >= STEPS:
                    steps = 0
                    self._pause()

    def _take_in(self, batch: Batch) -> None:
        for number, item in enumerate(batch.items, 1):
            self._note(item, batch)
            if number % NOTES == 0:
                self._pause()
        self._paths.settle()
        self._overflowed |= batch.overflowed

    def _pause(self) -> None:
        if self._deadline is None:
            self._hurry.wait(PAUSE)

    def _out_of_time(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _smallest_first(self) -> None:
        sized = [(stat_or_none(file.path), file, role) for file, role in self._jobs]
        sized.sort(key=lambda entry: entry[0].st_size if entry[0] is not None else 0)
        with self._lock:
            self._jobs = deque((file, role) for _, file, role in sized)

    def _note(self, item: Any, batch: Batch) -> None:
        """Takes in one thing that the hook noted."""
        if type(item) is Told:
            self._told(item, batch)
        elif type(item) is not tuple:
            self._opened(item, batch, read=True)
        elif len(item) == 2 and isinstance(item[1], tuple):
            self._happened(item[0], item[1], batch)
        elif len(item) == 3:
            read, written = opened.uses(item[2])
            if read or written:
                self._opened(item[0], batch, read=read, written=written, certain=item[1] is not None)

    def _told(self, item: Told, batch: Batch) -> None:
        """Takes in what somebody told of: a file, a folder of them, a pattern, or something far away."""
        path = item.path.removeprefix("file://")
        if "://" in path:
            parts = urlsplit(path)
            self._remote.setdefault(f"{parts.scheme}://{parts.hostname or ''}{parts.path}")
            return
        names: Iterable[str] = (path,)
        resolved = self._paths.resolve(path)
        if resolved is not None and Path(resolved).is_dir():
            names = (os.path.join(folder, name) for folder, _, files in os.walk(resolved) for name in files)  # noqa: PTH118
        elif resolved is not None and glob.has_magic(resolved) and not Path(resolved).exists():
            names = glob.iglob(resolved, recursive=True)  # noqa: PTH207
        for name in itertools.islice(names, self._most):
            self._opened(name, batch, read=item.use != "written", written=item.use != "read", source=item.name)

    def _happened(self, event: str, args: tuple[Any, ...], batch: Batch) -> None:
        if event == "os.chdir":
            self._paths.moved(args[0])
        elif event == "sqlite3.connect":
            name = args[0]
            if not (isinstance(name, str) and (name in ("", ":memory:") or name.startswith("file:"))):
                self._opened(name, batch, read=True, written=True)
        elif event in EVENTS:
            self.beyond.happened(event, args[0], args[1], self._paths)
        elif event == "socket.getaddrinfo":
            self._hosts.asked(args[0] if args else None)
        elif event == "os.rename":
            source = self._paths.resolve(args[0])
            known = self._names.get(source) if source is not None else None
            if known is not None and "written" in known.first:
                self._unsettled.pop(known.path, None)
                self._opened(args[1], batch, written=True)

    def _opened(
        self, name: Any, batch: Batch, *, read: bool = False, written: bool = False, source: str | None = None,
        certain: bool = True,
    ) -> None:  # fmt: skip
        code = not (written or source) and self._paths.is_imported(name) and name not in self._names
        path = None if type(name) is Ours else name if code else self._paths.resolve(name)
        if path is None or (path.endswith(".py") and self.beyond.source(path)) or code:
            return
        file = self._file(path, written=written, source=source)
        if file is None:
            return
        file.certain |= certain
        if read and not file.reading and ("read" not in file.first or file.spoilt):
            file.first.setdefault("read", batch.since)
            file.reading, file.spoilt = True, False
            file.since, file.until = batch.since, batch.until
            file.explained = "written" in file.first
            with self._lock:
                self._jobs.append((file, "read"))
        if written:
            file.missed = 0
            if read and "written" not in file.first:
                file.only_after = batch.since - CLOCK_LAG
            else:
                file.first.setdefault("written", batch.since)
                file.only_after = 0
                file.spoilt = not read
            with self._lock:
                self._unsettled[file.path] = file

    def _file(self, path: str, *, written: bool, source: str | None) -> SeenFile | None:
        """What is known under that name; None where it is nobody's data, or there are too many."""
        file = self._names.get(path)
        if file is None and (path not in self._names or written or source is not None):
            real = self._paths.real(path)
            source = source or self._paths.source(real)
            data = source is not None or all(self._paths.is_data(name, written=written) for name in {path, real})
            if data:
                file = self._files.get(real)
                if file is None and len(self._files) < self._most:
                    file = self._files[real] = SeenFile(real, source)
                elif file is None:
                    self._too_many += 1
            if len(self._names) >= 4 * self._most:
                self._names.clear()
            self._names[path] = file
        return file

    def _look_at_written(self) -> None:
        """Has those hashed that were written and have come to rest; at the end all of them."""
        last = self._deadline is not None
        candidates = list(self._unsettled.values())
        if last:  # a file that stayed open may have grown since
            candidates += [f for f in self._files.values() if f.hashed is not None and f.path not in self._unsettled]
        now = time.time_ns()
        for file in candidates:
            found = stat_or_none(file.path)
            if found is None:  # a temporary file, or one that is about to be made
                file.missed += 1
                if file.missed > 1 or last:
                    self._unsettled.pop(file.path, None)
            elif last or now - found.st_mtime_ns > SETTLED:
                if found.st_mtime_ns < file.only_after and not last:
                    continue
                with self._lock:
                    self._unsettled.pop(file.path, None)
                    if found.st_mtime_ns >= file.only_after and (found.st_size, found.st_mtime_ns) != file.hashed:
                        file.first.setdefault("written", file.since)
                        self._jobs.append((file, "written"))

    def _one(self, file: SeenFile, role: Role) -> int:
        """Hashes one file and keeps what comes out; its size."""
        reading = role == "read"
        if reading:
            file.reading = False
        if reading and file.spoilt:
            self._keep(file, role, Hashed(0, 0, None, "it was written again before it could be hashed"))
            return 0
        hashed = self._hashed(file, role)
        if hashed is None:
            return 0
        partial = hashed.partial
        if not reading:
            file.hashed = (hashed.size, hashed.mtime)
        elif hashed.mtime > file.until:
            partial = "it was changed after it was read"
        elif hashed.mtime > file.since - CLOCK_LAG and not file.explained:
            partial = "it was changed at about the time it was read"
        self._keep(file, role, Hashed(hashed.size, hashed.mtime, hashed.sha256, partial))
        return hashed.size

    def _hashed(self, file: SeenFile, role: Role) -> Hashed | None:
        try:
            return self.hashes.hash(file.path, self._out_of_time)
        except NotRegular:
            return None
        except Stopped:
            with self._lock:
                self._jobs.appendleft((file, role))
            return None
        except OSError as error:
            if error.errno in NOWHERE:
                # What was written and is gone cannot be anybody's input.
                if role == "read" and file.certain and was_there(file, CLOCK_LAG):
                    self._gone.setdefault(file.path)
                return None
            self._unreadable.setdefault(file.path, str(error.strerror))
            return Hashed(0, 0, None, f"it could not be read: {error.strerror}")

    def _keep(self, file: SeenFile, role: Role, hashed: Hashed) -> None:
        seen = FileSeen(
            file.path, role, file.first[role], hashed.size, hashed.mtime, hashed.sha256, hashed.partial, file.name
        )
        with self._lock:
            self._done.append(seen)
