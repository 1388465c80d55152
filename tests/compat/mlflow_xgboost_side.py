"""What stock MLflow makes of our XGBoost models, and models of its own for us to load; run with MLflow importable.

``python mlflow_xgboost_side.py OURS THEIRS``: answers one JSON line; writes its own folders into THEIRS.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

import mlflow.xgboost  # noqa: E402
import numpy as np  # noqa: E402
import xgboost as xgb  # noqa: E402
from mlflow.models import infer_signature  # noqa: E402
from sklearn.datasets import load_breast_cancer  # noqa: E402

TABLE, T = load_breast_cancer(return_X_y=True, as_frame=True)


def load_ours(folder: Path) -> dict[str, Any]:
    """The class that MLflow's own flavor finds, and what both of its faces predict."""
    model = mlflow.xgboost.load_model(str(folder))
    data = TABLE if hasattr(model, "get_booster") else xgb.DMatrix(TABLE)
    function = mlflow.pyfunc.load_model(str(folder))
    return {
        "class": type(model).__name__,
        "native": np.asarray(model.predict(data)).tolist(),
        "pyfunc": np.asarray(function.predict(TABLE)).tolist(),
        "signature": function.metadata.signature.to_dict(),
    }


def save_theirs(place: Path) -> dict[str, Any]:
    """Folders as ``mlflow.xgboost.save_model`` writes them, and what their models predict."""
    booster = xgb.train({"objective": "binary:logistic", "nthread": 1}, xgb.DMatrix(TABLE, label=T), 4)
    estimator = xgb.XGBClassifier(n_estimators=4, n_jobs=1).fit(TABLE, T)
    found = np.asarray(booster.predict(xgb.DMatrix(TABLE)))
    mlflow.xgboost.save_model(booster, place / "booster", signature=infer_signature(TABLE, found))
    mlflow.xgboost.save_model(booster, place / "as json", model_format="json")
    mlflow.xgboost.save_model(estimator, place / "estimator", input_example=TABLE.head())
    return {
        "booster": found.tolist(),
        "as json": found.tolist(),
        "estimator": np.asarray(estimator.predict_proba(TABLE)).tolist(),
    }


if __name__ == "__main__":
    ours = {folder.name: load_ours(folder) for folder in sorted(Path(sys.argv[1]).iterdir())}
    print(json.dumps({"ours": ours, "theirs": save_theirs(Path(sys.argv[2]))}))
