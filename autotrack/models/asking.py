"""Asking a model for predictions so that nobody notices: random streams stay where they are, no warning is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from autotrack.core.guard import attempt
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.questions import unwarned
from autotrack.core.streams import streams_put_back

Ask = Callable[..., Any]


class Asked(NamedTuple):
    """The model's functions by the names that its flavor keeps answers of; or none, and why it must not be asked."""

    asks: dict[str, Ask]
    why: str | None = None


@contextmanager
def asking(model: Any, flavor: Flavor) -> Iterator[Asked]:
    """What may be asked within it: nothing where that might be noticed."""
    with ExitStack() as stack:
        stack.enter_context(unwarned())
        draws, error = attempt(flavor.draws, model)
        why = stack.enter_context(streams_put_back()) if draws or error is not None else None
        subject = None if why is not None else stack.enter_context(flavor.rehearsal(model))
        if subject is None:
            yield Asked({}, why or "asking the model might be noticed")
        else:
            yield Asked(asks_of(subject, flavor))


def asks_of(subject: Any, flavor: Flavor) -> dict[str, Ask]:
    """The functions that a model really has: ``predict_proba`` of a classifier may depend on its parameters."""
    found: dict[str, Ask] = {}
    for name in flavor.answers:
        ask, _ = attempt(flavor.predictor, subject) if name == "predict" else attempt(getattr, subject, name, None)
        if callable(ask):
            found[name] = ask
    return found
