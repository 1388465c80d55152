"""Where an artifact is: MLflow's clients ask for ``<experiment>/<run>/artifacts/<path>``, the store has a run's folder.

A client may choose where artifacts go only inside the store: everything else that it could name is a file of the
server's machine, or somebody else's bucket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, select

from autotrack.core.artifact_paths import check_artifact_path
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.store import schema
from autotrack.store.schema.model_tables import logged_models
from autotrack.store.search.latest import LatestRun, latest_run

from ..errors import ApiError, invalid
from . import render

SCHEME = "mlflow-artifacts:"
_MODEL = re.compile(r"m-[0-9a-f]{32}")
_RUN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: a path in a folder of ``store.files.local``, and what it belongs to."""

    folder: str
    path: str
    run: LatestRun | None = None
    model: str | None = None


def chosen(location: str | None) -> str | None:
    """The folder that a client has chosen for an experiment's artifacts, None where it has chosen none (ApiError 400).

    It is a folder of the experiment's own: what is at a path is the experiment's that the path begins with.
    """
    if not location:
        return None
    path = location.removeprefix(SCHEME)
    if path == location or not path.startswith("/") or path.startswith("//"):
        raise _outside(location)
    try:
        # Nothing that means anything but its own letters in a URI.
        if any(letter in path for letter in "?#;%"):
            raise _outside(location)
        check_artifact_path(path.strip("/"))
    except ArtifactError as error:
        raise invalid(f"Invalid value for parameter 'artifact_location' supplied: {error}") from None
    return path.strip("/")


def _outside(location: str) -> ApiError:
    return invalid(
        f"Invalid value {location[:200]!r} for parameter 'artifact_location' supplied: artifacts are kept in this "
        f"server's store; leave it out, or name a place such as {SCHEME}/<folder>"
    )


def folder_of(run: LatestRun) -> str:
    """The folder of a run in ``store.files.local``."""
    if run.artifact_uri is not None:  # artifacts/<folder>/<run>; see ``journal.records``
        return run.artifact_uri.removeprefix("artifacts/")
    return f"{run.experiment_id}/{run.id}"


def folder_of_model(experiment: str, model: str) -> str:
    """The folder of a logged model in ``store.files.local``."""
    return f"{experiment}/models/{model}"


def model_root(connection: Connection, model: str) -> str:
    """Where the files of a logged model are, as a client asks for them (NotFoundError)."""
    models, experiments = logged_models, schema.experiments
    query = select(experiments.c.id, experiments.c.artifact_location).join(
        models, models.c.experiment_id == experiments.c.id
    )
    row = connection.execute(query.where(models.c.id == model)).first()
    if row is None:
        raise NotFoundError(f"Logged model with ID '{model[:64]}' not found.")
    return f"{row.artifact_location or f'{SCHEME}/{row.id}'}/models/{model}/artifacts"


def place_at(connection: Connection, path: str) -> Place:
    """What a path under ``mlflow-artifacts`` stands for (ApiError 400, NotFoundError).

    The server has decoded it once, as URLs are; nothing is decoded here or after.
    """
    if "\ufffd" in path:  # what the server puts where an escape is no UTF-8
        raise ArtifactError(f"the artifact path {path[:120]!r} is not in UTF-8; choose another name")
    parts = check_artifact_path(path)
    for at in range(1, len(parts) - 1):
        if parts[at + 1] != "artifacts":
            continue
        root, owner, inside = parts[: at + 2], parts[at], "/".join(parts[at + 2 :])
        if _RUN.fullmatch(owner):
            run = latest_run(connection, owner, whole=False)
            if render.artifact_root(run) == f"{SCHEME}/{'/'.join(root)}":
                return Place(folder_of(run), inside, run=run)
        elif _MODEL.fullmatch(owner) and model_root(connection, owner) == f"{SCHEME}/{'/'.join(root)}":
            return Place(folder_of_model(parts[0], owner), inside, model=owner)
    raise NotFoundError(
        f"there is nothing at {path[:200]!r}: artifacts are those of a run, <experiment>/<run>/artifacts/<path>, or of "
        "a logged model, <experiment>/models/<model>/artifacts/<path>"
    )
