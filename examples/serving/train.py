"""Trains a model that tells malignant cells from benign ones, and registers it as the champion."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack

autotrack.enable()

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_later, y_train, y_later = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
with autotrack.start_run("diagnosis") as run:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
    run.log_metric("accuracy", model.score(X_train, y_train))
version = autotrack.register_model(f"runs:/{run.id}/model", "diagnosis", alias="champion")
X_later.assign(diagnosis=y_later).to_csv("later.csv", index=False)
print(f"diagnosis, version {version.version}: {run.metrics['accuracy']:.3f} of the cells that it was trained on")
