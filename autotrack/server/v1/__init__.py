"""The server's own API, ``/api/v1``: what autotrack's clients and pages use."""

from __future__ import annotations

from ..routing import Table


def native_tables() -> list[Table]:
    """The tables of routes."""
    from ..access import browser
    from ..access import routes as access
    from . import (
        artifacts,
        beside,
        bulk,
        changes,
        comparing,
        curves,
        experiments,
        ingest,
        logged_models,
        models,
        objects,
        overview,
        panels,
        rows,
        runs,
        series,
        server,
        sessions,
        standing,
        table,
    )

    reading = (server, runs, series, experiments, sessions, comparing, changes, models, logged_models, table, curves)
    parts = (*reading, standing, panels, rows, overview, beside, bulk, ingest, objects, artifacts, access, browser)
    return [part.ROUTES for part in parts]
