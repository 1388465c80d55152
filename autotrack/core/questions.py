"""Keeping from the user the warnings that asking a model, or saving one unasked, sets off.

``warnings.catch_warnings`` is not used: it has each warning that the user was shown once shown again, and other
threads' warnings would be lost meanwhile.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_here = threading.local()


class _WhereWeAsk(type):
    """What filters compare categories with: every warning is one of ours where a thread asks, none is elsewhere."""

    def __subclasscheck__(cls, category: type) -> bool:
        return getattr(_here, "depth", 0) > 0


class _Asked(Warning, metaclass=_WhereWeAsk):
    """A warning that the user did not set off. (Copies of the filters in other processes are read by its name.)"""


_FILTER = ("ignore", None, _Asked, None, 0)


@contextmanager
def unwarned() -> Iterator[None]:
    """Within it, no warning of this thread's is shown, raised or remembered as shown."""
    _here.depth = getattr(_here, "depth", 0) + 1
    filters: Any = warnings.filters
    if _here.depth == 1:
        filters.insert(0, _FILTER)  # not by `simplefilter`, which forgets what was shown
    try:
        yield
    finally:
        _here.depth -= 1
        if _here.depth == 0:
            _taken_out(filters)
            if warnings.filters is not filters:  # another thread is inside a `catch_warnings`, whose copy has it, too
                _taken_out(warnings.filters)


def _taken_out(filters: Any) -> None:
    for index, each in enumerate(filters):
        if each is _FILTER:
            del filters[index]
            return
