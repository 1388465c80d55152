"""Names that skops holds back and that are harmless: their objects only compute with what they are given.

skops trusts the estimators that it finds listed by scikit-learn. Their parts (kernels, splitters, scorers,
calibrators, optimizers) it leaves to the caller, who cannot know. A name counts only under the loader that it has
here: an object's name is not good for a function, nor the other way round.
"""

from __future__ import annotations

import functools
import importlib
import sys
import types

_OBJECTS = {
    "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
    "sklearn.cluster._bisect_k_means": "_BisectingTree",
    "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels": "CompoundKernel Sum Product Exponentiation ConstantKernel "
    "WhiteKernel RBF Matern RationalQuadratic ExpSineSquared DotProduct PairwiseKernel",
    "sklearn.metrics._scorer": "_Scorer _CurveScorer _PassthroughScorer _MultimetricScorer",
    "sklearn.model_selection._split": "LeaveOneOut LeavePOut KFold GroupKFold StratifiedKFold StratifiedGroupKFold "
    "TimeSeriesSplit LeaveOneGroupOut LeavePGroupsOut RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
    "GroupShuffleSplit StratifiedShuffleSplit PredefinedSplit _CVIterableWrapper",
    "sklearn.multiclass": "_ConstantPredictor",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
    "sklearn._loss.loss": "HalfTweedieLoss HalfTweedieLossIdentity",
}
#: Modules whose public functions only compute; only what is defined there counts, not what they import.
_FUNCTION_MODULES = frozenset(
    {
        "sklearn.metrics._classification",
        "sklearn.metrics._ranking",
        "sklearn.metrics._regression",
        "sklearn.metrics.cluster._supervised",
        "sklearn.metrics.cluster._unsupervised",
        "sklearn.metrics.pairwise",
        "sklearn.feature_selection._univariate_selection",
        "sklearn.feature_selection._mutual_info",
    }
)
_FUNCTIONS = frozenset(
    {
        *(f"numpy.{name}" for name in "mean median max min amax amin sum std var average prod".split()),
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
    }
)
#: Where numpy's and scipy's element-wise functions are found; skops knows them under one of these names, which depends
#: on what was imported first.
_UFUNC_MODULES = frozenset(
    {
        "numpy",
        "numpy._core._multiarray_umath",
        "numpy.core._multiarray_umath",
        "scipy.special",
        "scipy.special._ufuncs",
    }
)
_BY_LOADER = {
    "ObjectNode": frozenset(f"{module}.{name}" for module, names in _OBJECTS.items() for name in names.split()),
    "DictNode": frozenset({"sklearn.utils._bunch.Bunch"}),
    "FunctionNode": _FUNCTIONS,
    "DTypeNode": frozenset({"numpy.dtype"}),
}


def vouched(loader: str, name: str) -> bool:
    """True for a name that is harmless under this loader."""
    if name in _BY_LOADER.get(loader, ()):
        return True
    return loader == "FunctionNode" and _defined(name)


@functools.cache
def _defined(name: str) -> bool:
    module, _, function = name.rpartition(".")
    if module not in _FUNCTION_MODULES | _UFUNC_MODULES or function.startswith("_"):
        return False
    if module == "numpy.core._multiarray_umath" and module not in sys.modules:
        return False  # numpy 2 warns where it is imported
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError:
        return False
    if module in _UFUNC_MODULES:
        import numpy as np

        return isinstance(found, np.ufunc)
    return isinstance(found, types.FunctionType) and found.__module__ == module and found.__name__ == function
