"""Which training each optimizer belongs to: where runs begin, are joined and end (docs/adr/0010)."""

from __future__ import annotations

import gc
import os
import sys
import time
import weakref
from contextvars import ContextVar
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrack.plugin import attempt

from . import heap, loaders, modules, optimizers, places
from .compilers import untraced
from .evaluations import Pass
from .training import TARGET, TOGETHER, TOGETHER_SECONDS, Here, Member, Training, current_task

if TYPE_CHECKING:
    from autotrack.plugin import LoopRun

#: Optimizers and loaders that are known at most; past it the oldest are forgotten.
MOST = 4096
#: Walks over all objects of the process, in search of models that torch has not told of.
MOST_WALKS = 2


class Made(NamedTuple):
    """When and where an optimizer was made."""

    optimizer: weakref.ref[Any]
    at: int
    place: places.Place


#: What this thread has done, or this task: each has a context of its own.
_HERE: ContextVar[Here | None] = ContextVar("autotrack_torch_here", default=None)


def _new_here() -> Here:
    here = Here()
    _HERE.set(here)
    return here


def _own(here: Here) -> Here:
    """What a task or thread has done from here on, where it had the same as the code around it: contexts are copied."""
    if here.owner != current_task():
        here = here.moved()
        _HERE.set(here)
    return here


class Loops:
    """All trainings of this process that are seen. Holds optimizers, loaders and models weakly."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._made: dict[int, Made] = {}
        self._loadings: dict[int, loaders.Loading] = {}
        self._collected = False
        self._walks = 0

    def here(self) -> Here:
        """What this thread, or this task, has done."""
        return _HERE.get() or _new_here()

    # What is seen at each step. These two are written out in one piece each: see core/listening.py on calls.

    def went_backward(self, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException | None) -> None:
        """``torch.autograd.backward`` is over, which ``Tensor.backward`` calls, or has failed."""
        here = _HERE.get() or _new_here()
        if here.owner != current_task():  # the context was copied: two threads would add up each other's losses
            here = _own(here)
        loss = args[0] if args else kwargs.get("tensors")
        # Without a gradient that was given, as `loss.backward()` has it, what went backward is one number.
        alone = error is None and len(args) > 1 and args[1] is None and here.unscaled is None
        if alone and type(loss) is here.tensor and not here.modes() and not here.function_modes() and loss.is_cpu:
            value = loss.item()
        else:
            value = here.value_of(loss, error)
        here.passed += 1
        if here.total is None:
            here.first = here.total = value
        elif value is not None:
            here.total = here.total + value

    def stepped(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An optimizer has made a step."""
        here = _HERE.get() or _new_here()
        member = here.member
        if here.changed or member is None or member.optimizer() is not optimizer:
            here = _own(here)
            member = self._member(here, optimizer)
        step = member.step
        member.step = step + 1
        loss = here.total
        if loss is not None:
            # With a closure (LBFGS) each pass starts anew: the first one is the loss of the step.
            member.losses.append((step, here.first if len(args) > 1 or kwargs else loss))
            here.total = None
        here.passed = 0
        groups = optimizer.param_groups
        if groups[0].get("lr") is not member.rate or len(groups) > 1:
            member.follow_rates(groups, step)
        if member.grad_norm:
            member.add_grad_norm(optimizer, step)
        now = perf_counter()
        # The very first points wait for the second step: by then it is known whether another optimizer is in the loop.
        if now - member.logged_at > TOGETHER_SECONDS or len(member.losses) >= TOGETHER or step == 1:
            member.log(step, now)

    # What is seen now and then.

    def made(self, optimizer: Any) -> None:
        """An optimizer was made: whether before or after a training began tells whether it belongs to it."""
        _trim(self._made)
        self._made[id(optimizer)] = Made(weakref.ref(optimizer), time.monotonic_ns(), places.here())
        here = _HERE.get() or _new_here()
        here.passed, here.first, here.total = 0, None, None  # of backward passes before: no loss of its steps
        training = here.training
        if training is not None and training.shares_parameters(_ids(optimizer)):
            training.heir = weakref.ref(optimizer)

    def iterated(self, loader: Any) -> None:
        """A loader has begun to give batches."""
        here = _HERE.get() or _new_here()
        self.interrupted()
        loading = self._loadings.get(id(loader))
        if loading is None or loading.reference() is not loader:
            _trim(self._loadings)
            loading = self._loadings[id(loader)] = loaders.Loading(loader)
        trained = loading.trained or (here.training is not None and here.training.evaluated.trains(loading.data))
        if sys.modules["torch"].is_grad_enabled() and (trained or not here.evaluating):
            here.loading = loading
            here.passes += 1
            _end_pass(here)
        else:
            _begin_pass(here, loading.data)

    def evaluates(self, model: Any) -> None:
        """A model was switched to evaluation: what is read and computed until the next step is no training."""
        self.interrupted()
        here = _HERE.get() or _new_here()
        here.evaluated = weakref.ref(model)
        _begin_pass(here, None)

    def evaluated(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A loss function has answered while some thread evaluates."""
        training = self.here().training
        if training is not None and training.passing is not None:
            training.passing.add(name, args, kwargs, result)

    def scheduled(self, scheduler: Any) -> None:
        """A scheduler was made. It is described at the next step, when it is complete."""
        here = _HERE.get() or _new_here()
        here.changed = True
        if len(here.schedulers) < MOST:
            here.schedulers.append(weakref.ref(scheduler))

    def scales(self, loss: Any) -> None:
        """A loss was multiplied: the next backward pass is that of its multiple."""
        here = _HERE.get() or _new_here()
        here.unscaled = here.value_of(loss)

    def rescales(self, scaler: Any) -> None:
        """A step in half precision is over: where no optimizer stepped, the gradients were too large for it."""
        here = _HERE.get() or _new_here()
        member = here.member
        if member is None:
            return
        scale = vars(scaler).get("_scale")
        if scale is not None:
            member.rescaled(here.value_of(scale.detach()), skipped=here.passed > 0)
        here.passed, here.first, here.total = 0, None, None

    def interrupted(self) -> None:
        """Something else than a step: what is held back is logged, and the time until the next step does not count."""
        here = _HERE.get() or _new_here()
        here.changed = here.paused = True
        if here.training is not None:
            here.training.settle()

    def runs_changed(self) -> None:
        """A run of the user's has begun or ended in this thread."""
        self.here().changed = True

    # Beginnings.

    def _member(self, here: Here, optimizer: Any) -> Member:
        """The member that this optimizer is, after something has changed or another one has stepped."""
        member = self._members.get(id(optimizer))
        if member is None or member.optimizer() is not optimizer or not member.training.goes_on:
            began = thread_time()  # on a busy machine the clock on the wall says little of what this took
            member = untraced(lambda: self._first_step(here, optimizer))
            member.training.run.took(thread_time() - began)
            member.logged_at = perf_counter()  # what this took is no reason to log the first points by themselves
        here.member, here.training = member, member.training
        if here.changed:
            here.changed, here.evaluated = False, None
            _end_pass(here)
            member.training.failed_with = None
            member.resumes(here)
            while here.schedulers:
                self._describe_scheduler(here.schedulers.pop())
        return member

    def _first_step(self, here: Here, optimizer: Any) -> Member:
        if not self._collected and gc.isenabled() and heap.is_small():
            # The first optimizer of a process has torch import its compiler, whose dead frames hold the user's function
            # and all that is in it until the garbage is collected. The end of the training could not be seen so long.
            # (Where that would take long, the next training ends this one, or the program.)
            gc.collect()
        self._collected = True
        place = places.here()
        training = here.training
        if training is not None and not (training.goes_on and self._joins(training, optimizer, place)):
            self.end(training)
            training = None
        begins = training is None
        if training is None:
            from autotrack.plugin import LoopRun

            run = LoopRun("torch", TARGET, type(optimizer).__name__)
            training = here.training = Training(run, bool(run.setting("grad_norm")))
            run.at_end(training.finish)
            run.judged_by(training.judge)
            restarts = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
            if restarts != "0":
                run.set_tags({"torchrun.restart": restarts})
        models = self._models_of(optimizer, training.run, begins)
        label = type(models[0]).__name__ if models else ""
        member = Member(optimizer, training, label, place, self._gone_by(id(optimizer)))
        made = self._made.get(id(optimizer))
        member.made = made.place if made is not None and made.optimizer() is optimizer else None
        training.add(member)
        _trim(self._members)
        self._members[id(optimizer)] = member
        self._describe(training, member, optimizer, models)
        here.changed = True
        return member

    def _models_of(self, optimizer: Any, run: LoopRun, names: bool) -> list[Any]:
        """The models of an optimizer. The first of them gives the run its name, if it ``names`` it."""
        models, complete = modules.models_of(optimizer)
        if not complete and not run.folded:
            models, complete = modules.models_of(optimizer, anew=True)
        if names and models:
            run.name = type(models[0]).__name__
        if not complete and self._may_walk(run):
            modules.meet_all()
            models, _ = modules.models_of(optimizer)
            if names and models:
                run.name = type(models[0]).__name__
        return models

    def _may_walk(self, run: LoopRun) -> bool:
        """True where a run's models may be searched among all objects: seldom, while those are few, within budget."""
        if run.folded or self._walks >= MOST_WALKS:
            return False
        if not heap.is_small():
            run.note("its model was not searched among all objects of the process: there are too many")
            return False
        if not run.afford("search for the model", heap.walk_seconds()):
            return False
        self._walks += 1
        return True

    def _joins(self, training: Training, optimizer: Any, place: places.Place) -> bool:
        """True where an optimizer that makes its first step belongs to the training that is open in this thread."""
        if training.shares_parameters(_ids(optimizer)) or training.heir() is optimizer:
            return True
        made = self._made.get(id(optimizer))
        made_at = made.at if made is not None and made.optimizer() is optimizer else 0
        lasting = [member for member in training.members if member.optimizer() is not None]
        if not lasting:
            return False
        others = [places.in_one_loop(member.place, place) for member in lasting]
        if made_at > training.began:  # made while it went on: another training, unless others go on around it
            return len(lasting) > 1 and True in others
        if True in others:
            return True
        return None in others and all(member.step <= 1 for member in lasting)

    def _describe(self, training: Training, member: Member, optimizer: Any, models: list[Any]) -> None:
        run = training.run
        found = modules.described(models, optimizer) | optimizers.hyperparameters(optimizer)
        run.log_params({f"{member.prefix}{key}": value for key, value in found.items()})  # with which a series begins
        if run.folded:
            return
        for label, model in zip(modules.labels_of(models), models, strict=True):
            prefix = f"{label}." if len(models) > 1 else member.prefix
            kind = type(model)
            run.set_tags({f"{prefix}model_class": f"{kind.__module__}.{kind.__qualname__}"})
            member.models_now.append(weakref.ref(model))
            run.log_dict(modules.layer_table(model), f"{prefix}layers.json")
            if run.setting("models"):
                member.models.append((label, training.keeps(model)))

    def _describe_scheduler(self, reference: weakref.ref[Any]) -> None:
        scheduler = reference()
        member = self._members.get(id(getattr(scheduler, "optimizer", None)))
        if member is None or member.optimizer() is not scheduler.optimizer or member.training.run.folded:
            return
        found = optimizers.scheduled(scheduler)
        member.training.run.log_params({f"{member.prefix}{key}": value for key, value in found.items()})

    # Ends.

    def end(self, training: Training) -> None:
        """Ends a training's run, because another one begins."""
        run = training.run
        run.end(training.judge(None, lambda: run.afford("search for what ended the loop", heap.walk_seconds())))
        here = _HERE.get() or _new_here()
        if here.training is training:
            here.training = here.member = None

    def _gone_by(self, number: int) -> Any:
        members = self._members

        def gone(reference: object) -> None:
            member = members.get(number)
            if member is not None and member.optimizer is reference:
                del members[number]
                # It can be anywhere that an optimizer goes, also while the interpreter ends.
                attempt(member.training.left_at, sys._getframe().f_back)

        return gone


def _begin_pass(here: Here, data: loaders.Data | None) -> None:
    """An evaluation begins: of the training that is open in this thread, if one is."""
    _end_pass(here)
    training, member = here.training, here.member
    if training is not None and member is not None and training.goes_on and not training.run.folded:
        training.passing = Pass(training, member.step - 1, data)


def _end_pass(here: Here) -> None:
    if here.training is not None and here.training.passing is not None:
        here.training.passing.close()


def _ids(optimizer: Any) -> set[int]:
    return {id(tensor) for tensor in modules.parameters_of(optimizer)}


def _trim(known: dict[int, Any]) -> None:
    while len(known) >= MOST:
        known.pop(next(iter(known)), None)


#: The trainings of this process.
loops = Loops()
