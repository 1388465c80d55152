"""A run that records nothing: on ranks above 0, and where autotrack is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from .entities import ArtifactRecord, Columns, MetricSummary, ModelRecord, RunRecord, Status
from .errors import NotFoundError
from .keys import NO_RUN
from .run import Run

if TYPE_CHECKING:
    from .history import History


def _nowhere() -> NoReturn:
    raise NotFoundError("this run is not recorded (autotrack is off, or this is not the first rank)")


class NullRun(Run):
    """Takes every call of ``Run`` and does nothing."""

    def __init__(self) -> None:
        record = RunRecord(NO_RUN, "not recorded", "", "", Status.FINISHED, 0)
        super().__init__(record.id, tracker=_nowhere, sink=_nowhere, record=record)

    def log_metric(self, key: str, value: float, step: int | None = None) -> None: ...

    def _log_texts(self, kind: str, observer: str, values: Mapping[str, Any] | list[tuple[str, Any]]) -> None: ...

    def _write(self, record: dict[str, Any]) -> None: ...

    def _refuse(self, kind: str, message: str, error: BaseException | None = None) -> None: ...

    def _notify(self, observer: str, **details: Any) -> None: ...

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None: ...

    def delete_tag(self, key: str) -> None: ...

    def log_model(self, model: Any, path: str = "model") -> None: ...

    def log_dataset(
        self, data: Any, name: str | None = None, context: str = "train", source: str | None = None
    ) -> None: ...

    def put(self, path: str, content: bytes | Path, *, durable: bool = True) -> ArtifactRecord:
        return ArtifactRecord(path, 0, "")

    def finish(self, status: str | None = None) -> None: ...

    def add_model(self, record: ModelRecord) -> None: ...

    def refresh(self) -> Self:
        return self

    @property
    def artifact_uri(self) -> str:
        return ""

    @property
    def children(self) -> list[Run]:
        return []

    def metric_history(self, key: str) -> History:
        import numpy as np

        from .history import History

        return History(key, Columns(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)))

    def metric_summaries(self) -> list[MetricSummary]:
        return []
