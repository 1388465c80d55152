"""What stock MLflow makes of our model folders, and folders of its own for us to load; run with MLflow importable.

``python mlflow_side.py OURS THEIRS``: loads each folder in OURS, answers one JSON line; writes its own into THEIRS.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import scipy.sparse as sp  # noqa: E402
from fitting import FITS  # noqa: E402
from mlflow.models import infer_signature, validate_serving_input  # noqa: E402
from mlflow.models.utils import load_serving_example  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402

TABLE, Y = load_iris(return_X_y=True, as_frame=True)
X = TABLE.to_numpy()
INPUTS: dict[str, Any] = {
    "table": TABLE, "array": X, "sparse": X, "pickled": TABLE, "bare": X, "code": pd.DataFrame({"a": [1.0, 2.0]}),
    "mixed": pd.DataFrame({"n": [1.0, None], "c": ["a", "b"]}),
} | {f"fit-{name}": data for name, (_, data, _) in FITS.items()}  # fmt: skip


def load_ours(folder: Path) -> dict[str, Any]:
    """What MLflow says of one of our folders."""
    name = folder.name
    found: dict[str, Any] = {}
    if name != "code":
        model = mlflow.sklearn.load_model(str(folder))
        found["sklearn"] = type(model).__name__
        if name in INPUTS:
            found["native"] = np.asarray(model.predict(INPUTS[name])).tolist()
    # MLflow makes a table of a list of texts, and a vectorizer takes none: it cannot ask its own such models either.
    if name not in INPUTS or name == "fit-texts":
        return found
    function = mlflow.pyfunc.load_model(str(folder))
    found["predictions"] = np.asarray(function.predict(INPUTS[name])).tolist()
    found["uuid"] = function.metadata.model_uuid
    if function.metadata.signature is not None:
        found["signature"] = function.metadata.signature.to_dict()
        example = function.input_example
        found["example"] = type(example).__name__
        request = load_serving_example(str(folder))
        found["served"] = np.asarray(validate_serving_input(str(folder), request)).tolist()
        if isinstance(example, pd.DataFrame):
            found["inferred"] = infer_signature(example).to_dict()["inputs"]
    return found


def save_theirs(place: Path) -> dict[str, Any]:
    """Folders as ``mlflow.sklearn.save_model`` writes them, and what their models predict."""
    line, forest = LogisticRegression(max_iter=1000).fit(TABLE, Y), RandomForestClassifier(3, random_state=0).fit(X, Y)
    sparse = Ridge().fit(sp.csr_matrix(X), Y)
    signature = infer_signature(TABLE, line.predict(TABLE), {"t": 1.0})
    save = mlflow.sklearn.save_model
    save(line, place / "table", input_example=TABLE.head(), signature=signature)
    save(forest, place / "forest", input_example=X[:5], skops_trusted_types=["sklearn.tree._tree.Tree"])
    save(forest, place / "pickled", input_example=X[:5], serialization_format="cloudpickle")
    save(sparse, place / "sparse", input_example=sp.csr_matrix(X[:5]))
    return {
        "table": line.predict(TABLE).tolist(),
        "forest": forest.predict(X).tolist(),
        "pickled": forest.predict(X).tolist(),
        "sparse": sparse.predict(X).tolist(),
    }


if __name__ == "__main__":
    ours = {folder.name: load_ours(folder) for folder in sorted(Path(sys.argv[1]).iterdir())}
    print(json.dumps({"version": mlflow.__version__, "ours": ours, "theirs": save_theirs(Path(sys.argv[2]))}))
