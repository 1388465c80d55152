"""Observers in hot loops: told of a call or by a library's own hook, for a microsecond or two, and nothing else.

A probe finds the line in the user's code, binds arguments and opens a run, which costs eight microseconds. A training
loop calls some functions at every step, and there the whole budget is fifteen. What counts there is how many of our
functions are entered, for the library's own code has emptied the processor's caches meanwhile: it is two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .capture import Engine, Watch
from .frames import FRAME
from .patching import ResultTap, Tap
from .watched import Overheard, Tapped

Hear = Callable[..., None]


def listener(engine: Engine, plugin: str, observer: Callable[..., object]) -> Hear:
    """A function that calls the observer, guarded; quiet while the engine is off and inside other watched calls."""
    return engine.guard.shield(f"{plugin}.{getattr(observer, '__name__', 'observer')}", observer, engine, FRAME.get)


class TapWatch(Watch):
    """What calls of one tapped function share."""

    __slots__ = ("hear",)

    def __init__(self, engine: Engine, plugin: str, declaration: Tap, target: str, takes_self: bool) -> None:
        super().__init__(engine, plugin, declaration, target, takes_self)
        self.hear = listener(engine, plugin, declaration.observer)


class ResultWatch(TapWatch):
    """The same of a function whose results are of interest."""

    __slots__ = ("ear",)

    def __init__(self, engine: Engine, plugin: str, declaration: ResultTap, target: str, takes_self: bool) -> None:
        super().__init__(engine, plugin, declaration, target, takes_self)
        self.ear = declaration.ear


TapWatch.wrapper = Tapped
ResultWatch.wrapper = Overheard


def watch_for(engine: Engine, plugin: str, declaration: Any, target: str, takes_self: bool) -> Watch:
    """What the calls of one watched function share, by what was declared."""
    if isinstance(declaration, ResultTap):
        return ResultWatch(engine, plugin, declaration, target, takes_self)
    kind = TapWatch if isinstance(declaration, Tap) else Watch
    return kind(engine, plugin, declaration, target, takes_self)
