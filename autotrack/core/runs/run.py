"""A run: what one training was given and what came out, written as it happens and read back from the store.

``log_*`` returns when the record is in the journal, from where it survives ``kill -9``; it never raises into training
(unless ``strict`` is set) and never waits for a store. The parts of the class: ``view`` reads, ``writing`` is what
writing shares, ``metrics`` has the points, ``files`` the artifacts; here are texts, beginning and end.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from .. import exits, keys
from ..callsite import is_library, is_ours
from ..errors import UsageError
from ..exits import Ending, ending_of
from ..guard import guard
from ..session import user_name
from ..session.masking import MASK, mask, mask_value
from ..status import ENDINGS, Status
from .active import active
from .files import RunFiles
from .metrics import RunMetrics
from .names import experiment_id, run_name
from .view import Draft

#: Characters of a traceback that are kept; how many are left out in the middle is said.
LONGEST_TRACEBACK = 64_000
#: Frames above the one where a traceback begins that are kept.
MOST_CALLERS = 100


class Run(RunMetrics, RunFiles):
    """One training. Made by ``start_run``, by a watched call, or read from a store.

    Copying one gives the same object; a pickled one attaches to the same run where it is loaded.
    """

    def __init__(self, run_id: str, **places: Any) -> None:
        super().__init__(run_id, **places)
        #: True for a run of ``start_run``: it is active until it ends, and watched calls join it.
        self.is_manual = False
        #: How the run ended, where the program's end finds it open: asked with the uncaught exception, if there is one.
        self.judge: Callable[[BaseException | None], Ending] | None = None
        #: True for the run of a loop in the program itself: where nothing else tells how it ended, the exit code does.
        self.follows_program = False
        #: Done just before the run ends.
        self.at_end: dict[str, Callable[[], None]] = {}
        self._previous: Run | None = None
        self._began = self._clock = self._pid = 0

    # Params, tags, name.

    def log_param(self, key: str, value: Any) -> Any:
        """Keeps one parameter, as text in full; answers the value. A mapping is flattened to dotted keys."""
        with self.refusing("params", "log_param"):
            self.log_params({key: value})
        return value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keeps parameters, as text in full. Nested mappings are flattened to dotted keys. The last value counts."""
        with self.refusing("params", "log_params"):
            texts = self._texts("params", params)
            if not texts:
                return
            self._write({"k": "params", "params": texts})
            if self._draft is not None:
                known = self._draft.params
                changed = [key for key, text in texts.items() if known.get(key, text) != text]
                known.update(texts)
                if changed:
                    self.note(f"param {changed[0]!r} was given another value than before; the last one counts")
            self._notify("params_logged", params=texts)

    def set_tag(self, key: str, value: Any) -> None:
        """Sets one tag; a later value replaces it."""
        with self.refusing("tags", "set_tag"):
            self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets tags; later values replace earlier ones."""
        with self.refusing("tags", "set_tags"):
            texts = self._texts("tags", tags)
            if not texts:
                return
            self._write({"k": "tags", "tags": texts})
            if self._draft is not None:
                self._draft.tags.update(texts)
            self._notify("tags_set", tags=texts)

    def delete_tag(self, key: str) -> None:
        """Takes a tag away."""
        with self.refusing("tags", "delete_tag"):
            self._write({"k": "untag", "keys": [keys.check_key(key, "tag's key")]})
            if self._draft is not None:
                self._draft.tags.pop(key, None)

    def rename(self, name: str) -> None:
        """Gives the run another name."""
        with self.refusing("names", "rename"):
            shown = mask(keys.check_name(name, "run's name"))
            self._write({"k": "rename", "name": shown})
            if self._draft is not None:
                self._draft.name = shown

    def add_children(self, runs: list[dict[str, Any]]) -> None:
        """Writes down finished child runs in one record (a search's candidates)."""
        with self.refusing("children", "add_children"):
            self._write({"k": "children", "runs": runs})

    def _texts(self, kind: str, values: Mapping[str, Any]) -> dict[str, str]:
        """Keys and values as they are kept; what cannot be kept is refused one by one."""
        texts: dict[str, str] = {}
        for key, value in keys.flatten(values):
            # str() of a user's object may raise anything: that one value is refused, the others are kept.
            with self.refusing(kind, f"{kind[:-1]} {key!r:.80}"):
                text = keys.param_text(value, keys.check_key(key, f"{kind[:-1]}'s key"))
                texts[key] = shown = mask_value(key, text)
                if shown != text:
                    self.note(f"what looks like a secret is kept as {MASK} in {kind[:-1]} {key!r}")
        return texts

    # Beginning and end.

    def begin(
        self,
        *,
        name: str | None,
        experiment: str | None,
        tags: Mapping[str, Any] | None,
        parent: Run | str | None,
        started: int | None = None,
    ) -> Run:
        """Writes the start of the run (for ``start_run`` and probes). ``started``: nanoseconds since the epoch.

        Without an ``experiment`` it is the parent's, where the parent is a run of this process.
        """
        from ..plugins.registry import run_tags

        tracker = self._tracker_of()
        drafted = parent._draft if isinstance(parent, Run) else None
        inside = self._parent_id(parent)
        experiment = experiment or (drafted.experiment if drafted is not None else tracker.settings.experiment)
        now = time.time_ns()
        self._began = started or now
        self._clock, self._pid = _boot_clock() - (now - self._began), os.getpid()
        self._artifact_uri = f"artifacts/{experiment_id(experiment)}/{self.id}"
        self._draft = Draft(
            name=mask(name or tracker.settings.run_name or run_name(self.id)),
            experiment=experiment,
            parent=inside or tracker.above,
            started=self._began,
            tags=self._texts("tags", run_tags()),
        )
        with self.refusing("tags", "tags of a run"):
            self._draft.tags.update(self._texts("tags", {} if tags is None else tags))
        tracker.journal()  # first of all: without one there is no run
        self._draft.session = tracker.session
        self._open = True
        draft = self._draft
        self._write(
            {
                "k": "run_start",
                "t": draft.started,
                "name": draft.name,
                "experiment": experiment,
                "parent": draft.parent,
                "session": draft.session,
                "user": user_name(),
                "artifact_uri": self._artifact_uri,
                "random_state": None
                if exits.begun  # the state at the start is gone
                else guard.call("random states", tracker.recorder.random_state),
                "tags": dict(draft.tags),
            }
        )
        tracker.opened(self)
        self._notify("run_started")
        if inside is None:
            self._log_arguments()
        return self

    def _log_arguments(self) -> None:
        """The program's arguments, as its parser understood them, as params ``args.<name>``."""
        from ..session.arguments import parsed

        arguments = parsed()
        if arguments:
            self.log_params({f"args.{name}": text for name, text in arguments.items()})

    def _parent_id(self, parent: object) -> str | None:
        """The id of a recorded run; anything else is no parent, which costs a warning, never the run."""
        with self.refusing("names", "parent of start_run"):
            found = getattr(parent, "id", parent)
            if found is None or found == keys.NO_RUN:
                return None
            if not isinstance(found, str) or not keys.is_run_id(found):
                raise UsageError("neither a run nor a run's id")
            return found
        return None

    def finish(self, status: str | None = None) -> None:
        """Ends the run: FINISHED unless another status is given. A second call does nothing.

        A run that was read from a store is ended there, whoever started it.
        """
        status = str(status or Status.FINISHED).upper()
        if status not in ENDINGS:
            with self.refusing("names", "finish"):
                raise UsageError(f"{status!r} is not how a run ends; there are {', '.join(ENDINGS)}")
            status = str(Status.FINISHED)
        if self._draft is None:
            now = time.time_ns()
            self._write({"k": "run_end", "t": now, "status": status, "ended": now, "error": None, "exit_code": None})
        else:
            self.end(status, None, None)

    def end(self, status: str, error: BaseException | None, exit_code: int | None, *, guessed: bool = False) -> None:
        """Ends the run with what ended it, or seems to (``guessed``): the exit code may say otherwise. Idempotent. In a
        forked child it does nothing: the run is the parent's."""
        if not self._open or self._pid != os.getpid():
            return
        self._last_things()
        self.write_health()
        self._open = False
        text = _describe(error) if error is not None else None
        ended = self._began + max(0, _boot_clock() - self._clock)  # a clock that is set meanwhile changes nothing
        record = {"k": "run_end", "status": status, "ended": ended, "error": text, "exit_code": exit_code}
        self._write(record | {"guessed": True} if guessed else record)
        self._tracker_of().ended(self)
        if active.get() is self:
            active.set(self._previous)
        self._notify("run_ended", status=status, error=error)

    def _last_things(self) -> None:
        last, self.at_end = list(self.at_end.values()), {}
        for action in last:
            guard.call("the end of a run", action)

    def leave_open(self) -> None:
        """At the end of a program whose exit code is not known yet: the last words before the reader decides."""
        if self._open and self._pid == os.getpid():
            self._last_things()
            self.write_health()
            self._notify("run_ended", status=str(Status.FINISHED), error=None)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ending = ending_of(error)
        self.end(ending.status, ending.error, ending.exit_code)

    # Copies.

    def __copy__(self) -> Run:
        return self

    def __deepcopy__(self, memo: Any) -> Run:
        return self

    def __reduce__(self) -> Any:
        tracker = self._tracker_of()
        return tracker.attach, (tracker.location.shown, self.id)  # a pickle goes who knows where


def _boot_clock() -> int:
    """Nanoseconds of a clock that nobody sets and that also runs while the machine sleeps, where there is one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()


def _describe(error: BaseException) -> str:
    """The traceback as text, without our own frames; an exception whose own text fails is named by its type."""
    text = guard.call("traceback", lambda: "".join(_their_traceback(error).format()))
    words = mask(keys.printable(text or type(error).__name__))
    left_out, half = len(words) - LONGEST_TRACEBACK, LONGEST_TRACEBACK // 2
    return words if left_out <= 0 else f"{words[:half]}\n... {left_out} characters left out ...\n{words[-half:]}"


def _callers(error: BaseException) -> list[traceback.FrameSummary]:
    """Who called where the traceback begins, for a watched call is told of its error before the user's code is. From
    the user's outermost frame on: what stands above it (a notebook's kernel, a test runner) is not theirs."""
    start = error.__traceback__.tb_frame.f_back if error.__traceback__ is not None else None
    above = list(traceback.StackSummary.extract(traceback.walk_stack(start), limit=MOST_CALLERS))[::-1] if start else []
    first = next((at for at, frame in enumerate(above) if not is_library(frame.filename)), len(above))
    return above[first:]


def _their_traceback(error: BaseException) -> traceback.TracebackException:
    found = traceback.TracebackException.from_exception(error)
    theirs = [frame for frame in (*_callers(error), *found.stack) if not is_ours(frame.filename)]
    found.stack = traceback.StackSummary.from_list(theirs)
    return found
