"""A small network, a second class of the same, and the runs that are there when the program is over."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import autotrack
from autotrack.core.runs import trackers

torch = pytest.importorskip("torch")
nn = torch.nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 8)
        self.outer = nn.Linear(8, 1)

    def forward(self, x: Any) -> Any:
        return self.outer(torch.relu(self.inner(x)))


class Critic(Net):
    pass


def all_runs() -> Any:
    """All runs, as the end of the program leaves them: the oldest first."""
    gc.collect()
    trackers.close_all()
    return sorted(autotrack.search_runs(), key=lambda run: run.started)
