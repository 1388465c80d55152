"""Whether the arrays of trees are sound: scikit-learn follows the numbers in them without looking.

A child's number outside of the tree, a circle, a feature that the data do not have: each reads or writes memory that is
not the tree's when the model predicts. Field names are those of ``sklearn.tree._tree.NODE_DTYPE``,
``PREDICTOR_RECORD_DTYPE`` (histogram gradient boosting) and ``NodeData`` (``sklearn.neighbors``), scikit-learn 1.6 to
1.9. All trees of a file are looked at together, so that a forest costs a few numpy calls and not some for each tree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .arrays import Refused

_NODE_FIELDS = (
    "left_child",
    "right_child",
    "feature",
    "threshold",
    "impurity",
    "n_node_samples",
    "weighted_n_node_samples",
)
_LEAF = -1


@dataclass(frozen=True, slots=True)
class TreeArrays:
    """What one ``sklearn.tree._tree.Tree`` is made from."""

    n_features: int
    n_classes: Any
    n_outputs: int
    max_depth: int
    node_count: int
    nodes: Any
    values: Any


@dataclass(frozen=True, slots=True)
class PredictorArrays:
    """What one ``TreePredictor`` is made from, and the data that it will meet."""

    nodes: Any
    binned: Any
    raw: Any
    n_features: int
    categorical: Any  # one truth value a feature


def check_trees(trees: Sequence[TreeArrays]) -> None:
    """Refuses trees of which scikit-learn would read past the end, or for ever."""
    import numpy as np

    if not trees:
        return
    expected = _node_dtypes()
    for tree in trees:
        nodes, values = tree.nodes, tree.values
        if nodes.ndim != 1 or nodes.dtype not in expected or not nodes.flags.c_contiguous:
            raise Refused("a tree's nodes are not what scikit-learn keeps there")
        if not len(nodes) == tree.node_count >= 1:
            raise Refused(f"a tree says that it has {tree.node_count} nodes and has {len(nodes)}")
        kinds = tree.n_classes
        if kinds.shape != (tree.n_outputs,) or kinds.dtype != np.intp or tree.n_outputs < 1 or int(kinds.min()) < 1:
            raise Refused("a tree's outputs and classes do not fit one another")
        if values.dtype != np.float64 or values.shape != (len(nodes), tree.n_outputs, int(kinds.max())):
            raise Refused(f"a tree's values are {values.dtype} of shape {values.shape}, which does not fit its classes")
        if not values.flags.c_contiguous or tree.n_features < 1:
            raise Refused("a tree's values or features are not what scikit-learn keeps there")
    sizes = [len(tree.nodes) for tree in trees]
    together = np.concatenate([tree.nodes for tree in trees]) if len(trees) > 1 else trees[0].nodes
    left, right, feature = (together[key] for key in ("left_child", "right_child", "feature"))
    leaf = left == _LEAF
    if bool(np.any(leaf != (right == _LEAF))):
        raise Refused("a tree has a node with one child")
    features = np.repeat(np.array([tree.n_features for tree in trees]), sizes)
    if bool(np.any(~leaf & ((feature < 0) | (feature >= features)))):
        raise Refused("a tree asks for a feature that its data do not have")
    if bool(np.any(~leaf & np.isnan(together["threshold"]))):
        raise Refused("a tree splits at what is no number")
    depths = check_children(left, right, leaf, sizes)
    if bool(np.any(depths > np.array([tree.max_depth for tree in trees]))):
        raise Refused("a tree is deeper than it says")


def check_children(left: Any, right: Any, leaf: Any, sizes: Sequence[int]) -> Any:
    """The depth of each tree, root 0; refuses what is no tree. The arrays hold all trees one after another."""
    import numpy as np

    counts = np.array(sizes, dtype=np.int64)
    starts = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(counts)), counts)
    own = np.arange(len(left), dtype=np.int64) - starts[owner]
    inner = np.flatnonzero(~leaf)
    one, other = left[inner].astype(np.int64), right[inner].astype(np.int64)
    for child in (one, other):
        if bool(np.any((child <= own[inner]) | (child >= counts[owner[inner]]))):
            raise Refused("a tree has a child that stands before its parent or outside of the tree")
    children = np.concatenate([one + starts[owner[inner]], other + starts[owner[inner]]])
    # Each node but the roots is one node's child, once: with children behind their parents that is a tree.
    parents = np.bincount(children, minlength=len(left))
    parents[starts] += 1
    if bool(np.any(parents != 1)):
        raise Refused("a tree has a node with two parents, or none")
    targets = np.full((2, len(left)), -1, dtype=np.int64)
    targets[0, inner], targets[1, inner] = children[: len(inner)], children[len(inner) :]
    depths = np.zeros(len(counts), dtype=np.int64)
    level, depth = starts, 0
    while True:
        level = targets[:, level[~leaf[level]]].ravel()
        if not level.size:
            return depths
        depth += 1
        depths[owner[level]] = depth


def check_predictors(predictors: Sequence[PredictorArrays]) -> None:
    """The same for the trees of histogram gradient boosting, with their sets of categories."""
    if not predictors:
        return  # of most models: what is imported here takes as long as they take to load
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    for predictor in predictors:
        nodes = predictor.nodes
        if nodes.ndim != 1 or nodes.dtype != PREDICTOR_RECORD_DTYPE or not len(nodes):
            raise Refused("a boosted tree's nodes are not what scikit-learn keeps there")
        for bitsets in (predictor.binned, predictor.raw):
            if bitsets.dtype != np.uint32 or bitsets.ndim != 2 or bitsets.shape[1] != 8:
                raise Refused("a boosted tree's sets of categories are not what scikit-learn keeps there")
            if not bitsets.flags.c_contiguous:
                raise Refused("a boosted tree's sets of categories lie in memory in the other order")
    sizes = [len(predictor.nodes) for predictor in predictors]
    together = np.concatenate([predictor.nodes for predictor in predictors])
    leaf = together["is_leaf"] != 0
    feature, sets = together["feature_idx"], together["bitset_idx"]
    features = np.repeat(np.array([predictor.n_features for predictor in predictors]), sizes)
    if bool(np.any(~leaf & ((feature < 0) | (feature >= features)))):
        raise Refused("a boosted tree asks for a feature that its data do not have")
    known = np.repeat(np.array([min(len(predictor.binned), len(predictor.raw)) for predictor in predictors]), sizes)
    by_set = ~leaf & (together["is_categorical"] != 0)
    if bool(np.any(by_set & (sets >= known))):
        raise Refused("a boosted tree asks for a set of categories that it does not have")
    owner = np.repeat(np.arange(len(sizes)), sizes)
    for index in np.flatnonzero(by_set):
        if not predictors[owner[index]].categorical[feature[index]]:
            raise Refused("a boosted tree splits a feature by categories that has none")
    check_children(together["left"], together["right"], leaf, sizes)


def check_neighbors(state: Sequence[Any], ball: bool, kind: str) -> None:
    """Refuses the state of a ``KDTree`` or ``BallTree`` (``ball``) that points outside of its points.

    ``state``: data, index, nodes, bounds, leaf size, levels, number of nodes, weights or None; ``kind`` is
    ``"float64"`` or ``"float32"``.
    """
    import numpy as np

    data, index, nodes, bounds, leaf_size, levels, count, weights = state
    if data.ndim != 2 or data.dtype != np.dtype(kind) or not data.flags.c_contiguous or not data.size:
        raise Refused("a tree of neighbours has points of an odd shape or type")
    points, features = data.shape
    if index.dtype != np.intp or index.shape != (points,):
        raise Refused("a tree of neighbours has not one index for each point")
    if int(index.min()) < 0 or int(index.max()) >= points or bool(np.any(np.bincount(index, minlength=points) != 1)):
        raise Refused("a tree of neighbours names points that it does not have, or one twice")
    if leaf_size < 1 or levels != int(math.log2(max(1, (points - 1) / leaf_size)) + 1) or count != 2**levels - 1:
        raise Refused("a tree of neighbours has a number of nodes that does not fit its points")
    if nodes.shape != (count,) or nodes.dtype.names != ("idx_start", "idx_end", "is_leaf", "radius"):
        raise Refused("a tree of neighbours has nodes that are not what scikit-learn keeps there")
    if [nodes.dtype[name] for name in nodes.dtype.names] != [np.intp, np.intp, np.intp, np.float64]:
        raise Refused("a tree of neighbours has nodes of another type")
    if bounds.dtype != np.dtype(kind) or bounds.shape != (1 if ball else 2, count, features):
        raise Refused("a tree of neighbours has bounds of another shape or type")
    if not bounds.flags.c_contiguous or nodes.dtype.itemsize != 32:
        raise Refused("a tree of neighbours lies in memory in another order")
    start, end = nodes["idx_start"], nodes["idx_end"]
    if bool(np.any((start < 0) | (end < start) | (end > points))):
        raise Refused("a tree of neighbours has a node that spans points which are not there")
    if bool(np.any((2 * np.arange(count) + 2 >= count) & (nodes["is_leaf"] == 0))):
        raise Refused("a tree of neighbours ends in a node that is no leaf")
    if weights is not None and (weights.shape != (points,) or weights.dtype != np.dtype(kind)):
        raise Refused("a tree of neighbours has not one weight for each point")


def check_spline(knots: Any, coefficients: Any, degree: int) -> None:
    """Refuses a ``BSpline`` with fewer knots or coefficients than its degree asks for."""
    import numpy as np

    size = len(knots) - degree - 1 if knots.ndim == 1 else 0
    if degree < 0 or size < degree + 1 or knots.dtype != np.float64 or coefficients.dtype != np.float64:
        raise Refused("a spline has too few knots for its degree, or no numbers")
    if coefficients.ndim < 1 or len(coefficients) < size or not bool(np.all(np.isfinite(knots))):
        raise Refused("a spline has too few coefficients for its knots, or knots that are no numbers")
    if bool(np.any(np.diff(knots) < 0)):
        raise Refused("a spline's knots are out of order")


def _node_dtypes() -> tuple[Any, ...]:
    from sklearn.tree._tree import NODE_DTYPE

    return (NODE_DTYPE,)
