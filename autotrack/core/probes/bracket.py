"""One watched call: the probe is driven to its yield, the original runs once, the probe ends.

The probe brackets and the core calls: a probe never holds the original, so it cannot skip it, run it twice or swallow
its exception. Whatever a probe does wrong is recorded by the guard, and the call goes on as if nobody watched.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from typing import Any

from ..callsite import drop_our_frames, our_code, user_site
from ..errors import PluginError
from .capture import MISSING, BadCall, Call, NoResult, Recording, Watch
from .frames import CLOSED, FRAME, OPEN, SEALED, Frame


class _Bracket:
    """A probe around one call: ``begin``, then ``end``. Both guarded; both leave the context as they found it."""

    __slots__ = ("call", "frame", "generator", "outer", "owned", "watch")

    def __init__(self, watch: Watch, function: Any, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        outer = FRAME.get()
        if outer is not None and outer.state == CLOSED:
            outer = None
        self.watch = watch
        self.outer = outer
        self.call = Call(watch, function, obj, args, kwargs)
        self.call.outer = None if outer is None else outer.call
        self.frame = Frame(self.call, outer)
        self.generator: Generator[None, None, None] | None = None
        self.owned: Recording | None = None

    def begin(self) -> None:
        watch, call, frame = self.watch, self.call, self.frame
        guard = watch.engine.guard
        FRAME.set(frame)
        watch.engine.entered(frame)
        try:
            if not guard.is_off(watch.site):
                with guard.section(watch.site):
                    self._start(call, frame)
        except BaseException as error:
            self.end(error)
            raise
        call._before = False
        frame.state = OPEN
        if watch.nested == "beside":
            FRAME.set(self.outer)

    def _start(self, call: Call, frame: Frame) -> None:
        watch, outer = self.watch, self.outer
        args, kwargs = call.args, call.kwargs
        if outer is not None and watch.nested == "join":
            run = outer.run
            if run is None:  # no run could be opened there: there is nothing to join
                return
            call.site = getattr(outer.call, "site", call.site)  # not looked for again at each step of a loop
        else:
            call.site = user_site(sys._getframe(2))
            run = self.owned = watch.engine.open_run(call, outer if watch.nested == "child" else None)
        frame.run = run
        try:
            generator = watch.probe(call, run)
            if not isinstance(generator, Generator):
                raise PluginError(f"the probe {watch.site} is no generator function: it needs exactly one yield")
            try:
                next(generator)
            except StopIteration:
                raise PluginError(f"the probe {watch.site} ended before its yield") from None
            self.generator = generator
        except BadCall:
            pass
        finally:
            if self.generator is None:  # whatever it injected goes with it
                call.args, call.kwargs = args, kwargs

    def end(self, error: BaseException | None) -> None:
        watch, call, frame = self.watch, self.call, self.frame
        guard = watch.engine.guard
        frame.state = SEALED
        FRAME.set(frame)
        try:
            try:
                if self.generator is not None:
                    with guard.section(watch.site):
                        self._resume(self.generator)
            finally:  # also after Ctrl-C inside the probe: the run ends as its training did
                if self.owned is not None:
                    with guard.section(f"{watch.plugin}.finish"):
                        self.owned.finish(error)
        finally:
            watch.engine.left(frame)
            frame.close()
            FRAME.set(self.outer)
            call._release()
            self.generator = self.owned = None

    def _resume(self, generator: Generator[None, None, None]) -> None:
        try:
            next(generator)
        except (StopIteration, NoResult):
            return
        generator.close()
        raise PluginError(f"the probe {self.watch.site} yielded a second time; it needs exactly one yield")


def dispatch(watch: Watch, function: Any, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls the original exactly once, inside its probe.

    ``args`` are complete: a method's object stands first, unless ``obj`` is given (not MISSING).
    This is the second and last frame of ours in a traceback.
    """
    if watch.takes_self and obj is MISSING and not args:
        return function(**kwargs)  # a method without its object: the original says what is wrong
    clock = time.perf_counter
    arrived = clock()
    bracket = _Bracket(watch, function, obj, args, kwargs)
    call = bracket.call
    bracket.begin()
    args, kwargs = call._all_args(), call.kwargs
    began = clock()
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        ended = clock()
        call.seconds = ended - began
        call.error = error
        drop_our_frames(error)
        bracket.end(error)
        watch.engine.took(began - arrived + clock() - ended)
        raise
    ended = clock()
    call.seconds = ended - began
    call._result = result
    bracket.end(None)
    watch.engine.took(began - arrived + clock() - ended)
    return result


our_code.add(dispatch.__code__)
