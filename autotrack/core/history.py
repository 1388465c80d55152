"""The points of one metric, as a person or a plot wants them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from .entities import Columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Point(NamedTuple):
    """One value of a metric; ``timestamp`` in nanoseconds since the epoch."""

    step: int
    timestamp: int
    value: float | int


class History:
    """Equally long arrays ``steps``, ``timestamps`` (ns) and ``values``, ordered by step, then arrival."""

    __slots__ = ("_columns", "key")

    def __init__(self, key: str, columns: Columns) -> None:
        self.key = key
        self._columns = columns

    @property
    def steps(self) -> np.ndarray[Any, Any]:
        return self._columns.steps

    @property
    def timestamps(self) -> np.ndarray[Any, Any]:
        return self._columns.timestamps

    @property
    def values(self) -> np.ndarray[Any, Any]:
        return self._columns.values

    def __len__(self) -> int:
        return len(self._columns.steps)

    def __iter__(self) -> Iterator[Point]:
        columns = self._columns
        rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
        return (Point(*row) for row in rows)

    def __getitem__(self, index: int) -> Point:
        columns = self._columns
        return Point(int(columns.steps[index]), int(columns.timestamps[index]), columns.values[index].item())

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with the columns step, timestamp (datetime64, UTC) and value."""
        import pandas as pd

        times = pd.to_datetime(self.timestamps, unit="ns", utc=True)
        return pd.DataFrame({"step": self.steps, "timestamp": times, "value": self.values})

    def __repr__(self) -> str:
        return f"<History {self.key!r}: {len(self)} points>"
