"""A morning's worth of ordinary scikit-learn, with one line added: ``autotrack.enable()``."""

from importlib.util import find_spec

from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import autotrack

autotrack.enable()


def tumours() -> None:
    """Three classifiers of breast tumours."""
    data, target = load_breast_cancer(return_X_y=True)
    train, test, train_target, test_target = train_test_split(data, target, random_state=0, stratify=target)
    for strength in (0.01, 1.0):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength)).fit(train, train_target)
        print(f"tumours, logistic regression, C={strength}: {model.score(test, test_target):.3f} on unseen data")
    forest = RandomForestClassifier(n_estimators=100, random_state=0).fit(train, train_target)
    print(f"tumours, random forest: {forest.score(test, test_target):.3f} on unseen data")


def wines() -> None:
    """A search over the settings of a support vector machine."""
    data, target = load_wine(return_X_y=True)
    grid = {"svc__C": [0.1, 1.0, 10.0], "svc__gamma": ["scale", 0.01]}
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=3).fit(data, target)
    print(f"wines, {len(search.cv_results_['params'])} candidates: the best is {search.best_params_}")


def diabetes() -> None:
    """Two regressions of how a disease goes on."""
    data, target = load_diabetes(return_X_y=True)
    train, test, train_target, test_target = train_test_split(data, target, random_state=0)
    for model in (Ridge(alpha=0.5), GradientBoostingRegressor(n_estimators=50, random_state=0)):
        model.fit(train, train_target)
        print(f"diabetes, {type(model).__name__}: r2 {model.score(test, test_target):.3f} on unseen data")


def digits() -> None:
    """Handwritten digits: groups, and a loop of epochs, which gives curves."""
    data, target = load_digits(return_X_y=True)
    groups = KMeans(n_clusters=10, n_init=1, random_state=0).fit(data)
    print(f"digits, k-means: inertia {groups.inertia_:.0f}")
    train, test, train_target, test_target = train_test_split(data / 16, target, random_state=0, stratify=target)
    model = SGDClassifier(loss="log_loss", random_state=0)
    for _ in range(40):
        model.partial_fit(train, train_target, classes=range(10))
    print(f"digits, 40 epochs: accuracy {model.score(test, test_target):.3f} on unseen data")


def boosted() -> None:
    """Boosted trees that stop when they get no better, where XGBoost is installed."""
    if find_spec("xgboost") is None:
        return
    import xgboost

    data, target = load_breast_cancer(return_X_y=True, as_frame=True)
    train, test, train_target, test_target = train_test_split(data, target, random_state=0, stratify=target)
    known, unseen = xgboost.DMatrix(train, label=train_target), xgboost.DMatrix(test, label=test_target)
    evals = [(known, "train"), (unseen, "unseen")]
    params = {"objective": "binary:logistic", "eval_metric": "logloss", "eta": 0.1, "nthread": 2}
    model = xgboost.train(params, known, 500, evals=evals, early_stopping_rounds=10, verbose_eval=False)
    print(f"tumours, XGBoost: stopped at round {model.best_iteration}, log loss {model.best_score:.3f} on unseen data")


tumours()
wines()
diabetes()
digits()
boosted()
