"""XGBoost: how a disease goes on in a year, by boosted trees that stop when they learn no more."""

import xgboost
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

import autotrack

autotrack.enable()

X, y = load_diabetes(return_X_y=True, as_frame=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y)
booster = xgboost.train(
    {"max_depth": 3, "learning_rate": 0.1, "subsample": 0.7},
    xgboost.DMatrix(X_train, y_train),
    num_boost_round=200,
    evals=[(xgboost.DMatrix(X_valid, y_valid), "valid")],
    early_stopping_rounds=10,
    verbose_eval=False,
)
print(f"rmse {booster.best_score:.2f} after {booster.best_iteration + 1} trees")
