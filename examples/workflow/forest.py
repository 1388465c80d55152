"""A random forest of the wines."""

import argparse
from pathlib import Path

import pandas
from sklearn.ensemble import RandomForestClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path)
parser.add_argument("--trees", type=int)
args = parser.parse_args()

train = pandas.read_csv(args.data / "train.csv")
RandomForestClassifier(n_estimators=args.trees).fit(train.drop(columns="target"), train["target"])
