"""What was made again, held against the original: by the records alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autotrack.core.entities import DatasetRecord, ModelRecord, RunRecord, Status
from autotrack.rebuilding.comparing import compare_outcomes

BARE = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, params={"rate": "0.1"})
WHOLE = replace(
    BARE,
    models=(ModelRecord("model", "sklearn", "Tree", digest="d" * 64),),
    datasets=(DatasetRecord("X", "train", "d" * 16),),
    metrics={"score": 1.0},
)


def differing(one: RunRecord, other: RunRecord) -> tuple[list[str], list[str]]:
    _, found, unknown = compare_outcomes(None, one, other, 1e-6, {})  # type: ignore[arg-type]
    return [each.what for each in found], [gap.what.partition(" ")[0] for gap in unknown]


def test_what_either_has_alone_is_a_difference() -> None:
    named = ["data X (train)", "score", "model model"]
    assert differing(BARE, WHOLE) == (named, []) == differing(WHOLE, BARE)


@pytest.mark.parametrize("parts", [("model",), ("model", "metrics", "datasets")])
def test_what_autotrack_left_out_is_none_and_is_named(parts: tuple[str, ...]) -> None:
    """A model for which there was no time in one of the two says nothing of the program."""
    notes: dict[str, Any] = {"notes": [f"{part} left out: autotrack's own time would pass 5%" for part in parts]}
    spared = replace(BARE, health=notes)
    kinds = {"data X (train)": "datasets", "score": "metrics", "model model": "model"}
    left = [what for what, kind in kinds.items() if kind not in parts]
    assert differing(spared, WHOLE) == (left, list(parts)) == differing(WHOLE, spared)
