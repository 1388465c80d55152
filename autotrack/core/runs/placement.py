"""Where a watched call is recorded: a run of its own, the user's run, a child, a step of a series, an earlier run."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Protocol

from .. import keys
from ..exits import Ending, ending_of
from .active import innermost
from .folding import Joined, Series, Sites
from .kept import Kept
from .run import Run
from .tracker import Tracker
from .trackers import tracker


class Occasion(Protocol):
    """What a run is made for, as far as it names and places the run: a watched ``Call``, or a loop."""

    obj: Any
    started: int
    site: tuple[str, int]
    target: str

    @property
    def plugin(self) -> str: ...

    @property
    def name(self) -> str: ...


#: What joined each of the user's runs.
_joined: weakref.WeakKeyDictionary[Run, Joined] = weakref.WeakKeyDictionary()


class Placement:
    """Where one watched call is recorded. A probe that logs nothing makes no run.

    Inside a user's ``start_run`` the call joins that run; the second and later ones write their keys behind the name of
    what they trained (``Ridge.alpha``). Past ``runs_per_site`` calls from one line of code the call is a step of that
    line's series (a run, or part of the user's run): ``folded`` is True, and only cheap scalars should be logged.
    """

    def __init__(self, call: Occasion, parent: Placement | None = None) -> None:
        self._call = call
        self._parent = parent
        self._tracker: Tracker = tracker()
        self._run: Run | None = None
        self._owned = False
        self._kept: Kept | None = None
        self._prefix = ""
        self._step: int | None = None
        self._series: Series | None = None
        self._name: str | None = None
        self._ending: Ending | None = None
        self.folded = parent is None and self._sites(innermost()).is_full(call.site)

    @property
    def name(self) -> str:
        """The run's name, until it starts: by default the name of the class that is trained."""
        if self._name:
            return self._name
        return type(self._call.obj).__name__ if self._call.obj is not None else self._call.name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    def continued(self, obj: Any) -> bool:
        """True where an earlier call on the same object left its run open: this call goes on there.

        In any case the run stays open after this call, for the next one, until the object or the program ends.
        """
        known = self._tracker.kept.find(obj)
        active = innermost()
        if known is not None and self._run is None and (known.owned or known.run is active):
            self._kept, self._run, self._prefix = known, known.run, known.prefix
            self.folded = False
            known.calls += 1
            return True
        if self._kept is None and self._parent is None:
            self._kept = self._tracker.kept.promise(obj)
        return False

    @property
    def calls(self) -> int:
        """How many earlier calls on the same object this run has seen (see ``continued``)."""
        return self._kept.calls if self._kept is not None else 0

    @property
    def run(self) -> Run:
        """The run that is written to; it starts now where nothing was logged yet."""
        return self._started()

    def resume(self, tag: str, text: str) -> bool:
        """Records this call in an earlier run: the newest one, ended, whose ``tag`` contains ``text``. False if
        there is none. That run is RUNNING again, and ends as this call does.

        To be called before anything is logged. Inside a run of the user's, and for a store on another machine, which
        training would have to wait for, nothing is resumed.
        """
        if self._run is not None or self._parent is not None or self.folded or innermost() is not None:
            return False
        from .resuming import reopen, resumable

        earlier = resumable(self._tracker, tag, text)
        if earlier is None:
            return False
        self._run, self._owned = reopen(self._tracker, earlier, self._call.started), True
        return True

    def killed_by(self, error: BaseException | None) -> None:
        """Says that the call was interrupted, where the library hides it behind another exception or none."""
        self._ending = Ending("KILLED", error)

    def finish(self, error: BaseException | None) -> None:
        """Ends the run, if the call made one of its own and no later call may go on with it."""
        if error is not None and self._run is None and self._parent is None:
            return
        run = self._run
        if run is None or not self._owned:
            return
        if self._kept is not None and error is None:
            return
        ending = self._ending or ending_of(error)
        run.end(ending.status, ending.error, None)

    def _started(self) -> Run:
        if self._run is None:
            self._run = self._start()
            if self._kept is not None and self._series is None:
                self._kept.hold(self._run, self._prefix, self._owned)
        return self._run

    def _start(self) -> Run:
        if self._parent is not None:
            self._owned = True
            return self._new_run(self.name, self._parent._started())
        active, site = innermost(), self._call.site
        sites = self._sites(active)
        self.folded = sites.is_full(site)
        if self.folded:
            return self._fold(active, sites)
        sites.count(site)
        if active is not None:
            self._prefix = self._join(active).prefix(self.name)
            return active
        self._owned = True
        # What the user calls the run says more than the estimator's name.
        return self._new_run(self._tracker.settings.run_name or self.name, None)

    def _sites(self, active: Run | None) -> Sites:
        return self._tracker.sites if active is None else self._join(active).sites

    def _new_run(self, name: str, parent: Run | None) -> Run:
        current = self._tracker
        tags = {"autotrack.plugin": self._call.plugin, "autotrack.call": self._call.target}
        run = Run(keys.new_id(), tracker=lambda: current, sink=current.sink)
        return run.begin(name=name, experiment=None, tags=tags, parent=parent, started=self._call.started)

    def _join(self, active: Run) -> Joined:
        joined = _joined.get(active)
        if joined is None:
            joined = _joined.setdefault(active, Joined(self._tracker.settings.runs_per_site))
        return joined

    def _fold(self, active: Run | None, sites: Sites) -> Run:
        site, limit = self._call.site, self._tracker.settings.runs_per_site
        series = sites.series(site)
        run = series.run if series is not None else None
        if series is None or run is None:
            prefix, run = "", active
            if run is None:
                run = self._new_run(f"{self.name} (many)", None)
                run.set_tags({"autotrack.folded": "true"})
                run.note(f"this line made {limit} runs; further calls are steps of this one")
            else:
                prefix = self._join(run).prefix(self.name)
                run.note(f"one line made {limit} calls in this run; further ones are the steps of {prefix}*")
            series = sites.keep(site, Series(run, prefix))
        self._series, self._step = series, series.next_step()
        return run

    def _named(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {f"{self._prefix}{key}": value for key, value in values.items()} if self._prefix else values

    def _path(self, path: str) -> str:
        return f"{self._prefix[:-1]}/{path}" if self._prefix else path
