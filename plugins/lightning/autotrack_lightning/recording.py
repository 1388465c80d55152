"""What is known of one open call of a trainer, and where it is written down."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import checkpoints, described, layers, loaders
from .earlier import Earlier, remember
from .points import Points

if TYPE_CHECKING:
    from autotrack.plugin import ProbeRun

#: What is open, by the run that its probe was given.
_open: weakref.WeakKeyDictionary[ProbeRun, Recording] = weakref.WeakKeyDictionary()


class Recording:
    """One ``fit``, ``validate`` or ``test``. ``run`` is where it is written: the call's own, or that of ``earlier``.

    A fit's run begins with its first half, any other's with its first metric: a call that measures nothing makes none.
    """

    def __init__(self, run: ProbeRun, trainer: Any, model: Any, kind: str, earlier: Earlier | None = None) -> None:
        self.run = earlier.run if earlier is not None else run
        self.trainer = trainer
        self.model = model
        self.kind = kind
        self.earlier = earlier
        #: Above zero while a learning rate or a batch size is searched for: that is no training.
        self.tuning = 0
        #: True while a logger is told something: what it tells its base class is the same again.
        self.is_hearing = False
        self.points = Points(self._log)
        self.digests: list[str] = []
        self._begun = earlier is not None
        #: True where the training itself goes on in other processes.
        self.is_elsewhere = False
        self._staged = self._data_told = False

    # Beginning.

    def begin(self, checkpoint: Any = None, datamodule: Any = None) -> None:
        """Says what is trained. With a checkpoint that an earlier run has written, that run goes on."""
        if self._begun:
            return
        self._begun = True
        kind = type(self.model)
        self.run.name = kind.__name__
        digest = checkpoints.digest(checkpoint)
        resumes = digest is not None and self.kind == "fit" and self.run.resume(checkpoints.TAG, digest)
        tags = {"model_class": f"{kind.__module__}.{kind.__qualname__}", "lightning.call": self.kind}
        if digest is not None:
            tags["lightning.from_checkpoint"] = digest
        if resumes:
            self.digests = self.run.run.tags.get(checkpoints.TAG, "").split()
        if self.trainer.fast_dev_run:
            tags["lightning.fast_dev_run"] = "true"
        self.run.set_tags(tags)
        self.run.log_params(described.hyperparameters(self.model, datamodule))

    def joins(self) -> None:
        """What begins a run has been done, in another process."""
        self._begun = True

    def stage(self) -> None:
        """Lightning has set everything up: the trainer's settings, optimizers and the module are what they will be."""
        if self._staged or self.kind != "fit" or self.tuning:
            return
        self._staged = True
        self.begin(self.trainer.ckpt_path, self.trainer.datamodule)
        found = described.trainer_settings(self.trainer) | layers.counts(self.model)
        found |= described.optimization(self.trainer)
        # Where a hyperparameter of the user's has the name of one of ours, it is the user's.
        given = described.hyperparameters(self.model, self.trainer.datamodule)
        self.run.log_params({key: value for key, value in found.items() if key not in given} | given)
        if not self.run.folded:
            self.run.log_text(layers.summary(self.model), "model_summary.txt")

    # On the way.

    def listens_to(self, logger: Any) -> bool:
        """True for the first of the trainer's loggers: all of them are told the same."""
        loggers = self.trainer.loggers
        return bool(loggers) and loggers[0] is logger

    def log(self, metrics: Mapping[str, Any], step: int | None) -> None:
        """Takes what loggers are told. Without a step it is where Lightning counts to."""
        if self.tuning or not metrics:
            return
        if not self._begun:
            self.begin()
        if not self._data_told:
            self.tell_data()
        metrics = dict(metrics)
        if step is None:
            given = metrics.pop("step", None)
            if given is None:
                metrics.setdefault("epoch", self.trainer.current_epoch)
            step = steps_taken(self.trainer) if given is None else given
        self.points.add(self._named(metrics), int(step))

    def tell_data(self) -> None:
        """Describes the loaders, once Lightning has made them."""
        trainer = self.trainer
        if self.kind == "fit":
            if trainer.train_dataloader is None:
                return
            kinds = (
                ("train", trainer.train_dataloader, trainer.num_training_batches),
                ("val", trainer.val_dataloaders, trainer.num_val_batches),
            )
        else:
            given = trainer.test_dataloaders if self.kind == "test" else trainer.val_dataloaders
            batches = trainer.num_test_batches if self.kind == "test" else trainer.num_val_batches
            kinds = (("test" if self.kind == "test" else "val", given, batches),)
        self._data_told = True
        for name, given, batches in kinds:
            found = loaders.described(name, given, batches)
            if found and not (self.earlier is not None and self.kind == "validate"):
                self.run.log_params(found)
                loaders.log_datasets(self.run, name, given)

    def saved(self, path: Any) -> None:
        """A checkpoint was written: whoever goes on from it belongs to this run."""
        digest = None if self.tuning or self.kind != "fit" else checkpoints.digest(path)
        if digest is not None and self._begun:
            self.digests = checkpoints.noted(self.run, self.digests, digest)

    # The end.

    def end(self, error: BaseException | None) -> None:
        """The call is over: what is left to write down."""
        self.points.flush()
        if not self._begun:
            return
        if self.kind == "fit":
            self._end_of_fit(error)
        elif self.earlier is None and error is None:
            remember(self.trainer, self.model, self.run, self.points.keys, self.digests)

    def _end_of_fit(self, error: BaseException | None) -> None:
        trainer, run = self.trainer, self.run
        interrupted = _interruption(trainer, error)
        if interrupted is not None:
            run.killed_by(interrupted if interrupted is not trainer else None)
        if not self._data_told and not self.is_elsewhere:
            self.tell_data()
        if run.folded:
            return
        checkpoints.finish(run, trainer)
        if error is None and not trainer.fast_dev_run:
            run.log_model(self.model)
        remember(trainer, self.model, run, self.points.keys, self.digests)

    def _named(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Keys as Lightning has them; those of a test that the fit had, too, are told apart."""
        if self.earlier is None:
            return metrics
        metrics.pop("epoch", None)
        if self.kind != "test":
            return metrics
        known = self.earlier.keys
        return {
            f"test_{key}" if key in known and not key.startswith("test") else key: value
            for key, value in metrics.items()
        }

    def _log(self, metrics: Mapping[str, float], step: int) -> None:
        self.run.log_metrics(metrics, step)


def opened(run: ProbeRun, recording: Recording) -> Recording:
    """Makes a recording the one of the call whose probe got this run."""
    _open[run] = recording
    return recording


def closed(run: ProbeRun) -> None:
    """Forgets the recording of a call that is over."""
    _open.pop(run, None)


def recording_of(run: ProbeRun) -> Recording | None:
    """The recording of the call around a watched one; None where that call is none of a trainer's."""
    return _open.get(run)


def recording_with(logger: Any) -> Recording | None:
    """The open recording whose trainer has this logger."""
    for recording in list(_open.values()):
        if any(known is logger for known in recording.trainer.loggers):
            return recording
    return None


def steps_taken(trainer: Any) -> int:
    """The step that Lightning gives its loggers: batches after which optimizers stepped, however many optimizers."""
    found = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return int(trainer.global_step if found is None else found)


def _interruption(trainer: Any, error: BaseException | None) -> Any:
    """What interrupted a fit: Lightning turns Ctrl-C into SystemExit(1), or returns, and SIGTERM into a SystemExit.

    The exception behind it, the trainer itself where it says no more than that, None where nothing did.
    """
    if isinstance(error, KeyboardInterrupt):
        return error
    if isinstance(error, SystemExit):
        if isinstance(error.__context__, KeyboardInterrupt):
            return error.__context__
        return error if trainer.received_sigterm else None
    return trainer if error is None and trainer.interrupted else None
