"""What went in: fingerprints of data sets, and what differs between two of them.

>>> before, after = fingerprint(table), fingerprint(changed)
>>> compare(before, after).sentences()
['y: row 17 changed']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..late import late_names
from .mlflow_digest import mlflow_digest

if TYPE_CHECKING:
    from .comparison import compare
    from .described import Described, describe
    from .difference import ColumnDiff, DataDiff
    from .measure import fingerprint
    from .prints import ColumnPrint, Fingerprint, from_document

#: What a process that reads a profile, or only predicts, has no use for, and need not wait for.
_LATER = {
    "ColumnDiff": ".difference",
    "ColumnPrint": ".prints",
    "DataDiff": ".difference",
    "Described": ".described",
    "Fingerprint": ".prints",
    "compare": ".comparison",
    "describe": ".described",
    "fingerprint": ".measure",
    "from_document": ".prints",
}

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
