"""What a search can be about: which attributes there are, and which other things may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Subject:
    """A kind of things that are searched. ``attributes``: name -> (column, kind); kinds are text, number, seconds,
    milliseconds and nanoseconds. ``ours`` are attributes that MLflow does not have. ``listed`` are the attributes that
    MLflow takes IN for, ``entities`` what else may be asked about."""

    what: str
    attributes: Mapping[str, tuple[str, str]]
    ours: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()

    def attribute(self, key: str) -> tuple[str, str] | None:
        """Column and kind of an attribute, None where there is none of that name."""
        return self.attributes.get(key) or self.ours.get(key)


RUNS = Subject(
    "run",
    {
        "run_id": ("id", "text"),
        "run_name": ("name", "text"),
        "status": ("status", "text"),
        "user_id": ("user", "text"),
        "artifact_uri": ("artifact_uri", "text"),
        "start_time": ("started", "milliseconds"),
        "created": ("started", "milliseconds"),
        "end_time": ("ended", "milliseconds"),
    },
    {
        "id": ("id", "text"),
        "name": ("name", "text"),
        "user": ("user", "text"),
        "parent": ("parent", "text"),
        "session": ("session", "text"),
        "experiment": ("experiment", "text"),
        "experiment_id": ("experiment_id", "text"),
        "error": ("error", "text"),
        "exit_code": ("exit_code", "number"),
        "started": ("started", "nanoseconds"),
        "ended": ("ended", "nanoseconds"),
        "duration": ("duration", "seconds"),
    },
    frozenset({"run_id"}),
    frozenset({"metric", "param", "tag", "dataset"}),
)
_TIMES = {
    "creation_timestamp": ("created", "milliseconds"),
    "creation_time": ("created", "milliseconds"),
    "last_updated_timestamp": ("updated", "milliseconds"),
    "last_update_time": ("updated", "milliseconds"),
}
EXPERIMENTS = Subject(
    "experiment",
    {"name": ("name", "text"), "experiment_id": ("id", "text"), **_TIMES},
    listed=frozenset({"experiment_id"}),
    entities=frozenset({"tag"}),
)
REGISTERED_MODELS = Subject(
    "registered model",
    {"name": ("name", "text"), **_TIMES, "timestamp": ("updated", "milliseconds")},
    listed=frozenset({"name"}),
    entities=frozenset({"tag"}),
)
MODEL_VERSIONS = Subject(
    "model version",
    {
        "name": ("name", "text"),
        "version_number": ("version", "number"),
        "version": ("version", "number"),
        "run_id": ("run", "text"),
        "source_path": ("source", "text"),
        "current_stage": ("stage", "text"),
        **_TIMES,
    },
    listed=frozenset({"name", "run_id"}),
    entities=frozenset({"tag"}),
)
LOGGED_MODELS = Subject(
    "logged model",
    {
        "model_id": ("id", "text"),
        "name": ("name", "text"),
        "model_name": ("name", "text"),
        "model_type": ("model_type", "text"),
        "status": ("status", "text"),
        "source_run_id": ("run", "text"),
        "experiment_id": ("experiment_id", "text"),
        **_TIMES,
    },
    listed=frozenset({"model_id", "name", "model_name", "source_run_id"}),
    entities=frozenset({"metric", "param", "tag"}),
)
