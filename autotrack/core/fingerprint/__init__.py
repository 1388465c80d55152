"""What went in: fingerprints of data sets, and what differs between two of them.

>>> before, after = fingerprint(table), fingerprint(changed)
>>> compare(before, after).sentences()
['y: row 17 changed']
"""

from __future__ import annotations

from .compare import compare
from .described import Described, describe
from .difference import ColumnDiff, DataDiff
from .measure import fingerprint
from .mlflow_digest import mlflow_digest
from .prints import ColumnPrint, Fingerprint, from_document

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
