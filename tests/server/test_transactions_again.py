"""What PostgreSQL breaks off is done again, whole and once: backends that are killed, deadlocks, serialization."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from failing_statements import GONE, failing_postgresql
from sqlalchemy import event, text

from autotrack.core.errors import UnavailableError
from autotrack.core.registered import ModelVersion
from autotrack.store.engines.dialect import PAUSES, whole
from autotrack.store.intake.direct import Change, DirectWrites
from autotrack.store.series.points import Points
from autotrack.store.store import Store

SERIALIZATION = "DO $$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$"


@pytest.fixture
def store(postgresql: str, tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(postgresql, root=tmp_path / "here")) as opened:
        yield opened


def each_statement(store: Store, instead: str, once: Callable[[], object]) -> int:
    """Has every statement of a write fail once; answers how many there are."""
    with failing_postgresql(store._engine, instead) as failing:
        for at in range(1, 200):
            failing.arm(at)
            once()
            if not failing.fired:
                return at - 1
    raise AssertionError("it never ends")


@pytest.mark.parametrize("instead", [GONE, SERIALIZATION], ids=["backend killed", "serialization failure"])
def test_a_write_that_is_broken_off_is_done_once(instead: str, store: Store) -> None:
    store.registry.create("m")
    statements = each_statement(store, instead, lambda: store.registry.create_version(ModelVersion("m", 0, "s3://a")))
    assert statements > 4
    assert [each.version for each in store.registry.versions()] == list(range(statements + 1, 0, -1))

    run, step, writes = "a" * 32, iter(range(1000)), DirectWrites(store.writing)
    start = {"k": "run_start", "t": 1, "r": run, "name": "x", "experiment": "e", "tags": {}}

    def log() -> None:
        number = next(step)
        writes.write(Change(run, lambda _: [start], [("m", Points([number], [time.time_ns()], [number], True))]))

    with closing(writes):
        statements = each_statement(store, instead, log)
    assert statements > 4
    assert store.metric_history(run, "m").values.tolist() == list(range(statements + 1))


def test_two_that_wait_for_each_other(store: Store) -> None:
    for name in "ab":
        store.registry.create(name)
    both, done = threading.Barrier(2, timeout=20), []

    def moved(first: str, second: str) -> None:
        waited = []

        @whole
        def work() -> None:
            with store.writing() as connection:
                for name in (first, second):
                    connection.execute(
                        text(f"UPDATE registered_models SET description = '{first}' WHERE name = '{name}'")
                    )
                    if not waited:
                        waited.append(both.wait())

        work()
        done.append(first)

    threads = [threading.Thread(target=moved, args=names) for names in ("ab", "ba")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(done) == ["a", "b"]
    assert len({store.registry.get(name).description for name in "ab"}) == 1  # both of the one that came last


def test_a_commit_of_which_nobody_knows_is_not_done_again(store: Store) -> None:
    calls = []

    @whole
    def work() -> None:
        calls.append(1)
        with store.writing() as connection:
            connection.execute(text("INSERT INTO meta VALUES ('once', 'x')"))
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

            def kill(_: object) -> None:
                with store._reading() as other:
                    other.execute(text(f"SELECT pg_terminate_backend({pid}, 5000)"))

            event.listen(store._engine, "commit", kill, once=True)

    with pytest.raises(UnavailableError):
        work()
    assert len(calls) == 1


def test_it_is_given_up(store: Store) -> None:
    calls = []

    @whole
    def work() -> None:
        calls.append(1)
        with store.writing() as connection:
            connection.execute(text(SERIALIZATION))

    with pytest.raises(UnavailableError):
        work()
    assert len(calls) == len(PAUSES) + 1
