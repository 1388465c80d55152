"""Charts as numbers, and pictures drawn from them when someone looks. The format: docs/charts.md."""

from __future__ import annotations

from .charts import KINDS, VERSION, read, several, validate
from .render import FORMATS, render

__all__ = ["FORMATS", "KINDS", "VERSION", "read", "render", "several", "validate"]
