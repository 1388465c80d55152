"""Reads a data set once, block by block, and writes its fingerprint."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from . import layout, mixing, sketches
from .parts import Label, Table
from .prints import ColumnPrint, Fingerprint
from .tables import table_of

if TYPE_CHECKING:
    import numpy as np

#: Up to so many rows, each row's hash is kept (8 bytes a row), so that a comparison can name rows.
NAMED_ROWS = 1 << 16
#: The number of the canonical form; it is hashed, so digests of different forms never meet.
FORM = 1


def fingerprint(data: Any, *, seconds: float | None = None) -> Fingerprint:
    """The fingerprint of a data set: of all of it, or, if ``seconds`` run out, of its first rows.

    Takes arrays, tables and series of numpy, pandas, polars and pyarrow, sparse matrices of scipy, tensors of torch,
    lists, tuples, dicts of columns, and what has ``__array__``. Reads the data once, keeps nothing of them, and copies
    no more than a block of rows (and a sparse matrix that is not in CSR form). Equal data have equal digests in whatever container: values,
    logical types, names and order count. UsageError for what is no data set.
    """
    import numpy as np

    begin = time.perf_counter()
    with np.errstate(all="ignore"):
        table = table_of(data)
        reading = _Reading(table, None if seconds is None else begin + seconds)
        return reading.finished(begin)


class _Reading:
    """One pass over a table."""

    def __init__(self, table: Table, deadline: float | None) -> None:
        import numpy as np

        self._np, self._table = np, table
        self._multiset = mixing.Multiset()
        self._hashes: list[bytes] = []
        self.covered = 0
        for start in range(0, table.rows, layout.BLOCK):
            if deadline is not None and time.perf_counter() >= deadline:
                break
            self._block(start, min(table.rows, start + layout.BLOCK))

    def _block(self, start: int, stop: int) -> None:
        shares = self._np.zeros(stop - start, "<u8")
        for part in self._table.parts:
            part.take(start, stop, shares)
        self._multiset.add(shares)
        if self._table.rows <= NAMED_ROWS:
            self._hashes.append(mixing.finished(shares).tobytes())
        self.covered = stop

    def finished(self, begin: float) -> Fingerprint:
        """The fingerprint of what was read."""
        from blake3 import blake3

        table = self._table
        step = sketches.step(self.covered, len(table.labels))
        described = [entry for part in table.parts for entry in part.results(self.covered, step)]
        columns = tuple(
            _column(label, entry, blake3) for label, entry in zip(table.labels, described, strict=True)
        )
        partial = self._partial(described)
        return Fingerprint(
            kind=table.kind,
            digest=_digest(table, columns, partial, blake3),
            rows=table.rows,
            bytes=table.bytes,
            shape=table.shape,
            columns=columns,
            chunk_rows=tuple(layout.boundaries(table.rows)),
            multiset=self._multiset.hex,
            row_hashes=b"".join(self._hashes) if table.rows <= NAMED_ROWS else None,
            sampled=-(-self.covered // step),
            partial=partial,
            seconds=time.perf_counter() - begin,
        )

    def _partial(self, described: list[dict[str, Any]]) -> str | None:
        """What is not covered, as a sentence."""
        said = list(self._table.gaps)
        labels = iter(self._table.labels)
        for part in self._table.parts:
            names = [next(labels) for _ in range(part.count)]
            gaps = getattr(part, "cells", part)
            for gap in getattr(gaps, "gaps", []):
                where = f" of {names[0].shown!r}" if names[0].shown else ""
                said.append(f"cells{where} that are known by their type alone: {gap}")
        if self.covered < self._table.rows:
            said.append(f"rows from {self.covered:,} on, of {self._table.rows:,}, because the time allowed was used up")
        return f"Left out: {'; '.join(said)}." if said else None


def _column(label: Label, entry: dict[str, Any], blake3: Any) -> ColumnPrint:
    digests = entry.pop("digests")
    whole = blake3(b"".join(digests)).hexdigest()[:32]
    return ColumnPrint(
        name=label.shown, hash=whole, chunks=tuple(digest[:8].hex() for digest in digests), role=label.role, **entry
    )


def _digest(table: Table, columns: tuple[ColumnPrint, ...], partial: str | None, blake3: Any) -> str:
    """The digest of everything that counts; that of a part is marked and never equals a whole one's."""
    shape = [len(table.shape) == 0, table.rows]
    parts = [
        [label.role, label.token.hex(), column.dtype, column.hash]
        for label, column in zip(table.labels, columns, strict=True)
    ]
    digest = blake3(json.dumps([FORM, shape, parts, partial]).encode("utf-8", "surrogatepass")).hexdigest()
    return digest[:32] if partial is None else f"partial-{digest[:28]}"
