"""Which training each optimizer belongs to: where runs begin, are joined and end (docs/adr/0009)."""

from __future__ import annotations

import time
import weakref
from typing import Any

from autotrack.plugin import LoopRun

from . import loaders, modules, optimizers, places
from .training import TARGET, Here, Member, Training

#: Optimizers and loaders that are known at most; past it the oldest are forgotten.
MOST = 4096


class Loops:
    """All trainings of this process that are seen. Holds optimizers, loaders and models weakly."""

    def __init__(self) -> None:
        self.here = Here()
        self._members: dict[int, Member] = {}
        self._made: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._loadings: dict[int, loaders.Loading] = {}

    # What is seen.

    def went_backward(self, tensors: Any, error: BaseException | None) -> None:
        """A backward pass is over, or has failed."""
        here = self.here
        if error is not None:
            if here.training is not None:
                here.training.failed_with = f"{type(error).__name__}: {error}"
            return
        if not here.began:
            here.began = time.time_ns()
        here.losses.add(tensors)

    def stepped(self, optimizer: Any, closure: bool) -> None:
        """An optimizer has made a step."""
        member = self._members.get(id(optimizer))
        if member is None or member.optimizer() is not optimizer or not member.training.goes_on:
            member = self._first_step(optimizer)
        member.stepped(self.here, closure)

    def made(self, optimizer: Any) -> None:
        """An optimizer was made: whether before or after a training began tells whether it belongs to it."""
        _trim(self._made)
        self._made[id(optimizer)] = weakref.ref(optimizer), time.monotonic_ns()

    def iterated(self, loader: Any) -> None:
        """A loader has begun to give batches."""
        loading = self._loadings.get(id(loader))
        if loading is None or loading.reference() is not loader:
            _trim(self._loadings)
            loading = self._loadings[id(loader)] = loaders.Loading(loader)
        loading.begun += 1
        self.here.loading = loading
        self.here.paused = True

    # Beginnings.

    def _first_step(self, optimizer: Any) -> Member:
        here = self.here
        place = places.here()
        training = here.training
        if training is not None and not (training.goes_on and self._joins(training, optimizer, place)):
            self.end(training)
            training = None
        model = modules.model_of(optimizer)
        label = type(model).__name__ if model is not None else ""
        if training is None:
            training = here.training = self._begin(label or type(optimizer).__name__, place)
        member = Member(optimizer, training, label, place, self._gone_by(id(optimizer)))
        training.add(member)
        _trim(self._members)
        self._members[id(optimizer)] = member
        self._describe(training, member, optimizer, model)
        return member

    def _begin(self, name: str, place: places.Place) -> Training:
        training = Training(LoopRun("torch", TARGET, name, self.here.began or None))
        training.place = place
        return training

    def _joins(self, training: Training, optimizer: Any, place: places.Place) -> bool:
        """True where an optimizer that makes its first step belongs to the training that is open in this thread."""
        if training.shares_parameters({id(tensor) for tensor in modules.parameters_of(optimizer)}):
            return True
        made = self._made.get(id(optimizer))
        made_at = made[1] if made is not None and made[0]() is optimizer else 0
        lasting = [member for member in training.members if member.optimizer() is not None]
        if not lasting:
            return False
        others = [places.in_one_loop(member.place, place) for member in lasting]
        if made_at > training.began:  # made while it went on: another training, unless others go on around it
            return len(lasting) > 1 and True in others
        if True in others:
            return True
        return None in others and all(member.step <= 1 for member in lasting)

    def _describe(self, training: Training, member: Member, optimizer: Any, model: Any) -> None:
        run = training.run
        found = modules.described(model, optimizer) | optimizers.hyperparameters(optimizer)
        run.log_params({f"{member.prefix}{key}": value for key, value in found.items()})
        if run.folded or model is None:
            return
        kind = type(model)
        run.set_tags({f"{member.prefix}model_class": f"{kind.__module__}.{kind.__qualname__}"})
        run.log_dict(modules.layer_table(model), f"{member.prefix}layers.json")

    # Ends.

    def end(self, training: Training, error: BaseException | None = None) -> None:
        """Ends a training's run."""
        training.settle()
        training.run.end(error)
        if self.here.training is training:
            self.here.training = None

    def _gone_by(self, number: int) -> Any:
        members = self._members

        def gone(reference: object) -> None:
            member = members.get(number)
            if member is not None and member.optimizer is reference:
                del members[number]

        return gone


def _trim(known: dict[int, Any]) -> None:
    while len(known) >= MOST:
        known.pop(next(iter(known)), None)


#: The trainings of this process.
loops = Loops()
