"""One training that is seen: its run, its optimizers, and what is logged at each step."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any

from autotrack.plugin import LoopRun

from . import loaders, modules, optimizers
from .losses import Losses
from .places import Place

#: Seconds between two points of ``samples_per_second``.
RATE_SECONDS = 1.0
#: Groups of parameters whose learning rates are followed.
MAX_RATES = 8
TARGET = "torch.optim:Optimizer.step"


class Here(threading.local):
    """What this thread has done since the last step of an optimizer, and the training that it is in."""

    def __init__(self) -> None:
        self.losses = Losses()
        #: When the first backward pass since the last step was seen, in nanoseconds since the epoch.
        self.began = 0
        self.loading: loaders.Loading | None = None
        self.training: Training | None = None
        #: True where something else than training happened since the last step: its time is not the training's.
        self.paused = False


class Training:
    """A run, and the optimizers whose steps are logged to it."""

    def __init__(self, run: LoopRun) -> None:
        self.run = run
        self.members: list[Member] = []
        self.place: Place = ()
        self.began = time.monotonic_ns()
        self.loading: loaders.Loading | None = None
        self.epoch = -1
        self._epochs_before = 0
        #: What an exception that was seen says of itself, until another step shows that training went on.
        self.failed_with: str | None = None

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
        if self.members and not member.label:
            member.label = f"optimizer_{len(self.members) + 1}"
        labels = {other.label for other in self.members}
        if self.members and member.label in labels:
            member.label = f"{member.label}_{len(self.members) + 1}"
        member.prefix = f"{member.label}." if self.members else ""
        for other in self.members:
            other.has_company()
        self.members.append(member)

    def loads(self, loading: loaders.Loading | None) -> None:
        """A step was made while this loader was read: counts epochs."""
        if loading is None:
            return
        if loading is not self.loading:
            self.loading = loading
            if not loading.trained:
                loading.trained = True
                loader = loading.reference()
                if loader is not None and not self.run.folded:
                    self.run.log_params(loaders.described(loader))

    def settle(self) -> None:
        """Logs what is still held back."""
        for member in self.members:
            member.settle()


class Member:
    """One optimizer of a training: the hot path is ``stepped``."""

    __slots__ = (
        "_first",
        "_rates",
        "_since",
        "_steps_since",
        "_then",
        "began_at",
        "epoch",
        "label",
        "last_loss",
        "loss_key",
        "optimizer",
        "place",
        "prefix",
        "step",
        "training",
    )

    def __init__(self, optimizer: Any, training: Training, label: str, place: Place, gone: Any) -> None:
        self.optimizer: weakref.ref[Any] = weakref.ref(optimizer, gone)
        self.training = training
        self.label = label
        self.place = place
        self.prefix = ""
        self.step = 0
        self.epoch = 0
        self.last_loss: float | None = None
        self.loss_key = "loss"
        self._first: float | None = None
        self._rates: dict[int, float] = {}
        self._since = self._then = time.perf_counter()
        self._steps_since = 0

    def has_company(self) -> None:
        """Another optimizer trains in the same loop: from here on keys say whose they are."""
        if self.step <= 1 and not self.prefix:
            self.prefix = f"{self.label}." if self.label else ""
        self.settle()

    def settle(self) -> None:
        """Logs the loss of the first step, which waits until it is known whether another optimizer is in the loop."""
        self.loss_key = f"{self.prefix}loss"
        first, self._first = self._first, None
        if first is not None:
            self.training.run.log_metric(self.loss_key, first, 0)

    def stepped(self, here: Here, closure: bool) -> None:
        """Logs one step: the loss, and what has changed."""
        training, step = self.training, self.step
        self.step = step + 1
        losses = here.losses
        value = losses.take(closure) if losses.count else None
        here.began = 0
        training.failed_with = None
        run = training.run
        if value is not None:
            self.last_loss = value
            if step == 0:
                self._first = value
            else:
                if self._first is not None:
                    self.settle()
                if not run.folded:
                    run.log_metric(self.loss_key, value, step)
        if run.folded:
            return
        loading = here.loading
        if loading is not None and (loading is not training.loading or loading.begun != self.epoch):
            training.loads(loading)
            self.epoch = loading.begun
            run.log_metric(f"{self.prefix}epoch", loading.begun - 1, step)
        self._follow_rates(step)
        now = time.perf_counter()
        if here.paused:
            here.paused = False
            self._since += now - self._then
        else:
            self._steps_since += 1
        self._then = now
        if now - self._since >= RATE_SECONDS:
            self._log_rate(step, now)

    def _follow_rates(self, step: int) -> None:
        optimizer = self.optimizer()
        if optimizer is None:
            return
        rates = self._rates
        for number, group in enumerate(optimizer.param_groups):
            rate = group.get("lr")
            if rates.get(number) != rate or number >= MAX_RATES:
                if number >= MAX_RATES:
                    return
                if type(rate) is not float:
                    plain = optimizers.plain_value(rate)
                    if type(plain) not in (int, float) or rates.get(number) == float(plain):
                        continue
                    rate = float(plain)
                rates[number] = rate
                key = "lr" if number == 0 else f"lr.group_{number}"
                self.training.run.log_metric(f"{self.prefix}{key}", rate, step)

    def _log_rate(self, step: int, now: float) -> None:
        seconds, steps = now - self._since, self._steps_since
        self._since, self._steps_since = now, 0
        if steps < 1 or seconds <= 0:
            return
        rate = steps / seconds
        values = {f"{self.prefix}steps_per_second": rate}
        size = self.training.loading.batch_size if self.training.loading is not None else None
        if size is not None:
            values[f"{self.prefix}samples_per_second"] = rate * size
        self.training.run.log_metrics(values, step)
