"""The process's recorder: owns the journal, the open runs and the background thread.

There is one a process and store. A forked child starts over with a journal of its own.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import addresses, exits
from ..config import Location, Settings, spare_folder
from ..errors import JournalError, JournalFull
from ..exits import Ending, ending_of, uncaught, write_exit_code
from ..garbage import uncollected
from ..guard import guard, warn
from ..locks import Lock
from ..private import make_ignored, make_own
from ..session import session_record
from ..session.recorder import SessionRecorder
from .active import note_failure
from .folding import Sites
from .kept import KeptRuns
from .meter import Meter
from .observers import Observers

if TYPE_CHECKING:
    from ..journal.writer import JournalWriter
    from ..sink import Sink
    from .courier import Courier
    from .run import Run
    from .writing import RunWriting

#: Events that wait in memory for space on the disk; beyond this they are counted as lost.
MAX_PENDING = 10_000


class Tracker:
    """Writes what runs log to this process's journal, and reads back through the store's sink."""

    def __init__(self, settings: Settings, location: Location, attach: Callable[[str, str], Run]) -> None:
        self.settings = settings
        self.location = location
        #: What a pickled run calls where it is loaded, with its store's URI and its id.
        self.attach = attach
        self.meter = Meter(settings.overhead_share, settings.overhead_allowance)
        self.sites = Sites(settings.runs_per_site)
        self.kept = KeptRuns()
        self.observers = Observers(self)
        self.recorder = SessionRecorder(self)
        #: The run that top runs of this process are children of, where who started it said so.
        self.above: str | None = None
        #: Set once the process ends: when all must be done (``time.monotonic()``).
        self.deadline = math.inf
        self.runs: dict[str, Run] = {}
        self.closed = False
        #: Held for moments only, never while something waits on a disk or a store.
        self.lock = Lock()
        #: Held while the store is opened, which may take as long as a network likes.
        self._sink_lock = Lock()
        #: The program's own run, where there is one.
        self.implicit: Run | None = None
        #: Held while that run starts, of which plugins' observers are told.
        self.implicit_lock = Lock()
        self._pending_lock = Lock()
        #: Held while the journal is looked after, and copied to another folder where its own was removed.
        self._place_lock = Lock()
        self._journal: JournalWriter | None = None
        self._session: dict[str, Any] | None = None
        self._pending: deque[Mapping[str, Any]] = deque()
        self._sink: Sink | None = None
        self._courier: Courier | None = None
        self._news: dict[int, RunWriting] = {}
        self.lost_events = 0
        self._troubled = False

    # Writing.

    @property
    def session(self) -> str:
        """The id of this process's session."""
        self.journal()
        assert self._session is not None
        return str(self._session["id"])

    @property
    def has_written(self) -> bool:
        """True where this process has made a journal for this store."""
        return self._journal is not None

    def journal(self) -> JournalWriter:
        """This process's journal, made at the first record. JournalError where no folder takes one."""
        journal = self._journal
        if journal is None:
            with self.lock:
                journal = self._journal or self._open_journal()
        return journal

    @uncollected()
    def _open_journal(self) -> JournalWriter:
        from ..journal.lastwords import last_words
        from ..journal.writer import JournalWriter
        from .courier import Courier

        folders = (self.location.journal, spare_folder() / "journal")
        problems = []
        for folder in folders:
            try:
                journal = JournalWriter(folder, meta=self._prepared(folder))
                break
            except (OSError, JournalError) as error:
                problems.append(f"{folder}: {error}")
        else:
            raise JournalError(f"no folder takes a journal ({'; '.join(problems)}); free some space there")
        if problems:
            warn(
                f"cannot write to {problems[0]}; runs are kept in {folders[1]}: "
                f"deliver them with `autotrack sync {folders[1]}`",
                silent=self.settings.silent,
            )
        self._session = self._session or session_record()
        journal.event(self._session)
        self._journal = journal
        if self.closed or exits.begun:  # an exit handler that comes after ours logs: no thread starts any more
            return journal
        guard.call("last words", last_words().arm, journal.path)
        guard.on_failure = note_failure
        self._courier = Courier(self)
        self._courier.start()
        guard.call("the session", self.recorder.begin, int(self._session["t"]))
        return journal

    def _prepared(self, folder: Path) -> dict[str, str]:
        """What the header of a journal in this folder says. What the folder is in is made first; the spare one is
        checked, too."""
        if folder != self.location.journal:
            make_own(folder.parent)
        elif self.location.is_folder:
            with suppress(OSError):  # the journal says it better
                make_ignored(self.location.root)
        return {addresses.MARK: addresses.mark(self.location.uri, folder)}

    def event(self, record: Mapping[str, Any]) -> None:
        """Writes one event. On a full disk it waits in memory and is written when there is space.

        JournalError where the record itself cannot be written down.
        """
        try:
            journal = self.journal()
        except (JournalError, OSError) as error:
            self._keep_for_later(record, error)
            return
        try:
            if self._pending:
                self._write_pending(journal)
            journal.event(record)
        except (JournalFull, OSError) as error:
            self._keep_for_later(record, error)

    def _keep_for_later(self, record: Mapping[str, Any], error: Exception) -> None:
        with self._pending_lock:
            if len(self._pending) < MAX_PENDING:
                self._pending.append(record)
            else:
                self.lost_events += 1
        self.disk_trouble(error)

    def _write_pending(self, journal: JournalWriter) -> None:
        with self._pending_lock:
            while self._pending:
                try:
                    journal.event(self._pending[0])
                except JournalError as error:
                    if isinstance(error, JournalFull):
                        raise
                    self.lost_events += 1  # it cannot be said in JSON, and must not keep those behind it waiting
                self._pending.popleft()

    def disk_trouble(self, error: BaseException) -> None:
        """Says once that the journal takes nothing. Cheap: it is called for every point that is lost."""
        if not self._troubled:
            self._troubled = True
            warn(f"{error}; training goes on, what is lost is counted on its run", silent=self.settings.silent)

    def use(self, courier: Courier) -> None:
        """Has deliveries made by this courier from here on, whose thread may never start."""
        self._courier = courier

    def has_news(self, run: RunWriting) -> None:
        """Remembers a run whose health has changed; the courier writes it down."""
        self._news[id(run)] = run

    def keep_journal(self, *, heartbeat: bool) -> None:
        """The courier's care: sync, heartbeat, a new place if the folder was removed, events that waited."""
        self.kept.end_orphans()
        guard.call("the session", self.recorder.tick)
        journal = self._journal
        if journal is None:
            return
        self._keep_linked(journal)
        while self._news:
            self._news.popitem()[1].write_health()
        if self._pending:
            self._write_pending(journal)
        try:
            journal.sync()
            if heartbeat:
                journal.heartbeat()
        except OSError as error:
            self.disk_trouble(error)

    def _keep_linked(self, journal: JournalWriter) -> bool:
        """Has a journal whose folder was removed go on in another place; True where that was needed and worked."""
        with self._place_lock:
            if journal.linked():
                return False
            before = journal.path
            for folder in (self.location.journal, spare_folder() / "journal"):
                try:
                    journal.relocate(folder, meta=self._prepared(folder))
                except (OSError, JournalError):
                    continue
                break
            else:
                why = f"the journal {before} was removed, and neither its folder nor {spare_folder()} takes another"
                self.disk_trouble(JournalError(why))
                return False
        from ..journal.lastwords import last_words

        guard.call("last words", last_words().follow, before, journal.path)
        warn(f"the journal was removed while runs were recorded; it goes on in {folder}", silent=self.settings.silent)
        return True

    # Reading.

    def sink(self) -> Sink:
        """The store of this process's runs, opened at the first read. StoreError where no plugin takes the URI."""
        sink = self._sink
        if sink is None:
            with self._sink_lock:
                sink = self._sink
                if sink is None:
                    from ..plugins.registry import open_sink

                    sink = self._sink = open_sink(self.location.uri)
        return sink

    def delivers_eagerly(self) -> bool:
        return self._sink.eager if self._sink is not None else not self.location.is_local

    def catch_up(self) -> None:
        """Delivers what this process has written so far, before something reads it."""
        self.drain(self.settings.exit_timeout)

    def drain(self, seconds: float) -> bool:
        """Waits for postponed jobs, at most that long and never past the exit's deadline; True where all are done."""
        deadline = min(time.monotonic() + seconds, self.deadline)
        return self._courier is None or self._courier.drain(deadline) == 0

    def later(self, site: str, job: Any) -> None:
        """Runs a job on the background thread (at once where there is none)."""
        self.journal()
        if self._courier is not None:
            self._courier.later(site, job)
        else:
            guard.call(site, job)

    # Runs.

    def opened(self, run: Run) -> None:
        self.runs[run.id] = run

    def ended(self, run: Run) -> None:
        self.runs.pop(run.id, None)

    def adopt(self, run: Run) -> None:
        """Makes a run the program's own: it ends with the program, and as the program does."""
        self.implicit = run

    # The end.

    def stop_watching(self, seconds: float) -> None:
        """Watches no files and no console from here on; waits at most that long for what was seen to be written."""
        deadline = min(time.monotonic() + seconds, self.deadline)
        if self._courier is not None:  # where the recorder ticks, for the two must not meet
            self._courier.later("the session", lambda: self.recorder.take_rest(deadline))
            self._courier.drain(deadline)

    def close(self, *, at_exit: bool = False) -> None:
        """Ends open runs as the program ended, does what is left within ``exit_timeout`` seconds, says what stays."""
        if self.closed:
            return
        self.closed = True
        deadline = self.deadline = time.monotonic() + self.settings.exit_timeout
        if self.kept.orphans and self._courier is not None:  # one of them may be ending at this moment
            self._courier.later("the end of runs", self.kept.end_orphans)
            self._courier.drain(deadline)
        journal, courier = self._journal, self._courier
        if journal is not None:  # before anything is written beside it
            guard.call("the journal", self._keep_linked, journal)
        undecided = guard.call("the end of runs", self._end_runs, at_exit)
        journal, courier = self._journal, self._courier
        if journal is None or courier is None:
            if self._sink is not None:  # of a program that only reads
                guard.call("the store", self._sink.close)
                self._sink = None
            return
        from ..journal.lastwords import last_words

        guard.call("observers", self.observers.tell_points)
        unfinished = courier.drain(deadline)
        courier.stop(deadline)
        guard.call("the session", self.recorder.finish, deadline)
        if self._pending:
            guard.call("the journal", self._write_pending, journal)
        if not undecided:  # a signal can still be what ends the program
            last_words().disarm()
        # What was written since the courier looked last is lost where the folder was removed since.
        if guard.call("the journal", self._keep_linked, journal) and undecided:
            guard.call("exit code", write_exit_code, journal.path)
        try:
            guard.call("the journal", journal.heartbeat)
            journal.close(keep_lease=bool(undecided))
        except OSError as error:
            self.disk_trouble(error)
        if self._pending or self.lost_events or unfinished:
            lost = len(self._pending) + self.lost_events
            warn(f"{lost} records and {unfinished} postponed jobs were lost at exit", silent=self.settings.silent)
        # What a local store has not taken in by now every reader takes in; only a remote one needs to be asked for it.
        eager, deliverer = self.delivers_eagerly(), courier.deliverer
        if (eager or deliverer.has_begun) and not deliverer.finish(deadline) and eager:
            guard.call("what is kept", self._say_what_is_kept, journal.path)
        if self._sink is not None and not deliverer.is_busy:
            guard.call("the store", self._sink.close)
        self._journal = self._courier = self._sink = None

    def _say_what_is_kept(self, journal: Path) -> None:
        from ..journal.sent import points_kept

        count = points_kept(journal)
        what = f"{count:,} point{'' if count == 1 else 's'}" if count else "runs"
        warn(f"{what} kept locally in {journal.parent}: `autotrack sync` delivers them", silent=self.settings.silent)

    def _end_runs(self, at_exit: bool) -> bool:
        """Ends all open runs; True where some are left for the exit code to decide."""
        runs = list(reversed(self.runs.values()))
        error = uncaught() if at_exit else None
        ending = ending_of(error) if error is not None else Ending("FINISHED")
        own = [run for run in runs if run.is_manual or run is self.implicit]
        # What calls left open (a series, a loop of partial fits) did not fail with the program.
        judged = {
            run.id: (guard.call("the end of runs", run.judge, error) if run.judge else None) or Ending("FINISHED")
            for run in runs
            if run not in own
        }
        own += [run for run in runs if run.follows_program and error is None and judged[run.id].error is None]
        # Without an exception only the exit code tells a failure from success, and it is not known yet. A local reader
        # finds it beside the journal; a server is told what is likely now, and the rest by who delivers next.
        unknown = at_exit and error is None and bool(own)
        if unknown and self._journal is not None and guard.call("exit code", write_exit_code, self._journal.path):
            for run in own:
                if self.delivers_eagerly():
                    run.end(ending.status, None, None, guessed=True)
                else:
                    run.leave_open()
            runs = [run for run in runs if run not in own]
        else:
            unknown = False
        for run in runs:
            last = ending if run in own else judged[run.id]
            run.end(last.status, last.error, last.exit_code)
        return unknown

    def after_fork(self) -> Tracker:
        """In a forked child: lets go of the parent's journal; open runs are the parent's to end."""
        journal = self._journal
        if journal is not None:
            from ..journal.lastwords import last_words

            last_words().disarm()
            journal.abandon()
        self._journal = self._session = self._sink = self._courier = None
        self._pending = deque()
        self.observers, self.recorder = Observers(self), SessionRecorder(self)
        self.runs = {}
        self.sites, self.kept = Sites(self.settings.runs_per_site), KeptRuns()
        self._news, self.implicit = {}, None
        return self
