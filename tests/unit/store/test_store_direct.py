"""Writes that no journal brings: many in one transaction, each whole or not at all, answered when they are stored."""

from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest

from autotrack.core.errors import NotFoundError, StoreError, UsageError
from autotrack.core.keys import new_id
from autotrack.store.intake.direct import Change, DirectWrites
from autotrack.store.series.points import Points
from autotrack.store.series.summaries import bits_of
from autotrack.store.store import Store


@pytest.fixture
def writes(store: Store):
    found = DirectWrites(store.writing)
    yield found
    found.close()


def start(run: str, **fields: object) -> Change:
    record = {"k": "run_start", "t": 5_000_000, "r": run, "name": "a", "experiment": "x", "tags": {}, **fields}
    return Change(run, lambda standing: [record])


def points(run: str, *triples: tuple[int, int, float], key: str = "loss", **fields: object) -> Change:
    """Points of (step, milliseconds, value)."""
    steps, times, values = zip(*triples, strict=True)
    bits = [bits_of(value, is_int=False) for value in values]
    columns = Points.of((list(steps), [time * 1_000_000 for time in times], bits), is_int=False)
    return Change(run, lambda standing: [], [(key, columns)], **fields)


def test_what_was_answered_is_stored_and_read_at_once(store, writes):
    run = new_id()
    writes.write(start(run))
    writes.write(points(run, (0, 7, 1.5), (1, 8, 0.5)))
    found = store.run(run)
    assert (found.name, found.metrics, str(found.status)) == ("a", {"loss": 0.5}, "RUNNING")
    assert store.metric_history(run, "loss").timestamps.tolist() == [7_000_000, 8_000_000]
    # Nobody's death ends it: no process stands behind it.
    store.deliver(store.root / "journal")
    assert str(store.run(run).status) == "RUNNING"


def test_many_at_once_are_few_transactions(store, writes):
    """The first holds the thread up until all the others wait."""
    count, entered, go = 200, threading.Event(), threading.Event()
    transactions = []

    def slowly(standing):
        transactions.append(standing)
        entered.set()
        assert go.wait(20)
        return []

    run = new_id()
    writes.write(start(run))
    futures = [writes.submit(Change(run, slowly))]
    assert entered.wait(20)
    seen = set()

    def note(standing):
        seen.add(id(standing.connection))
        return []

    futures += [writes.submit(Change(run, note, points(run, (n, n, n)).points)) for n in range(count)]
    go.set()
    wait(futures, 20)
    assert all(future.exception() is None for future in futures)
    assert len(seen) == 1 and len(store.metric_history(run, "loss").steps) == count


def test_one_that_is_refused_keeps_nobody_else_out(store, writes):
    run, other = new_id(), new_id()
    writes.write(start(run))

    def refuse(standing):
        raise UsageError("not this one")

    nonsense = Change(run, lambda standing: [{"k": "params", "t": 1, "r": run, "params": {"a": "\0"}}])
    kinds = [
        points(run, (0, 1, 1.0)),
        Change(run, refuse),
        points(other, (0, 1, 1.0)),
        nonsense,
        points(run, (1, 1, 2.0)),
    ]
    futures = [writes.submit(change) for change in kinds]
    wait(futures, 20)
    # A run that is not there is refused where the change asks for it; here it is made up, as for a journal's records.
    assert [type(future.exception()) for future in futures] == [
        type(None),
        UsageError,
        type(None),
        UsageError,
        type(None),
    ]
    assert store.metric_history(run, "loss").values.tolist() == [1.0, 2.0]
    with pytest.raises(NotFoundError):
        writes.write(Change("f" * 32, lambda standing: [standing.run("f" * 32)]))


def test_a_value_that_the_database_refuses_costs_its_own_change_alone(store, writes):
    run = new_id()
    writes.write(start(run))

    def breaks(connection, number):
        connection.exec_driver_sql("INSERT INTO params (run, key, value) VALUES (?, 'a', NULL)", (number,))

    futures = [
        writes.submit(points(run, (0, 1, 1.0))),
        writes.submit(Change(run, lambda standing: [], also=breaks)),
        writes.submit(points(run, (1, 1, 2.0))),
    ]
    wait(futures, 20)
    assert [type(future.exception()) for future in futures] == [type(None), StoreError, type(None)]
    assert store.metric_history(run, "loss").steps.tolist() == [0, 1]


def test_a_change_sees_what_those_before_it_wrote_in_the_same_transaction(store, writes):
    run = new_id()
    writes.write(start(run))
    seen = []

    def once(value):
        def prepare(standing):
            seen.append(standing.param(run, "lr"))
            return [] if seen[-1] else [{"k": "params", "t": 1, "r": run, "params": {"lr": value}}]

        return Change(run, prepare, needs=("lr",))

    wait([writes.submit(once(value)) for value in "123"], 20)
    assert seen == [None, "1", "1"] and store.run(run).params == {"lr": "1"}


def test_points_that_are_stored_already_are_stored_once_where_that_is_asked(store, writes):
    run = new_id()
    writes.write(start(run))
    some = [(0, 1, 1.0), (1, 1, 2.0), (1, 1, 2.0), (1, 2, 2.0)]
    for _ in range(2):
        writes.write(points(run, *some, distinct=True))
    assert store.metric_history(run, "loss").steps.tolist() == [0, 1, 1]
    writes.write(points(run, *some))  # a journal's points are each one of their own
    assert len(store.metric_history(run, "loss").steps) == 7


def test_the_latest_is_by_step_then_time_then_value(store, writes):
    run = new_id()
    writes.write(start(run))
    orders = {
        "time": [(3, 9, 1.0), (3, 8, 5.0)],
        "value": [(3, 9, 5.0), (3, 9, 1.0)],
        "step": [(4, 1, 1.0), (3, 9, 5.0)],
        "nan": [(3, 9, 1.0), (3, 9, float("nan"))],
    }
    for key, triples in orders.items():
        for triple in triples:
            writes.write(points(run, triple, key=key, distinct=True))
        writes.write(points(run, *triples, key=f"{key} at once", distinct=True))
    latest = store.run(run).metrics
    wanted = {"time": 1.0, "value": 5.0, "step": 1.0, "nan": 1.0}
    assert latest == {name: value for key, value in wanted.items() for name in (key, f"{key} at once")}


def test_it_ends_with_what_waits_stored(store):
    writes = DirectWrites(store.writing)
    run = new_id()
    futures = [writes.submit(start(run)), *(writes.submit(points(run, (n, n, n))) for n in range(50))]
    writes.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(UsageError, match="being closed"):
        writes.submit(start(run))
