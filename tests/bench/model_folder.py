"""A small scikit-learn model as a whole folder (signature, example, golden predictions, profile): saved and loaded.

CPU time, in a process that has done both before. The first save of a process imports what it takes; the first load
imports skops, half a second of its own, and is not counted.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from .harness import Place, Row, child

PROGRAM = """
import json, pickle, sys, time
from pathlib import Path
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from autotrack import load_model, save_model
place, rounds = Path(sys.argv[1]), int(sys.argv[2])
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = X.iloc[:, :10]
model = LogisticRegression(max_iter=5000).fit(X, y)

def took(work):
    start = time.process_time()
    work()
    return time.process_time() - start

def pickled():
    file = place / "model.pkl"
    file.write_bytes(pickle.dumps(model))
    pickle.loads(file.read_bytes())

saved, loaded, floor = [], [], []
for number in range(rounds + 1):
    folder = place / str(number)
    saved.append(took(lambda: save_model(model, folder, example=X)))
    loaded.append(took(lambda: load_model(folder)))
    floor.append(took(pickled))
files = {path.name for path in folder.iterdir()}
assert {"MLmodel", "model.skops", "golden.json", "input_example.json", "profile.json", "manifest.json"} <= files, files
middle = lambda values: sorted(values[1:])[rounds // 2]
print(json.dumps([middle(saved), middle(loaded), saved[0], middle(floor)]))
"""


def rows(place: Place) -> Iterator[Row]:
    found = []
    for number in range(place.scaled(5, 1)):
        folder = place.folder / str(number)
        folder.mkdir()
        found.append(child(PROGRAM, folder, place.scaled(100, 3)).json)
    saved, loaded, once, floor = (statistics.median(values) for values in zip(*found, strict=True))
    floor_is = "pickle there and back"
    yield Row("save a small model as a folder, CPU", saved, "s", 0.01, floor, floor_is, "MLflow 2.7 to 4 s")
    yield Row("load it, checked and replayed, CPU", loaded, "s", 0.004, floor, floor_is, "MLflow 17 ms")
    yield Row("the first save of a process, CPU", once, "s", 0.06, peers="MLflow 4 s")
