"""Has each part of a session found out in the background, and writes it to the journal as it becomes known.

The collectors beside this module know nothing of runs, journals or stores; this is the one place that joins them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gaps import Gap
from ..guard import guard
from ..objects import Objects
from . import entropy, streams, watchers
from .seen import FileSeen

if TYPE_CHECKING:
    from ..runs.tracker import Tracker
    from .chance import Asked

#: Files that one record of the journal names at most.
FILES_A_RECORD = 500
#: Seconds after which an object is put once more: a clean-up may have taken what nobody referred to meanwhile.
PUT_AGAIN = 3600.0
_MAKE_ROOM = "Free some space for the store, or make its folder writable"


class SessionRecorder:
    """What is captured of this process's session, for one tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        #: False: this process only starts programs that record, and nothing of itself is of interest.
        self.captures = True
        self.objects = Objects(tracker.location.objects)
        self._began = 0
        self._sent: dict[str, dict[str, Any]] = {}
        self._sources: set[str] = set()
        self._read: set[str] = set()
        self._asked: Asked | None = None
        self._at_start: str | None = None
        self._random: str | None = None
        self._random_put = 0.0
        self._random_gaps: list[Gap] = []
        self._random_unkept: list[Gap] = []

    def begin(self, started: int) -> None:
        """Queues what is found out once; the journal has just been opened. ``started``: ns since the epoch."""
        if not self.captures:
            return
        # All that the background needs is imported here: a child that is forked while another thread imports would
        # find half a module, be it ours or the standard library's.
        from . import arguments, cells, chance, code, environment, imports, random_state, seeds  # noqa: F401

        self._began = started
        settings = self._tracker.settings
        watchers.start(settings, self._tracker.location.root)
        if settings.code:
            self._later("code", self._code)
        self._later("environment", self._environment)

    def _later(self, part: str, collect: Callable[[], None]) -> None:
        """Collects in the background."""
        self._tracker.later(f"the session's {part}", lambda: self._collect(part, collect))

    def _collect(self, part: str, collect: Callable[[], None]) -> None:
        """A disk that takes nothing is a gap, and no failure of ours; what is known of the part stays."""
        try:
            collect()
        except OSError as error:
            known = dict(self._sent.get(part, {}))
            gaps = [Gap(**gap) for gap in known.pop("gaps", ())]
            what = f"the {part} could not be kept ({error.strerror or error})"
            self._part(part, known, [*gaps, Gap(part, what, _MAKE_ROOM)])

    def tick(self) -> None:
        """Writes down what is new. Called by the background thread about once a second."""
        if self._began:
            self._news()

    def finish(self, deadline: float) -> None:
        """Writes down what is left at the end of the program, within the deadline (``time.monotonic()``)."""
        if not self._began:
            return
        guard.call("the session's code", self._collect, "code", self._late_imports)
        if self._tracker.settings.code:
            guard.call("the session's cells", self._typed)
        guard.call("the session's imports", self._imports)
        guard.call("the session", self._news)
        self.take_rest(deadline)
        self._began = 0

    def take_rest(self, deadline: float) -> None:
        """Watches no more; writes down what was seen, with the files hashed as far as there is time."""
        if not self._began:
            return
        files, console = watchers.files, watchers.console
        if files is not None:
            self._write_files(guard.call("the session's files", files.finish, deadline) or [])
            self._part("files", {}, files.gaps())
            if self._tracker.settings.code:
                self._part("beyond", guard.call("what is beyond the files", files.beyond.document) or {}, [])
        if console is not None:
            self._write_console(guard.call("the session's console", console.finish) or [])
        watchers.stop()

    def random_state(self) -> str | None:
        """The object with the states of the random generators as they are now, for a run that starts. It is written
        off the training thread."""
        if not self.captures:
            return None
        from .random_state import encoded_state

        content, self._random_gaps = encoded_state()
        digest = hashlib.sha256(content).hexdigest()
        now = time.monotonic()
        if digest != self._random or now - self._random_put > PUT_AGAIN:
            self._random, self._random_put = digest, now
            self._tracker.later("the session's seeds", lambda: self._keep(content))
        return digest

    def _keep(self, content: bytes) -> None:
        try:
            self.objects.put(content)
        except OSError as error:
            what = f"the state of the random generators could not be kept ({error.strerror or error})"
            self._random_unkept = [Gap("seeds", what, _MAKE_ROOM)]

    def _start(self) -> dict[str, str]:
        """``start``: the object with the states of the generators when watching began."""
        if self._at_start is None and streams.at_start is not None:
            self._keep(streams.at_start)
            self._at_start = hashlib.sha256(streams.at_start).hexdigest()
        return {} if self._at_start is None else {"start": self._at_start}

    # Parts.

    def _code(self) -> None:
        from .code import collect_code

        document, gaps = collect_code(self.objects, root_hint=self._place(), started=self._began, known=self._sources)
        self._part("code", document, gaps)
        self._look_for_chance()

    def _look_for_chance(self) -> None:
        """What the sources that were looked at ask of the operating system; those that are new by now."""
        fresh = self._sources - self._read
        self._read |= fresh
        self._chance().look(fresh)

    def _typed(self) -> None:
        """What cells of a notebook ask of the operating system, and of a shell."""
        from .cells import commands_as_gap, typed

        cells = typed()
        self._chance().look_through_cells(cells)
        self._part("cells", {}, commands_as_gap(cells))

    def _chance(self) -> Asked:
        from .chance import Asked

        self._asked = self._asked or Asked()
        return self._asked

    def _late_imports(self) -> None:
        """What was imported since the code was looked at."""
        sent = self._sent.get("code")
        if sent is None or "sources" not in sent:  # not wanted, or the disk took nothing of it
            return
        from .code import collect_imported

        sources, gaps = collect_imported(self.objects, sent, self._sources, started=self._began)
        self._look_for_chance()
        if sources or gaps:
            known = [Gap(**gap) for gap in sent["gaps"]]
            self._part("code", {**sent, "sources": {**sent["sources"], **sources}}, [*known, *gaps])

    def _environment(self) -> None:
        from .environment import collect_environment

        self._part("environment", *collect_environment(self.objects))

    def _imports(self) -> None:
        """``distributions``: those that something was imported of, up to the end of the program. Where it was killed
        this is not known."""
        from .imports import imported_distributions

        self._part("imports", {"distributions": imported_distributions()}, [])

    def _news(self) -> None:
        """What may change while the program runs."""
        from .arguments import collect_arguments
        from .seeds import seeded

        self._part("arguments", *collect_arguments())
        asked = self._asked.gaps() if self._asked is not None else []
        holes = [*self._random_gaps, *self._random_unkept, *entropy.gaps(), *asked]
        self._part("seeds", {**seeded(), **self._start()}, holes)
        files, console = watchers.files, watchers.console
        if files is not None:
            self._write_files(files.drain())
        if console is not None:
            self._write_console(console.take())
            self._part("console", {}, console.gaps())

    def _write_files(self, seen: Sequence[FileSeen]) -> None:
        for start in range(0, len(seen), FILES_A_RECORD):
            records = [
                {
                    "path": file.name or file.path,
                    "role": "read" if file.role == "read" else "written",
                    "first": file.first,
                    "size": file.size,
                    "mtime": file.mtime,
                    "sha256": file.sha256,
                    "partial": file.partial,
                }
                for file in seen[start : start + FILES_A_RECORD]
            ]
            self._event("files", files=records)

    def _write_console(self, pieces: Sequence[tuple[int, str, str]]) -> None:
        from .masking import mask

        for at, stream, text in pieces:
            self._event("console", at=at, stream=stream, text=mask(text))

    def _part(self, part: str, document: Mapping[str, Any], gaps: Sequence[Gap]) -> None:
        data = {**document, "gaps": [gap.document() for gap in gaps]}
        if self._sent.get(part) != data and (document or gaps):
            self._sent[part] = data
            self._event("part", part=part, data=data)

    def _event(self, kind: str, **fields: Any) -> None:
        self._tracker.event({"k": kind, "t": time.time_ns(), "session": self._tracker.session, **fields})

    def _place(self) -> Path:
        """Where the program was started, or the folder of its store where that is gone."""
        try:
            return Path.cwd()
        except OSError:
            return self._tracker.location.root.parent
