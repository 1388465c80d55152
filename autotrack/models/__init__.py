"""Model folders: saving, loading, and what is written in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.core.late import late_names

if TYPE_CHECKING:
    from .golden import Replay
    from .loading import Opened, load_model, load_pyfunc, open_model
    from .pyfunc import PyFunc
    from .saving import save_model
    from .signature import Signature, infer_signature

__all__ = [
    "Opened",
    "PyFunc",
    "Replay",
    "Signature",
    "infer_signature",
    "load_model",
    "load_pyfunc",
    "open_model",
    "save_model",
]

_HOMES = {
    "Opened": ".loading",
    "PyFunc": ".pyfunc",
    "Replay": ".golden",
    "Signature": ".signature",
    "infer_signature": ".signature",
    "load_model": ".loading",
    "load_pyfunc": ".loading",
    "open_model": ".loading",
    "save_model": ".saving",
}

#: Late, for this package is imported with the plugin that it brings, in every process that trains.
__getattr__ = late_names(__name__, _HOMES)
