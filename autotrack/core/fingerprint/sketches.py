"""Distinct values and quantiles of columns, from rows at equal distances: deterministic, and exact for few rows.

For values that come in a rhythm such rows may mislead; a random choice would draw random numbers in the user's process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: The shares of the values that lie below each quantile.
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: At most so many rows are looked at; of tables of many columns fewer.
ROWS, ROWS_WIDE, WIDE = 4096, 1024, 32


def step(rows: int, columns: int) -> int:
    """The distance of the rows that are looked at."""
    return max(1, -(-rows // (ROWS if columns <= WIDE else ROWS_WIDE)))


def looked_at(values: Array, missing: Array | None, rows: int, *, ordered: bool) -> list[tuple[int, list[Any]]]:
    """(distinct, quantiles) of each row of ``values``, which has shape (columns, looked at) and is sorted in place.

    ``missing`` marks nulls; NaN and NaT need no mark. Quantiles are values that occur (the lower neighbours), only
    where ``ordered``. The number of distinct values is an estimate where ``rows`` are more than were looked at.
    """
    import numpy as np

    kind = values.dtype.kind
    count = values.shape[1]
    if missing is not None or kind in "fmM":
        gone = np.zeros(values.shape, bool) if missing is None else missing
        gone = gone | (values != values if kind == "f" else np.isnat(values) if kind in "mM" else False)
        if gone.any():
            return [
                looked_at(row[~away][None, :], None, rows * int((~away).sum()) // max(1, count), ordered=ordered)[0]
                for row, away in zip(values, gone, strict=True)
            ]
    if not count:
        return [(0, [])] * len(values)
    values.sort(axis=1)
    fresh = values[:, 1:] != values[:, :-1]
    distinct = fresh.sum(axis=1) + 1
    if rows > count:
        edge = np.ones((len(values), 1), bool)
        alone = (np.hstack([edge, fresh]) & np.hstack([fresh, edge])).sum(axis=1)
        distinct = [estimated(d, a, count, rows) for d, a in zip(distinct.tolist(), alone.tolist(), strict=True)]
    else:
        distinct = distinct.tolist()
    if not ordered:
        return [(number, []) for number in distinct]
    at = [int(share * (count - 1)) for share in SHARES]
    return list(zip(distinct, values[:, at].tolist() if kind not in "mM" else values[:, at], strict=True))


def estimated(distinct: int, alone: int, count: int, rows: int) -> int:
    """How many values ``rows`` have, of which ``count`` showed ``distinct``, ``alone`` of them once.

    The guaranteed-error estimator of Charikar et al., "Towards Estimation Error Guarantees for Distinct Values" (2000);
    where every value came once, all of them may be different.
    """
    if alone >= count:
        return rows
    return min(rows, round((rows / count) ** 0.5 * alone) + distinct - alone)
