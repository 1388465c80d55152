"""How a database gets from each schema to the next. Written out, for a step must stay what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a schema number to the next: SQL statements, and the oldest code that copes with the result.

    ``statements`` are SQLite's and ``postgresql`` that engine's, which has begun with schema 4.
    """

    statements: Sequence[str]
    min_reader: int
    min_writer: int
    postgresql: Sequence[str] = ()


#: Schema number -> how to get from it to the next one.
STEPS: Mapping[int, Step] = {
    1: Step(
        (
            "ALTER TABLE runs ADD COLUMN random_state VARCHAR(64)",
            "CREATE INDEX runs_of_session ON runs (session)",
            "ALTER TABLE datasets ADD COLUMN kind TEXT",
            "ALTER TABLE datasets ADD COLUMN bytes INTEGER",
            "ALTER TABLE datasets ADD COLUMN fingerprint VARCHAR(64)",
            "ALTER TABLE datasets ADD COLUMN mlflow_digest TEXT",
            "ALTER TABLE datasets ADD COLUMN partial TEXT",
            "CREATE INDEX datasets_by_digest ON datasets (digest)",
            "CREATE INDEX artifacts_by_content ON artifacts (sha256)",
            "ALTER TABLE models ADD COLUMN digest VARCHAR(64)",
            "CREATE TABLE session_parts (session VARCHAR(64) NOT NULL, part VARCHAR(64) NOT NULL, data TEXT NOT NULL, "
            "PRIMARY KEY (session, part)) WITHOUT ROWID",
            "CREATE TABLE files (session VARCHAR(64) NOT NULL, role VARCHAR(8) NOT NULL, path TEXT NOT NULL, "
            "sha256 VARCHAR(80) NOT NULL, first INTEGER NOT NULL, size INTEGER, mtime INTEGER, partial TEXT, "
            "PRIMARY KEY (session, role, path, sha256)) WITHOUT ROWID",
            "CREATE INDEX files_by_content ON files (sha256)",
            "CREATE INDEX files_by_path ON files (path)",
            "CREATE TABLE console (session VARCHAR(64) NOT NULL, at INTEGER NOT NULL, stream VARCHAR(8) NOT NULL, "
            "text TEXT NOT NULL, PRIMARY KEY (session, at)) WITHOUT ROWID",
        ),
        min_reader=1,
        min_writer=2,
    ),
    2: Step(
        (
            "ALTER TABLE runs ADD COLUMN begun_at INTEGER",
            "ALTER TABLE runs ADD COLUMN name_at INTEGER",
            "ALTER TABLE runs ADD COLUMN status_at INTEGER",
            "ALTER TABLE runs ADD COLUMN guessed BOOLEAN",
            "ALTER TABLE writers ADD COLUMN refused INTEGER",
            "ALTER TABLE writers ADD COLUMN clock INTEGER",
            # What the records said is not known any more; a run with a made-up name was never started.
            "UPDATE runs SET begun_at = started, name_at = started, status_at = started "
            "WHERE name <> 'run-' || substr(id, 1, 8)",
            "UPDATE runs SET status_at = ended WHERE ended IS NOT NULL AND status <> 'CRASHED'",
            "UPDATE runs SET guessed = 1 WHERE status = 'CRASHED' AND error IS NULL AND exit_code IS NULL",
        ),
        min_reader=1,
        min_writer=3,
    ),
    3: Step(
        (
            "ALTER TABLE experiments ADD COLUMN artifact_location TEXT",
            "ALTER TABLE datasets ADD COLUMN mlflow TEXT",
            'CREATE TABLE answers ("key" VARCHAR(64) NOT NULL, request VARCHAR(64) NOT NULL, status INTEGER '
            'NOT NULL, body BLOB NOT NULL, answered INTEGER NOT NULL, PRIMARY KEY ("key")) WITHOUT ROWID',
            "CREATE INDEX answers_by_age ON answers (answered)",
            "CREATE TABLE registered_models (n INTEGER NOT NULL, name TEXT NOT NULL, description TEXT, created "
            "INTEGER NOT NULL, updated INTEGER NOT NULL, user TEXT, last_version INTEGER NOT NULL, PRIMARY KEY "
            "(n), UNIQUE (name))",
            "CREATE TABLE users (name VARCHAR(255) NOT NULL, password TEXT, role VARCHAR(8) NOT NULL, disabled "
            "BOOLEAN NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (name)) WITHOUT ROWID",
            "CREATE TABLE grants (user VARCHAR(255) NOT NULL, experiment_id VARCHAR(64) NOT NULL, role "
            "VARCHAR(8) NOT NULL, PRIMARY KEY (user, experiment_id), FOREIGN KEY(user) REFERENCES users (name) "
            "ON DELETE CASCADE) WITHOUT ROWID",
            "CREATE TABLE logged_models (id VARCHAR(64) NOT NULL, experiment_id VARCHAR(64) NOT NULL, name TEXT "
            "NOT NULL, model_type TEXT, run VARCHAR(64), status VARCHAR(24) NOT NULL, status_message TEXT, "
            "lifecycle VARCHAR(8) NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY "
            "(id), FOREIGN KEY(experiment_id) REFERENCES experiments (id)) WITHOUT ROWID",
            "CREATE INDEX logged_models_of_experiment ON logged_models (experiment_id, created DESC)",
            "CREATE INDEX logged_models_of_run ON logged_models (run)",
            "CREATE TABLE model_alias_moves (n INTEGER NOT NULL, model INTEGER NOT NULL, alias VARCHAR(255) NOT "
            "NULL, version INTEGER, moved INTEGER NOT NULL, user TEXT, PRIMARY KEY (n), FOREIGN KEY(model) "
            "REFERENCES registered_models (n) ON DELETE CASCADE)",
            "CREATE INDEX model_alias_moves_of_model ON model_alias_moves (model, n)",
            "CREATE TABLE model_aliases (model INTEGER NOT NULL, alias VARCHAR(255) NOT NULL, version INTEGER "
            "NOT NULL, PRIMARY KEY (model, alias), FOREIGN KEY(model) REFERENCES registered_models (n) ON DELETE "
            "CASCADE) WITHOUT ROWID",
            "CREATE TABLE model_versions (model INTEGER NOT NULL, version INTEGER NOT NULL, source TEXT NOT "
            "NULL, artifact_uri TEXT, run VARCHAR(64), logged_model VARCHAR(64), digest VARCHAR(64), description "
            "TEXT, stage VARCHAR(16) NOT NULL, status VARCHAR(24) NOT NULL, status_message TEXT, run_link TEXT, "
            "created INTEGER NOT NULL, updated INTEGER NOT NULL, user TEXT, PRIMARY KEY (model, version), "
            "FOREIGN KEY(model) REFERENCES registered_models (n) ON DELETE CASCADE) WITHOUT ROWID",
            "CREATE INDEX model_versions_of_run ON model_versions (run)",
            'CREATE TABLE registered_model_tags (model INTEGER NOT NULL, "key" TEXT NOT NULL, value TEXT NOT '
            'NULL, PRIMARY KEY (model, "key"), FOREIGN KEY(model) REFERENCES registered_models (n) ON DELETE '
            "CASCADE) WITHOUT ROWID",
            "CREATE TABLE tokens (sha256 VARCHAR(64) NOT NULL, id VARCHAR(16) NOT NULL, user VARCHAR(255) NOT "
            "NULL, name TEXT NOT NULL, scope VARCHAR(8) NOT NULL, created INTEGER NOT NULL, expires INTEGER, "
            "revoked INTEGER, PRIMARY KEY (sha256), UNIQUE (id), FOREIGN KEY(user) REFERENCES users (name) ON "
            "DELETE CASCADE) WITHOUT ROWID",
            "CREATE INDEX tokens_of_user ON tokens (user)",
            'CREATE TABLE logged_model_metrics (model VARCHAR(64) NOT NULL, "key" TEXT NOT NULL, run '
            "VARCHAR(64) NOT NULL, step INTEGER NOT NULL, time INTEGER NOT NULL, bits INTEGER NOT NULL, "
            'dataset_name TEXT, dataset_digest TEXT, PRIMARY KEY (model, "key", run, step, time, bits), '
            "FOREIGN KEY(model) REFERENCES logged_models (id) ON DELETE CASCADE) WITHOUT ROWID",
            'CREATE TABLE logged_model_params (model VARCHAR(64) NOT NULL, "key" TEXT NOT NULL, value TEXT NOT '
            'NULL, PRIMARY KEY (model, "key"), FOREIGN KEY(model) REFERENCES logged_models (id) ON DELETE '
            "CASCADE) WITHOUT ROWID",
            'CREATE TABLE logged_model_tags (model VARCHAR(64) NOT NULL, "key" TEXT NOT NULL, value TEXT NOT '
            'NULL, PRIMARY KEY (model, "key"), FOREIGN KEY(model) REFERENCES logged_models (id) ON DELETE '
            "CASCADE) WITHOUT ROWID",
            'CREATE TABLE model_version_tags (model INTEGER NOT NULL, version INTEGER NOT NULL, "key" TEXT NOT '
            'NULL, value TEXT NOT NULL, PRIMARY KEY (model, version, "key"), FOREIGN KEY(model, version) '
            "REFERENCES model_versions (model, version) ON DELETE CASCADE) WITHOUT ROWID",
            "CREATE TABLE run_models (run INTEGER NOT NULL, role VARCHAR(8) NOT NULL, model VARCHAR(64) NOT "
            "NULL, step INTEGER NOT NULL, PRIMARY KEY (run, role, model), FOREIGN KEY(run) REFERENCES runs (n) "
            "ON DELETE CASCADE) WITHOUT ROWID",
        ),
        min_reader=4,  # chunks of up to 32 points as rows
        min_writer=4,
    ),
}
