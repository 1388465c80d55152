"""Rows that were asked about, with their answers: a sample, only where somebody wants it, without what is to stay
private."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.plugin import UsageError, attempt

from ..answering import plain

if TYPE_CHECKING:
    from ..observing import Observation
    from ..rows import Rows

#: Bytes of all samples of a process, and rows of those that are taken at a time.
MOST_BYTES, MOST_ROWS = 16_000_000, 1000
FILE = "payloads.jsonl"
_REDACTED = "***"


class Payloads:
    """Takes each request with the probability ``share``; of the columns in ``redacted`` nothing is kept.

    ``names`` are the columns of the model, None where it names none. UsageError where a column to redact is not among
    them: misspelled, it would be kept.
    """

    def __init__(self, share: float, redacted: Sequence[str], names: Sequence[Any] | None) -> None:
        self.share = share
        self._redacted = frozenset(redacted)
        self._names = [str(name) for name in names] if names is not None else None
        unknown = sorted(self._redacted.difference(self._names)) if self._names is not None else []
        if unknown:
            known = ", ".join((self._names or [])[:20])
            raise UsageError(f"--redact {unknown[0]}: the model has no such column; it takes {known}")
        self._random = random.Random()
        self._lines: list[str] = []
        self._bytes = 0
        self.is_new = False

    def take(self, observations: Sequence[Observation]) -> None:
        """Looks at requests that were answered."""
        room = MOST_ROWS
        for one in observations:
            if self._bytes >= MOST_BYTES or room < one.rows.count or self._random.random() >= self.share:
                continue
            room -= one.rows.count
            line, _ = attempt(self._line, one)
            if line is None:  # a request that has no form in JSON costs itself alone
                continue
            self._lines.append(line)
            self._bytes += len(line)
            self.is_new = True

    def text(self) -> str:
        """All samples, a request a line."""
        self.is_new = False
        return "\n".join(self._lines) + "\n"

    def _line(self, one: Observation) -> str:
        said = {"request": one.request, "time": round(one.received, 3), "seconds": round(one.seconds, 6)}
        return json.dumps({**said, "rows": list(self._rows(one.rows)), "answers": plain(one.answers)}, default=str)

    def _rows(self, rows: Rows) -> Iterator[Any]:
        if rows.kind == "whole" and isinstance(rows.data, dict):  # not by rows, as far as anybody knows
            yield self._hidden(plain(rows.data))
            return
        for at in range(rows.count):
            yield self._hidden(dict(self._named(rows.at(at).data)))

    def _hidden(self, value: Any) -> Any:
        """The value without what is private, however deep that lies: a model without a signature takes anything."""
        if isinstance(value, dict):
            return {key: _REDACTED if key in self._redacted else self._hidden(each) for key, each in value.items()}
        return [self._hidden(each) for each in value] if isinstance(value, list) else value

    def _named(self, one: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(one, dict) or hasattr(one, "columns"):
            for name in one:
                yield str(name), plain(one[name])[0]
            return
        values = plain(one)
        values = values[0] if isinstance(values, list) and len(values) == 1 else values
        for at, value in enumerate(values if isinstance(values, list) else [values]):
            yield self._names[at] if self._names is not None and at < len(self._names) else str(at), value
