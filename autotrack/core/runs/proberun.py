"""The run as a probe sees it: started at the first thing logged; joined, a child or folded as the place demands."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import keys
from ..errors import PluginError
from ..exits import ending_of
from ..guard import Failure, guard
from ..plugins.registry import settings
from ..probes.frames import sealed
from ..session.masking import mask, mask_document, mask_value
from .active import innermost
from .folding import Joined, Series, Sites
from .kept import Kept
from .run import Run
from .tracker import Tracker
from .trackers import tracker

if TYPE_CHECKING:
    from ..probes.capture import Call

#: Seconds that the fingerprint of a column costs, however few its rows are.
_A_COLUMN = 6e-5
#: What joined each of the user's runs.
_joined: weakref.WeakKeyDictionary[Run, Joined] = weakref.WeakKeyDictionary()


class ProbeRun:
    """Where one watched call is recorded. A probe that logs nothing makes no run.

    Inside a user's ``start_run`` the call joins that run; the second and later ones write their keys behind the name of
    what they trained (``Ridge.alpha``). Past ``runs_per_site`` calls from one line of code the call is a step of that
    line's series (a run, or part of the user's run): ``folded`` is True, and only cheap scalars should be logged.
    """

    def __init__(self, call: Call, parent: ProbeRun | None = None) -> None:
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
        self._left_out: set[str] = set()
        self._tags: dict[str, str] = {}
        self._error: BaseException | None = None
        self.folded = parent is None and self._sites(innermost()).is_full(call.site)

    # What the probe logs.

    @property
    def name(self) -> str:
        """The run's name, until it starts: by default the name of the class that is trained."""
        if self._name:
            return self._name
        return type(self._call.obj).__name__ if self._call.obj is not None else self._call.name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Keeps parameters; nested mappings are flattened to dotted keys."""
        run = self._started()
        if self._series is not None and self._step is not None:
            self._series.log_params(params, self._step)
        else:
            run.log_params(self._named(params))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Keeps one point of each metric."""
        run = self._started()
        if self._series is not None and self._step is not None:
            self._series.log_metrics(metrics, self._step)
        else:
            run.log_metrics(self._named(metrics), step)

    def log_metric(self, key: str, value: Any, step: int | None = None) -> None:
        """Keeps one point of a metric."""
        self.log_metrics({key: value}, step)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets tags (on a run that is not the call's own only where they are new)."""
        run = self._started()
        if self._series is None:
            run.set_tags(self._named(tags))

    def log_text(self, text: str, path: str) -> None:
        """Keeps a text as a file."""
        if not self.folded:
            self._started().log_text(mask(text), self._path(path))

    def log_dict(self, content: Any, path: str) -> None:
        """Keeps a dict or list as a JSON file."""
        if not self.folded:
            self._started().log_dict(mask_document(content), self._path(path))

    def log_chart(self, document: Mapping[str, Any], path: str) -> None:
        """Keeps a chart, as numbers, in ``<path>.json``; a later one under the path replaces it (docs/charts.md)."""
        if not self.folded:
            self._started().log_chart(mask_document(document), self._path(path))

    def log_dataset(self, data: Any, name: str | None = None, context: str = "train") -> None:
        """Writes down which data were used, where the settings want it, as far as time allows: half of what is left.

        Small data first: what comes after large ones finds less time.
        """
        wanted = self._tracker.settings.datasets and not self.folded
        if wanted and self.afford("datasets", _columns(data) * _A_COLUMN):
            self._started().log_dataset(data, name, context, seconds=self._tracker.meter.left() / 2)

    def log_model(
        self,
        model: Any,
        path: str = "model",
        *,
        example: Any = None,
        predictor: Callable[[Any], Any] | None = None,
        golden: Any = None,
    ) -> None:
        """Saves the trained model, where the settings want it and time allows.

        ``example`` are data that it was trained on: signature and input example are made of them, and the model is
        asked about the first rows. ``golden`` has its answers to those where they are at hand, ``predictor`` answers
        instead of the model where asking it might be noticed. On a run that goes on between calls (``continued``)
        the example is kept for ``log_model_at_end``: hand over a copy of a few rows there.
        """
        if self._tracker.settings.models and not self.folded and self.afford("model"):
            began = time.perf_counter()
            # Nobody asked for this very model to be saved: that it cannot be is a note, not a warning a fit.
            run = self._started()
            with guard.handing(lambda error: run.note(f"model left out: {error}")):
                details = {"example": example, "predictor": predictor, "golden": golden}
                run.put_model(model, self._path(path), **details, seconds=self._tracker.meter.left() / 2)
            if self._kept is not None:
                self._kept.example = example
                self._kept.saved, self._kept.save_seconds = self._kept.calls, time.perf_counter() - began

    def log_model_at_end(self, model: Any, path: str = "model") -> None:
        """Saves the model as it is when the run ends, if the object is there then; it is held weakly.

        For runs that go on between calls (see ``continued``). Where the object goes first, or the program's end leaves
        no time, the run keeps the model that was saved before, and a note says of which call that is.
        """
        if self._run is None or self._kept is None or not self._tracker.settings.models:
            return
        name = self._path(path)
        self._run.at_end[name] = partial(_last_model, self._tracker, self._run, self._kept, name, weakref.ref(model))

    def no_model_at_end(self, path: str = "model") -> None:
        """Takes ``log_model_at_end`` back: the model has just been saved."""
        if self._run is not None:
            self._run.at_end.pop(self._path(path), None)

    def children(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """Keeps finished child runs: mappings with name, params, metrics, tags, seconds, status (FINISHED)."""
        if self.folded:
            return
        run = self._started()
        now = time.time_ns()
        records = [
            {
                "id": keys.new_id(),
                "name": str(child["name"]),
                "started": now - int(float(child.get("seconds") or 0.0) * 1e9),
                "ended": now,
                "status": str(child.get("status", "FINISHED")),
                "params": {
                    str(key): mask_value(str(key), keys.param_text(value, str(key)))
                    for key, value in child.get("params", {}).items()
                },
                "metrics": {str(key): keys.number(value)[1] for key, value in child.get("metrics", {}).items()},
                "tags": {str(key): str(value) for key, value in child.get("tags", {}).items()},
            }
            for child in runs
        ]
        run.add_children(records)

    def note(self, message: str) -> None:
        """Writes down what was left out, and why."""
        if self._run is not None:
            self._run.note(message)

    def note_failure(self, failure: Failure) -> bool:
        """Writes down a failure of autotrack's own; False where there is no run of this call to write it on."""
        if self._run is None:
            return False
        self._run.note_failure(failure)
        return True

    # What the probe may ask.

    def setting(self, name: str) -> Any:
        """A setting in force: one of the plugin's own (``register_settings``), else a common one (``models``, ...)."""
        own = settings(self._call.plugin)
        if name in own:
            return own[name]
        if not hasattr(self._tracker.settings, name):
            raise PluginError(
                f"there is no setting {name!r}: neither among {', '.join(own) or 'none'} of the plugin's own"
            )
        return getattr(self._tracker.settings, name)

    def afford(self, part: str, seconds: float = 0.0) -> bool:
        """True where ``part`` ("model", "metrics", "datasets") fits into autotrack's share of the process's time.

        What is left out is noted on the run, once a part.
        """
        if self._tracker.meter.affords(part, seconds):
            return True
        if part not in self._left_out:
            self._left_out.add(part)
            share = self._tracker.settings.overhead_share
            if not self.folded:
                self.note(f"{part} left out: autotrack's own time would pass {share:.0%} of the process's")
        return False

    @property
    def can_log(self) -> bool:
        """True while what is logged here is still recorded, also after the call and the run have ended."""
        return not self._tracker.closed

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

    # The engine's side.

    def finish(self, error: BaseException | None) -> None:
        """Ends the run, if the call made one of its own and no later call may go on with it."""
        if error is not None and self._run is None and self._parent is None:
            return
        run = self._run
        if run is None or not self._owned:
            return
        if self._kept is not None and error is None:
            return
        ending = ending_of(error)
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


def _columns(data: Any) -> int:
    """The columns of a table or a dense matrix."""
    shape = getattr(data, "shape", None)
    dense = isinstance(shape, tuple) and len(shape) == 2 and not hasattr(data, "tocsr")
    return int(shape[1]) if dense and shape is not None else 0


def _last_model(tracker: Tracker, run: Run, kept: Kept, path: str, reference: weakref.ref[Any]) -> None:
    """Saves the model of a run that went on between calls once more, or says of which call the saved one is."""
    model = reference()
    if model is None:
        why = "its object was gone before it could be saved again"
    elif time.monotonic() + 2 * kept.save_seconds > tracker.deadline:
        why = "there was no time to save it again at the end of the program"
    elif not tracker.meter.affords("model", kept.save_seconds):
        why = "autotrack's own time would pass its share"
    else:
        with sealed():
            run.log_model(model, path, example=kept.example)
        return
    run.note(f"{path} is as it was after call {kept.saved + 1} of {kept.calls + 1}: {why}")
