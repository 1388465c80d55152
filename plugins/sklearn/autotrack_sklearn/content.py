"""Data by what is in them: equal values give equal keys, in whatever container or type of number they come.

Nothing of the data is kept. Keys tell predictions and models of one process apart; they are no fingerprints to store.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from autotrack.plugin import attempt

Array = np.ndarray[Any, Any]
Key = tuple[int, ...] | tuple[Any, ...]

#: Values up to which all count; of more, as many are taken at equal distances.
MOST = 16_384
#: Values below which equal content says nothing.
LEAST = 3
#: Columns of a table of probabilities that are looked at one by one.
MOST_COLUMNS = 16
#: Bytes and parts of a fitted model that its key is made from.
MODEL_BYTES, MODEL_PARTS = 1 << 17, 48


def as_array(values: Any) -> Array | None:
    """The values as an array without a copy where they are one; None for what is no column or table of data."""
    if isinstance(values, np.ndarray):
        found: Array | None = values
    elif isinstance(values, (list, tuple)) or hasattr(type(values), "__array__"):
        found, _ = attempt(np.asarray, values)
    else:
        return None
    if found is None or found.ndim not in (1, 2) or not found.size:
        return None
    return found.ravel() if found.ndim == 2 and found.shape[1] == 1 else found


def key_of(values: Array) -> Key | None:
    """What equal values share: numbers count as numbers, whatever their type; text as text. None for other objects."""
    if len(values) < LEAST:
        return None
    taken = values.ravel() if values.ndim > 1 else values
    if taken.size > MOST:
        taken = taken[:: -(-taken.size // MOST)]
    kind = taken.dtype.kind
    if kind == "O":
        numbers, _ = attempt(np.asarray, taken.tolist())
        if numbers is None or numbers.shape != taken.shape:
            return None
        taken, kind = numbers, numbers.dtype.kind
    if kind in "biuf":
        content = (taken.astype(np.float64) + 0.0).tobytes()  # adding zero makes -0.0 the same as 0.0
    elif kind == "U":
        content = "\0".join(taken.tolist()).encode("utf-8", "surrogatepass")
    else:
        return None
    return (*values.shape, kind == "U", hashlib.sha256(content).digest()[:16])


def keys_of(values: Array, classes: Any = None) -> list[Key]:
    """Keys of a prediction and of what is usually made of it.

    Of a table of one column a class: the whole, each column, the place of the largest and the class there. Of numbers:
    the whole and what lies above 0 and 0.5, as 0 and 1 and as classes. What is the same in every row says nothing of
    where it comes from, so only the prediction as it is may be constant.
    """
    found = [key_of(values)]
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        classes = None
    if values.dtype.kind not in "fb":
        return [key for key in found if key is not None]
    made: list[Array] = []
    if values.ndim == 2:
        made = [values[:, column] for column in range(min(values.shape[1], MOST_COLUMNS))]
        place = values.argmax(axis=1)
        made.append(place)
        if classes is not None and len(classes) == values.shape[1]:
            made.append(classes[place])
        if values.shape[1] == 2:
            made += [values[:, 1] >= 0.5, values[:, 1] > 0.5]
    else:
        for above in (values > 0, values > 0.5):
            made.append(above)
            if classes is not None and len(classes) == 2:
                made.append(classes[above.astype(int)])
    found += [key_of(part) for part in made if not (part == part[0]).all()]
    return list(dict.fromkeys(key for key in found if key is not None))


def model_key(model: Any) -> Key | None:
    """What copies of one fitted model share (pickled, deep-copied, loaded): its class and the arrays that it learned.

    None where it holds no array: then nothing tells it from another.
    """
    digest, room = hashlib.sha256(), [MODEL_BYTES, MODEL_PARTS]
    if not _learned(model, digest, room, 4):
        return None
    return type(model).__module__, type(model).__qualname__, digest.digest()[:16]


def _learned(part: Any, digest: Any, room: list[int], depth: int) -> int:
    """Feeds the arrays below one part of a model; answers how many."""
    state = getattr(part, "__dict__", None)
    count = 0
    if isinstance(part, np.ndarray):
        return _array(part, digest, room)
    if isinstance(part, (list, tuple)):
        inner = [(str(at), value) for at, value in enumerate(part[:4])]
    elif isinstance(state, dict) and hasattr(type(part), "get_params"):
        inner = sorted((name, value) for name, value in state.items() if isinstance(name, str))
    elif hasattr(type(part), "node_count") and hasattr(type(part), "threshold"):  # a decision tree's own structure
        inner = [("threshold", part.threshold), ("value", part.value)]
    elif isinstance(state, dict) and isinstance(state.get("nodes"), np.ndarray):  # of a boosted histogram
        inner = [("nodes", state["nodes"])]
    else:
        return 0
    for name, value in inner:
        if depth and room[0] > 0 and room[1] > 0 and (not isinstance(value, (list, tuple)) or value):
            digest.update(name.encode("utf-8", "replace"))
            count += _learned(value, digest, room, depth - 1)
    return count


def _array(array: Array, digest: Any, room: list[int]) -> int:
    whole = array.flags.c_contiguous or array.flags.f_contiguous  # of others, a flat view would be a copy
    if array.dtype.kind == "O" or not array.size or not whole:
        return 0
    flat = array.ravel(order="K")
    most = max(1, room[0] // array.dtype.itemsize)
    content = flat[:: -(-flat.size // most)].tobytes()
    digest.update(f"{array.dtype.str}{array.shape}".encode() + content)
    room[0] -= len(content)
    room[1] -= 1
    return 1
