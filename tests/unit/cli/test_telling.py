"""Which metric gets the column, which params vary, what is best, what folds."""

from __future__ import annotations

import pytest
from cli_records import run
from hypothesis import given
from hypothesis import strategies as st

from autotrack.cli.telling import best_runs, direction, fold, telling_metric, varying_params


@pytest.mark.parametrize(
    ("key", "sign"),
    [
        ("loss", -1),
        ("val/loss", -1),
        ("training_log_loss", -1),
        ("rmse", -1),
        ("mean_squared_error", -1),
        ("mae", -1),
        ("accuracy", 1),
        ("training_r2_score", 1),
        ("val_f1", 1),
        ("test.roc_auc", 1),
        ("neg_mean_squared_error", 1),
        ("fit_seconds", 0),
        ("lr", 0),
        ("", 0),
        ("epoch", 0),
    ],
)
def test_direction(key: str, sign: int) -> None:
    assert direction(key) == sign


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["fit_seconds", "training_score", "lr"], "training_score"),
        (
            ["mean_fit_time", "mean_score_time", "mean_test_score", "rank_test_score", "std_test_score"],
            "mean_test_score",
        ),
        (["training_accuracy_score", "val_accuracy"], "val_accuracy"),
        (["train_loss", "val_loss", "epoch"], "val_loss"),
        (["best_cv_score", "training_score"], "best_cv_score"),
        (["anything"], "anything"),
    ],
)
def test_the_most_telling_metric(keys: list[str], chosen: str) -> None:
    assert telling_metric([run(metrics=dict.fromkeys(keys, 0.5))]) == chosen


def test_a_metric_that_most_runs_share_wins() -> None:
    several = [run(metrics={"training_score": 0.9}) for _ in range(5)]
    assert telling_metric([*several, run(metrics={"best_cv_score": 0.9, "training_score": 0.9})]) == "training_score"
    assert telling_metric([run()]) is None


def test_best_is_by_direction_and_experiment() -> None:
    low, high = run(metrics={"loss": 0.1, "accuracy": 0.1}), run(metrics={"loss": 0.2, "accuracy": 0.2})
    other = run(metrics={"loss": 9.0}, experiment_id="e2")
    broken = run(metrics={"loss": float("nan"), "accuracy": float("inf")})
    assert best_runs([low, high, other, broken], "loss") == {low.id}
    assert best_runs([low, high, other, broken], "accuracy") == {high.id}
    assert best_runs([low, high], "unknown") == frozenset()


def test_params_that_vary_come_first_by_how_many_runs_have_them() -> None:
    runs = [run(params={"C": str(c), "solver": "lbfgs", "rare": str(c)}) for c in range(3)]
    runs.append(run(params={"C": "9", "solver": "lbfgs"}))
    assert varying_params(runs) == ["C", "rare"]
    other = run("Ridge", params={"solver": "auto", "verbose": "0"})
    assert varying_params([*runs, other]) == ["C", "rare", "solver"]
    assert varying_params([run("A", params={"n": "1", "k": "1"}), run("B", params={"n": "2"})]) == ["n"]


def test_children_fold_under_their_topmost_parent() -> None:
    top = run()
    middle = run(parent=top.id)
    leaf = run(parent=middle.id)
    orphan = run(parent="f" * 32)
    branches = fold([leaf, middle, top, orphan])
    assert [(branch.run, branch.children) for branch in branches] == [(top, (leaf, middle)), (orphan, ())]


@given(st.lists(st.integers(0, 9), max_size=10))
def test_folding_loses_nobody_even_in_circles(parents: list[int]) -> None:
    ids = [f"{at:032x}" for at in range(10)]
    runs = [run(id=ids[at], parent=ids[parent]) for at, parent in enumerate(parents)]
    found = [each.id for branch in fold(runs) for each in (branch.run, *branch.children)]
    assert sorted(found) == sorted(each.id for each in runs)
