"""The garbage collector, while autotrack makes much that stays: modules, classes, wrappers."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Has the collector wait. What is made in here is no garbage, and would set it on all that the program has
    imported: after scikit-learn that takes twice as long as the rest of ``enable()``. One that is off stays off."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
