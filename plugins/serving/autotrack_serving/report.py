"""What the hook ``production_reported`` is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Report:
    """What a process that serves a model has just reported.

    ``metrics`` are those of its run (docs/serving.md lists them), ``unseen`` the first values by column that training
    never saw. ``holds`` are the conditions of ``--alert-if`` that hold, ``began`` those of them that did not at the
    report before: where it is not empty, there is news.
    """

    name: str
    uri: str
    digest: str
    trained_by: str | None
    run: str
    metrics: Mapping[str, float]
    unseen: Mapping[str, list[str]] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    began: tuple[str, ...] = ()
