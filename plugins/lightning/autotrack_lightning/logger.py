"""``AutotrackLogger``: for who prefers to hand Lightning a logger. It works with and without ``autotrack.enable()``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

from .points import Points
from .values import shown

if TYPE_CHECKING:
    from autotrack.plugin import Run

_made: type | None = None


class Logging:
    """What the logger does; ``logger_class`` puts Lightning's base class under it.

    ``name``, ``experiment`` and ``tags`` are those of its run, which starts when Lightning sets up and ends with the
    call; what comes later (a test after the fit) is logged to it as well. Under ``autotrack.enable()`` the watched call
    joins this run, and each number is kept once. On ranks above 0 nothing is recorded.
    """

    def __init__(
        self, name: str | None = None, experiment: str | None = None, tags: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self._asked = {"name": name, "experiment": experiment, "tags": dict(tags or {})}
        self._run: Run | None = None

    @property
    def experiment(self) -> Run:
        """The run (Lightning calls what a logger writes to its experiment)."""
        if self._run is None:
            from autotrack.plugin import start_run

            self._run = start_run(**self._asked)
        return self._run

    @property
    def name(self) -> str | None:
        """The experiment's name."""
        return self.experiment.experiment or None

    @property
    def version(self) -> str:
        """The run's id."""
        return self.experiment.id

    @property
    def save_dir(self) -> str | None:
        """None: files of Lightning's own go where they go without a logger."""
        return None

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Keeps numbers; while the trainer's call is recorded, through its recording."""
        from .recording import recording_with

        if not _is_first_rank():
            return
        recording = recording_with(self)
        if recording is None:
            points = Points(self.experiment.log_metrics)
            points.add(metrics, step)
            points.flush()
        elif recording.listens_to(self) and not recording.is_hearing:
            recording.log(metrics, step)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Keeps parameters: a mapping, or an object with attributes."""
        if _is_first_rank():
            values = params if isinstance(params, Mapping) else vars(params)
            found = shown(dict(values))
            self.experiment.log_params({key: value for key, value in found.items() if key != "_class_path"})

    def finalize(self, status: str) -> None:
        """Ends the run as Lightning says, and as KILLED where Ctrl-C or a signal is what it is about."""
        if self._run is None or not _is_first_rank():
            return
        error = sys.exc_info()[1]
        killed = isinstance(error, (KeyboardInterrupt, SystemExit))
        self._run.finish("FINISHED" if status == "success" else "KILLED" if killed else "FAILED")

    def begin_run(self) -> None:
        """Starts the run, a new one where there was one that has ended: another fit is another run."""
        if self._run is not None and not self._run.is_open:
            self._run = None
        _ = self.experiment


def begin_runs(loggers: Iterable[Any]) -> None:
    """Has the loggers of ours among these start their runs, for the call that is about to be watched to join."""
    for logger in loggers:
        if isinstance(logger, Logging):
            logger.begin_run()


def logger_class() -> type:
    """The class, under the base class of the Lightning that is imported; it counts as a logger of both."""
    global _made
    tops = [top for top in ("lightning.pytorch", "pytorch_lightning") if top in sys.modules] or _installed()
    bases = [importlib.import_module(f"{top}.loggers").Logger for top in tops]
    if _made is None:
        body = {"__doc__": Logging.__doc__, "__module__": __package__, "__qualname__": "AutotrackLogger"}
        _made = type("AutotrackLogger", (Logging, bases[0]), body)
    for base in bases:
        if not issubclass(_made, base):
            base.register(_made)
    return _made


def _installed() -> list[str]:
    for top in ("lightning.pytorch", "pytorch_lightning"):
        found, _ = attempt(importlib.import_module, top)
        if found is not None:
            return [top]
    raise ImportError("AutotrackLogger needs Lightning, and neither lightning nor pytorch_lightning can be imported")


def _is_first_rank() -> bool:
    """Lightning's own answer, which both packages share; True before it has one."""
    ranks = sys.modules.get("lightning_utilities.core.rank_zero")
    return getattr(getattr(ranks, "rank_zero_only", None), "rank", None) in (None, 0)
