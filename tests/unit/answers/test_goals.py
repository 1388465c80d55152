"""What is better of a metric, and which one matters, by their names."""

from __future__ import annotations

import pytest

from autotrack.answers.goals import goal_of, main_metric, ranked


@pytest.mark.parametrize(
    ("key", "goal"),
    [
        ("val_loss", "min"), ("test/accuracy", "max"), ("neg_mean_squared_error", "max"), ("mean_test_score", "max"),
        ("std_test_score", None), ("rank_test_score", "min"), ("validation_0-logloss", "min"),
        ("epoch", None), ("valAUC", "max"),
    ],
)  # fmt: skip
def test_what_is_better(key: str, goal: str | None) -> None:
    assert goal_of(key) == goal


def test_results_come_before_what_is_said_of_them() -> None:
    keys = [
        "std_test_score",
        "rank_test_score",
        "split0_test_score",
        "mean_fit_time",
        "mean_test_score",
        "training_score",
    ]
    assert ranked(dict.fromkeys(keys, 5))[0] == "mean_test_score"
    assert ranked({"train_loss": 9, "val_acc": 9, "val_loss": 9, "system/cpu_percent": 9})[:2] == [
        "val_loss",
        "val_acc",
    ]
    assert main_metric({"loss": 3, "bleu": 1}, {"autotrack.metric": "bleu"}) == ("bleu", "max")
