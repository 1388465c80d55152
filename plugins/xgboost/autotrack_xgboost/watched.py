"""What is watched in XGBoost, and which versions that was tested with."""

from __future__ import annotations

from autotrack.plugin import Patch

from .files import read, written
from .matrices import built, relabelled
from .training import cross_validated, trained

#: The package may be called xgboost or xgboost-cpu: it says itself.
VERSIONS = ">=3.1,<4"


def declarations() -> list[Patch]:
    """Training, cross-validation, the matrices that data are copied into, and files."""
    return [
        # Estimators call the function that their own module has under this name.
        Patch(
            "xgboost.training:train",
            probe=trained,
            also=("xgboost:train", "xgboost.sklearn:train"),
            nested="join",
            versions=VERSIONS,
        ),
        Patch("xgboost.training:cv", probe=cross_validated, also=("xgboost:cv",), versions=VERSIONS),
        *(
            Patch(f"xgboost.core:{name}", probe=probe, nested="beside", versions=VERSIONS)
            for name, probe in (
                ("DMatrix.__init__", built),
                ("QuantileDMatrix.__init__", built),
                ("DMatrix.set_label", relabelled),
                ("DMatrix.set_weight", relabelled),
                ("DMatrix.save_binary", written),
                ("Booster.save_model", written),
                ("Booster.load_model", read),
            )
        ),
    ]
