"""Models as folders: MLmodel files that MLflow reads too, written and read by flavors."""

from __future__ import annotations

from .loading import load_model
from .saving import save_model

__all__ = ["load_model", "save_model"]
