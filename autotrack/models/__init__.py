"""Model folders: saving, loading, and what is written in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loading import load_model
    from .saving import save_model

__all__ = ["load_model", "save_model"]


def __getattr__(name: str) -> Any:
    # Late, for this package is imported with the plugin that it brings, in every process that trains.
    if name == "load_model":
        from .loading import load_model

        return load_model
    if name == "save_model":
        from .saving import save_model

        return save_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
