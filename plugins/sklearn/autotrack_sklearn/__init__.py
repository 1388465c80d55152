"""Tracks scikit-learn: fits, searches and cross-validation become runs; models are saved as skops.

Nothing here imports scikit-learn or numpy: that happens in probes, when the user has done so.
"""

from __future__ import annotations

from collections.abc import Sequence

from autotrack.plugin import Family, Flavor, Patch, hookimpl

from .fit import fitted as fit_probe  # `fitted` is a module of this package, which takes that name when it is loaded
from .flavor import SKLEARN
from .validation import cross_validated, quiet
from .watched import DISTRIBUTION, VERSIONS, after_fits

_VALIDATION = "sklearn.model_selection._validation"
#: Functions whose fits are no trainings of their own: one frame around them, no run.
_QUIET = (
    (_VALIDATION, "sklearn.model_selection", "cross_val_predict"),
    (_VALIDATION, "sklearn.model_selection", "learning_curve"),
    (_VALIDATION, "sklearn.model_selection", "validation_curve"),
    (_VALIDATION, "sklearn.model_selection", "permutation_test_score"),
    ("sklearn.inspection._permutation_importance", "sklearn.inspection", "permutation_importance"),
)
_JUDGING = ("cross_validate", "cross_val_score")


@hookimpl
def register_patches() -> Sequence[Patch | Family]:
    """Every estimator's fits, the users' own included, the functions that fit many times, and what measures models."""
    family = Family(
        base="sklearn.base:BaseEstimator",
        methods=("fit", "fit_predict", "fit_transform", "partial_fit"),
        probe=fit_probe,
        versions=VERSIONS,
        distribution=DISTRIBUTION,
    )
    judged = [_patch(_VALIDATION, "sklearn.model_selection", name, cross_validated) for name in _JUDGING]
    return [family, *judged, *(_patch(home, shown, name, quiet) for home, shown, name in _QUIET), *after_fits()]


@hookimpl
def register_flavors() -> Sequence[Flavor]:
    """Estimators as skops files."""
    return [SKLEARN]


def _patch(home: str, shown: str, name: str, probe: object) -> Patch:
    """A function where it is defined and where users import it from: one object in both, so that it still pickles."""
    return Patch(
        target=f"{home}:{name}",
        also=(f"{shown}:{name}",),
        probe=probe,  # type: ignore[arg-type]
        versions=VERSIONS,
        distribution=DISTRIBUTION,
    )
