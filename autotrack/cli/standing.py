"""What registered versions and runs have to do with each other, for the commands that show or delete either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autotrack.core.entities import RunRecord
from autotrack.core.registered import ModelVersion
from autotrack.core.sink import Sink

#: Ids that one filter is given: it has a longest length.
_MANY = 100


def registered_as(sink: Sink, runs: Sequence[str]) -> dict[tuple[str, str], list[ModelVersion]]:
    """The versions that models of these runs are registered as, by run id and path."""
    found: dict[tuple[str, str], list[ModelVersion]] = {}
    for listed in _lists(runs):
        for version in sink.registry.versions(f"run_id IN {listed}"):
            _, _, path = (version.artifact_uri or "").partition(f"{version.run}/")
            found.setdefault((version.run or "", path), []).append(version)
    return found


def standing_on(sink: Sink, runs: Sequence[str]) -> dict[str, list[str]]:
    """Which versions stand on runs, or their children, that were just deleted: by run id, ``churn version 3``."""
    found: dict[str, list[str]] = {}
    for version in sink.registry.versions(order_by=["name", "version_number"]):
        if version.run is not None:
            found.setdefault(version.run, []).append(f"{version.name} version {version.version}")
    gone: list[RunRecord] = []
    for listed in _lists(list(found)):
        gone += sink.runs(f"run_id IN {listed}", lifecycle="deleted")
    return {run.id: found[run.id] for run in gone if run.id in runs or run.parent in runs}


def _lists(ids: Sequence[str]) -> Iterator[str]:
    every = list(dict.fromkeys(ids))
    for start in range(0, len(every), _MANY):
        yield "(" + ", ".join(f"'{each}'" for each in every[start : start + _MANY]) + ")"
