"""Which of a skops file's objects are sound in the place where they stand, so that their types can be let in.

A tree is only as safe as the estimator around it: a forest looks at the width of the data once and then hands them to
each tree unseen, boosting adds into a table whose width another object decides. So trees are let in only under the
estimators that are known here, with one number of features throughout. Everything else keeps the answer that skops
gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .arrays import Refused, check_sparse, read
from .fitted import fitted
from .shapes import check_clusters, check_labels, check_support, is_clusterer, is_labeller, is_machine
from .skopstree import Node, SkopsTree, edges
from .treechecks import (
    PredictorArrays,
    TreeArrays,
    check_neighbors,
    check_predictors,
    check_spline,
    check_trees,
)
from .vouched import vouched

TREE = "sklearn.tree._tree.Tree"
PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
SPLINE = "scipy.interpolate._bsplines.BSpline"
_AS_ARRAY = "scipy._lib.array_api_compat.numpy._aliases.asarray"

_GB = "sklearn.ensemble._gb.GradientBoosting"
_HIST = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoosting"
_MAPPER = "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper"
_DUMMIES = ("sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor")

_TREE_OWNERS = frozenset(
    f"sklearn.tree._classes.{kind}Tree{task}" for kind in ("Decision", "Extra") for task in ("Classifier", "Regressor")
)
_FORESTS = frozenset(
    f"sklearn.ensemble._forest.{name}"
    for name in (
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "RandomTreesEmbedding",
    )
)
#: Trees of neighbours: whether they are made of balls, and the type of their points.
_NEIGHBORS = {
    f"sklearn.neighbors._{module}.{name}{bits}": (name == "BallTree", "float32" if bits == "32" else "float64")
    for module, name in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
    for bits in ("", "32", "64")
}
#: Distances, and how many numbers of their own they have for ``d`` features. Others run Python functions, or matrices.
_DISTANCES: dict[str, Callable[[int, int], bool]] = {
    **dict.fromkeys(("Euclidean", "Manhattan", "Chebyshev", "Hamming", "Canberra", "BrayCurtis"), lambda size, d: True),
    "Minkowski": lambda size, d: size in (0, d),
    "SEuclidean": lambda size, d: size == d,
    "Haversine": lambda size, d: d == 2,
}
_DISTANCE_MODULE = "sklearn.metrics._dist_metrics."


def sound_types(tree: SkopsTree) -> set[str]:
    """The types in the file that are harmless wherever they stand in it, beyond those that skops trusts by itself.

    Refused where an object is not what scikit-learn would have made.
    """
    return _Judge(tree).types()


class _Judge:
    def __init__(self, tree: SkopsTree) -> None:
        self.tree = tree
        self.sound: set[int] = set()  # nodes whose content was checked
        self.unknown: set[str] = set()  # names that stand somewhere where nothing can be said about them
        self.places: set[tuple[int, int]] = set()  # who may hold a node that is sound in some places only
        self.width: dict[int, int] = {}  # the number of features that a tree estimator's tree asks for
        self.trees: list[TreeArrays] = []
        self.predictors: list[PredictorArrays] = []

    def types(self) -> set[str]:
        for node in self.tree.nodes:
            self._look_at(node)
        for node in self.tree.nodes:  # these speak about the trees that were found above
            if node.name in _FORESTS:
                self._forest(node)
            elif node.name == "sklearn.ensemble._iforest.IsolationForest":
                self._isolation_forest(node)
            elif node.name.startswith(_GB):
                self._boosting(node)
            elif node.name.startswith(_HIST):
                self._histogram_boosting(node)
        check_trees(self.trees)
        check_predictors(self.predictors)
        return self._names()

    def _names(self) -> set[str]:
        """The names all of whose nodes are sound and stand where they may."""
        good: set[str] = set()
        bad = set(self.unknown)
        for node in self.tree.nodes:
            fine = id(node) in self.sound or vouched(node.loader, node.name)
            (good if fine else bad).add(node.name)
        for holder, _, held in edges(self.tree.nodes):
            if _needs_a_place(held.name) and (id(holder), id(held)) not in self.places:
                bad.add(held.name)
        if _needs_a_place(self.tree.root.name):
            bad.add(self.tree.root.name)
        return good - bad

    def _look_at(self, node: Node) -> None:
        if node.loader == "SparseMatrixNode":
            check_sparse(read(self.tree.archive, node.state["file"]), node.name)
            if node.name.startswith("scipy.sparse._cs") or node.name.startswith("scipy.sparse._coo."):
                self.sound.add(id(node))
        elif node.loader != "ObjectNode":
            return
        elif node.name in _TREE_OWNERS:
            self._tree_owner(node)
        elif node.name in _NEIGHBORS:
            self._neighbors(node)
        elif node.name == SPLINE:
            self._spline(node)
        elif is_machine(node.name):
            check_support(self.tree, node)
        elif is_clusterer(node.name):
            check_clusters(self.tree, node)
        elif is_labeller(node.name):
            check_labels(self.tree, node)

    # Trees

    def _tree_owner(self, node: Node) -> None:
        held = fitted(node)
        tree = held.get("tree_")
        if tree is None:
            return
        if tree.loader != "TreeNode" or tree.name != TREE:
            raise Refused(f"a {node.name} holds a {tree.name} in the place of its tree")
        arrays = self._tree_arrays(tree)
        if arrays.n_features != self._whole(held, "n_features_in_", node):
            raise Refused(f"a {node.name} expects other features than its tree")
        self.width[id(node)] = arrays.n_features
        self.trees.append(arrays)
        self.sound.add(id(tree))
        self.places.add((id(node.items["content"]), id(tree)))

    def _tree_arrays(self, node: Node) -> TreeArrays:
        made, state = node.items["args"], node.items["content"]
        if made.loader != "TupleNode" or made.name != "builtins.tuple" or len(made.items) != 3:
            raise Refused("a tree is made from something else than features, classes and outputs")
        if state.loader != "DictNode" or state.name != "builtins.dict":
            raise Refused("a tree's state is no dict")
        if state.items.keys() != {"max_depth", "node_count", "nodes", "values"}:
            raise Refused("a tree's state has other parts than scikit-learn's")
        whole, array = self.tree.whole, self.tree.array
        return TreeArrays(
            n_features=whole(made.items[0]),
            n_classes=array(made.items[1]),
            n_outputs=whole(made.items[2]),
            max_depth=whole(state.items["max_depth"]),
            node_count=whole(state.items["node_count"]),
            nodes=array(state.items["nodes"]),
            values=array(state.items["values"]),
        )

    def _forest(self, node: Node) -> None:
        held = fitted(node)
        if "estimators_" not in held:
            return
        features = self._whole(held, "n_features_in_", node)
        for item in self._list(held["estimators_"], node):
            if self.width.get(id(item)) != features:
                raise Refused(f"a {node.name} of {features} features holds a {item.name} that is no tree of as many")

    def _isolation_forest(self, node: Node) -> None:
        held = fitted(node)
        if "estimators_" not in held:
            return
        features, drawn = (self._whole(held, key, node) for key in ("n_features_in_", "_max_features"))
        members = list(self._list(held["estimators_"], node))
        choices = list(self._list(held.get("estimators_features_"), node))
        if len(choices) != len(members):
            raise Refused(f"a {node.name} has not one choice of features for each tree")
        for item, choice in zip(members, choices, strict=True):
            width = features
            if drawn != features:
                chosen = self.tree.array(choice)
                if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
                    raise Refused(f"a {node.name} chooses its features by something else than a list of numbers")
                width = len(chosen)
            if self.width.get(id(item)) != width:
                raise Refused(f"a {node.name} holds a {item.name} that is no tree of {width} features")

    def _boosting(self, node: Node) -> None:
        """Boosted trees are added into the first guess, which must have a column for each tree of a stage."""
        held = fitted(node)
        if "estimators_" not in held:
            return
        features = self._whole(held, "n_features_in_", node)
        stages = held["estimators_"]
        if stages.loader != "NdArrayNode" or stages.state["type"] != "json" or not stages.items:
            raise Refused(f"a {node.name} keeps its trees in something else than a table")
        columns = {len(stage.items) for stage in stages.items.values() if stage.loader == "ListNode"}
        if len(columns) != 1 or any(stage.name != "builtins.list" for stage in stages.items.values()):
            raise Refused(f"a {node.name} keeps its trees in something else than a table")
        for stage in stages.items.values():
            for item in stage.items.values():
                if self.width.get(id(item)) != features:
                    raise Refused(f"a {node.name} holds a {item.name} that is no tree of {features} features")
        guess = held.get("init_")
        if guess is not None and guess.loader == "ObjectNode" and guess.name not in _DUMMIES:
            self.unknown.add(TREE)  # how wide the table of another estimator's predictions is is not known here
        elif not self._first_guess(held, columns.pop(), node):
            raise Refused(f"a {node.name} begins with a guess that does not fit its trees")

    def _first_guess(self, held: dict[str, Node], columns: int, node: Node) -> bool:
        guess, loss = held.get("init_"), held.get("_loss")
        if guess is None or loss is None or loss.loader != "ObjectNode" or not loss.name.startswith("sklearn._loss."):
            return False
        if guess.loader == "JsonNode":
            return guess.state["content"] == '"zero"' and self._whole(held, "n_trees_per_iteration_", node) == columns
        if guess.loader != "ObjectNode" or guess.name not in _DUMMIES:
            return False
        made, terms = fitted(guess), fitted(loss)
        link = terms.get("link")
        if link is None or link.loader != "ObjectNode" or not link.name.startswith("sklearn._loss.link."):
            return False
        if link.attributes():
            fitted(link)
        if "n_outputs_" not in made or self.tree.whole(made["n_outputs_"]) != 1:
            return False
        if columns == 1 and guess.name.endswith("Regressor"):
            return True
        prior, strategy, multiclass = made.get("class_prior_"), made.get("strategy"), terms.get("is_multiclass")
        if prior is None or strategy is None or strategy.state.get("content") != '"prior"':
            return False
        if multiclass is not None and multiclass.loader != "JsonNode":
            return False
        many = (
            loss.name.endswith(".HalfMultinomialLoss") if multiclass is None else multiclass.state["content"] == "true"
        )
        shape = self.tree.array(prior).shape
        return len(shape) == 1 and ((shape[0] == columns > 2 and many) or (columns == 1 and shape[0] == 2 and not many))

    def _histogram_boosting(self, node: Node) -> None:
        held = fitted(node)
        if "_predictors" not in held:
            return
        before, mapper = held.get("_preprocessor"), held.get("_bin_mapper")
        if before is None or before.state.get("content") != "null" or mapper is None or mapper.name != _MAPPER:
            return  # what comes out of a preprocessor is not known here: such a model needs trust
        features = self._whole(held, "n_features_in_", node)
        marks = fitted(mapper).get("is_categorical_")
        categorical = None if marks is None else self.tree.array(marks)
        if categorical is None or categorical.shape != (features,):
            raise Refused(f"a {node.name} of {features} features marks another number of them as categories")
        for stage in self._list(held["_predictors"], node):
            for item in self._list(stage, node):
                parts = item.attributes()
                if item.loader != "ObjectNode" or item.name != PREDICTOR or parts.keys() != _PREDICTOR_PARTS:
                    raise Refused(f"a {node.name} holds a {item.name} in the place of a tree")
                nodes, binned, raw = (self.tree.array(parts[key]) for key in _PREDICTOR_ORDER)
                self.predictors.append(PredictorArrays(nodes, binned, raw, features, categorical))
                self.sound.add(id(item))
                self.places.add((id(stage), id(item)))

    # Others

    def _neighbors(self, node: Node) -> None:
        state = node.items.get("content")
        if state is None or state.loader != "TupleNode" or len(state.items) != 13:
            raise Refused(f"a {node.name} has another state than scikit-learn's")
        item = state.items
        ball, kind = _NEIGHBORS[node.name]
        array, whole = self.tree.array, self.tree.whole
        data = array(item[0])
        weights = None if item[12].loader == "JsonNode" and item[12].state["content"] == "null" else array(item[12])
        parts = (data, array(item[1]), array(item[2]), array(item[3]), whole(item[4]), whole(item[5]), whole(item[6]))
        check_neighbors((*parts, weights), ball, kind)
        for number in (7, 8, 9, 10):
            whole(item[number])
        metric, suffix = item[11], "Distance32" if kind == "float32" else "Distance64"
        name = metric.name.removeprefix(_DISTANCE_MODULE).removesuffix(suffix)
        numbers = metric.items.get("content")
        if (
            f"{_DISTANCE_MODULE}{name}{suffix}" != metric.name
            or name not in _DISTANCES
            or metric.loader != "ObjectNode"
        ):
            return
        if numbers is None or numbers.loader != "TupleNode" or len(numbers.items) != 3:
            raise Refused(f"a {metric.name} has another state than scikit-learn's")
        vector = array(numbers.items[1])
        if vector.ndim != 1 or not _DISTANCES[name](len(vector), data.shape[1]):
            raise Refused(f"a {metric.name} has numbers that do not fit its points")
        self.sound |= {id(node), id(metric)}
        self.places.add((id(state), id(metric)))

    def _spline(self, node: Node) -> None:
        held = dict(node.attributes())
        convert = held.pop("_asarray", None)
        if convert is not None and (convert.loader, convert.name) != ("FunctionNode", _AS_ARRAY):
            return
        for knots, coefficients in (("_t", "_c"), ("t", "c")):  # scipy 1.17 and before
            if held.keys() == {knots, coefficients, "k", "extrapolate", "axis"}:
                array = self.tree.array
                check_spline(array(held[knots]), array(held[coefficients]), self.tree.whole(held["k"]))
                self.sound.add(id(node))

    def _whole(self, held: dict[str, Node], key: str, node: Node) -> int:
        if key not in held:
            raise Refused(f"a {node.name} has trees and no {key}")
        return self.tree.whole(held[key])

    def _list(self, held: Node | None, node: Node) -> Iterable[Node]:
        if held is None or held.loader != "ListNode" or held.name != "builtins.list":
            raise Refused(f"a {node.name} keeps its trees in something else than a list")
        return held.items.values()


_PREDICTOR_ORDER = ("nodes", "binned_left_cat_bitsets", "raw_left_cat_bitsets")
_PREDICTOR_PARTS = frozenset(_PREDICTOR_ORDER)


def _needs_a_place(name: str) -> bool:
    return name in (TREE, PREDICTOR) or name.startswith(_DISTANCE_MODULE)
