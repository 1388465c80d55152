"""Reads a skops file into a tree of nodes, as skops does, and builds nothing: no class is looked up, nothing runs.

``skops.io`` answers which types are in a file, not whether their content is sound. What it will build can be judged
here beforehand. The tree follows ``skops.io`` 0.16 in what refers to what: parts are read in the same order, and a
number that is met again means the node that had it first (skops writes shared objects out each time, and not always
alike). The tests compare the two readers. Where a file leaves room for two readings (a key without a type, an array
whose header lies), it is refused.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .arrays import Refused, check_array, open_zip, read, read_array

#: Protocol 0 (skops before 0.6) names functions in a second place, which nobody here needs.
PROTOCOLS = frozenset({1, 2})
MAX_DEPTH, MAX_NODES, MAX_SCHEMA = 150, 5_000_000, 256 << 20

_LEAVES = frozenset({"JsonNode", "TypeNode", "FunctionNode", "SliceNode"})
_FILES = frozenset({"BytesNode", "BytearrayNode"})
_SERIES = frozenset({"ListNode", "TupleNode", "SetNode"})
#: Loaders whose content is a mapping of nodes under fixed names.
_NAMED = {
    "DefaultDictNode": ("main", "default_factory"),
    "PartialNode": ("func", "args", "kwds", "namespace"),
    "MaskedArrayNode": ("data", "mask"),
}
#: Loaders whose content is one node.
_ONE = frozenset({"ConstructorFromReduceNode", "RandomStateNode", "DTypeNode"})


@dataclass(slots=True, eq=False)
class Node:
    """One node. ``items`` are the nodes under it, in order; ``more`` those that only serve to build it."""

    loader: str
    name: str
    state: dict[str, Any]
    items: dict[Any, Node] = field(default_factory=dict)
    more: tuple[Node, ...] = ()

    def attributes(self) -> dict[str, Node]:
        """What will be the object's ``__dict__``; empty where its state is something else."""
        content = self.items.get("content")
        if content is None or content.name not in ("builtins.dict", "collections.OrderedDict"):
            return {}
        return content.items if content.loader == "DictNode" and text_keys(content) else {}


@dataclass(slots=True)
class SkopsTree:
    """A file that was read: its root, and every node in it once."""

    root: Node
    nodes: list[Node]
    archive: zipfile.ZipFile

    def array(self, node: Node) -> Any:
        """The array that a node will be. Refused where the node is something else."""
        if node.loader != "NdArrayNode" or node.name != "numpy.ndarray" or node.state["type"] != "numpy":
            raise Refused(f"a {node.name} stands where an array of numbers belongs")
        return read_array(self.archive, node.state["file"])

    def whole(self, node: Node) -> int:
        """The whole number that a node will be, Python's or numpy's."""
        if node.loader == "JsonNode":
            value = json.loads(node.state["content"])
            if type(value) is int:
                return value
        elif node.loader == "NdArrayNode" and node.state["type"] == "numpy":
            array = read_array(self.archive, node.state["file"])
            if array.shape == () and array.dtype.kind in "iu" and node.name == f"numpy.{array.dtype.name}":
                return int(array)
        raise Refused(f"a {node.name} stands where a whole number belongs")


def text_keys(node: Node) -> bool:
    """True where all keys of a dict node are text."""
    kinds = node.more[0].items.values()
    return all(kind.loader == "TypeNode" and kind.name == "builtins.str" for kind in kinds)


def read_tree(content: bytes) -> SkopsTree:
    """The tree in the bytes of a skops file. Refused says what is wrong with it."""
    archive = open_zip(content)
    if "schema.json" not in archive.NameToInfo:
        raise Refused("it is a zip file without a schema.json")
    if archive.getinfo("schema.json").file_size > MAX_SCHEMA:
        raise Refused("its schema.json is larger than any model's")
    try:
        schema = json.loads(read(archive, "schema.json"))
    except (ValueError, RecursionError):
        raise Refused("its schema.json is no JSON, or too deep") from None
    if not isinstance(schema, dict) or type(schema.get("protocol")) is not int or schema["protocol"] not in PROTOCOLS:
        raise Refused("its schema.json names no protocol that is known here")
    reader = _Reader(archive, schema["protocol"])
    try:
        root = reader.node({key: schema[key] for key in schema.keys() - {"protocol", "_skops_version"}}, 0)
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(f"its schema.json is no skops tree ({type(error).__name__}: {error})") from None
    return SkopsTree(root, reader.nodes, archive)


class _Reader:
    def __init__(self, archive: zipfile.ZipFile, protocol: int) -> None:
        self.archive = archive
        self.protocol = protocol
        self.nodes: list[Node] = []
        self.known: dict[int, Node] = {}
        self.open: set[int] = set()

    def node(self, state: dict[str, Any], depth: int) -> Node:
        if depth > MAX_DEPTH or len(self.nodes) > MAX_NODES:
            raise Refused("its schema.json is deeper or larger than any model's")
        loader, number = state["__loader__"], state.get("__id__")
        if number is not None:
            if type(number) is not int or number < 1:
                raise Refused(f"an object in it has the number {number!r}")
            if number in self.open:
                raise Refused("an object in it holds itself")
            known = self.known.get(number)
            if known is not None:  # whatever else stands here, skops takes the first one
                return known
        if loader == "CachedNode":
            raise Refused(f"the number {number!r} means no object in it")
        module, kind = state["__module__"], state["__class__"]
        if not (isinstance(module, str) and isinstance(kind, str) and isinstance(loader, str)):
            raise TypeError("a class is named by something else than text")
        made = Node(loader, f"{module}.{kind}", state)
        self.nodes.append(made)
        if number is not None:
            self.known[number] = made
            self.open.add(number)
        self._fill(made, depth + 1)
        if number is not None:
            self.open.discard(number)
        return made

    def _fill(self, made: Node, depth: int) -> None:
        """Reads what lies under the node, in the order in which skops does."""
        loader, state = made.loader, made.state
        if loader in _LEAVES:
            if loader == "JsonNode" and not isinstance(state["content"], str):
                raise TypeError("a JsonNode without text")
        elif loader in _SERIES:
            made.items = self._series(state["content"], depth)
        elif loader == "DictNode":
            kinds = self.node(state["key_types"], depth)
            made.more = (kinds,)
            made.items = {key: self.node(value, depth) for key, value in state["content"].items()}
            if kinds.loader != "ListNode" or len(kinds.items) != len(made.items):
                raise Refused("a dict in it has not one type for each key")
        elif loader == "NdArrayNode":
            self._array(made, depth)
        elif loader == "ObjectNode":
            if state.get("content") is not None:
                made.items = {"content": self.node(state["content"], depth)}
        elif loader in _NAMED:
            made.items = {key: self.node(state["content"][key], depth) for key in _NAMED[loader]}
        elif loader in _ONE:
            made.items = {"content": self.node(state["content"], depth)}
        elif loader in ("TreeNode", "LossNode"):
            made.items = {"content": self.node(state["content"], depth)}
            made.items["args"] = self.node(state["__reduce__"]["args"], depth)
        elif loader == "RandomGeneratorNode":
            keys = ("bit_generator", "seed_seq") if self.protocol > 1 else ("bit_generator",)
            made.items = {key: self.node(state["content"][key], depth) for key in keys}
        elif loader == "OperatorFuncNode":
            made.items = {"attrs": self.node(state["attrs"], depth)}
        elif loader in _FILES or loader == "SparseMatrixNode":
            read(self.archive, state["file"], 0)
        else:  # methods of objects, forests of other libraries, and what a later skops may bring
            raise Refused(f"it uses {loader[:60]!r}, which no model needs that is kept here")

    def _series(self, content: Any, depth: int) -> dict[Any, Node]:
        if not isinstance(content, list):
            raise TypeError("a series that is no list")
        return {index: self.node(item, depth) for index, item in enumerate(content)}

    def _array(self, made: Node, depth: int) -> None:
        if made.state["type"] == "numpy":
            check_array(self.archive, made.state["file"])
        elif made.state["type"] == "json":
            made.items = self._series(made.state["content"], depth)
            made.more = (self.node(made.state["shape"], depth),)
        else:
            raise Refused("an array in it is of an unknown kind")


def edges(nodes: list[Node]) -> Iterator[tuple[Node, Any, Node]]:
    """Every reference in the tree: what holds, under which key, what is held."""
    for node in nodes:
        for key, held in node.items.items():
            yield node, key, held
        for held in node.more:
            yield node, None, held
