"""The tables of models: the registry of named models with their versions, and models as MLflow 3 logs them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table

from ..engines.column_types import Int64, String, Text, long_key
from . import RUN_KEY, metadata

registered_models = Table(
    "registered_models",
    metadata,
    # Rows of other tables point at this number: a model can be renamed.
    Column("n", Int64, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("description", Text),
    Column("created", Int64, nullable=False),
    Column("updated", Int64, nullable=False),
    Column("user", Text),
    # The highest version that there ever was: a deleted one's number is not used again.
    Column("last_version", Integer, nullable=False),
)

MODEL_KEY = "registered_models.n"

registered_model_tags = Table(
    "registered_model_tags",
    metadata,
    Column("model", ForeignKey(MODEL_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("model", ForeignKey(MODEL_KEY, ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    # What was named when it was registered: runs:/<run>/<path>, models:/<name>/<version> or a location.
    Column("source", Text, nullable=False),
    # Where its files are: inside the store, ``<experiment>/<run>/<path>``, or a URI under a root that is allowed.
    Column("artifact_uri", Text),
    Column("run", String(64)),
    Column("logged_model", String(64)),
    Column("digest", String(64)),
    Column("description", Text),
    Column("stage", String(16), nullable=False),
    Column("status", String(24), nullable=False),
    Column("status_message", Text),
    Column("run_link", Text),
    Column("created", Int64, nullable=False),
    Column("updated", Int64, nullable=False),
    Column("user", Text),
    sqlite_with_rowid=False,
)
Index("model_versions_of_run", model_versions.c.run)

model_version_tags = Table(
    "model_version_tags",
    metadata,
    Column("model", Int64, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)

model_aliases = Table(
    "model_aliases",
    metadata,
    Column("model", ForeignKey(MODEL_KEY, ondelete="CASCADE"), primary_key=True),
    Column("alias", String(255), primary_key=True),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Who moved an alias and when; a ``version`` of NULL is an alias that was taken away.
model_alias_moves = Table(
    "model_alias_moves",
    metadata,
    Column("n", Int64, primary_key=True),
    Column("model", ForeignKey(MODEL_KEY, ondelete="CASCADE"), nullable=False),
    Column("alias", String(255), nullable=False),
    Column("version", Integer),
    Column("moved", Int64, nullable=False),
    Column("user", Text),
)
Index("model_alias_moves_of_model", model_alias_moves.c.model, model_alias_moves.c.n)

logged_models = Table(
    "logged_models",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("model_type", Text),
    Column("run", String(64)),
    Column("status", String(24), nullable=False),
    Column("status_message", Text),
    Column("lifecycle", String(8), nullable=False),
    Column("created", Int64, nullable=False),
    Column("updated", Int64, nullable=False),
    sqlite_with_rowid=False,
)
Index("logged_models_of_experiment", logged_models.c.experiment_id, logged_models.c.created.desc())
Index("logged_models_of_run", logged_models.c.run)

LOGGED_KEY = "logged_models.id"

logged_model_params = Table(
    "logged_model_params",
    metadata,
    Column("model", ForeignKey(LOGGED_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

logged_model_tags = Table(
    "logged_model_tags",
    metadata,
    Column("model", ForeignKey(LOGGED_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Points that say which model, and which data set, they were measured on; they stand on their run as well.
logged_model_metrics = Table(
    "logged_model_metrics",
    metadata,
    Column("model", ForeignKey(LOGGED_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("run", String(64), primary_key=True),
    Column("step", Int64, primary_key=True, autoincrement=False),
    Column("time", Int64, primary_key=True, autoincrement=False),
    Column("bits", Int64, primary_key=True, autoincrement=False),
    Column("dataset_name", Text),
    Column("dataset_digest", Text),
    sqlite_with_rowid=False,
)

# Which models a run took in (``input``) or brought out (``output``).
run_models = Table(
    "run_models",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("role", String(8), primary_key=True),
    Column("model", String(64), primary_key=True),
    Column("step", Int64, nullable=False),
    sqlite_with_rowid=False,
)

for _table in (
    registered_model_tags,
    model_version_tags,
    logged_model_params,
    logged_model_tags,
    logged_model_metrics,
):
    long_key(_table)
