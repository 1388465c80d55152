"""What the core asks of a place that runs are delivered to and read from.

The local store implements it, and so does the client of a remote server; plugins may bring others through the
``open_sink`` hook. The core knows only this protocol: it never imports SQL or HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

if TYPE_CHECKING:
    from .entities import (
        ArtifactRecord,
        Columns,
        Delivery,
        Entry,
        Experiment,
        FileRecord,
        MetricSummary,
        RunRecord,
        SessionRecord,
    )
    from .journal.lastwords import LastWord
    from .journal.reader import Batch, Cursor
    from .registered import LoggedModels, Registry


class Contents(Protocol):
    """Contents kept under their own sha256 (``core.objects``)."""

    def put(self, content: bytes) -> str:
        """Keeps content; answers its sha256."""

    def get(self, digest: str) -> bytes:
        """The content with that sha256 (NotFoundError where it is not kept, ArtifactError where it has changed)."""

    def has(self, digest: str) -> bool: ...

    def renew(self, digest: str) -> bool:
        """True where the content is kept: from now on as if it had just been put."""


class Artifacts(Protocol):
    """The files of a store's runs. ``run_folder`` is ``<experiment>/<run>``, paths are relative to the run.

    A file is there whole or not at all. ArtifactError where a path is refused or a file cannot be stored or read.
    """

    def put_file(self, run_folder: str, path: str, source: Path, *, durable: bool = True) -> ArtifactRecord:
        """Stores a copy of a file."""

    def put_bytes(self, run_folder: str, path: str, data: bytes, *, durable: bool = True) -> ArtifactRecord:
        """Stores bytes as a file."""

    def put_blocks(
        self, run_folder: str, path: str, blocks: Iterator[bytes], *, durable: bool = True, sha256: str | None = None
    ) -> ArtifactRecord:
        """Stores bytes as they come, if they are those of ``sha256``."""

    def open(self, run_folder: str, path: str) -> BinaryIO:
        """The file, open for reading (NotFoundError where there is none)."""

    def list(self, run_folder: str, path: str = "") -> list[Entry]:
        """What is in a folder of a run's files, by name; none where there is no such folder."""

    def delete(self, run_folder: str, path: str = "") -> int:
        """Removes a file or a folder; answers the bytes freed where they are known."""


@runtime_checkable
class Sink(Protocol):
    """A store, here or on a server: what runs are delivered to, read from and changed in.

    Threads may share one. Errors are those of ``core.errors``: NotFoundError and AmbiguousError for an id or name,
    FilterError for a filter, UnavailableError where it does not answer, StoreError for all else that it refuses.
    """

    #: Its address as people may see it: without user names, passwords and tokens.
    uri: str

    #: True where data must leave the process while it runs (a remote server): the courier then delivers every second.
    #: False where a reader can pull journals itself (a local store): a short process then leaves its journal to the
    #: next reader and never imports SQL.
    eager: bool

    @property
    def objects(self) -> Contents:
        """Content by its sha256: diffs, sources, environments, fingerprints, which records refer to."""

    @property
    def artifacts(self) -> Artifacts:
        """The files of its runs."""

    @property
    def registry(self) -> Registry:
        """Named models with their versions."""

    @property
    def logged_models(self) -> LoggedModels:
        """Models that runs have logged, as MLflow 3 has them."""

    def deliver(self, folder: Path, *, deadline: float | None = None) -> Delivery:
        """Takes in every journal in ``folder`` that is for this store, live and dead, each record exactly once.

        Which those are, ``core.addresses.marks`` says; the others stay where they are, named in ``Delivery.others``.

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

    def session(self, session_id: str) -> SessionRecord:
        """One execution of a program, with what each collector found (NotFoundError)."""

    def files(
        self,
        *,
        sessions: Sequence[str] | None = None,
        contents: Sequence[str] | None = None,
        path: str | None = None,
    ) -> list[FileRecord]:
        """Files that sessions read or wrote, by first opening: of those sessions, with those contents (sha256), of a
        path (whole, or its last parts)."""

    def console(self, session_id: str) -> list[tuple[int, str, str]]:
        """What a session printed: (place in the output, ``stdout`` or ``stderr``, text), in order."""

    def runs_with(
        self, *, sessions: Sequence[str] = (), datasets: Sequence[str] = (), contents: Sequence[str] = ()
    ) -> list[RunRecord]:
        """Runs, newest first, of those sessions, with a data set of those digests, or an artifact of those contents."""

    def experiments(self, lifecycle: str = "active") -> list[Experiment]: ...

    def create_experiment(self, name: str, tags: dict[str, str] | None = None) -> Experiment: ...

    def rename_experiment(self, name_or_id: str, new_name: str) -> None: ...

    def delete_experiment(self, name_or_id: str) -> None: ...

    def restore_experiment(self, name_or_id: str) -> None: ...

    def delete_runs(self, run_ids: Iterable[str]) -> int: ...

    def restore_runs(self, run_ids: Iterable[str]) -> int: ...

    def close(self) -> None: ...


class Intake(Protocol):
    """A store that takes a writer's records in batches, with or without a journal file at hand (a server's route).

    A batch is what ``JournalReader.read`` gives: events, points as whole slots, the cursor behind them. It is stored
    together with that cursor in one transaction, so each record counts once however often it is sent:

        cursor = store.cursor(writer)
        batch = reader.read(cursor, final=False)
        store.apply(writer, cursor, batch)
    """

    def cursor(self, writer: str) -> Cursor:
        """How far this writer's records are in the store: ``Cursor(0, 0)`` for one that is not known."""

    def apply(
        self, writer: str, cursor: Cursor, batch: Batch, *, host: str | None = None, seen: int | None = None
    ) -> Delivery:
        """Stores a batch that begins at ``cursor``. One that is stored already changes nothing (an empty Delivery).

        A record that makes no sense (``core.journal.records``) is left out and counted; all others are stored.
        ``seen``: when the writer was last known alive (ns), by default now. Records that are new, or a later ``seen``,
        say that a writer lives that was taken for dead: the runs that this ended go on. OutOfStepError, with the cursor
        that is wanted, where the batch begins elsewhere than the store is; UsageError where its points are not whole
        slots; StoreError where it could not be stored: nothing of it is then.
        """

    def end_writer(
        self, writer: str, *, seen: int | None = None, word: LastWord | None = None, exit_code: int | None = None
    ) -> None:
        """Ends the runs that a dead writer left running, at the last moment it was ``seen`` (ns).

        FINISHED or FAILED by its ``exit_code`` where that is known (it ended by itself), KILLED where its last word is
        a signal by which somebody ends a program on purpose, else CRASHED: a guess, which ``apply`` takes back.
        """
