"""What went in: fingerprints of data sets, and what differs between two of them.

>>> before, after = fingerprint(table), fingerprint(changed)
>>> compare(before, after).sentences()
['y: row 17 changed']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import late_names
from .described import Described, describe
from .measure import fingerprint
from .mlflow_digest import mlflow_digest
from .prints import ColumnPrint, Fingerprint, from_document

if TYPE_CHECKING:
    from .comparison import compare
    from .difference import ColumnDiff, DataDiff

#: What a training process has no use for, and need not wait for.
_LATER = {"compare": ".comparison", "ColumnDiff": ".difference", "DataDiff": ".difference"}

__all__ = [
    "ColumnDiff",
    "ColumnPrint",
    "DataDiff",
    "Described",
    "Fingerprint",
    "compare",
    "describe",
    "fingerprint",
    "from_document",
    "mlflow_digest",
]

__getattr__ = late_names(__name__, _LATER)
