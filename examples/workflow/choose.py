"""Tests models on wines that none of them has seen, and registers the better one as `wine`."""

import argparse
from pathlib import Path

import pandas

import autotrack

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path)
parser.add_argument("models", nargs="+")
args = parser.parse_args()

test = pandas.read_csv(args.data / "test.csv")
with autotrack.start_run():
    scores = {}
    for at, uri in enumerate(args.models):
        model = autotrack.load_model(uri)
        scores[uri] = float((model.predict(test.drop(columns="target")) == test["target"]).mean())
        autotrack.log_metric("accuracy", scores[uri], at)
    best = max(scores, key=lambda uri: scores[uri])
    autotrack.log_param("best", best)
    print(f"{scores[best]:.3f}", best)
autotrack.register_model(best, "wine", alias="champion")
