"""Asking a model for predictions so that nobody notices: random streams are put back, and no warning is shown."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autotrack.core.guard import attempt
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.questions import unwarned

Ask = Callable[..., Any]


@contextmanager
def asking(model: Any, flavor: Flavor) -> Iterator[dict[str, Ask]]:
    """The model's functions by the names that its flavor keeps answers of; none where asking might be noticed."""
    with unwarned(), _streams_put_back(), flavor.rehearsal(model) as subject:
        yield {} if subject is None else asks_of(subject, flavor)


def asks_of(subject: Any, flavor: Flavor) -> dict[str, Ask]:
    """The functions that a model really has: ``predict_proba`` of a classifier may depend on its parameters."""
    found: dict[str, Ask] = {}
    for name in flavor.answers:
        ask, _ = attempt(flavor.predictor, subject) if name == "predict" else attempt(getattr, subject, name, None)
        if callable(ask):
            found[name] = ask
    return found


@contextmanager
def _streams_put_back() -> Iterator[None]:
    python = random.getstate()
    numpy, torch = sys.modules.get("numpy.random"), sys.modules.get("torch")
    legacy = numpy.get_state(legacy=False) if numpy is not None else None
    device = torch.get_rng_state() if torch is not None and hasattr(torch, "get_rng_state") else None
    try:
        yield
    finally:
        random.setstate(python)
        if numpy is not None:
            numpy.set_state(legacy)
        if torch is not None and device is not None:
            torch.set_rng_state(device)
