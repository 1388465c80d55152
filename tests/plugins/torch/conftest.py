"""Loops that are watched, of whose runs no models are saved."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

import autotrack


@pytest.fixture
def watched(store: Path) -> Iterator[None]:
    """The same random numbers for every test; what a test has left is gone when the next begins."""
    import torch

    torch.manual_seed(0)
    autotrack.enable(models=False)
    yield
    autotrack.disable()
    gc.collect()
