"""The tables of a store, in portable SQLAlchemy Core.

Times are integers: nanoseconds since the Unix epoch, UTC. Text has no NUL (refused before the journal). A metric's
``last``, ``low`` and ``high`` are for searching only: NaN is NULL there, because SQLite has no NaN, and ``last_bits``
holds the exact 64 bits, because SQLite also forgets the sign of -0.0.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
)

from ..engines.column_types import Int64, String, Text, hashed, long_key

#: The schema that this code writes. Raise it together with a step in ``migrate.STEPS``.
VERSION = 4
#: The oldest schema numbers of code that may still read, or write, a database of this schema.
MIN_READER = 4
MIN_WRITER = 4

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("lifecycle", String(8), nullable=False),
    Column("created", Int64, nullable=False),
    Column("updated", Int64, nullable=False),
    # Where its artifacts go, if an administrator has said so; NULL: into the store's own root.
    Column("artifact_location", Text),
)

experiment_tags = Table(
    "experiment_tags",
    metadata,
    Column("experiment_id", ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    # Rows of other tables point at this short number; ``id`` is what people and programs use.
    Column("n", Int64, Sequence("run_numbers", metadata=metadata), primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("started", Int64, nullable=False),
    Column("ended", Int64),
    Column("last_seen", Int64),
    Column("session", String(64)),
    Column("parent", String(64)),
    Column("user", Text),
    Column("artifact_uri", Text),
    Column("error", Text),
    Column("exit_code", Integer),
    Column("health", Text),
    # The journal that last started the run: when its process is dead, so is the run.
    Column("writer", String(64)),
    Column("lifecycle", String(8), nullable=False),
    # What took the run along when it was deleted ("experiment" or a parent's id); restoring that brings it back.
    Column("deleted_with", String(64)),
    Column("deleted_at", Int64),
    Column("random_state", String(64)),
    # When the start, the name and the status were said that stand here; NULL where no record said them.
    Column("begun_at", Int64),
    Column("name_at", Int64),
    Column("status_at", Int64),
    # True where the status is CRASHED because the writer was not heard of, taken back if it is heard of again; or
    # FINISHED, as it seemed when the program ended: its exit code may say otherwise.
    Column("guessed", Boolean),
)
Index("runs_recent", runs.c.lifecycle, runs.c.started.desc(), runs.c.id)
Index("runs_of_experiment", runs.c.experiment_id, runs.c.lifecycle, runs.c.started.desc(), runs.c.id)
Index("runs_of_parent", runs.c.parent)
Index("runs_of_writer", runs.c.writer)

RUN_KEY = "runs.n"

params = Table(
    "params",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    # The value as a number where it is one, so that ``params.lr > 0.01`` works.
    Column("number", Double),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

series = Table(
    "series",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("id", Int64, Sequence("series_numbers", metadata=metadata), nullable=False, unique=True),
    Column("last", Double),
    Column("last_bits", Int64, nullable=False),
    Column("last_int", Boolean, nullable=False),
    Column("last_step", Int64, nullable=False),
    Column("last_time", Int64, nullable=False),
    Column("low", Double),
    Column("high", Double),
    Column("count", Int64, nullable=False),
    # Chunks written so far, and the points in the last ones that more may be put to (``tails``). A series of one point
    # has no chunk: this row is it.
    Column("chunks", Integer, nullable=False),
    Column("tail", Integer, nullable=False),
    sqlite_with_rowid=False,
)
Index("series_by_value", series.c.key, series.c.last, series.c.run).ddl_if(dialect="sqlite")
Index("series_by_value", hashed(series.c.key), series.c.last, series.c.run).ddl_if(dialect="postgresql")

chunks = Table(
    "chunks",
    metadata,
    Column("series", Int64, primary_key=True, autoincrement=False),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("context", Text, primary_key=True),
    Column("rows", Int64),
    Column("columns", Text),
    Column("source", Text),
    Column("kind", Text),
    Column("bytes", Int64),
    Column("fingerprint", String(64)),
    Column("mlflow_digest", Text),
    Column("partial", Text),
    # What an MLflow client said of it, as JSON: source_type, source, schema, profile and tags.
    Column("mlflow", Text),
    sqlite_with_rowid=False,
)
Index("datasets_by_digest", datasets.c.digest, postgresql_using="hash")

artifacts = Table(
    "artifacts",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("size", Int64, nullable=False),
    Column("sha256", String(64), nullable=False),
    sqlite_with_rowid=False,
)
Index("artifacts_by_content", artifacts.c.sha256)

models = Table(
    "models",
    metadata,
    Column("run", ForeignKey(RUN_KEY, ondelete="CASCADE"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("flavor", Text, nullable=False),
    Column("class_name", Text, nullable=False),
    Column("size", Int64, nullable=False),
    Column("digest", String(64)),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("started", Int64, nullable=False),
    Column("data", Text, nullable=False),
)

# What a collector found out about a session, as JSON; found out again, it replaces what was there.
session_parts = Table(
    "session_parts",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("part", String(64), primary_key=True),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)

# A file whose content changed between two openings has a row for each; "" is a content that is not known.
files = Table(
    "files",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("role", String(8), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("sha256", String(80), primary_key=True),
    Column("first", Int64, nullable=False),
    Column("size", Int64),
    Column("mtime", Int64),
    Column("partial", Text),
    sqlite_with_rowid=False,
)
Index("files_by_content", files.c.sha256)
Index("files_by_path", files.c.path).ddl_if(dialect="sqlite")
Index("runs_of_session", runs.c.session)

# What a session printed, in pieces; ``at`` is where a piece begins, in characters.
console = Table(
    "console",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("at", Int64, primary_key=True, autoincrement=False),
    Column("stream", String(8), nullable=False),
    Column("text", Text, nullable=False),
    sqlite_with_rowid=False,
)

writers = Table(
    "writers",
    metadata,
    Column("writer", String(64), primary_key=True),
    # How far this writer's journal is in the store, moved in the transaction that stores its records.
    Column("events", Int64, nullable=False),
    Column("points", Int64, nullable=False),
    Column("damaged", Int64, nullable=False),
    Column("state", String(8), nullable=False),
    Column("host", Text),
    Column("last_seen", Int64),
    # Records that made no sense, or that the database did not take.
    Column("refused", Int64),
    # The latest time at which a record of it changed how a run stands.
    Column("clock", Int64),
)

# Kept as long as the run: a writer that was taken for dead may be heard of again.
writer_series = Table(
    "writer_series",
    metadata,
    Column("writer", ForeignKey("writers.writer", ondelete="CASCADE"), primary_key=True),
    Column("id", Int64, primary_key=True),
    Column("run", Int64, nullable=False),
    Column("key", Text, nullable=False),
    Column("is_int", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

for _table in (experiment_tags, params, tags, series, datasets, artifacts, models, files):
    long_key(_table)
