"""What is written down of a data set, made while its data are there: the run that wants it may come later."""

from __future__ import annotations

from typing import Any, NamedTuple

from .measure import fingerprint
from .mlflow_digest import mlflow_digest
from .prints import Fingerprint


class Described(NamedTuple):
    """A fingerprint, and the short digest that MLflow would give the same data. Nothing of the data."""

    fingerprint: Fingerprint
    mlflow_digest: str | None


def describe(data: Any, *, seconds: float | None = None) -> Described:
    """The description of a data set; see ``fingerprint`` for what is one (else UsageError) and for ``seconds``."""
    return Described(fingerprint(data, seconds=seconds), mlflow_digest(data))
