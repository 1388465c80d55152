"""What the store answers with: plain frozen values, no behaviour, no I/O.

Times are integers: nanoseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .status import ENDINGS as ENDINGS
from .status import Status as Status

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named group of runs. Times in nanoseconds since the epoch; ``run_count`` is None where nobody counted;
    ``artifact_location`` is the folder that a client of MLflow's API chose for the files of its runs, if one did."""

    id: str
    name: str
    lifecycle: str = "active"  # active | deleted
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    run_count: int | None = None
    artifact_location: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignExperiment:
    """An experiment of another tool; ``id`` is the one that it has there."""

    id: str
    name: str
    created: int = 0
    updated: int = 0
    deleted: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """One file of a run. ``path`` is relative to the run, with forward slashes."""

    path: str
    size: int
    sha256: str


class Entry(NamedTuple):
    """One name in a run's artifacts. ``path`` is relative to the run; a folder's size is 0."""

    path: str
    size: int
    is_folder: bool


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One data set that a run read. ``context`` is train, eval, ...; ``columns`` maps names to types.

    ``digest`` is of all of it (see ``core.fingerprint``), ``mlflow_digest`` the short one that MLflow would give it;
    ``fingerprint`` is the object (``core.objects``) with the statistics and hashes of its columns. ``bytes`` is what it
    takes in memory; ``partial`` says what the digest does not cover, where that is anything. ``mlflow`` is what an
    MLflow client said of it, as JSON.
    """

    name: str
    context: str
    digest: str
    rows: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    kind: str | None = None
    bytes: int | None = None
    fingerprint: str | None = None
    mlflow_digest: str | None = None
    partial: str | None = None
    mlflow: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model folder of a run. ``digest`` stands for all its files (``manifest.json``); None where none is known."""

    path: str
    flavor: str
    class_name: str
    size: int = 0
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file that a session read or wrote (``role``), with the content that it had.

    ``first`` is when it was first opened so, ``mtime`` when it was last changed, both in nanoseconds. ``sha256`` is
    None where it is not known; ``partial`` says why it is not, or what it does not cover.
    """

    session: str
    path: str
    role: str
    first: int
    size: int | None = None
    mtime: int | None = None
    sha256: str | None = None
    partial: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One execution of a program: what was known when it began, and what each collector found (``core.session``)."""

    id: str
    started: int
    data: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the store knows it."""

    id: str
    name: str
    experiment_id: str
    experiment: str
    status: Status
    started: int
    ended: int | None = None
    last_seen: int | None = None
    session: str | None = None
    parent: str | None = None
    user: str | None = None
    lifecycle: str = "active"
    artifact_uri: str | None = None
    error: str | None = None
    exit_code: int | None = None
    #: The object (``core.objects``) with the states of the random generators when the run started.
    random_state: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float | int] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetRecord, ...] = ()
    artifacts: tuple[ArtifactRecord, ...] = ()
    models: tuple[ModelRecord, ...] = ()
    health: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> str:
        """The folder of the run's files among its store's artifacts (``core.sink.Artifacts``): ``<experiment>/<run>``,
        "" where the run has none."""
        return (self.artifact_uri or "").removeprefix("artifacts/")


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What is known of one metric of one run without touching its points."""

    key: str
    last: float | int
    last_step: int
    last_time: int
    min: float | int | None
    max: float | int | None
    count: int


@dataclass(frozen=True, slots=True)
class Columns:
    """The points of one metric as equally long arrays, ordered by (step, order of arrival).

    ``steps`` int64, ``timestamps`` int64 nanoseconds, ``values`` float64 (int64 where the metric holds integers that
    a float64 cannot hold, object where it holds both).
    """

    steps: np.ndarray[Any, Any]
    timestamps: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one pass over the journals brought to a store, and what it had to leave.

    ``damaged`` counts records whose bytes were not whole, ``refused`` those that say what no record may; ``reasons``
    quotes why, without repeating itself. ``left`` counts journals that are to be tried again, ``kept`` says why those
    were not taken that the store refused; ``others`` names, for each journal that is for another store and was not
    touched, that store. To a store on another machine go ``artifacts`` and ``objects``, too; ``gone`` counts artifacts
    that were not here any more.
    """

    points: int = 0
    events: int = 0
    damaged: int = 0
    journals: int = 0
    left: int = 0
    busy: bool = False
    others: tuple[str, ...] = ()
    refused: int = 0
    reasons: tuple[str, ...] = ()
    artifacts: int = 0
    objects: int = 0
    gone: int = 0
    kept: tuple[str, ...] = ()
