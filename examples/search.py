"""scikit-learn: which trees tell malignant cells from benign ones? A search with nothing seeded."""

from scipy.stats import randint
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import RandomizedSearchCV, train_test_split

import autotrack

autotrack.enable()

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y)
search = RandomizedSearchCV(
    RandomForestClassifier(),
    {"n_estimators": randint(10, 40), "max_depth": randint(2, 8)},
    n_iter=6,
    cv=3,
)
search.fit(X_train, y_train)
print(f"{search.best_params_}: {search.score(X_test, y_test):.4f} on cells that it has not seen")
