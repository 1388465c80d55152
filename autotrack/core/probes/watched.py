"""What stands in the place of a patched function: it looks, binds, pickles and copies as the original does.

wrapt's wrappers were measured and not taken: they do not pickle or deep-copy, their bound form is not a method (so
``type``, ``==``, ``weakref.WeakMethod`` and joblib's hashing differ), and importing wrapt loads asyncio (30 ms). Here a
bound watched method is an ordinary ``types.MethodType`` whose function is a ``Watched``, so that all of that is native.
"""

from __future__ import annotations

import copy
import pkgutil
import sys
import typing
from types import FunctionType, MethodType
from typing import Any, Final

from ..callsite import drop_our_frames, our_code
from .bracket import dispatch
from .capture import MISSING, Watch
from .frames import CLOSED, FRAME, SEALED

# typing.cast(None, x) is x: the standard library's identity function, so that what was pickled loads without autotrack.
_same = typing.cast


class _Text(str):
    """A class's own text (its ``__doc__``, its ``__module__``) that reads as the original's on an instance."""

    _name: str

    def __new__(cls, name: str, text: str) -> _Text:
        made = super().__new__(cls, text)
        made._name = name
        return made

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        return self if obj is None else getattr(obj.__wrapped__, self._name)


# No docstring and no annotations in these class bodies: the names would hide the original's.
# Watched: stands for a function. `_stood` is what it replaced in a namespace: the function, its staticmethod or
# classmethod, or MISSING where the owner had inherited it. `_obj` is set where the object does not come as an argument.
class Watched:
    __slots__ = ("__weakref__", "__wrapped__", "_obj", "_stood", "_watch")

    def __init__(self, wrapped: Any, watch: Watch, stood: Any = None, obj: Any = MISSING) -> None:
        put = object.__setattr__
        put(self, "__wrapped__", wrapped)
        put(self, "_watch", watch)
        put(self, "_stood", wrapped if stood is None else stood)
        put(self, "_obj", obj)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        watch: Watch = self._watch
        if not watch.engine.armed or watch.off:
            return self.__wrapped__(*args, **kwargs)
        frame = FRAME.get()
        if frame is not None and frame.state != CLOSED:
            if watch.skips or frame.state == SEALED:
                return self.__wrapped__(*args, **kwargs)
        elif watch.engine.lets_through(frame):
            return self.__wrapped__(*args, **kwargs)
        return dispatch(watch, self.__wrapped__, self._obj, args, kwargs)

    def __get__(self, obj: Any, owner: Any = None, bind: Any = MethodType) -> Any:
        return self if obj is None else bind(self, obj)

    # What object itself defines would be found before __getattr__ is asked, so each is passed on here.
    __class__ = property(lambda self: self.__wrapped__.__class__)
    __doc__ = _Text("__doc__", "Stands for a function that is watched.")
    __module__ = _Text("__module__", __name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__wrapped__, name)

    def __dir__(self) -> Any:
        return dir(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __eq__(self, other: Any) -> Any:
        if other is self:
            return True
        return self.__wrapped__ == (other.__wrapped__ if type(other) is type(self) else other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        # functions are atomic under deepcopy; a partial or a callable object is not
        return self if isinstance(self.__wrapped__, FunctionType) else copy.deepcopy(self.__wrapped__, memo)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # By reference, byte for byte as the original: the restoring side gets whatever stands there. Where something
        # else stands under that name by now, the bare original speaks for itself.
        wrapped = self.__wrapped__
        name, module = getattr(wrapped, "__qualname__", None), getattr(wrapped, "__module__", None)
        if name and module in sys.modules:
            try:
                found = pkgutil.resolve_name(f"{module}:{name}")
            except (AttributeError, ImportError, ValueError):
                found = None
            if found is self:
                return name
        return _same, (None, wrapped)


# WatchedAttribute: stands for any other thing that a class can hold under a method's name: available_if, property,
# partial, partialmethod, a compiled method. What comes out of it is wrapped at each access; errors are its own.
class WatchedAttribute:
    __slots__ = ("__weakref__", "__wrapped__", "_stood", "_watch")

    def __init__(self, wrapped: Any, watch: Watch, stood: Any = None) -> None:
        put = object.__setattr__
        put(self, "__wrapped__", wrapped)
        put(self, "_watch", watch)
        put(self, "_stood", wrapped if stood is None else stood)

    def __get__(self, obj: Any, owner: Any = None) -> Any:
        stood = self.__wrapped__
        get = getattr(type(stood), "__get__", None)
        value = stood if get is None else get(stood, obj, owner)
        if not callable(value):
            return value
        if type(value) is MethodType:
            return MethodType(Watched(value.__func__, self._watch), value.__self__)
        if obj is None and get is not None:
            return Watched(value, self._watch) if isinstance(value, FunctionType) else value
        return _BoundWatched(value, self._watch, obj=obj)

    __class__ = property(lambda self: self.__wrapped__.__class__)
    __doc__ = _Text("__doc__", "Stands for a function that is watched.")
    __module__ = _Text("__module__", __name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__wrapped__, name)

    def __dir__(self) -> Any:
        return dir(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __eq__(self, other: Any) -> Any:
        return other is self or self.__wrapped__ == (other.__wrapped__ if type(other) is type(self) else other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __reduce__(self) -> Any:
        return _same, (None, self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _same, (None, self.__wrapped__)

    def __copy__(self) -> Any:
        return copy.copy(self.__wrapped__)

    def __deepcopy__(self, memo: Any) -> Any:
        return copy.deepcopy(self.__wrapped__, memo)


# A property outranks the instance's own attributes, and so must what stands for it.
class WatchedDataAttribute(WatchedAttribute):
    __slots__ = ()
    __module__ = _Text("__module__", __name__)
    __doc__ = _Text("__doc__", "Stands for a function that is watched.")

    def __set__(self, obj: Any, value: Any) -> None:
        self.__wrapped__.__set__(obj, value)

    def __delete__(self, obj: Any) -> None:
        self.__wrapped__.__delete__(obj)


# A callable that knows its object already; it does not bind again.
class _BoundWatched(Watched):
    __slots__ = ()
    __module__ = _Text("__module__", __name__)
    __doc__ = _Text("__doc__", "Stands for a function that is watched.")

    def __get__(self, obj: Any, owner: Any = None, bind: Any = None) -> Any:
        return self

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        watch: Watch = self._watch
        frame = FRAME.get()
        if frame is not None and frame.state == CLOSED:
            frame = None
        if (
            not watch.engine.armed
            or watch.off
            or (frame is not None and (watch.skips or frame.state == SEALED))
            or watch.engine.lets_through(frame)
        ):
            return self.__wrapped__(*args, **kwargs)
        return dispatch(watch, self.__wrapped__, self._obj, args, kwargs)


# Stands for a function whose calls are told to an observer (listening.py). One frame of ours is in a traceback.
class Tapped(Watched):
    __slots__ = ()
    __module__ = _Text("__module__", __name__)
    __doc__ = _Text("__doc__", "Stands for a function that is watched.")

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        try:
            result = self.__wrapped__(*args, **kwargs)
        except BaseException as error:
            drop_our_frames(error)
            if not self._watch.off:
                self._watch.hear(args, kwargs, error)
            raise
        watch = self._watch
        if not watch.off:
            watch.hear(args, kwargs, None)
        return result


# Stands for a function whose results are told to an observer while its ear is open.
class Overheard(Watched):
    __slots__ = ()
    __module__ = _Text("__module__", __name__)
    __doc__ = _Text("__doc__", "Stands for a function that is watched.")

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        try:
            result = self.__wrapped__(*args, **kwargs)
        except BaseException as error:
            drop_our_frames(error)
            raise
        watch = self._watch
        if watch.ear.open and not watch.off:
            watch.hear(args, kwargs, result)
        return result


def watched(function: Any, watch: Watch, stood: Any = None) -> Watched:
    """What to put in place of a function."""
    made: Watched = (watch.wrapper or Watched)(function, watch, stood)
    return made


def wrap_attribute(stood: Any, watch: Watch, *, inherited: bool = False) -> Any:
    """What to put into a class in place of ``stood``, which is as it lies in the class's ``__dict__``."""
    replaced = MISSING if inherited else stood
    if type(stood) is staticmethod or type(stood) is classmethod:
        watch.takes_self = type(stood) is classmethod
        return type(stood)(watched(stood.__func__, watch, replaced))
    if type(stood) is FunctionType or type(stood) in wrapper_types:
        return watched(stood, watch, replaced)
    kind = type(stood)
    data = hasattr(kind, "__set__") or hasattr(kind, "__delete__")
    return (WatchedDataAttribute if data else WatchedAttribute)(stood, watch, replaced)


def wrapper_in(value: Any) -> Any | None:
    """The wrapper of ours in a namespace's value, also inside a staticmethod or classmethod; None if there is none."""
    if type(value) in (staticmethod, classmethod):
        value = value.__func__
    return value if type(value) in wrapper_types or type(value) in (WatchedAttribute, WatchedDataAttribute) else None


def stood_before(value: Any, wrapper: Any) -> Any:
    """What to put back in place of ``value``, in which ``wrapper`` is; MISSING where nothing stood there."""
    stood = wrapper._stood
    if value is wrapper and type(stood) in (staticmethod, classmethod):
        return wrapper.__wrapped__  # an alias of somebody else's static method: it had the function
    return stood


#: The classes of what stands for functions.
wrapper_types: Final = (Watched, Tapped, Overheard)
our_code |= {each.__call__.__code__ for each in (Watched, Tapped, Overheard, _BoundWatched)}
