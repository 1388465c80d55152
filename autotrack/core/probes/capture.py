"""What a probe is told of a watched call, and the engine that watches: its threads, its guard, its time."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

from ..errors import AutotrackError, PluginError
from ..guard import Guard
from ..guard import guard as process_guard
from .frames import FRAME, Frame
from .patching import Nested


class _Missing:
    """The type of MISSING, which stands for "no value given"."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class Recording(Protocol):
    """What a probe logs to, as far as the engine is concerned."""

    def finish(self, error: BaseException | None) -> None:
        """The watched call is over; ``error`` is what the original raised, if anything."""


class NoResult(AutotrackError):
    """The original raised, so there is no result. A probe that reads ``call.result`` then simply ends there."""


class BadCall(AutotrackError):
    """The user's arguments do not fit the signature: the original is about to say so, and there is nothing to watch."""


class Watch:
    """One thing that is watched, and how. All calls of one patched function share it."""

    #: The class of what stands for a function, by default ``Watched``.
    wrapper: ClassVar[Any] = None
    __slots__ = (
        "__weakref__",
        "_signature",
        "engine",
        "nested",
        "off",
        "plugin",
        "probe",
        "site",
        "skips",
        "takes_self",
        "target",
    )

    def __init__(self, engine: Engine, plugin: str, declaration: Any, target: str, takes_self: bool) -> None:
        self.engine = engine
        self.plugin = plugin
        self.probe: Any = declaration.probe
        self.nested: Nested = declaration.nested
        self.skips = declaration.nested == "skip"
        self.target = target
        #: True where the first positional argument is the object (a method), which ``Call.args`` then leaves out.
        self.takes_self = takes_self
        self.site = f"{plugin}.{getattr(declaration.probe, '__name__', 'probe')}"
        #: True once its plugin was taken out while something else still holds the wrapper.
        self.off = False
        self._signature: tuple[int, inspect.Signature | None] | None = None

    def signature(self, function: Any) -> inspect.Signature | None:
        """The signature of the original, worked out at the first question; None where it has none."""
        known = self._signature
        if known is None or known[0] != id(function):  # by id: a user's function is not kept alive
            found: inspect.Signature | None
            try:
                found = inspect.signature(function)
            except (ValueError, TypeError):
                found = None
            known = self._signature = (id(function), found)
        return known[1]


class Call:
    """One watched call, as its probe sees it.

    ``target`` is the dotted name of what was called (``"sklearn.linear_model._ridge:Ridge.fit"``), ``obj`` the object
    (None for a function), ``args`` and ``kwargs`` what the user passed besides it. ``started`` is in nanoseconds since
    the epoch, ``site`` the file and line in the user's own code that led here, ``outer`` the watched call around this
    one. After the yield: ``seconds`` that the original took, ``error`` (None if it went well) and ``result``. All
    references are dropped when the call is over.
    """

    __slots__ = (
        "_before",
        "_function",
        "_named",
        "_result",
        "_takes_self",
        "_watch",
        "args",
        "error",
        "kwargs",
        "obj",
        "outer",
        "seconds",
        "site",
        "started",
        "target",
    )

    def __init__(self, watch: Watch, function: Any, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        takes_self = self._takes_self = watch.takes_self and obj is MISSING
        self.target = watch.target
        self.obj = args[0] if takes_self else None if obj is MISSING else obj
        self.args, self.kwargs = args[1:] if takes_self else args, kwargs
        self.error: BaseException | None = None
        self.outer: Call | None = None
        self.seconds, self.started = 0.0, time.time_ns()
        self.site: tuple[str, int] = ("", 0)
        self._watch = watch
        self._function = function
        self._named: dict[str, Any] | None = None
        self._result: Any = MISSING
        self._before = True

    @property
    def plugin(self) -> str:
        """The plugin whose probe this is for."""
        return self._watch.plugin

    @property
    def name(self) -> str:
        """The last part of the target: ``"fit"``."""
        return self.target.rpartition(":")[2].rpartition(".")[2]

    @property
    def result(self) -> Any:
        """What the original returned. Where it raised, reading this ends the probe quietly; ask ``error`` first."""
        if self._result is MISSING:
            raise NoResult(f"{self.target} has no result" + (" yet" if self._before else ": it raised"))
        return self._result

    def arg(self, name: str, default: Any = MISSING) -> Any:
        """The value that the parameter ``name`` has in this call, defaults of the signature included.

        A name that the call does not have answers ``default``; without one PluginError is raised.
        """
        if name in self.kwargs:
            return self.kwargs[name]
        if self._named is None:
            self._named = self._bind()
        value = self._named.get(name, MISSING)
        if value is MISSING:
            value = default
        if value is MISSING:
            raise PluginError(f"{self.target} has no argument {name!r}; it has {', '.join(self._named) or 'none'}")
        return value

    def inject(self, name: str, value: Any) -> None:
        """Makes the original get ``value`` for its parameter ``name``.

        Only before the yield, and only for a parameter that the signature names (PluginError). The user's own objects
        are not touched: to add to a list, inject a new list.
        """
        if not self._before:
            raise PluginError(f"inject({name!r}) into {self.target} came after the yield: the original has run already")
        signature = self._watch.signature(self._function)
        parameter = signature.parameters.get(name) if signature is not None else None
        if (
            signature is None
            or parameter is None
            or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ):
            raise PluginError(f"inject({name!r}) was refused: {self.target} has no such parameter")
        offset = 1 if self._takes_self else 0
        positional = [p.name for p in signature.parameters.values() if p.kind <= parameter.POSITIONAL_OR_KEYWORD]
        positional += self._beyond(signature)
        index = positional.index(name) - offset if name in positional else len(self.args)
        if index < 0:
            raise PluginError(f"inject({name!r}) was refused: the object of {self.target} cannot be replaced")
        if index < len(self.args):
            self.args = (*self.args[:index], value, *self.args[index + 1 :])
        elif parameter.kind == parameter.POSITIONAL_ONLY:
            if index != len(self.args):
                raise PluginError(
                    f"inject({name!r}) was refused: {self.target} got no value for the parameters before it"
                )
            self.args = (*self.args, value)
        else:
            self.kwargs = {**self.kwargs, name: value}
        self._named = None

    def _all_args(self) -> tuple[Any, ...]:
        return (self.obj, *self.args) if self._takes_self else self.args

    def _bind(self) -> dict[str, Any]:
        signature = self._watch.signature(self._function)
        if signature is None:
            return dict(self.kwargs)
        try:
            args = self._all_args()
            extra = self._beyond(signature)
            bound = signature.bind(*args[: len(args) - len(extra)], **extra, **self.kwargs)
        except TypeError as error:
            raise BadCall(f"{self.target}: {error}") from None
        bound.apply_defaults()
        named: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            else:
                named[name] = value
        return named

    def _beyond(self, signature: inspect.Signature) -> dict[str, Any]:
        """Keyword-only arguments that were given by position: decorators take them so, in order, while a library
        deprecates that (``xgboost.train(params, data, 10, evals)``), and say nothing of it in the signature."""
        if not hasattr(self._function, "__wrapped__"):
            return {}
        kinds = [parameter.kind for parameter in signature.parameters.values()]
        by_place = sum(kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD for kind in kinds)
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            return {}
        by_name = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
        return dict(zip(by_name, self._all_args()[by_place:], strict=False))

    def _release(self) -> None:
        self.obj = self.error = self.outer = self._function = self._named = None
        self.args, self.kwargs, self._result = (), {}, MISSING


OpenRun = Callable[[Call, Frame | None], Recording]


class Engine:
    """Runs probes around watched calls.

    ``open_run(call, parent)`` makes what a probe logs to, cheaply: a probe may log nothing. ``parent`` is the frame of
    the watched call around this one for the policy ``child``, else None. Nothing is watched unless ``armed``.
    """

    def __init__(self, open_run: OpenRun, *, guard: Guard = process_guard) -> None:
        self.open_run = open_run
        self.guard = guard
        #: Told the seconds that autotrack took of the user's thread (through ``took``).
        self.spent: Callable[[float], object] = float
        #: The off switch, read at every call.
        self.armed = False
        #: False where frames cannot be carried to joblib's threads: calls off the main thread are then left alone
        #: while a frame is open anywhere, for they may be part of it.
        self.threads = True
        self._outermost: set[int] = set()

    def reset(self) -> None:
        """Switches off and forgets open calls: for a forked child, in which none of them will end."""
        self.armed = False
        self._outermost = set()
        FRAME.set(None)

    def lets_through(self, outer: Frame | None) -> bool:
        """True for a call off the main thread that may be part of a call that is open elsewhere."""
        return (
            not self.threads
            and outer is None
            and bool(self._outermost)
            and threading.current_thread() is not threading.main_thread()
        )

    def took(self, seconds: float) -> None:
        """Counts time that autotrack took of the user's thread."""
        self.guard.call("spent", self.spent, seconds)

    def entered(self, frame: Frame) -> None:
        if frame.outer is None:
            self._outermost.add(id(frame))

    def left(self, frame: Frame) -> None:
        self._outermost.discard(id(frame))
