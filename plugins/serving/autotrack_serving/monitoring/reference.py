"""What a model's training looked like: what inputs and answers in production are held against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotrack.plugin import attempt, fingerprint_profiles

from .reading import store_to_read

if TYPE_CHECKING:
    from autotrack.plugin import ColumnProfile, PyFunc, RunRecord


@dataclass(frozen=True, slots=True)
class Reference:
    """The run that made the model, and the columns of its training data and of its answers to them."""

    run: str | None
    inputs: tuple[ColumnProfile, ...] = ()
    answers: tuple[ColumnProfile, ...] = ()


def reference_of(model: PyFunc) -> Reference:
    """The reference of a model: its own profile, wherever the model is served. Of a folder without one, columns of
    numbers as far as the store in force knows the run that made it."""
    run_id = model.metadata.run_id
    profile = model.profile()
    if profile is not None:
        return Reference(run_id, profile.inputs, profile.answers)
    found = attempt(_of_run, run_id)[0] if run_id is not None else None
    return found or Reference(run_id)


def _of_run(run_id: str) -> Reference:
    with store_to_read() as sink:
        record: RunRecord = sink.run(run_id)
        train = next((data for data in record.datasets if data.context == "train" and data.fingerprint), None)
        document = json.loads(sink.objects.get(train.fingerprint)) if train is not None and train.fingerprint else {}
    return Reference(run_id, tuple(fingerprint_profiles(document)))
