"""The web pages: one shell for every address, and the files that the browser runs (``server/ui``).

The pages use the server's own API (``/api/v1``) and nothing else.
"""

from __future__ import annotations

from ..routing import Table


def page_tables() -> list[Table]:
    """The tables of routes."""
    from . import assets, shell

    return [assets.ROUTES, shell.ROUTES]
