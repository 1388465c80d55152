"""Tokens that say where the next page begins. They hold for the search that they come from alone."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from autotrack.core.errors import UsageError

_FURTHEST = 2**53


def token(search: Any, offset: int) -> str:
    """A token for the rows of a search from ``offset``; ``search`` is whatever tells it from others."""
    return base64.urlsafe_b64encode(json.dumps([_mark(search), offset]).encode()).decode().rstrip("=")


def offset_of(text: str, search: Any) -> int:
    """Where the page of a token begins (UsageError where it is none of this search's)."""
    try:
        mark, offset = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        if mark == _mark(search) and type(offset) is int and 0 <= offset < _FURTHEST:
            return offset
    except (ValueError, TypeError):
        pass
    raise UsageError(
        f"page_token {text[:40]!r} is none that this search was answered with; search again from the start"
    )


def _mark(search: Any) -> str:
    return hashlib.sha256(json.dumps(search, sort_keys=True, default=str).encode()).hexdigest()[:16]
