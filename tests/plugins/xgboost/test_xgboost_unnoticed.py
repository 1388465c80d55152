"""What a program could notice of being tracked: nothing. Scripts after XGBoost's own examples, bare and tracked."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

import autotrack

SETUP = """
import hashlib, random
import numpy as np
import xgboost as xgb
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
np.random.seed(0); random.seed(0)
X, y = load_breast_cancer(return_X_y=True)
A, b = load_diabetes(return_X_y=True)
I, j = load_iris(return_X_y=True)
P = {"objective": "binary:logistic", "nthread": 1, "subsample": 0.5, "colsample_bytree": 0.5, "seed": 5}
def matrices(kind=xgb.DMatrix):
    train = kind(X[:400], label=y[:400])
    return train, kind(X[400:], label=y[400:], **({"ref": train} if kind is xgb.QuantileDMatrix else {}))
def say(model, **more):
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    print(hashlib.sha256(booster.save_raw("ubj")).hexdigest(), booster.attributes(), more)
    print(booster.save_config())
    print(random.random(), np.random.rand())
"""

SCRIPTS = {
    "subsampling": """
        train, test = matrices()
        said = {}
        evals = [(train, "train"), (test, "valid")]
        for _ in range(3):
            say(xgb.train(P, train, 20, evals=evals, evals_result=said, early_stopping_rounds=3), said=said)
    """,
    "going on": """
        train, test = matrices()
        first = xgb.train(P, train, 5)
        for _ in range(3):
            say(xgb.train(P, train, 5, xgb_model=first, evals=[(test, "valid")]))
        say(first)
    """,
    "quantiles": """
        train, test = matrices(xgb.QuantileDMatrix)
        say(xgb.train(P, train, 10, evals=[(test, "valid")]))
        print(train.num_nonmissing(), sorted(vars(train)))
    """,
    "callbacks": """
        class Plot(xgb.callback.TrainingCallback):
            def before_training(self, model):
                print("begins", type(model).__name__); return model
            def before_iteration(self, model, epoch, evals_log):
                return False
            def after_iteration(self, model, epoch, evals_log):
                print(epoch, {k: {m: v[-1] for m, v in d.items()} for k, d in evals_log.items()}); return epoch == 7
            def after_training(self, model):
                print("ends"); return model
        train, test = matrices()
        mine = [xgb.callback.LearningRateScheduler(lambda round: 0.3 * 0.9 ** round), Plot(),
                xgb.callback.EarlyStopping(rounds=2, metric_name="logloss", data_name="valid", save_best=True)]
        say(xgb.train(P, train, 30, evals=[(train, "train"), (test, "valid")], callbacks=mine, verbose_eval=2))
        print(len(mine), [type(one).__name__ for one in mine])
    """,
    "checkpoints": """
        import os, tempfile
        train, _ = matrices()
        with tempfile.TemporaryDirectory() as place:
            check = xgb.callback.TrainingCheckPoint(directory=place, interval=2, name="m")
            say(xgb.train(P, train, 6, callbacks=[check]))
            print(sorted(os.listdir(place)))
    """,
    "own objective and metric": """
        def objective(p, d):
            p = 1 / (1 + np.exp(-p)); l = d.get_label(); print(len(p)); return p - l, p * (1 - p)
        def metric(p, d):
            print("asked"); return "mine", float(np.mean((p > 0) != d.get_label()))
        train, test = matrices()
        params = {"nthread": 1, "disable_default_eval_metric": 1, "subsample": 0.7}
        say(xgb.train(params, train, 5, obj=objective, custom_metric=metric, evals=[(test, "valid")]))
    """,
    "ranking": """
        qid = np.repeat(np.arange(26), 17)
        ranker = xgb.XGBRanker(n_estimators=8, n_jobs=1, subsample=0.5, lambdarank_pair_method="topk")
        say(ranker.fit(A, b > 140, qid=qid, eval_set=[(A, b > 140)], eval_qid=[qid], verbose=True))
        d = xgb.DMatrix(A, label=b > 140, qid=qid)
        say(xgb.train({"objective": "rank:ndcg", "eval_metric": ["ndcg@3", "map@2-"]}, d, 4, evals=[(d, "train")]))
    """,
    "estimators": """
        for model, data, target in (
            (xgb.XGBClassifier(n_estimators=9, n_jobs=1, subsample=0.5, early_stopping_rounds=2), I, j),
            (xgb.XGBRegressor(n_estimators=9, n_jobs=1, booster="dart", rate_drop=0.5), A, b),
            (xgb.XGBRFClassifier(n_estimators=9, n_jobs=1), I, j),
            (xgb.XGBRegressor(n_estimators=4, n_jobs=1, multi_strategy="multi_output_tree"), A, np.c_[b, -b]),
        ):
            before = sorted(vars(model))
            fitted = model.fit(data[::2], target[::2], eval_set=[(data[1::2], target[1::2])])
            say(model, same=fitted is model, before=before, after=sorted(vars(model)), params=model.get_params())
            print(model.evals_result(), hashlib.sha256(np.ascontiguousarray(model.predict(data)).tobytes()).hexdigest())
    """,
    "folds": """
        train, _ = matrices()
        print(xgb.cv(P, train, 12, nfold=4, stratified=True, early_stopping_rounds=2, verbose_eval=True).to_string())
        print(xgb.cv(P, train, 3, metrics=("auc", "error"), as_pandas=False, seed=9, shuffle=False))
        print(random.random(), np.random.rand())
    """,
    "errors": """
        train, test = matrices()
        def shout(p, d): raise RuntimeError("mine")
        for call in (lambda: xgb.train(P, train, 3, obj=shout), lambda: xgb.train(P, X, 3), lambda: xgb.train(),
                     lambda: xgb.train(P, train, 3, evals=[(test, "a-b")]), lambda: xgb.cv(P, X),
                     lambda: xgb.train(P, train, 3, callbacks=[print]), lambda: xgb.DMatrix(),
                     lambda: xgb.train(P, train, 3, early_stopping_rounds=2), lambda: xgb.train(P, train, "3")):
            try: call()
            except Exception as error: print(type(error).__name__, str(error).split("Stack trace")[0][-120:])
    """,
}


def run(tmp_path: Path, source: str) -> subprocess.CompletedProcess[bytes]:
    path = tmp_path / "script.py"
    path.write_text(source)
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, timeout=100)
    done.stderr = re.sub(rb"\[\d\d:\d\d:\d\d\]", b"[a time]", done.stderr)  # XGBoost's own warnings say when
    return done


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_the_same(store: Path, tmp_path: Path, name: str) -> None:
    source = SETUP + textwrap.dedent(SCRIPTS[name])
    bare = run(tmp_path, "pass; pass\n" + source)
    assert bare.returncode == 0, bare.stderr.decode()[-2000:]
    tracked = run(tmp_path, "import autotrack; autotrack.enable()\n" + source)
    assert (tracked.returncode, tracked.stdout, tracked.stderr) == (0, bare.stdout, bare.stderr)
    assert autotrack.search_runs()


def test_a_warning_of_each_prediction_is_given_for_the_users_only(store: Path) -> None:
    """XGBoost warns of sparse tables wherever it reads one."""
    table = pd.DataFrame(np.random.default_rng(0).random((40, 3)), columns=list("abc")).astype(pd.SparseDtype(float, 0))
    labels = np.arange(40) % 2
    model = xgb.XGBClassifier(n_estimators=2)
    counts = []
    for track in (False, True):
        if track:
            autotrack.enable()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(table, labels)
        counts.append(len(caught))
    assert counts == [1, 1]
    run = autotrack.last_run()
    assert "training_accuracy_score" in run.metrics, run._view().health
