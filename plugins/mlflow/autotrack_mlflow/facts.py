"""What MLflow keeps, as its formats have it, whichever place it was read from.

Times are milliseconds since the epoch, as MLflow's are; names and ids are as they stand there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    import numpy as np

#: What says in which role a run read a data set.
CONTEXT = "mlflow.data.context"
PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
USER = "mlflow.user"

ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})


@dataclass(frozen=True, slots=True)
class Experiment:
    id: str
    name: str
    deleted: bool = False
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    #: Where it lies in its source: a folder's name, mostly.
    place: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that a run read; ``tags`` are those of the reading, its context among them."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelLink:
    """A logged model that a run took in or brought out (``role``: input, output)."""

    role: str
    model: str
    step: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A run without its points and files. ``state`` changes where the source knows that anything of the run did."""

    id: str
    name: str
    status: str
    started: int
    ended: int | None
    state: str
    deleted: bool = False
    user: str | None = None
    artifact_uri: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()
    models: tuple[ModelLink, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Points:
    """All points of one metric: equally long arrays, int64 milliseconds and steps, float64 values."""

    times: np.ndarray
    values: np.ndarray
    steps: np.ndarray


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A point that says which model, and maybe which data set, it was measured on."""

    key: str
    value: float
    time: int
    step: int
    run: str
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedModel:
    id: str
    name: str
    artifact_uri: str
    status: str = "READY"
    status_message: str | None = None
    model_type: str | None = None
    run: str | None = None
    deleted: bool = False
    created: int = 0
    updated: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    points: tuple[ModelPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelVersion:
    version: int
    source: str
    run: str | None = None
    model_id: str | None = None
    description: str | None = None
    stage: str = "None"
    status: str = "READY"
    status_message: str | None = None
    run_link: str | None = None
    user: str | None = None
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    name: str
    description: str | None = None
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: tuple[ModelVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFound:
    """A file under an artifact URI. ``refused`` says why it is not to be read."""

    path: str
    size: int | None
    refused: str | None = None


class Files(Protocol):
    """The files under one artifact URI."""

    def listed(self) -> Iterator[FileFound]:
        """Every file, folder by folder; AutotrackError where the place cannot be reached."""

    def open(self, path: str) -> BinaryIO:
        """One file, for reading from its beginning to its end."""

    @property
    def is_near(self) -> bool:
        """True where reading a file costs no network."""


class Source(Protocol):
    """A place that MLflow keeps its things in. Reading it changes nothing there."""

    #: The place for people: without passwords.
    shown: str
    #: What could not be read so far: what, and why.
    unread: list[tuple[str, str]]

    def experiments(self) -> Iterator[Experiment]: ...

    def count(self, experiment: Experiment) -> int | None:
        """How many runs there are about; None where asking costs as much as reading them."""

    def runs(self, experiment: Experiment) -> Iterator[Run]:
        """All runs, deleted ones too; never all of them in memory."""

    def points(self, run: Run) -> Iterator[tuple[str, Points]]:
        """Each metric of a run with its points."""

    def files(self, uri: str, place: str) -> Files:
        """The files under an artifact URI (``place``: where its owner lies); AutotrackError where it is not allowed or
        not understood."""

    def logged_models(self, experiment: Experiment) -> Iterator[LoggedModel]: ...

    def registered_models(self) -> Iterator[RegisteredModel]: ...

    def close(self) -> None: ...
