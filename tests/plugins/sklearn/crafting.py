"""Real saved models with one thing changed: what somebody would send who knows the format."""

from __future__ import annotations

import copy
import functools
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from autotrack_sklearn.skopsfile import write
from scipy import sparse
from sklearn import cluster, ensemble, neighbors, preprocessing, svm, tree
from sklearn.datasets import load_iris

X, Y = load_iris(return_X_y=True)

MODELS = {
    "tree": lambda: tree.DecisionTreeClassifier(random_state=0).fit(X, Y),
    "forest": lambda: ensemble.RandomForestClassifier(3, random_state=0).fit(X, Y),
    "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=2, random_state=0).fit(X, Y),
    "isolation": lambda: ensemble.IsolationForest(n_estimators=3, max_features=2, random_state=0).fit(X),
    "histogram": lambda: ensemble.HistGradientBoostingClassifier(max_iter=2).fit(X, Y),
    "neighbours": lambda: neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "sparse": lambda: neighbors.KNeighborsClassifier(algorithm="brute").fit(sparse.csr_matrix(X), Y),
    "machine": lambda: svm.SVC().fit(X, Y),
    "clusters": lambda: cluster.BisectingKMeans(4, random_state=0).fit(X),
    "votes": lambda: neighbors.KNeighborsClassifier(algorithm="brute").fit(X, Y),
    "spline": lambda: preprocessing.SplineTransformer(3).fit(X),
    "scaler": lambda: preprocessing.StandardScaler().fit(X),
}


@functools.cache
def saved(name: str) -> bytes:
    """The bytes of a model's skops file, nothing changed."""
    buffer = io.BytesIO()
    write(MODELS[name](), buffer)
    return buffer.getvalue()


class Crafted:
    """A skops file taken apart: its schema, with references written out, and its files."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.schema = json.loads(self.files.pop("schema.json"))
        self.fresh = 0

    def at(self, path: list[Any]) -> dict[str, Any]:
        """The node at a path of attributes and positions."""
        node = self.schema
        for key in path:
            held = self.under(node)
            if isinstance(key, str) and key not in held:
                key = key.lstrip("_")  # a private name in some releases, a public one in others
            node = held[key]
        return node

    def under(self, node: dict[str, Any]) -> Any:
        """What lies under a node, by attribute or by position."""
        loader = node["__loader__"]
        if loader == "ObjectNode":
            content = node["content"]
            return content["content"]
        if loader == "TreeNode":
            return node["content"]["content"] | {"args": node["__reduce__"]["args"]}
        return node["content"]

    def edit(self, path: list[Any], **change: Any) -> None:
        """Makes one change at a path; see ``tests/attacks/skops/trees.json`` for the kinds."""
        (kind, value), node = next(iter(change.items())), self.at(path)
        if kind in ("put", "first", "dtype", "zeros"):
            self.rewrite(node, kind, value)
        elif kind == "sparse":
            self.rewrite_sparse(node, value)
        elif kind == "json":
            self.replace(node, {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"})
            node |= {"content": json.dumps(value), "is_json": True}
        elif kind == "same":
            self.replace(node, copy.deepcopy(self.at(value)))
        elif kind == "node":
            self.replace(node, {"__id__": node["__id__"]} | value)
        elif kind == "loader":
            node["__loader__"] = value
        elif kind == "drop":
            holder = self.at(path[:-1])["content"]
            index = list(holder["content"]).index(path[-1])
            del holder["content"][path[-1]], holder["key_types"]["content"][index]
        elif kind == "untyped":
            del node["content"]["key_types"]["content"][-value:]
        elif kind == "add":
            for key, added in value.items():
                if key not in node["content"]["content"]:
                    kinds = node["content"]["key_types"]["content"]
                    kinds.append({"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"})
                node["content"]["content"][key] = self.foreign() if added == {"$tree": True} else added
        elif kind == "decoy":
            self.decoy(node, value)
        elif kind == "root":
            self.schema = node | {"protocol": self.schema["protocol"], "_skops_version": "0.16.0"}
        else:
            raise AssertionError(f"no change is called {kind}")

    def foreign(self) -> dict[str, Any]:
        """The tree of another model, with its files."""
        other = Crafted(saved("tree"))
        node = other.at(["tree_"])
        self.files |= {f"t{name}": content for name, content in other.files.items()}
        text = json.dumps(node).replace('"file": "', '"file": "t').replace('"__id__": ', '"__id__": 9000')
        return dict(json.loads(text))

    def decoy(self, node: dict[str, Any], where: str) -> None:
        """Another array under the same number, with a child far outside, before or behind all attributes."""
        other = dict(node)
        self.rewrite(other, "put", {"left_child": {"0": 1 << 40}})
        state = self.schema["content"]
        kind, held = {"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}, state["content"]
        state["key_types"]["content"].insert(0 if where == "before" else len(held), kind)
        state["content"] = {"other": other} | held if where == "before" else held | {"other": other}

    def replace(self, node: dict[str, Any], other: dict[str, Any]) -> None:
        node.clear()
        node.update(other)

    def rewrite(self, node: dict[str, Any], kind: str, value: Any) -> None:
        array = np.load(io.BytesIO(self.files[node["file"]]))
        if kind == "put":
            for field, cells in value.items():
                for index, cell in cells.items():
                    (array[field] if field else array)[int(index)] = float("nan") if cell == "nan" else cell
        elif kind == "first":
            array = array[:value]
        elif kind == "dtype":
            array = array.astype(value)
        else:
            array = np.zeros(value, array.dtype if array.dtype.names is None else np.float64)
        self.store(node, array)

    def rewrite_sparse(self, node: dict[str, Any], value: dict[str, Any]) -> None:
        parts = dict(np.load(io.BytesIO(self.files[node["file"]])))
        for part, cells in value.items():
            for index, cell in cells.items():
                parts[part][int(index)] = cell
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **parts)
        self.files[node["file"]] = buffer.getvalue()

    def store(self, node: dict[str, Any], array: Any) -> None:
        buffer = io.BytesIO()
        np.save(buffer, array)
        self.fresh += 1
        node["file"] = f"fresh{self.fresh}.npy"
        self.files[node["file"]] = buffer.getvalue()

    def content(self) -> bytes:
        """The file, put together again."""
        return zipped({**self.files, "schema.json": json.dumps(self.schema).encode()})


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file of these."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def crafted(model: str, edits: list[dict[str, Any]]) -> bytes:
    """A model's file with these changes."""
    made = Crafted(saved(model))
    for change in edits:
        rest = dict(change)
        made.edit(rest.pop("path"), **rest)
    return made.content()


class Runs:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)
