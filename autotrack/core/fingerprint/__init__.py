"""What went in: fingerprints of data sets, and what differs between two of them.

>>> before, after = fingerprint(table), fingerprint(changed)
>>> compare(before, after).sentences()
['y: row 17 changed']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .measure import fingerprint
from .mlflow_digest import mlflow_digest
from .prints import ColumnPrint, Fingerprint, from_document

if TYPE_CHECKING:
    from .comparison import compare
    from .difference import ColumnDiff, DataDiff

#: What a training process has no use for, and need not wait for.
_LATER = {"compare": "comparison", "ColumnDiff": "difference", "DataDiff": "difference"}

__all__ = [
    "ColumnDiff",
    "ColumnPrint",
    "DataDiff",
    "Fingerprint",
    "compare",
    "fingerprint",
    "from_document",
    "mlflow_digest",
]


def __getattr__(name: str) -> Any:
    home = _LATER.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return value
