"""Charts of what a call of ``sklearn.metrics`` answered: matrices, curves, reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.plugin import Call


def chart_of(call: Call, result: Any, dataset: str) -> tuple[str, dict[str, Any] | None]:
    """The name and document of the chart; no document where the answer is no picture."""
    return f"{call.name}_{dataset}", None
