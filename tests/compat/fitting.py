"""Fits estimators of many kinds with autotrack on, as a program would; prints, by name, the model and what it predicts.

``python fitting.py`` in an empty folder with a store in force. Each line is JSON: name, uri, folder, predictions.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

TABLE, Y = load_iris(return_X_y=True, as_frame=True)
X = TABLE.to_numpy()
NAMED = np.array(["setosa", "versicolor", "virginica"])[Y]
WORDS = ["to be or", "not to be", "that is", "the question"] * 10
MIXED = pd.DataFrame({"n": [1.0, 2.5, 3.0] * 10, "c": ["a", "b", "a"] * 10})

_columns = make_column_transformer((OneHotEncoder(), ["c"]), (StandardScaler(), ["n"]))
_stack = StackingRegressor([("ridge", Ridge()), ("tree", DecisionTreeRegressor(random_state=0))])
#: Name: estimator, data, target.
FITS: dict[str, tuple[Any, Any, Any]] = {
    "logistic": (LogisticRegression(max_iter=1000), TABLE, NAMED),
    "forest": (RandomForestClassifier(5, random_state=0), TABLE, Y),
    "boosting": (GradientBoostingClassifier(n_estimators=3, random_state=0), TABLE, Y),
    "histogram": (HistGradientBoostingClassifier(max_iter=3, random_state=0), TABLE, Y),
    "machine": (SVC(), X, Y),
    "neighbours": (KNeighborsClassifier(algorithm="kd_tree"), TABLE, Y),
    "network": (MLPClassifier((4,), max_iter=30, random_state=0), TABLE, Y),
    "process": (GaussianProcessRegressor(random_state=0, alpha=0.1), X, X[:, 0]),
    "clusters": (KMeans(3, n_init=1, random_state=0), TABLE, None),
    "outputs": (Ridge(), X, X[:, :2]),
    "stack": (_stack, TABLE, X[:, 0]),
    "search": (GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [2, 3]}, cv=2), TABLE, Y),
    "mixed": (make_pipeline(_columns, Ridge()), MIXED, np.arange(30.0)),
    "texts": (make_pipeline(TfidfVectorizer(), LogisticRegression()), WORDS, [0, 1, 1, 0] * 10),
    "lambda": (make_pipeline(FunctionTransformer(lambda data: data * 2), Ridge()), TABLE, X[:, 0]),
}


def main() -> None:
    """Fits all of them."""
    import autotrack

    warnings.simplefilter("ignore")
    autotrack.enable()
    for name, (estimator, data, target) in FITS.items():
        estimator.fit(data, target)
        run = next(run for run in autotrack.search_runs(max_results=5) if run.models)  # a search has candidates, too
        predictions = np.asarray(estimator.predict(data)).tolist()
        print(json.dumps({"name": name, "run": run.id, "uri": run.artifact_uri, "predictions": predictions}))


if __name__ == "__main__":
    main()
