"""Series that grow a few points at a time: all of them come back, and little of a series lies about in pieces."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from autotrack.core.keys import new_id
from autotrack.store import schema
from autotrack.store.engines.dialect import begin_write
from autotrack.store.series.chunks import FULL
from autotrack.store.series.points import Points
from autotrack.store.series.summaries import NewPoints, append, bits_of


@pytest.mark.parametrize("sizes", [(1,), (1, 2, 3), (25,), (40, 1), (3000, 1), (70_000, 5)], ids=str)
@pytest.mark.parametrize("mixed", [False, True])
def test_points_come_back_however_they_came(store, program, sizes, mixed):
    run = program.start("grows")
    store.runs()
    with store._reading() as connection:
        number = connection.execute(select(schema.runs.c.n).where(schema.runs.c.id == run)).scalar_one()
    pick, wanted, step, pieces = random.Random(new_id()), [], 0, 0
    for turn in range(120 if max(sizes) < 1000 else 12):
        size, is_int = sizes[turn % len(sizes)], mixed and pick.random() < 0.2
        values = [2**60 + step + n if is_int else (step + n) / 3 for n in range(size)]
        bits = [bits_of(value, is_int=is_int) for value in values]
        columns = Points.of((list(range(step, step + size)), [step * 1000] * size, bits), is_int)
        with begin_write(store._engine) as connection:
            append(connection, [NewPoints(number, "m", columns)])
            pieces = connection.execute(select(func.count()).select_from(schema.chunks)).scalar_one()
        wanted += values
        step += size
    found = store.metric_history(run, "m")
    assert found.values.tolist() == wanted and found.steps.tolist() == list(range(step))
    (summary,) = store.metric_summaries(run)
    assert (summary.count, summary.last, summary.last_step) == (step, wanted[-1], step - 1)
    if not mixed:
        assert pieces <= 127 // min(sizes) + 1 + 7 + 7 + step // FULL
    assert not store.check()
