"""Has each part of a session found out in the background, and writes it to the journal as it becomes known.

The collectors beside this module know nothing of runs, journals or stores; this is the one place that joins them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gaps import Gap
from ..guard import guard
from ..objects import Objects
from . import watchers

if TYPE_CHECKING:
    from ..tracker import Tracker

Found = tuple[Mapping[str, Any], list[Gap]]
#: Files that one record of the journal names at most.
FILES_A_RECORD = 500


class SessionRecorder:
    """What is captured of one process's session, for one tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._began = 0
        self._sent: dict[str, Mapping[str, Any]] = {}
        self._random: str | None = None

    @property
    def objects(self) -> Objects:
        """Where content goes that records refer to."""
        return self._tracker.objects

    def begin(self, started: int) -> None:
        """Queues what is to be found out once; the journal has just been opened. ``started``: ns since the epoch."""
        self._began = started
        settings = self._tracker.settings
        watchers.start(settings)
        if settings.code:
            self._tracker.later("the session's code", self._code)
        self._tracker.later("the session's environment", self._environment)

    def tick(self) -> None:
        """Writes down what is new: console output, files. Called by the background thread about once a second."""
        if self._began:
            self._news(final=False, deadline=None)

    def finish(self, deadline: float) -> None:
        """Writes down what is left at the end of the program, within the deadline (``time.monotonic()``)."""
        if not self._began:
            return
        if self._tracker.settings.code:
            guard.call("the session's code", self._imported)
        self._news(final=True, deadline=deadline)
        self._began = 0

    def random_state(self) -> str | None:
        """The object that holds the states of the random generators as they are now, for a run that starts."""
        from .seeds import random_state

        content = guard.call("random states", random_state)
        if content is None:
            return None
        digest = hashlib.sha256(content).hexdigest()
        if digest != self._random:
            self._random = digest
            self._tracker.later("random states", lambda: self.objects.put(content))
        return digest

    def arguments(self) -> Mapping[str, str]:
        """What the program's own parser made of its command line, masked."""
        from .arguments import parsed

        return parsed()

    # Parts.

    def _code(self) -> None:
        from .code import collect_code

        self._part("code", collect_code(self.objects, root_hint=self._root(), started=self._began))

    def _imported(self) -> None:
        """What was imported since the code was looked at."""
        from .code import collect_imported

        known = self._sent.get("code")
        if known is not None:
            found = collect_imported(self.objects, known, started=self._began)
            if found is not None:
                self._part("code", found)

    def _environment(self) -> None:
        from .environment import collect_environment

        self._part("environment", collect_environment(self.objects))

    def _news(self, *, final: bool, deadline: float | None) -> None:
        for name, found in (("arguments", watchers.arguments()), ("seeds", watchers.seeds())):
            if found[0]:
                self._part(name, found)
        settings = self._tracker.settings
        if settings.files:
            seen, gaps = watchers.files(self._tracker.location.root, final=final, deadline=deadline)
            for start in range(0, len(seen), FILES_A_RECORD):
                self._event("files", files=seen[start : start + FILES_A_RECORD])
            if gaps:
                self._part("files", ({}, gaps))
        if settings.console:
            for at, stream, text in watchers.console(final=final):
                self._event("console", at=at, stream=stream, text=text)

    def _part(self, part: str, found: Found) -> None:
        document, gaps = found
        data = {**document, "gaps": [gap.document() for gap in gaps]}
        if self._sent.get(part) != data:
            self._sent[part] = data
            self._event("part", part=part, data=data)

    def _event(self, kind: str, **fields: Any) -> None:
        self._tracker.event({"k": kind, "t": time.time_ns(), "session": self._tracker.session, **fields})

    def _root(self) -> Path:
        """Where the program was started, or the folder of its store where that is gone."""
        try:
            return Path.cwd()
        except OSError:
            return self._tracker.location.root.parent
