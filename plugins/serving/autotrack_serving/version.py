"""The version that the server answers with."""

from __future__ import annotations

import importlib.metadata

from autotrack.plugin import attempt


def version() -> str:
    """autotrack's own version."""
    found, _ = attempt(importlib.metadata.version, "autotrack")
    return found or "0"
