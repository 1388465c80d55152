"""Carries frames to joblib's worker threads, so that a fit in one of them is known to be part of the call around it.

joblib is not imported for this. Two public methods and two internal names are hooked (checked when joblib loads; if one
is missing, calls off the main thread are left alone while a watched call is open, see ``Engine.threads``). No hook of
ours is on the stack while the user's tasks run, so none shows in a traceback. Worker processes get nothing: they are
not armed. ``concurrent.futures`` is left as it is: what it runs is the user's own choice of threads, each fit its run.
"""

from __future__ import annotations

import functools
import time
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from . import imports
from .capture import Engine
from .frames import CLOSED, FRAME, Frame


class JoblibBridge:
    """Installed and removed with the engine's patches. ``revisit`` is called when processes' results are in."""

    def __init__(self, engine: Engine, revisit: Callable[[], None]) -> None:
        self._engine = engine
        self._revisit = revisit
        self._cancel: Callable[[], None] | None = None
        self._undo: list[tuple[type, str, Any, Any]] = []
        #: The frame that each Parallel object was called under: later batches are made in threads of joblib's own.
        self._frames: weakref.WeakKeyDictionary[Any, Frame] = weakref.WeakKeyDictionary()

    def install(self) -> None:
        """Hooks joblib, now or when it loads. Doing it twice does nothing."""
        if self._cancel is None:
            self._cancel = imports.when_imported("joblib.parallel", self._apply)

    def uninstall(self) -> None:
        """Puts joblib back as it was."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        while self._undo:
            owner, name, ours, original = self._undo.pop()
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)
        self._engine.threads = True

    def _apply(self, module: ModuleType) -> None:
        parallel = getattr(module, "Parallel", None)
        batch = getattr(module, "BatchedCalls", None)
        if not (
            isinstance(parallel, type)
            and isinstance(batch, type)
            and "dispatch_one_batch" in vars(parallel)
            and {"__init__", "__call__", "__reduce__"} <= vars(batch).keys()
        ):
            self._engine.threads = False
        else:
            self._replace(parallel, "dispatch_one_batch", self._dispatching)
            self._replace(batch, "__init__", self._batching)
        if isinstance(parallel, type):
            ending = "_terminate_and_reset" if "_terminate_and_reset" in vars(parallel) else "__call__"
            self._replace(parallel, ending, self._ending)

    def _replace(self, owner: type, name: str, make: Callable[[Any], Any]) -> None:
        original = vars(owner)[name]
        ours = functools.wraps(original)(make(original))
        setattr(owner, name, ours)
        self._undo.append((owner, name, ours, original))

    def _dispatching(self, original: Any) -> Any:
        frames = self._frames

        def dispatch_one_batch(parallel: Any, *args: Any, **kwargs: Any) -> Any:
            here = FRAME.get()
            if here is not None and here.state != CLOSED:
                frames[parallel] = here
                return original(parallel, *args, **kwargs)
            frame = frames.get(parallel)
            if frame is None or frame.state == CLOSED:
                return original(parallel, *args, **kwargs)
            FRAME.set(frame)  # a thread of joblib's, making a later batch of a call that is still open
            try:
                return original(parallel, *args, **kwargs)
            finally:
                FRAME.set(here)

        return dispatch_one_batch

    def _batching(self, original: Any) -> Any:
        def __init__(batch: Any, *args: Any, **kwargs: Any) -> None:
            original(batch, *args, **kwargs)
            frame = FRAME.get()
            if frame is not None and frame.state != CLOSED and type(getattr(batch, "items", None)) is list:
                batch.items = _Tasks(batch.items, frame)

        return __init__

    def _ending(self, original: Any) -> Any:
        engine, revisit = self._engine, self._revisit

        def _terminate_and_reset(parallel: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(parallel, *args, **kwargs)
            finally:
                # Threads and plain loops pickle nothing: only what comes back from processes can write a class anew.
                if engine.armed and not getattr(getattr(parallel, "_backend", None), "supports_sharedmem", False):
                    began = time.perf_counter()
                    engine.guard.call("joblib bridge", revisit)
                    engine.took(time.perf_counter() - began)

        return _terminate_and_reset


class _Tasks(list[Any]):
    """A batch's tasks. Whichever thread starts to iterate over them enters the frame that they belong to.

    Nobody resets it there: the next batch sets its own, and a frame that is closed counts as none.
    Pickles as the plain list that it is.
    """

    __slots__ = ("_frame",)

    def __init__(self, tasks: list[Any], frame: Frame) -> None:
        super().__init__(tasks)
        self._frame = frame

    def __iter__(self) -> Iterator[Any]:
        if self._frame.state != CLOSED:
            FRAME.set(self._frame)
        return super().__iter__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (), None, super().__iter__()
