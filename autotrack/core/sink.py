"""What the core asks of a place that runs are delivered to and read from.

The local store implements it, and so does the client of a remote server; plugins may bring others through the
``open_sink`` hook. The core knows only this protocol: it never imports SQL or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from .entities import Columns, Delivery, Experiment, MetricSummary, RunRecord


@runtime_checkable
class Sink(Protocol):
    uri: str

    #: True where data must leave the process while it runs (a remote server): the courier then delivers every second.
    #: False where a reader can pull journals itself (a local store): a short process then leaves its journal to the
    #: next reader and never imports SQL.
    eager: bool

    def deliver(self, folder: Path, *, deadline: float | None = None) -> Delivery:
        """Takes in every journal under ``folder``, live and dead, each record exactly once.

        ``deadline`` is a ``time.monotonic()`` value after which it stops between batches. Never waits for another
        process that is delivering already: it answers ``busy=True`` then. Raises StoreError where it cannot write.
        """

    def run(self, run_id: str) -> RunRecord:
        """The run with that id or unique prefix (NotFoundError, AmbiguousError)."""

    def runs(
        self,
        filter: str = "",
        *,
        experiments: Sequence[str] | None = None,
        order_by: Sequence[str] = (),
        max_results: int = 1000,
        offset: int = 0,
        lifecycle: str = "active",
        children_of: str | None = None,
    ) -> list[RunRecord]:
        """Runs that match, newest first unless ordered (FilterError). ``lifecycle``: active, deleted or all."""

    def metric_history(self, run_id: str, key: str) -> Columns:
        """All points of one metric (NotFoundError where the run has no such metric)."""

    def metric_summaries(self, run_id: str) -> list[MetricSummary]: ...

    def experiments(self, lifecycle: str = "active") -> list[Experiment]: ...

    def create_experiment(self, name: str, tags: dict[str, str] | None = None) -> Experiment: ...

    def rename_experiment(self, name_or_id: str, new_name: str) -> None: ...

    def delete_experiment(self, name_or_id: str) -> None: ...

    def restore_experiment(self, name_or_id: str) -> None: ...

    def delete_runs(self, run_ids: Iterable[str]) -> int: ...

    def restore_runs(self, run_ids: Iterable[str]) -> int: ...

    def close(self) -> None: ...
