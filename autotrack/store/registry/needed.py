"""What registered versions stand on: runs and logged models that stay, with their files, however deleted they are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ..schema import model_tables as tables

#: The folder of an experiment that holds logged models instead of a run's files.
MODELS = "models"


@dataclass(frozen=True, slots=True)
class Needed:
    """For each run (id), and each logged model, the versions that stand on it, as ``<name> version <number>``."""

    runs: dict[str, list[str]]
    models: dict[str, list[str]]


def needed(connection: Connection) -> Needed:
    """What must stay because a version of a registered model says that it comes from there or has its files there."""
    versions, models = tables.model_versions, tables.registered_models
    columns = (versions.c.version, versions.c.run, versions.c.logged_model, versions.c.artifact_uri)
    query = select(models.c.name, *columns).join(models, models.c.n == versions.c.model)
    found = Needed({}, {})
    for name, number, run, model, place in connection.execute(query.order_by(models.c.name, versions.c.version)):
        runs, logged = {run}, {model}
        # <experiment>/<run>/<path>, or <experiment>/models/<id>; whoever registered may have said another run.
        parts = (place or "").split("/")
        if len(parts) > 2 and parts[1] == MODELS:
            logged.add(parts[2])
        elif len(parts) > 1:
            runs.add(parts[1])
        for kept, into in ((runs, found.runs), (logged, found.models)):
            for one in kept - {None}:
                into.setdefault(str(one), []).append(f"{name} version {number}")
    return found
