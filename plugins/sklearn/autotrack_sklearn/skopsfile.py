"""Writes a fitted estimator as a ``.skops`` file without importing skops.

Importing skops walks every scikit-learn module (0.3 to 0.7 s of CPU), which a training process should not pay for a
file of a few kilobytes. The format is public and numbered: a zip with ``schema.json``, a tree of nodes each naming
its loader, and one ``.npy`` or ``.npz`` a numeric array. Readers of a newer skops keep reading older numbers. Files
written here are read by ``skops.io.load`` alone, and the tests compare every scikit-learn estimator through it.

What cannot be restored exactly is refused with ``CannotHold`` (the caller then takes another format): skops itself
would turn ``{True: 1}`` into a key that is always true, or flatten an array of ensembles.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import operator
import sys
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import IO, Any

#: The protocol that all nodes written here have had unchanged; random generators changed with 2.
PROTOCOL, PROTOCOL_GENERATOR = 1, 2

Node = dict[str, Any]

_PLAIN = frozenset({str, int, float, bool, type(None)})
_LOSSES = frozenset({"sklearn._loss._loss", "sklearn.linear_model._sgd_fast"})
#: Objects with links among themselves that the node tree would multiply.
_LINKED = frozenset({"sklearn.cluster._birch.Birch"})
_UFUNC_HOMES = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath", "numpy", "scipy.special._ufuncs")


class CannotHold(TypeError):
    """The object holds something that a skops file would not give back as it was."""


def write(value: Any, file: IO[bytes]) -> list[str]:
    """Writes the value to a binary file; answers the full names of the types and functions in it, sorted.

    Equal values give equal bytes: no time stands in the file.
    Raises CannotHold where the format cannot restore it (the file's content is then worthless), and OSError.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        writer = _Writer(archive)
        try:
            schema = writer.node(value)
        except RecursionError:
            raise CannotHold("the object is nested too deeply") from None
        finally:
            writer.forget()
        schema["protocol"] = writer.protocol
        schema["_skops_version"] = "autotrack"
        archive.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema, separators=(",", ":")))
    return sorted(writer.names)


class _Writer:
    """One file being written. Objects met twice are written once, under ids counted from 1.

    A reader looks a repeated id up among the nodes that it has built so far, so parts are visited here in the order
    in which skops reads them: key types before values, state before constructor arguments.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        import numpy as np

        self.np = np
        self.archive = archive
        self.protocol = PROTOCOL
        self.names: set[str] = set()
        self.seen: dict[int, tuple[int, Any]] = {}  # the object is kept, so that its id stays its own
        self.by_type: dict[type, Callable[[Any], Node]] = {
            dict: self._dict,
            OrderedDict: self._dict,
            defaultdict: self._defaultdict,
            list: self._items("ListNode"),
            tuple: self._items("TupleNode"),
            set: self._items("SetNode"),
            bytes: self._bytes("BytesNode"),
            bytearray: self._bytes("BytearrayNode"),
            slice: self._slice,
            functools.partial: self._partial,
            operator.attrgetter: self._operator,
            operator.itemgetter: self._operator,
            operator.methodcaller: self._operator,
            np.ndarray: self._array,
            np.memmap: self._array,
            np.ma.MaskedArray: self._masked,
            np.random.RandomState: self._random_state,
            np.random.Generator: self._generator,
            FunctionType: self._function,
            BuiltinFunctionType: self._function,
            np.ufunc: self._ufunc,
        }

    def forget(self) -> None:
        """Lets go of the objects: its own methods hold the writer, and would hold the model until a collection."""
        self.seen.clear()
        self.by_type.clear()

    def node(self, value: Any) -> Node:
        kind = type(value)
        if kind in _PLAIN:
            return {
                "__class__": "str",
                "__module__": "builtins",
                "__loader__": "JsonNode",
                "content": json.dumps(value),
                "is_json": True,
            }
        if isinstance(value, type):
            return self._type(value)
        known = self.seen.get(id(value))
        if known is not None:
            return {"__id__": known[0], "__class__": "str", "__module__": "builtins", "__loader__": "CachedNode"}
        number = len(self.seen) + 1
        self.seen[id(value)] = (number, value)
        made = (self.by_type.get(kind) or self._choose(value, kind))(value)
        made["__id__"] = number
        return made

    def _choose(self, value: Any, kind: type) -> Callable[[Any], Node]:
        np = self.np
        if issubclass(kind, np.generic):
            return self._scalar
        if issubclass(kind, np.dtype):
            return self._dtype
        if issubclass(kind, tuple) and hasattr(kind, "_fields") and kind.__bases__ == (tuple,):
            return self._items("TupleNode")
        path = f"{kind.__module__}.{kind.__qualname__}"
        if path in _LINKED:
            raise CannotHold(f"{path} is not supported by skops")
        if path == "sklearn.utils._bunch.Bunch":
            return self._dict
        if path == "sklearn.tree._tree.Tree":
            return self._tree
        if kind.__module__ in _LOSSES:
            return self._loss
        if kind.__module__.startswith("scipy.sparse") and hasattr(value, "nnz") and hasattr(value, "tocsr"):
            return self._sparse
        if issubclass(kind, MethodType):
            raise CannotHold(f"a bound method ({value.__func__.__qualname__})")
        if issubclass(kind, (dict, list, tuple, set, str, int, float, bytes, np.ndarray)):
            raise CannotHold(f"a subclass of a built-in type: {path}")
        if callable(value) and hasattr(value, "__name__") and hasattr(value, "__module__"):
            return self._function
        return self._object

    def _head(self, kind: Any, loader: str, *, declare: bool = True) -> Node:
        """The node's beginning; the type must be found again under its module and name."""
        module, name = kind.__module__, kind.__name__
        if module in {"__main__", "__mp_main__"}:
            raise CannotHold(f"{name} is defined in the script itself, which other programs cannot import")
        if _find(module, name) is not kind:
            raise CannotHold(f"{module}.{kind.__qualname__} cannot be imported by that name")
        if declare:
            self.names.add(f"{module}.{name}")
        return {"__class__": name, "__module__": module, "__loader__": loader}

    # Containers

    def _items(self, loader: str) -> Callable[[Any], Node]:
        def items(value: Any) -> Node:
            made = self._head(type(value), loader)
            made["content"] = [self.node(item) for item in value]
            return made

        return items

    def _dict(self, value: Any) -> Node:
        made = self._head(type(value), "DictNode")
        content: dict[Any, Node] = {}
        np = self.np
        made["key_types"] = self.node([type(key) for key in value])
        for key, item in value.items():
            if not isinstance(key, (str, int, float)) and not isinstance(key, np.generic):
                raise CannotHold(f"a dict key of type {type(key).__name__}")
            plain = key.item() if isinstance(key, np.generic) else key
            if type(plain) not in (str, int, float):  # a boolean comes back as true whatever it was
                raise CannotHold(f"a dict key of type {type(key).__name__}")
            content[plain] = self.node(item)
        if len({str(key) for key in content}) != len(value):
            raise CannotHold("dict keys that are the same text")
        made["content"] = content
        return made

    def _defaultdict(self, value: Any) -> Node:
        if any(type(key) is not str for key in value):
            raise CannotHold("a defaultdict with keys that are no text")
        made = self._head(type(value), "DefaultDictNode")
        made["content"] = {"main": self.node(dict(value)), "default_factory": self.node(value.default_factory)}
        return made

    def _bytes(self, loader: str) -> Callable[[Any], Node]:
        def raw(value: Any) -> Node:
            made = self._head(type(value), loader)
            made["file"] = f"{len(self.seen)}.bin"
            self.archive.writestr(zipfile.ZipInfo(made["file"]), bytes(value))
            return made

        return raw

    def _slice(self, value: slice) -> Node:
        parts = {"start": value.start, "stop": value.stop, "step": value.step}
        if any(type(part) not in (int, type(None), str) for part in parts.values()):
            raise CannotHold("a slice of other things than numbers and names")
        return self._head(slice, "SliceNode") | {"content": parts}

    # numpy and scipy

    def _array(self, value: Any) -> Node:
        np = self.np
        made = self._head(np.ndarray, "NdArrayNode")
        if value.dtype == object:
            if value.ndim == 0 or (value.ndim > 1 and any(_is_sequence(item) for item in value.flat)):
                raise CannotHold("an object array of sequences")
            made["content"] = [self.node(item) for item in value.tolist()]
            made["type"] = "json"
            made["shape"] = self.node(value.shape)
            return made
        if value.dtype.hasobject:
            raise CannotHold(f"an array of {value.dtype}")
        made["type"], made["file"] = "numpy", f"{len(self.seen)}.npy"
        with self.archive.open(made["file"], "w", force_zip64=value.nbytes > 1 << 30) as out:
            np.lib.format.write_array(out, np.asarray(value), allow_pickle=False)
        return made

    def _scalar(self, value: Any) -> Node:
        np = self.np
        made = self._head(type(value), "NdArrayNode")
        made["type"], made["file"] = "numpy", f"{len(self.seen)}.npy"
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(value), allow_pickle=False)
        self.archive.writestr(zipfile.ZipInfo(made["file"]), buffer.getbuffer())
        return made

    def _dtype(self, value: Any) -> Node:
        self.names.add("numpy.dtype")
        empty = self.np.ndarray(0, dtype=value)
        return {"__class__": "dtype", "__module__": "numpy", "__loader__": "DTypeNode", "content": self.node(empty)}

    def _masked(self, value: Any) -> Node:
        made = self._head(type(value), "MaskedArrayNode")
        made["content"] = {"data": self.node(self.np.asarray(value.data)), "mask": self.node(value.mask)}
        return made

    def _random_state(self, value: Any) -> Node:
        made = self._head(type(value), "RandomStateNode")
        made["content"] = self.node(value.get_state(legacy=False))
        return made

    def _generator(self, value: Any) -> Node:
        self.protocol = PROTOCOL_GENERATOR
        made = self._head(type(value), "RandomGeneratorNode")
        bits = value.bit_generator
        made["content"] = {"bit_generator": self.node(bits.state), "seed_seq": self.node(bits.seed_seq.state)}
        return made

    def _sparse(self, value: Any) -> Node:
        from scipy.sparse import save_npz

        made = self._head(type(value), "SparseMatrixNode")
        made["type"], made["file"] = "scipy", f"{len(self.seen)}.npz"
        buffer = io.BytesIO()
        save_npz(buffer, value)
        self.archive.writestr(zipfile.ZipInfo(made["file"]), buffer.getbuffer())
        return made

    # Code by name

    def _type(self, value: Any) -> Node:
        return self._head(value, "TypeNode")

    def _function(self, value: Any) -> Node:
        module = getattr(value, "__module__", None) or "builtins"
        if module == "__main__" or _find(module, value.__name__) is not value:
            raise CannotHold(f"{module}.{getattr(value, '__qualname__', value.__name__)} cannot be imported")
        self.names.add(f"{module}.{value.__name__}")
        loader = "TypeNode" if isinstance(value, BuiltinFunctionType) else "FunctionNode"
        return {"__class__": value.__name__, "__module__": module, "__loader__": loader}

    def _ufunc(self, value: Any) -> Node:
        for home in _UFUNC_HOMES:
            if home in sys.modules and getattr(sys.modules[home], value.__name__, None) is value:
                self.names.add(f"{home}.{value.__name__}")
                return {"__class__": value.__name__, "__module__": home, "__loader__": "FunctionNode"}
        raise CannotHold(f"the function {value.__name__}, whose module is not known")

    def _partial(self, value: Any) -> Node:
        made = self._head(functools.partial, "PartialNode")
        parts = {"func": value.func, "args": value.args, "kwds": value.keywords, "namespace": value.__dict__ or None}
        made["content"] = {name: self.node(part) for name, part in parts.items()}
        return made

    def _operator(self, value: Any) -> Node:
        reduced = value.__reduce__()
        if len(reduced) != 2 or reduced[0] is not type(value):
            raise CannotHold(f"{type(value).__name__} with keyword arguments")
        made = self._head(type(value), "OperatorFuncNode")
        made["attrs"] = self.node(reduced[1])
        return made

    # Objects

    def _tree(self, value: Any) -> Node:
        made = self._head(type(value), "TreeNode")
        _, args, state = value.__reduce__()
        made["content"] = self.node(state)
        made["__reduce__"] = {"args": self.node(args)}
        return made

    def _loss(self, value: Any) -> Node:
        made = self._head(type(value), "LossNode")
        reduced = value.__reduce__()
        state: Any = {}
        if reduced[0] is type(value):
            args = reduced[1]
            state = reduced[2] if len(reduced) > 2 else {}
        elif reduced[1] and reduced[1][0] is type(value):
            args, state = ((), reduced[2]) if len(reduced) == 3 else (reduced[1][2] or (), {})
        else:
            raise CannotHold(f"{type(value).__name__} with an unknown way of being rebuilt")
        made["content"] = self.node(state or {})
        made["__reduce__"] = {"args": self.node(args)}
        return made

    def _object(self, value: Any) -> Node:
        kind = type(value)
        own_state = kind.__getstate__ is not object.__getstate__
        if kind.__reduce__ is not object.__reduce__ or kind.__reduce_ex__ is not object.__reduce_ex__:
            reduced = value.__reduce_ex__(2)
            if isinstance(reduced, tuple) and reduced[0] is kind and all(part is None for part in reduced[2:]):
                made = self._head(kind, "ConstructorFromReduceNode")
                made["content"] = self.node(reduced[1])
                return made
            if not own_state or not hasattr(kind, "__setstate__"):
                raise CannotHold(f"{kind.__module__}.{kind.__qualname__}, which pickle rebuilds in a way of its own")
        made = self._head(kind, "ObjectNode")
        state = value.__getstate__()
        if not hasattr(kind, "__setstate__") and not (state is None or isinstance(state, dict)):
            raise CannotHold(f"{kind.__module__}.{kind.__qualname__}, which keeps its state in slots")
        if state is None and not hasattr(value, "__dict__") and kind.__basicsize__ > object.__basicsize__:
            raise CannotHold(f"{kind.__module__}.{kind.__qualname__}, whose state is not visible")
        made["content"] = self.node(state)
        return made


def _find(module: str, name: str) -> Any:
    found = sys.modules.get(module)
    if found is None:
        try:
            found = importlib.import_module(module)
        except ImportError:
            return None
    return getattr(found, name, None)


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)
