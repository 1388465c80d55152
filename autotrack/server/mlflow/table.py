"""The prefix of MLflow's API and its permissions."""

from __future__ import annotations

from ..routing import Of, Permission, Role, Table

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts"

RUN = ("run_id", "run_uuid")
READ_RUN = Permission(Role.VIEWER, Of.RUN, RUN)
WRITE_RUN = Permission(Role.EDITOR, Of.RUN, RUN)
READ_RUNS = Permission(Role.VIEWER, Of.RUN, ("run_ids", "run_id"))
READ_EXPERIMENT = Permission(Role.VIEWER, Of.EXPERIMENT, ("experiment_id", "experiment_name"))
WRITE_EXPERIMENT = Permission(Role.EDITOR, Of.EXPERIMENT, ("experiment_id",))
#: What runs are made in.
CREATE_IN = Permission(Role.EDITOR, Of.EXPERIMENT, ("experiment_id",))
#: The handler asks for each experiment or run that is named.
READ_EXPERIMENTS = Permission(Role.VIEWER, Of.ANY)
SEARCH = Permission(Role.VIEWER, Of.ANY)
#: Making an experiment asks for an editor of the whole server; making a run, for one of its experiment.
CREATE = Permission(Role.EDITOR)
READ_LOGGED_MODEL = Permission(Role.VIEWER, Of.LOGGED_MODEL, ("model_id",))
WRITE_LOGGED_MODEL = Permission(Role.EDITOR, Of.LOGGED_MODEL, ("model_id",))
READ_MODEL = Permission(Role.VIEWER, Of.MODEL, ("name",))
WRITE_MODEL = Permission(Role.EDITOR, Of.MODEL, ("name",))
READ_MODELS = Permission(Role.VIEWER, Of.MODEL)
#: A path that begins with the experiment, or its artifacts' place, and goes on with the run or the model.
READ_ARTIFACT = Permission(Role.VIEWER, Of.ARTIFACT, ("path",))
WRITE_ARTIFACT = Permission(Role.EDITOR, Of.ARTIFACT, ("path",))


def table(prefix: str = API) -> Table:
    """An empty table under MLflow's prefix."""
    return Table(prefix, mlflow=True)
