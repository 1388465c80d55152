"""Whether a model file says nothing that XGBoost would follow out of its own memory, or for ever.

XGBoost takes the numbers in a model for granted: which node is the child of which, which feature a node splits. A file
from elsewhere is checked here before XGBoost sees it. The form is that of XGBoost 2.0 to 3.2 (``doc/model.schema``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from autotrack.plugin import attempt

from .ubjson import Malformed, parse

#: Arrays with a number a node: whole ones, or any.
_NODES = {"right_children": "i", "parents": "i", "split_indices": "i", "default_left": "i"}
_NODES |= {"split_conditions": "f", "loss_changes": "f", "sum_hessian": "f"}
#: What XGBoost itself can count.
MOST = 2**31 - 1
#: The largest category that XGBoost takes.
MOST_CATEGORIES = 1 << 24

Node = Mapping[str, Any]


def read(content: bytes) -> Node:
    """The document in a UBJSON or JSON file. Malformed where it is neither."""
    if content[:1] != b"{":
        raise Malformed("it begins neither as UBJSON nor as JSON")
    if content[1:2] in (b'"', b" ", b"\n", b"\r", b"\t", b"}"):
        found, error = attempt(json.loads, content)
        if error is not None:
            raise Malformed(f"it is no JSON: {str(error)[:200]}")
    else:
        found = parse(content)
    if not isinstance(found, dict):
        raise Malformed("it holds no model")
    return found


def check(document: Node) -> None:
    """Raises Malformed, which names the place, where a number points nowhere or parts do not fit one another."""
    if len(version := _array(document, "version", "i")) != 3 or _outside(version, 0, MOST):
        _refuse("no version of three numbers")
    learner = _part(document, "learner")
    shape = _part(learner, "learner_model_param")
    features, classes = _count(shape, "num_feature"), max(1, _count(shape, "num_class"))
    targets = max(1, _count(shape, "num_target") if "num_target" in shape else 1)
    booster = _part(learner, "gradient_booster")
    if not isinstance(_part(learner, "objective").get("name"), str):
        _refuse("an objective without a name")
    kind = booster.get("name")
    if kind == "gblinear":
        weights = _array(_part(booster, "model"), "weights", "f")
        if len(weights) != (features + 1) * max(classes, targets):
            _refuse(f"{len(weights)} weights for {features} features")
    elif kind == "gbtree":
        _trees(_part(booster, "model"), features, max(classes, targets))
    elif kind == "dart":
        count = _trees(_part(_part(booster, "gbtree"), "model"), features, max(classes, targets))
        if len(_array(booster, "weight_drop", "f")) != count:
            _refuse("not one weight for each tree")
    else:
        _refuse(f"a booster {str(kind)[:40]!r}")


def _trees(model: Node, features: int, groups: int) -> int:
    trees = model.get("trees")
    if not isinstance(trees, list):
        _refuse("a model without trees")
    if _count(_part(model, "gbtree_model_param"), "num_trees") != len(trees):
        _refuse("another number of trees than it says")
    groups_of = _array(model, "tree_info", "i")
    if len(groups_of) != len(trees) or _outside(groups_of, 0, groups):
        _refuse("trees of classes that there are not")
    if "iteration_indptr" in model:
        rounds = _array(model, "iteration_indptr", "i")
        if len(rounds) and (rounds[0] != 0 or rounds[-1] != len(trees) or (np.diff(rounds) < 0).any()):
            _refuse("rounds that do not add up to its trees")
    if "cats" in model:
        _encoder(_part(model, "cats"), features)
    for at, tree in enumerate(trees):
        _tree(tree, features, f"tree {at}")
    if {tree.get("id") if type(tree.get("id")) is int else -1 for tree in trees} != set(range(len(trees))):
        _refuse("trees that are not numbered one by one")
    return len(trees)


def _tree(tree: Any, features: int, name: str) -> None:
    if not isinstance(tree, Mapping):
        _refuse(f"{name}, which is none")
    shape = _part(tree, "tree_param")
    size, width = _count(shape, "num_nodes"), max(1, _count(shape, "size_leaf_vector"))
    left = _array(tree, "left_children", "i")
    if "num_feature" in shape and _count(shape, "num_feature") != features:
        _refuse(f"{name} of another number of features than the model")
    if size < 1 or len(left) != size:
        _refuse(f"{name} with another number of nodes than it says")
    others = {key: _array(tree, key, kinds) for key, kinds in _NODES.items()}
    for key, values in others.items():
        if len(values) != size:
            _refuse(f"{name} with not one number for each node in {key}")
    right, leaf = others["right_children"], left == -1
    leaves = len(_array(tree, "leaf_weights", "f")) // width if "leaf_weights" in tree else 0
    if _outside(left, -1, size) or _outside(right[~leaf], 0, size) or _outside(right[leaf], -1, leaves):
        _refuse(f"{name} with children that it does not have")
    if width > 1 and leaves and _outside(right[leaf], 0, leaves):
        _refuse(f"{name} with leaves that it does not have")
    if len(_array(tree, "base_weights", "f")) != size * width:
        _refuse(f"{name} with not one weight for each node")
    children = np.concatenate([left[~leaf], right[~leaf]])
    # Where no node has two parents and the root has none, nothing that is reached from the root leads back.
    if len(np.unique(children)) != len(children) or (children == 0).any():
        _refuse(f"{name}, which runs in circles")
    parents, inner = others["parents"], np.nonzero(~leaf)[0]
    if not (np.array_equal(parents[left[inner]], inner) and np.array_equal(parents[right[inner]], inner)):
        _refuse(f"{name} with nodes that are the children of others than they say")
    if _outside(parents[(parents != -1) & (parents != MOST)], 0, size):
        _refuse(f"{name} with nodes that are children of none")
    if _outside(others["split_indices"][~leaf], 0, features):
        _refuse(f"{name} with features that there are not")
    _categories(tree, size, name)


def _categories(tree: Node, size: int, name: str) -> None:
    kinds = _array(tree, "split_type", "i") if "split_type" in tree else np.zeros(size, int)
    if len(kinds) not in (0, size) or _outside(kinds, 0, 2):
        _refuse(f"{name} with unknown kinds of splits")
    parts = [_array(tree, key, "i") if key in tree else np.zeros(0, int)
             for key in ("categories", "categories_nodes", "categories_segments", "categories_sizes")]  # fmt: skip
    values, nodes, starts, sizes = parts
    if not len(nodes) == len(starts) == len(sizes) or not np.array_equal(np.nonzero(kinds)[0], nodes):
        _refuse(f"{name} with categories of other nodes than those that split by them")
    if _outside(values, 0, MOST_CATEGORIES) or _outside(starts, 0, len(values) + 1) or _outside(sizes, 1, MOST):
        _refuse(f"{name} with categories that there are not")
    if (starts.astype(object) + sizes > len(values)).any():
        _refuse(f"{name} with categories that there are not")


def _encoder(encoder: Node, features: int) -> None:
    """The categories of a data frame's columns by their names, as XGBoost 3.1 and later keep them."""
    columns = encoder.get("enc")
    starts, order = _array(encoder, "feature_segments", "i"), _array(encoder, "sorted_idx", "i")
    if not isinstance(columns, list) or len(columns) not in (0, features):
        _refuse("categories of columns that there are not")
    if (len(columns) and len(starts) != len(columns) + 1) or (len(starts) and starts[-1] != len(order)):
        _refuse("categories that do not add up")
    if len(starts) and (starts[0] != 0 or (np.diff(starts) < 0).any()):
        _refuse("categories that do not add up")
    for at, column in enumerate(columns):
        if not isinstance(column, Mapping):
            _refuse("categories that are none")
        count = int(starts[at + 1] - starts[at])
        values = _array(column, "values", "if")
        if "offsets" in column:
            ends = _array(column, "offsets", "i")
            if len(ends) and (ends[0] != 0 or ends[-1] != len(values) or (np.diff(ends) < 0).any()):
                _refuse("names of categories that do not add up")
            known = max(0, len(ends) - 1)
        else:
            known = len(values)
        if known != count or _outside(order[starts[at] : starts[at + 1]], 0, max(1, count)):
            _refuse("categories that do not add up")


def _part(node: Node, name: str) -> Node:
    found = node.get(name)
    if not isinstance(found, Mapping):
        _refuse(f"no {name}")
    return found


def _count(node: Node, name: str) -> int:
    """A number that XGBoost writes as text."""
    found, _ = attempt(int, node.get(name))  # type: ignore[arg-type]
    if found is None or not 0 <= found <= MOST:
        _refuse(f"{str(node.get(name))[:40]!r} for {name}")
    return found


def _array(node: Node, name: str, kinds: str) -> Any:
    """The numbers of an array, whole ones where ``kinds`` is "i"."""
    found = node.get(name)
    if isinstance(found, list):
        found, _ = attempt(np.asarray, found if found else np.zeros(0, "i8" if kinds == "i" else "f4"))
    allowed = "iub" if kinds == "i" else "iubf"
    if not isinstance(found, np.ndarray) or found.ndim != 1 or found.dtype.kind not in allowed:
        _refuse(f"no numbers in {name}")
    return found.astype(np.int64) if found.dtype.kind in "iub" else found


def _outside(values: Any, least: int, end: int) -> bool:
    return len(values) > 0 and bool(values.min() < least or values.max() >= end)


def _refuse(what: str) -> NoReturn:
    raise Malformed(f"it has {what}")


__all__ = ["Malformed", "check", "read"]
