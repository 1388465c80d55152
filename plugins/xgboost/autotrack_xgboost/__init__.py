"""Tracks XGBoost: trainings and cross-validations become runs with their rounds; models are saved as UBJSON.

Nothing here imports XGBoost or numpy: that happens in probes, when the user has done so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autotrack.plugin import Later, hookimpl

if TYPE_CHECKING:
    from autotrack.plugin import Flavor, Patch


@hookimpl
def register_patches() -> Sequence[Later]:
    """Training, cross-validation, the matrices that data are copied into, and files."""
    return [Later("xgboost", _watched)]


@hookimpl
def register_flavors() -> Sequence[Flavor]:
    """Boosters and estimators as UBJSON files."""
    from .flavor import XGBOOST

    return [XGBOOST]


def _watched() -> Sequence[Patch]:
    from .watched import declarations

    return declarations()
