"""The prefix of MLflow's API and its permissions."""

from __future__ import annotations

from ..routing import Of, Permission, Role, Table

API = "/api/2.0/mlflow"

RUN = ("run_id", "run_uuid")
READ_RUN = Permission(Role.VIEWER, Of.RUN, RUN)
WRITE_RUN = Permission(Role.EDITOR, Of.RUN, RUN)
READ_EXPERIMENT = Permission(Role.VIEWER, Of.EXPERIMENT, ("experiment_id", "experiment_name"))
WRITE_EXPERIMENT = Permission(Role.EDITOR, Of.EXPERIMENT, ("experiment_id",))
SEARCH = Permission(Role.VIEWER, Of.ANY)
#: Making an experiment asks for an editor of the whole server; making a run, for one of its experiment.
CREATE = Permission(Role.EDITOR)
CREATE_RUN = Permission(Role.EDITOR, Of.EXPERIMENT, ("experiment_id",))


def table(prefix: str = API) -> Table:
    """An empty table under MLflow's prefix."""
    return Table(prefix, mlflow=True)
