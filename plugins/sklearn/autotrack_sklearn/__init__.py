"""Tracks scikit-learn: fits, searches and cross-validation become runs; models are saved as skops.

Nothing here imports scikit-learn or numpy: that happens in probes, when the user has done so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autotrack.plugin import Later, hookimpl

if TYPE_CHECKING:
    from autotrack.plugin import Family, Flavor, Patch


@hookimpl
def register_patches() -> Sequence[Later]:
    """Every estimator's fits, the users' own included, the functions that fit many times, and what measures models."""
    return [Later("sklearn", _watched)]


@hookimpl
def register_flavors() -> Sequence[Flavor]:
    """Estimators as skops files."""
    from .flavor import SKLEARN

    return [SKLEARN]


def _watched() -> Sequence[Patch | Family]:
    from .watched import declarations

    return declarations()
