"""A run that records nothing: on ranks above 0, and where autotrack is switched off or can write nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from ..entities import ArtifactRecord, MetricSummary, ModelRecord, RunRecord, Status
from ..errors import NotFoundError
from ..keys import NO_RUN
from .active import active
from .run import Run

if TYPE_CHECKING:
    from ..history import History


def _nowhere() -> NoReturn:
    raise NotFoundError("this run is not recorded (autotrack is off, or this is not the first rank)")


class NullRun(Run):
    """Takes every call of ``Run`` and does nothing; everything that is read from it is empty."""

    def __init__(self) -> None:
        record = RunRecord(NO_RUN, "not recorded", "", "", Status.RUNNING, 0)
        super().__init__(record.id, tracker=_nowhere, sink=_nowhere, record=record)
        self._open = True

    def log_metric(self, key: str, value: float, step: int | None = None) -> None: ...

    def log_points(self, key: str, steps: Iterable[int], times: Iterable[int], values: Iterable[float]) -> None: ...

    def log_params(self, params: Mapping[str, Any]) -> None: ...

    def set_tags(self, tags: Mapping[str, Any]) -> None: ...

    def delete_tag(self, key: str) -> None: ...

    def rename(self, name: str) -> None: ...

    def add_children(self, runs: list[dict[str, Any]]) -> None: ...

    def log_model(
        self, model: Any, path: str = "model", *, example: Any = None, register: str | None = None
    ) -> None: ...

    def put_model(self, model: Any, path: str = "model", **details: Any) -> None: ...

    def add_model(self, record: ModelRecord) -> None: ...

    def log_dataset(
        self,
        data: Any,
        name: str | None = None,
        context: str = "train",
        source: str | None = None,
        *,
        seconds: float | None = None,
    ) -> None: ...

    def put(self, path: str, content: bytes | Path, *, durable: bool = True) -> ArtifactRecord:
        return ArtifactRecord(path, 0, "")

    def prune(self, path: str, keep: Collection[str]) -> None: ...

    def write_health(self) -> None: ...

    def finish(self, status: str | None = None) -> None:
        self.end(str(status or Status.FINISHED), None, None)

    def end(self, status: str, error: BaseException | None, exit_code: int | None, *, guessed: bool = False) -> None:
        self._open = False
        if active.get() is self:
            active.set(self._previous)

    def leave_open(self) -> None: ...

    def _view(self) -> RunRecord:
        assert self._record is not None
        return self._record

    @property
    def status(self) -> Status:
        return Status.RUNNING if self._open else Status.FINISHED

    @property
    def artifact_uri(self) -> str:
        return ""

    @property
    def children(self) -> list[Self]:
        return []

    def refresh(self) -> NullRun:
        return self

    def metric_history(self, key: str) -> History:
        import numpy as np

        from ..entities import Columns
        from ..history import History

        empty = np.empty(0, np.int64)
        return History(key, Columns(empty, empty, np.empty(0)))

    def metric_summaries(self) -> list[MetricSummary]:
        return []

    def _write(self, record: dict[str, Any]) -> None: ...

    def _notify(self, observer: str, **details: Any) -> None: ...

    def _refuse(self, kind: str, message: str, error: BaseException | None = None) -> None: ...

    def __reduce__(self) -> Any:
        return NullRun, ()
