"""Earlier runs that a training goes on with: found by a tag, and RUNNING again until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..entities import RunRecord, Status
from ..guard import guard
from .names import experiment_id
from .run import Run

if TYPE_CHECKING:
    from .tracker import Tracker


def resumable(tracker: Tracker, tag: str, text: str) -> RunRecord | None:
    """The newest run of the store whose tag contains the text, if it has ended; None where there is none.

    Only a store on this machine is asked. ``text`` is of letters and digits.
    """
    if not tracker.location.is_local or not text.isalnum():
        return None
    found = guard.call("resuming", tracker.sink().runs, f"tags.`{tag}` LIKE '%{text}%'", max_results=1)
    if not found or found[0].status == Status.RUNNING:
        return None
    # Its files must go where its earlier ones are; of an experiment that was renamed, they would not.
    return found[0] if found[0].artifact_uri == _files_of(found[0]) else None


def reopen(tracker: Tracker, earlier: RunRecord, started: int) -> Run:
    """The run, recorded by this process from ``started`` (nanoseconds since the epoch) on. It keeps what it has."""
    run = Run(earlier.id, tracker=lambda: tracker, sink=tracker.sink)
    run.begin(
        name=earlier.name, experiment=earlier.experiment, tags=earlier.tags, parent=earlier.parent, started=started
    )
    assert run._draft is not None
    run._draft.params.update(earlier.params)
    return run


def _files_of(record: RunRecord) -> str:
    return f"artifacts/{experiment_id(record.experiment)}/{record.id}"
