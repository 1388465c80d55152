"""The whole: prepare the data, train two models beside each other, choose the better one."""

import argparse

import autotrack

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int, default=50)
args = parser.parse_args()

with autotrack.start_run("wine"):
    prepare = autotrack.run_project(".", "prepare")
    data = prepare.output("data")
    linear = autotrack.run_project(".", "linear", {"data": data, "C": 0.5}, synchronous=False)
    forest = autotrack.run_project(".", "forest", {"data": data, "trees": args.trees}, synchronous=False)
    models = {"first": linear.output("model"), "second": forest.output("model")}
    autotrack.run_project(".", "choose", {"data": data, **models})
