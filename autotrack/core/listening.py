"""Observers in hot loops: told of a call or by a library's own hook, for about a microsecond, and nothing else.

A probe costs about eight microseconds: it finds the line in the user's code, binds arguments and opens a run. A
training loop calls some functions at every step, and there the whole budget is fifteen. So here is no frame, no
``Call`` and no run: one guarded call, under a seal, so that what the observer calls is not watched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from .callsite import drop_our_frames, our_code
from .capture import MISSING, Engine, Watch
from .frames import CLOSED, FRAME, SEALED, Frame
from .patching import Hook, Patch, Tap

#: Seconds of observers' time that are gathered before they are counted, for counting costs a microsecond itself.
OWED = 0.002

_SEAL: Final = Frame(None, None, SEALED)


class Listener:
    """Calls one observer, guarded; quiet while the engine is off, inside watched calls and in code of ours."""

    __slots__ = ("_engine", "_observer", "_owed", "_site", "off")

    def __init__(self, engine: Engine, plugin: str, observer: Callable[..., object]) -> None:
        self._engine = engine
        self._observer = observer
        self._site = f"{plugin}.{getattr(observer, '__name__', 'observer')}"
        self._owed = 0.0
        #: True once its plugin was taken out while somebody still holds the listener.
        self.off = False

    def __call__(self, *told: Any) -> None:
        engine = self._engine
        if self.off or not engine.armed:
            return
        frame = FRAME.get()
        if (frame is not None and frame.state != CLOSED) or engine.lets_through(None):
            return
        self.tell(*told)

    def tell(self, *told: Any) -> None:
        """The same, where the caller has asked already whether anybody listens."""
        began = time.perf_counter()
        outer = FRAME.get()
        FRAME.set(_SEAL)
        try:
            self._engine.guard.call_plugin(self._site, self._observer, *told)
        finally:
            FRAME.set(outer)
        self._owed += time.perf_counter() - began
        if self._owed > OWED:
            owed, self._owed = self._owed, 0.0
            self._engine.took(owed)


class TapWatch(Watch):
    """What calls of one tapped function share."""

    __slots__ = ("listener",)

    def __init__(self, engine: Engine, plugin: str, declaration: Tap, target: str, takes_self: bool) -> None:
        super().__init__(engine, plugin, declaration, target, takes_self)
        self.listener = Listener(engine, plugin, declaration.observer)


def tapped(watch: TapWatch, function: Any, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls the original exactly once and tells the observer. The second and last frame of ours in a traceback."""
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        drop_our_frames(error)
        watch.listener.tell(args if obj is MISSING else (obj, *args), kwargs, error)
        raise
    watch.listener.tell(args if obj is MISSING else (obj, *args), kwargs, None)
    return result


TapWatch.dispatch = staticmethod(tapped)
our_code.add(tapped.__code__)


def watch_for(engine: Engine, plugin: str, declaration: Any, target: str, takes_self: bool) -> Watch:
    """What the calls of one watched function share, by what was declared."""
    kind = TapWatch if isinstance(declaration, Tap) else Watch
    return kind(engine, plugin, declaration, target, takes_self)


__all__ = ["Hook", "Listener", "Patch", "Tap", "TapWatch", "watch_for"]
