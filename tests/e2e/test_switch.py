"""What `enable()` and `disable()` mean when they are called again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

import autotrack
from autotrack.core.errors import UsageError
from autotrack.core.runs.trackers import tracker


def test_a_further_enable_changes_only_what_it_gives(store: Path) -> None:
    autotrack.enable(experiment="mine", models=False, exclude=("a.b",))
    autotrack.enable()
    autotrack.enable(datasets=False)
    settings = tracker().settings
    assert (settings.experiment, settings.models, settings.datasets, settings.exclude) == (
        "mine",
        False,
        False,
        ("a.b",),
    )
    autotrack.enable(models=True, exclude=())
    settings = tracker().settings
    assert (settings.experiment, settings.models, settings.exclude) == ("mine", True, ())


def test_a_refused_enable_changes_nothing(store: Path) -> None:
    autotrack.enable(experiment="mine")
    with pytest.raises(UsageError):
        autotrack.enable(experiment="other", overhead_share="much")
    autotrack.enable()
    assert tracker().settings.experiment == "mine"


def test_after_disable_all_starts_from_the_defaults(store: Path) -> None:
    autotrack.enable("sklearn", experiment="mine")
    autotrack.disable()
    autotrack.enable()
    assert tracker().settings.experiment == "default"
    Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    (run,) = autotrack.search_runs()
    assert run.experiment == "default"
