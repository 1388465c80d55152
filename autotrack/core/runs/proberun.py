"""The run as a probe sees it: what may be logged of a watched call, and asked."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import keys
from ..errors import PluginError
from ..guard import Failure, attempt, guard
from ..plugins.registry import settings
from ..probes.frames import sealed
from ..questions import unwarned
from ..session.masking import mask, mask_document, mask_value
from .kept import Kept
from .placement import Occasion, Placement
from .run import Run
from .tracker import Tracker

if TYPE_CHECKING:
    from ..fingerprint import Described


#: Seconds that the fingerprint of a column costs, however few its rows are.
_A_COLUMN = 6e-5


class ProbeRun(Placement):
    """What a probe may log of one watched call, and ask; where it is recorded is its ``Placement``."""

    def __init__(self, call: Occasion, parent: Placement | None = None) -> None:
        super().__init__(call, parent)
        self._left_out: set[str] = set()

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

    def log_artifact(self, source: str | Path, path: str) -> None:
        """Keeps a copy of a file (or folder) that the call has written."""
        if not self.folded:
            self._started().log_artifact(source, self._path(path))

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

    def describe(self, data: Any) -> Described | None:
        """What ``log_dataset`` would write down of the data, for a run that is still to come; None where it would not.

        For libraries that copy data into containers of their own: made where the user's are at hand, it goes to
        ``log_described`` when they are used.
        """
        if not self._tracker.settings.datasets or not self.afford("datasets"):
            return None
        from ..fingerprint import describe

        return attempt(describe, data, seconds=self._tracker.meter.left() / 2)[0]

    def log_described(self, described: Described, name: str | None = None, context: str = "train") -> None:
        """Writes down which data were used, from what ``describe`` answered."""
        if not self.folded:
            self._started().log_dataset(described, name, context)

    def log_model(
        self,
        model: Any,
        path: str = "model",
        *,
        example: Any = None,
        predictor: Callable[[Any], Any] | None = None,
        golden: Any = None,
        answers: Any = None,
    ) -> None:
        """Saves the trained model, where the settings want it and time allows.

        ``example`` are data that it was trained on: signature and input example are made of them, and the model is
        asked about the first rows. ``golden`` has its answers to those where they are at hand, ``predictor`` answers
        instead of the model where asking it might be noticed; ``answers`` has those to all of the example. On a run
        that goes on between calls (``continued``) the example is kept for ``log_model_at_end``: hand over a copy of a
        few rows there.
        """
        if self._tracker.settings.models and not self.folded and self.afford("model"):
            began = time.perf_counter()
            # Nobody asked for this very model to be saved: that it cannot be is a note, not a warning a fit.
            run = self._started()
            with guard.handing(lambda error: run.note(f"model left out: {error}")), unwarned():
                details = {"example": example, "predictor": predictor, "golden": golden, "answers": answers}
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

    def guarded(self, function: Callable[..., object]) -> Callable[..., object]:
        """The function as one for the library to call as it trains: a failure in it is ours, and the answer is None."""
        return guard.guarded(f"{self._call.plugin}.{function.__name__}", function)

    def metric_logger(self) -> Callable[[str, float, int], None]:
        """``log_metric`` for a loop that logs at each step: the shortest way there is from here. It starts the run."""
        run = self._started()
        return self.log_metric if self._series is not None or self._prefix else run.log_metric

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
        with sealed(), unwarned():
            run.log_model(model, path, example=kept.example)
        return
    run.note(f"{path} is as it was after call {kept.saved + 1} of {kept.calls + 1}: {why}")
