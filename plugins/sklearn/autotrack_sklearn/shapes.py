"""Estimators that skops trusts and whose compiled parts take the shapes of their arrays for granted.

Support vector machines hand theirs to libsvm, k-means to a matrix product, neighbours count votes under the labels that
they kept. Shapes as in scikit-learn 1.6 to 1.9 (``sklearn/svm/_base.py``, ``sklearn/cluster/_kmeans.py``,
``sklearn/neighbors/_classification.py``).
"""

from __future__ import annotations

from .arrays import Refused, check_sparse, read
from .fitted import fitted
from .skopstree import Node, SkopsTree

_MACHINES = {
    f"sklearn.svm._classes.{name}": name.endswith("SVC") for name in ("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM")
}
_BISECTING = "sklearn.cluster._bisect_k_means.BisectingKMeans"
_BRANCH = "sklearn.cluster._bisect_k_means._BisectingTree"
_CLUSTERERS = frozenset({"sklearn.cluster._kmeans.KMeans", "sklearn.cluster._kmeans.MiniBatchKMeans", _BISECTING})
_LABELLERS = frozenset(
    f"sklearn.neighbors._classification.{name}" for name in ("KNeighborsClassifier", "RadiusNeighborsClassifier")
)
_KERNELS_OF_DATA = frozenset({'"linear"', '"poly"', '"rbf"', '"sigmoid"'})


def is_machine(name: str) -> bool:
    """True for the name of a support vector machine that libsvm runs."""
    return name in _MACHINES


def is_clusterer(name: str) -> bool:
    """True for the name of a k-means."""
    return name in _CLUSTERERS


def is_labeller(name: str) -> bool:
    """True for the name of a classifier by neighbours."""
    return name in _LABELLERS


def check_support(tree: SkopsTree, node: Node) -> None:
    """Refuses a support vector machine whose parts do not fit one another."""
    held = fitted(node)
    if "support_" not in held:
        return
    array = tree.array
    needed = ("support_vectors_", "_n_support", "_dual_coef_", "_intercept_", "_probA", "_probB", "kernel")
    if any(key not in held for key in needed):
        raise Refused(f"a {node.name} has not all the parts that scikit-learn gives it")
    support, counts = array(held["support_"]), array(held["_n_support"])
    if support.ndim != 1 or counts.ndim != 1 or len(counts) < 2 or int(counts.min()) < 0:
        raise Refused(f"a {node.name} counts its support vectors in an odd way")
    size, classes = len(support), len(counts)
    if int(counts.sum()) != size if _MACHINES[node.name] else classes != 2:
        raise Refused(f"a {node.name} counts other support vectors than it has")
    pairs = classes * (classes - 1) // 2
    proportions = {array(held[key]).shape for key in ("_probA", "_probB")}
    if array(held["_intercept_"]).shape != (pairs,) or not proportions <= {(0,), (pairs,)} or len(proportions) != 1:
        raise Refused(f"a {node.name} has not one intercept for each pair of classes")
    vectors, weights = held["support_vectors_"], held["_dual_coef_"]
    if vectors.loader == "SparseMatrixNode" or weights.loader == "SparseMatrixNode":
        sparse = [_sparse(tree, part) for part in (vectors, weights)]
        if sparse[0][0] != size or sparse[1] != (classes - 1, size, (classes - 1) * size):
            raise Refused(f"a {node.name} has coefficients that do not fit its support vectors")
        return
    if array(weights).shape != (classes - 1, size):
        raise Refused(f"a {node.name} has coefficients that do not fit its support vectors")
    if held["kernel"].loader == "JsonNode" and held["kernel"].state["content"] in _KERNELS_OF_DATA:
        if "n_features_in_" not in held or array(vectors).shape != (size, tree.whole(held["n_features_in_"])):
            raise Refused(f"a {node.name} has support vectors of another width than its data")
        return
    seen = held.get("shape_fit_")
    if seen is None or seen.loader != "TupleNode" or not seen.items:
        raise Refused(f"a {node.name} does not say on how many rows it was trained")
    if size and not (int(support.min()) >= 0 and int(support.max()) < tree.whole(seen.items[0])):
        raise Refused(f"a {node.name} names rows that its training did not have")


def check_clusters(tree: SkopsTree, node: Node) -> None:
    """Refuses a k-means whose centers are of another width than its data."""
    held = fitted(node)
    if "cluster_centers_" not in held:
        return
    if "n_features_in_" not in held:
        raise Refused(f"a {node.name} has centers and no n_features_in_")
    features, centers = tree.whole(held["n_features_in_"]), tree.array(held["cluster_centers_"])
    if centers.ndim != 2 or centers.shape[1] != features or not len(centers):
        raise Refused(f"a {node.name} has centers of another width than its data")
    branches = [held["_bisecting_tree"]] if node.name == _BISECTING and "_bisecting_tree" in held else []
    while branches:
        branch = branches.pop()
        if branch.loader == "JsonNode" and branch.state["content"] == "null":
            continue
        parts = branch.attributes()
        if branch.name != _BRANCH or "center" not in parts or tree.array(parts["center"]).shape != (features,):
            raise Refused(f"a {node.name} has a center of another width than its data")
        branches += [parts[side] for side in ("left", "right") if side in parts]


def check_labels(tree: SkopsTree, node: Node) -> None:
    """Refuses a classifier by neighbours with labels beyond its classes, or not one for each point."""
    held = fitted(node)
    if "_y" not in held:
        return
    labels = tree.array(held["_y"])
    points, classes = held.get("_fit_X"), held.get("classes_")
    if points is None or classes is None or labels.dtype.kind not in "iu":
        raise Refused(f"a {node.name} has labels and no points or classes")
    rows = _sparse(tree, points)[0] if points.loader == "SparseMatrixNode" else len(tree.array(points))
    if labels.ndim == 1:
        known = len(classes.items) if classes.items else len(tree.array(classes))
        if labels.size and not (int(labels.min()) >= 0 and int(labels.max()) < known):
            raise Refused(f"a {node.name} has labels beyond its classes")
    if labels.ndim not in (1, 2) or len(labels) != rows:
        raise Refused(f"a {node.name} has not one label for each of its points")


def _sparse(tree: SkopsTree, node: Node) -> tuple[int, int, int]:
    if node.loader != "SparseMatrixNode" or not node.name.startswith("scipy.sparse._csr."):
        raise Refused(f"a {node.name} stands where a sparse matrix of rows belongs")
    return check_sparse(read(tree.archive, node.state["file"]), node.name)
