"""What a fingerprint is: a digest of all values, and of each column what a comparison needs; nothing of the data."""

from __future__ import annotations

import base64
import binascii
import builtins
import math
from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import UsageError

#: The number of the document's format.
FORMAT = 1

Plain = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class ColumnPrint:
    """One column: its logical type, a hash of its values (not of its name or type), and what they are like.

    ``chunks`` are hashes of its stretches of rows (``layout`` says which). ``minimum`` and ``maximum`` are over all
    rows (strings: their first 64 bytes; times: ISO 8601); ``distinct`` and ``quantiles`` (1, 5, 25, 50, 75, 95, 99 %)
    come from the rows that ``Fingerprint.sampled`` counts, so they are estimates where those are fewer than all. None
    stands where a column has no such thing. ``role`` is "column" or "index".
    """

    name: str
    dtype: str
    hash: str
    nulls: int | None = None
    min: Plain = None
    max: Plain = None
    distinct: int | None = None
    quantiles: tuple[Plain, ...] = ()
    chunks: tuple[str, ...] = ()
    role: str = "column"

    def document(self) -> dict[str, Any]:
        """The column as plain JSON values, without those that say nothing."""
        said: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "hash": self.hash}
        for name, value in (("nulls", self.nulls), ("min", self.min), ("max", self.max), ("distinct", self.distinct)):
            if value is not None:
                said[name] = _spelled(value)
        if self.quantiles:
            said["quantiles"] = [_spelled(value) for value in self.quantiles]
        if self.chunks:
            said["chunks"] = list(self.chunks)
        return said if self.role == "column" else said | {"role": self.role}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A data set's content in a few kilobytes.

    ``digest`` covers values, names, logical types and the order of rows and columns: 32 hex digits of a BLAKE3 hash;
    where something was left out it begins with ``partial-`` and ``partial`` says what in a sentence. ``rows``,
    ``bytes`` (in memory; None where unknown) and ``shape`` are the container's, ``covered`` the rows that were read
    (the first; all, unless the time allowed was used up). ``chunk_rows`` are the first rows of
    the chunks, and the end. ``multiset`` is a hash of the rows that their order does not change, ``row_hashes`` 8 bytes
    a row where the rows are few enough to keep them; both serve comparisons and are not cryptographic.
    """

    kind: str
    digest: str
    rows: int
    bytes: int | None
    shape: tuple[int, ...]
    columns: tuple[ColumnPrint, ...]
    covered: int
    chunk_rows: tuple[int, ...]
    multiset: str
    row_hashes: builtins.bytes | None
    sampled: int
    partial: str | None
    #: How long it took to make, where it was made in this process.
    seconds: float = field(default=0.0, compare=False)

    def summary(self) -> dict[str, Any]:
        """What a run's list of data sets shows: kind, digest, rows and {column: type}."""
        columns = {column.name: column.dtype for column in self.columns if column.role == "column"}
        return {"kind": self.kind, "digest": self.digest, "rows": self.rows, "columns": columns}

    def document(self) -> dict[str, Any]:
        """The fingerprint as plain JSON values; ``from_document`` takes it back.

        Equal data give equal documents, so that one is kept however many runs used them: ``seconds`` is not in it.
        """
        columns = [column.document() for column in self.columns]
        content = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "seconds"}
        hashes = None if self.row_hashes is None else base64.b64encode(self.row_hashes).decode("ascii")
        lists = {"shape": list(self.shape), "columns": columns, "chunk_rows": list(self.chunk_rows)}
        return {"fingerprint": FORMAT} | content | lists | {"row_hashes": hashes}


def from_document(document: dict[str, Any]) -> Fingerprint:
    """The fingerprint that was kept as a document. UsageError where it is none, or one of a later format."""
    version = document.get("fingerprint") if isinstance(document, dict) else None
    if version != FORMAT:
        raise UsageError(
            f"a fingerprint of format {FORMAT} was expected and {'one of format ' if version else ''}{version!r} found;"
            " a newer autotrack may read it"
        )
    try:
        hashes = document["row_hashes"]
        given = {item.name: document[item.name] for item in fields(Fingerprint) if item.name != "seconds"}
        given |= {
            "shape": tuple(document["shape"]),
            "columns": tuple(_column(column) for column in document["columns"]),
            "chunk_rows": tuple(document["chunk_rows"]),
            "row_hashes": None if hashes is None else base64.b64decode(hashes, validate=True),
        }
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise UsageError(f"a document says that it is a fingerprint and is none: {error!r}") from error
    return Fingerprint(**given)


def _column(document: dict[str, Any]) -> ColumnPrint:
    given = {**document, "chunks": tuple(document.get("chunks", ()))}
    number = document["dtype"].startswith(("float", "longdouble"))
    given["quantiles"] = tuple(_read(value, number) for value in document.get("quantiles", ()))
    for end in ("min", "max"):
        given[end] = _read(document.get(end), number)
    return ColumnPrint(**given)


def _spelled(value: Plain) -> Plain:
    """JSON has no infinities."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(value: Plain, number: bool) -> Plain:
    return float(value) if number and value is not None else value
