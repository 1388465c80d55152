"""Models that have a name: what a registry answers with, and what one can do. Local stores and servers have the same.

Times are integers: nanoseconds since the Unix epoch, UTC. ``user`` is who does something, None where nobody is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from . import keys
from .errors import UsageError

STAGES = ("None", "Staging", "Production", "Archived")
LONGEST_ALIAS = 255
_ALIAS = re.compile(r"[\w-]+")
_VERSION_LIKE = re.compile(r"v\d+", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[/:]|^\.{1,2}$")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model. ``source`` is what was registered (``runs:/...``, ``models:/...``, a
    location); ``artifact_uri`` where its files are, relative to the store's artifacts or as a URI; ``digest`` is of its
    manifest, None where it has none. ``stage`` is for clients that know stages."""

    name: str
    version: int
    source: str
    artifact_uri: str | None = None
    run: str | None = None
    logged_model: str | None = None
    digest: str | None = None
    description: str | None = None
    stage: str = "None"
    status: str = "READY"
    status_message: str | None = None
    run_link: str | None = None
    created: int = 0
    updated: int = 0
    user: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A named model. ``aliases`` name one of its versions each; ``latest`` is the newest version of each stage."""

    name: str
    description: str | None = None
    created: int = 0
    updated: int = 0
    user: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    latest: tuple[ModelVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class AliasMove:
    """Who had an alias name which version, and when; ``version`` None: it was taken away."""

    alias: str
    version: int | None
    moved: int
    user: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedMetric:
    """A point that says which model, and perhaps which data set, it was measured on."""

    key: str
    value: float
    step: int
    time: int
    run: str
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model as MLflow 3 logs it: a thing of an experiment, made by a run, with files of its own.

    ``status`` is PENDING, READY or UPLOAD_FAILED.
    """

    id: str
    experiment_id: str
    name: str
    model_type: str | None = None
    run: str | None = None
    status: str = "PENDING"
    status_message: str | None = None
    lifecycle: str = "active"
    created: int = 0
    updated: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[LoggedMetric, ...] = ()


class Registry(Protocol):
    """The named models of a store. NotFoundError where a model, a version or an alias is not there; UsageError for a
    name, an alias or a stage that cannot be."""

    def create(
        self,
        name: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> RegisteredModel:
        """Names a model (ConflictError where there is one of that name)."""

    def get(self, name: str) -> RegisteredModel: ...

    def search(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] = (),
        max_results: int = 100,
        offset: int = 0,
        mlflow: bool = False,
    ) -> list[RegisteredModel]:
        """Models by ``name`` and ``tags.<key>``, by name unless ordered (FilterError)."""

    def rename(self, name: str, new_name: str) -> RegisteredModel:
        """Gives a model another name (ConflictError)."""

    def describe(self, name: str, description: str | None) -> RegisteredModel:
        """Sets a model's description."""

    def delete(self, name: str) -> None:
        """Removes a model with its versions, aliases and tags; their files stay with their runs."""

    def set_tag(self, name: str, key: str, value: str) -> None: ...

    def delete_tag(self, name: str, key: str) -> None: ...

    def create_version(self, version: ModelVersion) -> ModelVersion:
        """Adds a version to a model: the next number, never one that was used before. What the store sets itself
        (number, times, aliases) is not looked at."""

    def version(self, name: str, version: int) -> ModelVersion: ...

    def versions(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] = (),
        max_results: int = 10_000,
        offset: int = 0,
        mlflow: bool = False,
    ) -> list[ModelVersion]:
        """Versions by name, number, run, source and tags (FilterError); unless ordered by name, newest first, and with
        ``mlflow`` those that were changed last before all others."""

    def latest(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        """The newest version of each stage, or of those stages."""

    def describe_version(self, name: str, version: int, description: str | None) -> ModelVersion: ...

    def set_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        """Moves a version to a stage; ``archive_others`` moves the stage's other versions to Archived."""

    def delete_version(self, name: str, version: int, *, user: str | None = None) -> None:
        """Removes a version with its tags; its aliases are taken away."""

    def date(self, name: str, version: int | None, created: int, updated: int) -> None:
        """Says when a version, or the model itself (None), was made and changed (ns): another tracker had it first."""

    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None: ...

    def delete_version_tag(self, name: str, version: int, key: str) -> None: ...

    def set_alias(self, name: str, alias: str, version: int, *, user: str | None = None) -> None:
        """Has an alias name a version, whatever it named before."""

    def delete_alias(self, name: str, alias: str, *, user: str | None = None) -> None: ...

    def at_alias(self, name: str, alias: str) -> ModelVersion: ...

    def alias_moves(self, name: str) -> list[AliasMove]:
        """How the model's aliases moved, newest first."""


class LoggedModels(Protocol):
    """The models that runs have logged, by id (NotFoundError)."""

    def create(self, model: LoggedModel) -> LoggedModel:
        """Adds a model; times are the store's."""

    def get(self, model_id: str) -> LoggedModel: ...

    def search(
        self,
        experiments: Sequence[str],
        filter: str = "",
        *,
        datasets: Sequence[tuple[str, str | None]] = (),
        order_by: Sequence[tuple[str, bool]] = (),
        max_results: int = 50,
        offset: int = 0,
    ) -> list[LoggedModel]:
        """Active models of experiments (ids), newest first unless ordered by (field, ascending).

        A condition on a metric holds where any of its points does. With ``datasets`` (names, each with a digest or
        None) only points count that were measured on one of them, and a model has to have one.
        """

    def set_status(self, model_id: str, status: str, message: str | None = None) -> LoggedModel: ...

    def delete(self, model_id: str) -> None: ...

    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel: ...

    def delete_tag(self, model_id: str, key: str) -> None: ...

    def set_params(self, model_id: str, params: Mapping[str, str]) -> LoggedModel: ...

    def link(self, run: str, role: str, models: Collection[tuple[str, int]]) -> None:
        """Says that a run took models in (``input``) or brought them out (``output``): ids and steps."""

    def links(self, runs: Sequence[str]) -> dict[str, list[tuple[str, str, int]]]:
        """By run id: role, model id and step."""

    def measured(self, model_id: str, metrics: Sequence[LoggedMetric]) -> None:
        """Notes points that were measured on a model; the same point counts once."""


def check_model_name(name: object) -> str:
    """A registered model's name: as a run's, and without ``/`` and ``:``, which a URI splits at (UsageError)."""
    text = keys.check_name(name, "registered model's name")
    if not text.strip() or _NOT_IN_NAMES.search(text):
        raise UsageError(f"Invalid model name: {text[:80]!r} is empty or holds / or :, which model URIs are split at")
    return text


def check_alias(alias: object) -> str:
    """An alias: letters, digits, _ and -, at most 255, and nothing that stands for a version anyway (UsageError)."""
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias) or len(alias) > LONGEST_ALIAS:
        raise UsageError(f"Invalid alias: {str(alias)[:80]!r} is not 1 to {LONGEST_ALIAS} letters, digits, _ or -")
    if alias.lower() == "latest" or _VERSION_LIKE.fullmatch(alias):
        raise UsageError(f"Invalid alias: {alias!r} is reserved; it would be taken for a version")
    return alias


def check_stage(stage: object) -> str:
    """A stage, however its case (UsageError)."""
    for known in STAGES:
        if isinstance(stage, str) and stage.lower() == known.lower():
            return known
    raise UsageError(f"Invalid stage: {str(stage)[:80]!r} is none of {', '.join(STAGES)}")
