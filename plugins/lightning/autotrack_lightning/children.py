"""Trainings in processes that Lightning spawns or forks: the first of them writes to the run of its parent.

autotrack watches nothing there. What stands for the function that Lightning runs in each child listens on the child's
own trainer, a copy, which ends with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

if TYPE_CHECKING:
    from autotrack.plugin import Run

#: How long a child may take for the fingerprint of one data set, in seconds.
SECONDS = 1.0


class InChild:
    """Calls a method of a trainer, as it is, in every child; on rank 0 with a listener beside it.

    It travels by pickle: the run is attached to again where it arrives.
    """

    def __init__(self, function: Callable[..., Any], run: Run, kind: str) -> None:
        self.function = function
        self.run = run
        self.kind = kind

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        trainer = getattr(self.function, "__self__", None)
        listening = None
        if trainer is not None and os.environ.get("LOCAL_RANK") == "0" and trainer.node_rank == 0:
            listening, _ = attempt(Listening, trainer, self.run, self.kind)
        try:
            return self.function(*args, **kwargs)
        finally:
            if listening is not None:
                attempt(listening.end)


class Listening:
    """Hears on one trainer what it would tell its loggers, when its loop begins, and where it saves checkpoints."""

    def __init__(self, trainer: Any, run: Run, kind: str) -> None:
        from .recording import Recording, opened

        self.run = ParentsRun(run)
        self.recording = Recording(self.run, trainer, trainer.lightning_module, kind)  # type: ignore[arg-type]
        self.recording.joins()
        opened(self.run, self.recording)  # type: ignore[arg-type]
        self._connector = trainer._logger_connector
        self._log_metrics, self._run_stage = self._connector.log_metrics, trainer._run_stage
        self._save_checkpoint = trainer.save_checkpoint
        self._connector.log_metrics, trainer._run_stage = self.log_metrics, self.run_stage
        trainer.save_checkpoint = self.save_checkpoint

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        attempt(self.recording.log, metrics, step)
        self._log_metrics(metrics, step)

    def run_stage(self) -> Any:
        attempt(self.recording.stage)
        return self._run_stage()

    def save_checkpoint(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        self._save_checkpoint(filepath, *args, **kwargs)
        attempt(self.recording.saved, filepath)

    def end(self) -> None:
        """Leaves the trainer as it was, and logs what is left."""
        from . import checkpoints
        from .recording import closed

        trainer = self.recording.trainer
        for owner, name in ((self._connector, "log_metrics"), (trainer, "_run_stage"), (trainer, "save_checkpoint")):
            vars(owner).pop(name, None)
        closed(self.run)  # type: ignore[arg-type]
        self.recording.points.flush()
        if self.recording.kind == "fit":
            checkpoints.log_scores(self.run, trainer)  # type: ignore[arg-type]


class ParentsRun:
    """What a recording asks of a run, on a run that another process records."""

    folded = False
    name = ""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.log_params, self.set_tags = run.log_params, run.set_tags
        self.log_metrics, self.log_text = run.log_metrics, run.log_text

    def log_dataset(self, data: Any, name: str | None = None, context: str = "train") -> None:
        self.run.log_dataset(data, name, context, seconds=SECONDS)
