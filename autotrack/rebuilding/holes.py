"""What was not captured of a run, and may be why it comes out otherwise the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.core.gaps import Gap

if TYPE_CHECKING:
    from autotrack.answers.story import Story

#: Gaps in what was captured that cannot change what a program computes.
_HARMLESS = ("console", "arguments")
_HASHING = Gap(
    "seeds",
    "the order of sets of texts was another in each process, for hashing was not seeded",
    "set PYTHONHASHSEED where an order of sets matters",
)


def open_gaps(story: Story, *, hashing: bool = True) -> list[Gap]:
    """What was not captured and may matter; ``hashing``: that sets of texts had no order counts, too."""
    gaps = [gap for gap in story.gaps() if gap.part not in _HARMLESS]
    if hashing and (story.part("seeds") or {"PYTHONHASHSEED": ""}).get("PYTHONHASHSEED") is None:
        gaps.append(_HASHING)
    return gaps
