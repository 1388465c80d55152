"""The probes: what each watched call of Lightning says, and to which recording."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun

    from .recording import Recording

Probing = Generator[None, None, None]


def trained(call: Call, run: ProbeRun) -> Probing:
    """``Trainer.fit``: one run, whose metrics are what Lightning tells its loggers."""
    from . import logger
    from .recording import Recording, closed, opened

    trainer, model = call.obj, _module(call.arg("model"))
    if model is None:  # Lightning will say what is wrong with it
        yield
        return
    logger.begin_runs(trainer.loggers)
    recording = opened(run, Recording(run, trainer, model, "fit"))
    try:
        given, kept = call.arg("ckpt_path", None), trainer.ckpt_path
        if not _is_keyword(given) and (given is not None or kept is None):
            recording.begin(given, _datamodule(call))
        yield
        recording.end(call.error)
    finally:
        closed(run)


def tested(call: Call, run: ProbeRun) -> Probing:
    """``Trainer.validate`` and ``Trainer.test``: metrics of the run that trained the module, else of their own."""
    from .earlier import earlier_of
    from .recording import Recording, closed, opened

    trainer = call.obj
    given = call.arg("model", None)
    model = _module(given) if given is not None else trainer.lightning_module
    if model is None:
        yield
        return
    recording = opened(run, Recording(run, trainer, model, call.name, earlier_of(trainer, model)))
    try:
        yield
        recording.end(call.error)
    finally:
        closed(run)


def predicted(call: Call, run: ProbeRun) -> Probing:
    """``Trainer.predict``: a frame around it, so that what it does inside is no training."""
    yield


def staged(call: Call, run: ProbeRun) -> Probing:
    """Everything is set up and the loop begins: the time to read what optimizers and callbacks were set to."""
    recording = _recording(run)
    if recording is not None:
        recording.stage()
    yield


def heard(call: Call, run: ProbeRun) -> Probing:
    """A logger is told metrics: by the trainer, by a callback that watches learning rates, by the user's own code."""
    recording = _recording(run)
    if recording is None or recording.is_hearing or not recording.listens_to(call.obj):
        yield
        return
    recording.is_hearing = True
    try:
        metrics, step = _told(call, "metrics", 0), _told(call, "step", 1)
        if isinstance(metrics, Mapping):
            recording.log(metrics, step)
        yield
    finally:
        recording.is_hearing = False


def told(call: Call, run: ProbeRun) -> Probing:
    """A logger is told hyperparameters by the user's own code; the trainer's are known already."""
    recording = _recording(run)
    params = _told(call, "params", 0) if recording is not None and recording.listens_to(call.obj) else None
    if recording is not None and isinstance(params, Mapping) and not recording.tuning:
        from .values import shown

        recording.begin()
        recording.run.log_params({key: value for key, value in shown(dict(params)).items() if key != "_class_path"})
    yield


def logged_nowhere(call: Call, run: ProbeRun) -> Probing:
    """Metrics of a trainer that has no logger to tell them to."""
    recording = _recording(run)
    if recording is not None and not recording.trainer.loggers:
        metrics = _told(call, "metrics", 0)
        if metrics:
            recording.log(metrics, _told(call, "step", 1))
    yield


def checkpoint_saved(call: Call, run: ProbeRun) -> Probing:
    """A checkpoint is written, during the fit or, by the user, after it."""
    yield
    if call.error is not None:
        return
    recording = _recording(run)
    if recording is not None:
        recording.saved(call.arg("filepath"))
        return
    from . import checkpoints
    from .earlier import earlier_of

    earlier = earlier_of(call.obj, call.obj.lightning_module)
    digest = checkpoints.digest(call.arg("filepath")) if earlier is not None else None
    if earlier is not None and digest is not None:
        earlier.digests = checkpoints.noted(earlier.run, earlier.digests, digest)


def tuned(call: Call, run: ProbeRun) -> Probing:
    """The search for a learning rate or a batch size: none of its steps is logged, and it makes no run."""
    recording = _recording(run)
    if recording is None:
        yield
        return
    recording.tuning += 1
    try:
        yield
    finally:
        recording.tuning -= 1


def launched(call: Call, run: ProbeRun) -> Probing:
    """Training goes on in processes that are spawned or forked: the first of them writes to this run."""
    recording = _recording(run)
    if recording is not None:
        from .children import InChild

        recording.begin(recording.trainer.ckpt_path)
        recording.is_elsewhere = True
        call.inject("function", InChild(call.arg("function"), recording.run.run, recording.kind))
    yield


def _recording(run: ProbeRun) -> Recording | None:
    from .recording import recording_of

    return recording_of(run)


def _module(model: Any) -> Any | None:
    """The LightningModule that was given, without what ``torch.compile`` puts around it; None for anything else."""
    inner = getattr(model, "__dict__", {}).get("_modules", {})
    if type(model).__name__ == "OptimizedModule" and "_orig_mod" in inner:
        model = inner["_orig_mod"]
    return model if any(kind.__name__ == "LightningModule" for kind in type(model).__mro__) else None


def _datamodule(call: Call) -> Any | None:
    for name in ("datamodule", "train_dataloaders"):
        given = call.arg(name, None)
        if any(kind.__name__ == "LightningDataModule" for kind in type(given).__mro__):
            return given
    return None


def _is_keyword(checkpoint: Any) -> bool:
    """True where Lightning will look for the checkpoint itself: it is known only once training begins."""
    return isinstance(checkpoint, str) and (checkpoint in ("best", "last", "hpc") or checkpoint.startswith("registry"))


def _told(call: Call, name: str, position: int) -> Any:
    """An argument by its name, else by its place: some loggers take any (``*args``), and binding costs at each step."""
    if name in call.kwargs:
        return call.kwargs[name]
    return call.args[position] if len(call.args) > position else None
