"""The YAML of MLflow's ``meta.yaml``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def yaml_of(fields: Mapping[str, Any]) -> str:
    """A mapping as YAML."""
    # JSON is YAML; a text in it cannot be taken for anything else.
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
