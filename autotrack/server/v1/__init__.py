"""The server's own API, ``/api/v1``: what autotrack's clients and pages use."""

from __future__ import annotations

from ..routing import Table


def native_tables() -> list[Table]:
    """The tables of routes."""
    from ..access import routes
    from . import artifacts, ingest, objects

    return [routes.ROUTES, artifacts.ROUTES, ingest.ROUTES, objects.ROUTES]
