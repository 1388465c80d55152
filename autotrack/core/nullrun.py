"""A run that records nothing: on ranks above 0, and where autotrack is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from .entities import ArtifactRecord, RunRecord, Status
from .errors import NotFoundError
from .run import Run


def _nowhere() -> NoReturn:
    raise NotFoundError("this run is not recorded (autotrack is off, or this is not the first rank)")


class NullRun(Run):
    """Takes every call of ``Run`` and does nothing."""

    def __init__(self) -> None:
        record = RunRecord("0" * 32, "not recorded", "", "", Status.FINISHED, 0)
        super().__init__(record.id, tracker=_nowhere, sink=_nowhere, record=record)

    def log_metric(self, key: str, value: float, step: int | None = None) -> None: ...

    def _log_texts(self, kind: str, field: str, observer: str, values: Mapping[str, Any]) -> None: ...

    def _write(self, record: dict[str, Any]) -> None: ...

    def _refuse(self, kind: str, message: str, error: BaseException | None = None) -> None: ...

    def _notify(self, observer: str, **details: Any) -> None: ...

    def log_model(self, model: Any, path: str = "model") -> None: ...

    def log_dataset(
        self, data: Any, name: str | None = None, context: str = "train", source: str | None = None
    ) -> None: ...

    def put(self, path: str, content: bytes | Path, *, durable: bool = True) -> ArtifactRecord:
        return ArtifactRecord(path, 0, "")

    def finish(self, status: str | None = None) -> None: ...

    @property
    def children(self) -> list[Run]:
        return []
