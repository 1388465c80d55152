"""One training that is seen: its run, its optimizers, and what is logged of their steps."""

from __future__ import annotations

import sys
import time
import weakref
from _thread import get_ident
from collections.abc import Callable
from time import perf_counter, thread_time
from types import FrameType
from typing import TYPE_CHECKING, Any

from . import loaders, modules, optimizers
from .endings import LeftByException, broke, dying_of_exception, exception_behind
from .evaluations import Evaluated, Pass
from .keeping import KeptModel
from .places import Place
from .reading import number_of
from .transfers import Transfers

if TYPE_CHECKING:
    from autotrack.plugin import LoopRun

#: Points are logged together: once there are so many, or so many seconds after the last time. Each by itself would
#: cost a loop ten times as much, for torch's own code has emptied the processor's caches meanwhile.
TOGETHER, TOGETHER_SECONDS = 64, 0.25
#: Seconds between two points of ``samples_per_second``.
RATE_SECONDS = 1.0
#: Groups of parameters whose learning rates are followed.
MAX_RATES = 8
LEFT = "the function with the loop was left by an exception that was caught outside of it"
TARGET = "torch.optim:Optimizer.step"


class Here:
    """What a thread or a task has done since the last step of an optimizer, and the training that it is in."""

    __slots__ = (
        "changed",
        "evaluated",
        "first",
        "function_modes",
        "loading",
        "member",
        "modes",
        "owner",
        "passed",
        "passes",
        "paused",
        "schedulers",
        "tensor",
        "total",
        "training",
        "unscaled",
    )

    def __init__(self) -> None:
        #: Of the backward passes since the last step: how many, the first one's loss, the sum of all: the objective
        #: whose gradient the next step follows. On the CPU numbers, on an accelerator tensors that stay there.
        self.owner = current_task()
        self.passed = 0
        self.first: Any = None
        self.total: Any = None
        #: The loss that was multiplied for the sake of half precision, and is about to go backward.
        self.unscaled: Any = None
        #: The class of tensors, and how many modes of the user's see what is done with them, once torch was needed.
        self.tensor: Any = None
        self.modes: Callable[[], int] = int
        self.function_modes: Callable[[], int] = int
        self.training: Training | None = None
        #: The optimizer that made the last step.
        self.member: Member | None = None
        #: True where something has happened since the last step that must be looked at.
        self.changed = False
        #: True where something else than training happened since then: its time is not the training's.
        self.paused = False
        #: The model that was switched to evaluation since the last step.
        self.evaluated: weakref.ref[Any] | None = None
        self.loading: loaders.Loading | None = None
        #: Schedulers that were made since the last step.
        self.schedulers: list[weakref.ref[Any]] = []
        #: How often a loader has begun, evaluations not counted.
        self.passes = 0

    def moved(self) -> Here:
        """For a task that begins to train: what was seen since the last step is its own, the training is not."""
        made = Here()
        for name in ("passed", "first", "total", "unscaled", "evaluated", "loading", "schedulers", "passes"):
            setattr(made, name, getattr(self, name))
        self.passed, self.first, self.total, self.unscaled, self.schedulers = 0, None, None, None, []
        return made

    @property
    def evaluating(self) -> bool:
        """True from ``model.eval()`` to ``model.train()`` or the next step."""
        model = self.evaluated() if self.evaluated is not None else None
        return model is not None and not vars(model).get("training", False)

    def value_of(self, loss: Any, error: BaseException | None = None) -> Any:
        """A number, or a tensor on its device; the sum of several. None for what is no loss."""
        if error is not None:
            self.changed = True
            if self.training is not None:
                self.training.failed_with = f"{type(error).__name__}: {error}"
            return None
        value, self.unscaled = self.unscaled, None
        if value is not None:
            return value
        if isinstance(loss, (list, tuple)):
            values = [value for value in map(self.value_of, loss) if value is not None]
            return sum(values[1:], values[0]) if values else None
        torch = sys.modules["torch"]
        self.tensor, self.modes = torch.Tensor, torch._C._len_torch_dispatch_stack
        self.function_modes = torch._C._len_torch_function_stack
        return number_of(loss) if type(loss) is self.tensor else None


def current_task() -> int:
    """A number for the asyncio task that runs here, else for the thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return get_ident()
    return id(asyncio.current_task())


class Training:
    """A run, and the optimizers whose steps are logged to it."""

    def __init__(self, run: LoopRun, grad_norm: bool) -> None:
        self.run = run
        self.grad_norm = grad_norm
        self.members: list[Member] = []
        self.began = time.monotonic_ns()
        self.loading: loaders.Loading | None = None
        self.transfers = Transfers()
        #: The evaluation that is going on, and what the model was evaluated on so far.
        self.passing: Pass | None = None
        self.evaluated = Evaluated()
        #: What an exception that was seen says of itself, until another step shows that training went on.
        self.failed_with: str | None = None
        #: An optimizer that was made for the same parameters meanwhile.
        self.heir: Callable[[], Any] = lambda: None

    def left_at(self, frame: FrameType | None) -> None:
        """One of its optimizers is gone; where it was the last, so is the training. ``frame`` runs at this moment."""
        if self.is_over and self.run.is_open:
            self.copy_models()
            if frame is None:  # no function runs: SystemExit has left them all, and its code will say how it ended
                return
            self.run.abandon(LeftByException(LEFT) if dying_of_exception(frame) else self.judge(None))

    def keeps(self, model: Any) -> KeptModel:
        """Where the trained model is saved from, once for each model."""
        for member in self.members:
            for _, kept in member.models:
                if kept.model() is model:
                    return kept
        return KeptModel(model)

    def copy_models(self) -> None:
        """Its optimizers are gone: from here on the models are no longer trained, and may be changed."""
        for member in self.members:
            for _, kept in member.models:
                kept.copy()

    def finish(self) -> None:
        """The last things, just before the run ends."""
        self.settle(over=True)
        saved: list[KeptModel] = []
        for member in self.members:
            for label, kept in member.models:
                if kept not in saved:
                    saved.append(kept)
                    kept.save(self.run, f"{label}.model" if len(member.models) > 1 else f"{member.prefix}model")

    def judge(self, error: BaseException | None, affords: Callable[[], bool] = lambda: True) -> BaseException | None:
        """What ended the loop, if an exception did. ``error`` is what ends the program, if that ends. ``affords()`` is
        asked before the process's objects are searched for it, which is not done for a run that is folded."""
        if error is not None:
            return error if any(broke(error, member.place, member.made) for member in self.members) else None
        if self.failed_with is not None:
            return LeftByException(self.failed_with)
        alive = [optimizer for member in self.members if (optimizer := member.optimizer()) is not None]
        return exception_behind(alive) if alive and not self.run.folded and affords() else None

    @property
    def is_over(self) -> bool:
        """True once its optimizers are gone, and none was made in their place."""
        return self.heir() is None and all(member.optimizer() is None for member in self.members)

    @property
    def goes_on(self) -> bool:
        """True while further steps belong to it."""
        return self.run.is_open and not self.run.is_outdated

    def shares_parameters(self, tensors: set[int]) -> bool:
        """True where one of these tensors (by id) is trained by one of its optimizers, alive."""
        for member in self.members:
            optimizer = member.optimizer()
            if optimizer is not None and any(id(each) in tensors for each in modules.parameters_of(optimizer)):
                return True
        return False

    def add(self, member: Member) -> None:
        """Takes one more optimizer; from the second on, keys begin with the name of what is trained."""
        if self.members:
            labels = {other.label for other in self.members}
            if not member.label or member.label in labels:
                member.label = f"{member.label or 'optimizer'}_{len(self.members) + 1}"
            member.prefix = f"{member.label}."
            for other in self.members:
                other.has_company()
        self.members.append(member)

    def loads(self, loading: loaders.Loading) -> None:
        """A step was made while this loader was read, for the first time or again."""
        self.loading = loading
        loading.trained = True
        if self.evaluated.trains_on(loading.data) and not self.run.folded:
            self.run.log_params(loading.settings)
            for name, tensor in loaders.tensors_of(loading.data):
                self.run.log_dataset(tensor, name)

    def settle(self, over: bool = False) -> None:
        """Logs what is held back; with ``over`` all of it, also what has to be waited for."""
        if over and self.passing is not None:
            self.passing.close()
        for member in self.members:
            if over or member.step > 1:
                member.log_points(over)
        if self.transfers:
            (self.transfers.finish if over else self.transfers.forward)(self.run.log_metric)


class Member:
    """One optimizer of a training."""

    __slots__ = (
        "_points",
        "_rates",
        "_scale",
        "_since",
        "_skipped",
        "_steps_before",
        "epoch",
        "grad_norm",
        "label",
        "last_loss",
        "logged_at",
        "losses",
        "made",
        "models",
        "models_now",
        "optimizer",
        "passes",
        "place",
        "prefix",
        "rate",
        "step",
        "training",
    )

    def __init__(self, optimizer: Any, training: Training, label: str, place: Place, gone: Any) -> None:
        self.optimizer: weakref.ref[Any] = weakref.ref(optimizer, gone)
        self.training = training
        self.label = label
        self.place = place
        #: Where the optimizer was made, if that was seen.
        self.made: Place | None = None
        #: The models that are saved, by name, and the models themselves, held weakly.
        self.models: list[tuple[str, KeptModel]] = []
        self.models_now: list[Callable[[], Any]] = []
        self.prefix = ""
        self.step = 0
        self.epoch = -1
        self.passes = 0
        self.grad_norm = training.grad_norm
        #: The learning rate of the first group, the very object, when it was looked at last.
        self.rate: Any = None
        #: Losses that are not logged yet, with their steps.
        self.losses: list[tuple[int, Any]] = []
        self.last_loss: Any = None
        self.logged_at = perf_counter()
        self._points: list[tuple[str, int, Any]] = []
        self._rates: dict[int, float] = {}
        self._scale: float | None = None
        self._skipped = 0
        self._since = self.logged_at
        self._steps_before = 0

    def has_company(self) -> None:
        """Another optimizer trains in the same loop: from here on keys say whose they are, unless it is too late."""
        if self.step <= 1 and self.label:
            self.prefix = f"{self.label}."

    def resumes(self, here: Here) -> None:
        """Something has changed since its last step: another epoch has begun, or an evaluation is over."""
        step = self.step
        if here.paused:
            here.paused = False
            self._add_speed(step, perf_counter(), at_least=0.1)
            self._since, self._steps_before = perf_counter(), step
        if here.passes != self.passes:
            self.passes = here.passes
            self.epoch += 1
            if here.loading is not None and here.loading is not self.training.loading:
                self.training.loads(here.loading)
            self._points.append(("epoch", step, self.epoch))

    def log(self, step: int, now: float) -> None:
        """Logs what was taken down since the last time."""
        self.logged_at = now
        began = thread_time()
        self.training.failed_with = None
        self._add_speed(step, now, RATE_SECONDS)
        self.log_points()
        if self.training.transfers:
            self.training.transfers.forward(self.training.run.log_metric)
        self.training.run.took(thread_time() - began)

    def log_points(self, over: bool = False) -> None:
        """Logs what was taken down. Past the folding of runs from one line, only the last loss, at the end."""
        training, run = self.training, self.training.run
        losses, self.losses = self.losses, []
        points, self._points = self._points, []
        if losses:
            self.last_loss = losses[-1][1]
        if run.folded:
            losses, points = [], []
            if over and self.last_loss is not None:
                losses, points = [(self.step, self.last_loss)], [("steps", self.step, self.step)]
        prefix, log = self.prefix, run.log_metric
        key = f"{prefix}loss"
        for step, value in losses:
            if type(value) is float:
                log(key, value, step)
            else:
                points.append(("loss", step, value))
        for name, step, value in points:
            if type(value) is float or type(value) is int:
                log(prefix + name, value, step)
            else:
                training.transfers.add(prefix + name, step, value)

    def follow_rates(self, groups: Any, step: int) -> None:
        """Takes down learning rates that have changed."""
        rate = groups[0].get("lr")
        self.rate = rate if type(rate) in (float, int) else None  # a tensor changes in place
        for number, group in enumerate(groups[:MAX_RATES]):
            rate = group.get("lr")
            if type(rate) is not float:
                rate = optimizers.plain_value(rate)
                if type(rate) not in (int, float):
                    continue
            if self._rates.get(number) != rate:
                self._rates[number] = rate
                self._points.append(("lr" if number == 0 else f"lr.group_{number}", step, float(rate)))

    def rescaled(self, scale: Any, skipped: bool) -> None:
        """Takes down the factor of losses in half precision, and the steps that were left out for overflow."""
        step = max(self.step - 1, 0)
        if skipped:
            self._skipped += 1
            self._points.append(("amp_skipped_steps", step, self._skipped))
        if type(scale) is not float:  # it stays on its device, where nobody can see whether it has changed
            self._points.append(("amp_scale", step, scale))
        elif scale != self._scale:
            self._scale = scale
            self._points.append(("amp_scale", step, scale))

    def add_grad_norm(self, optimizer: Any, step: int) -> None:
        """Takes down the norm of all gradients together."""
        torch = sys.modules["torch"]
        with torch.no_grad():
            norms = [
                tensor.grad.detach().norm(dtype=torch.float32)
                for tensor in modules.parameters_of(optimizer)
                if tensor.grad is not None and not tensor.grad.is_sparse
            ]
            if norms:
                home = norms[0].device
                norm = torch.stack([each.to(home) for each in norms]).norm()
                self._points.append(("grad_norm", step, norm.item() if norm.is_cpu else norm))

    def _add_speed(self, step: int, now: float, at_least: float) -> None:
        steps, seconds = step - self._steps_before, now - self._since
        if seconds < at_least or steps < 1:
            return
        self._since, self._steps_before = now, step
        speed = steps / seconds
        self._points.append(("steps_per_second", step, speed))
        size = self.training.loading.batch_size if self.training.loading is not None else None
        if size is not None:
            self._points.append(("samples_per_second", step, speed * size))
