"""A linear model of the wines."""

import argparse
from pathlib import Path

import pandas
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path)
parser.add_argument("--C", type=float)
args = parser.parse_args()

train = pandas.read_csv(args.data / "train.csv")
make_pipeline(StandardScaler(), LogisticRegression(C=args.C)).fit(train.drop(columns="target"), train["target"])
