"""MLflow's REST API (3.17), so that its clients in Python, R and Java work unchanged.

``wire`` has the shapes, ``render`` what is answered, and a module each part of the API its routes.
"""

from __future__ import annotations

from ..routing import Table


def mlflow_path(path: str) -> str:
    """The one spelling of a path that MLflow's clients and pages ask for under several."""
    if path.startswith("/ajax-api/"):
        path = "/api/" + path.removeprefix("/ajax-api/")
    if path.startswith("/api/2.0/preview/"):
        path = "/api/2.0/" + path.removeprefix("/api/2.0/preview/")
    return path


def mlflow_tables() -> list[Table]:
    """The tables of routes."""
    from . import (
        artifacts,
        experiments,
        inputs,
        logged,
        logged_models,
        metrics,
        model_versions,
        registered_models,
        runs,
        searching,
        server,
    )

    modules = (
        *(server, runs, logged, searching, experiments, metrics, inputs),
        *(logged_models, registered_models, model_versions),
    )
    return [*(module.ROUTES for module in modules), *artifacts.TABLES, model_versions.PAGES]
