"""Which run a prediction belongs to: models by identity and by what they learned, predictions by memory and content.

Weak references, addresses and hashes, and no data. Everything is bounded: what was used longest ago goes first.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from autotrack.plugin import attempt

from .content import Array, Key, as_array, key_of, keys_of, model_key

if TYPE_CHECKING:
    from .evaluated import Origin

T = TypeVar("T")

MAX_MODELS, MAX_ARRAYS, MAX_KEYS = 512, 512, 8192
#: Predictions of one model in a row that nobody measured, after which further ones are no longer hashed.
UNASKED = 200


class Prediction:
    """One answer of a model: whose it is, and the name of the data that it was asked about."""

    __slots__ = ("dataset", "origin", "shared")

    def __init__(self, origin: Origin, dataset: str) -> None:
        self.origin = origin
        self.dataset = dataset
        #: True where another run's model gave the same values before.
        self.shared = False


class Provenance:
    """The models and predictions of this process. All methods may be called from any thread."""

    def __init__(self) -> None:
        # Reentrant: the collector may run somebody's __del__ while it is held.
        self._lock = threading.RLock()
        self._models: OrderedDict[int, tuple[weakref.ref[Any], Origin]] = OrderedDict()
        self._copies: OrderedDict[Key, Origin] = OrderedDict()
        #: Models that were asked about and are nobody's copy.
        self._strangers: OrderedDict[int, weakref.ref[Any]] = OrderedDict()
        self._arrays: OrderedDict[int, tuple[weakref.ref[Array], list[tuple[int, int, Prediction]]]] = OrderedDict()
        self._contents: OrderedDict[Key, Prediction] = OrderedDict()

    # Models.

    def add_model(self, model: Any, origin: Origin, *, copies: bool = True) -> None:
        """Remembers whose run a fitted model is from; a later fit of the object replaces that."""
        reference, _ = attempt(weakref.ref, model)
        key, _ = attempt(model_key, model) if copies else (None, None)
        with self._lock:
            self._strangers.pop(id(model), None)
            if reference is not None:
                _put(self._models, id(model), (reference, origin), MAX_MODELS)
            if key is not None:
                _put(self._copies, key, origin, MAX_MODELS)

    def known(self, model: Any) -> Origin | None:
        """The run that this very object was fitted in."""
        with self._lock:
            entry = self._models.get(id(model))
            if entry is None or entry[0]() is not model:
                return None
            self._models.move_to_end(id(model))
            return _live(entry[1])

    def of_model(self, model: Any) -> Origin | None:
        """The run that this model, or the one that it is a copy of, was fitted in."""
        origin = self.known(model)
        if origin is not None or not self._copies:
            return origin
        with self._lock:
            stranger = self._strangers.get(id(model))
            if stranger is not None and stranger() is model:
                return None
        key, _ = attempt(model_key, model)
        with self._lock:
            origin = _live(self._copies.get(key)) if key is not None else None
        if origin is not None:
            self.add_model(model, origin, copies=False)
            return origin
        reference, _ = attempt(weakref.ref, model)
        if reference is not None:
            with self._lock:
                _put(self._strangers, id(model), reference, MAX_MODELS)
        return None

    # Predictions.

    def add(self, values: Any, origin: Origin, dataset: str, classes: Any = None) -> None:
        """Remembers what a model answered."""
        array = as_array(values)
        if array is None:
            return
        prediction = Prediction(origin, dataset)
        origin.unasked += 1
        keys = keys_of(array, classes) if origin.unasked <= UNASKED else []
        with self._lock:
            self._add_memory(array, prediction)
            for key in keys:
                before = self._contents.get(key)
                if before is not None and before.origin is not origin:
                    prediction.shared = True
                _put(self._contents, key, prediction, MAX_KEYS)

    def derived(self, values: Any, prediction: Prediction) -> None:
        """Remembers what was computed from a prediction (the points of a curve)."""
        array = as_array(values)
        if array is not None and array.dtype.kind == "f":
            key = key_of(array)
            with self._lock:
                self._add_memory(array, prediction)
                if key is not None:
                    _put(self._contents, key, prediction, MAX_KEYS)

    def find(self, values: Any, *, content: bool = True) -> Prediction | None:
        """The prediction that the values are, share memory with, or are a copy or a usual consequence of.

        Of models that answered the same, the last one asked is taken.
        """
        if not self._arrays and not self._contents:
            return None
        array = as_array(values)
        if array is None:
            return None
        with self._lock:
            found = self._in_memory(array)
        if found is None and content:
            key = key_of(array)
            with self._lock:
                found = self._contents.get(key) if key is not None else None
                if found is not None and key is not None:
                    self._contents.move_to_end(key)
        if found is None or _live(found.origin) is None:
            return None
        found.origin.unasked = 0
        return found

    def _add_memory(self, array: Array, prediction: Prediction) -> None:
        owner = _owner(array)
        if owner.nbytes > 4 * array.nbytes:  # a piece of something larger, which may hold other things as well
            return
        low, high = _bounds(array)
        entry = self._arrays.get(id(owner))
        places = entry[1] if entry is not None and entry[0]() is owner else []
        places = [place for place in places if place[:2] != (low, high)][-16:]
        _put(self._arrays, id(owner), (weakref.ref(owner), [*places, (low, high, prediction)]), MAX_ARRAYS)

    def _in_memory(self, array: Array) -> Prediction | None:
        owner = _owner(array)
        entry = self._arrays.get(id(owner))
        if entry is None or entry[0]() is not owner:
            return None
        low, high = _bounds(array)
        return next((found for start, end, found in reversed(entry[1]) if start <= low and high <= end), None)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            for kept in (self._models, self._copies, self._strangers, self._arrays, self._contents):
                kept.clear()


def _live(origin: Origin | None) -> Origin | None:
    return origin if origin is not None and origin.run.can_log else None


def _owner(array: Array) -> Array:
    """The array that the memory belongs to."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _bounds(array: Array) -> tuple[int, int]:
    start: int = array.__array_interface__["data"][0]
    low = start + sum(
        (size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True) if stride < 0
    )
    high = start + sum(
        (size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True) if stride > 0
    )
    return low, high + array.itemsize


def _put(kept: OrderedDict[Any, T], key: Any, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


provenance = Provenance()
