"""Nothing in one journal, and nothing in one batch, can make a store unreadable: what is wrong costs itself alone."""

from __future__ import annotations

import itertools
import secrets
import shutil
import sqlite3
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from autotrack.core.addresses import MARK
from autotrack.core.errors import StoreError, UsageError
from autotrack.core.journal import Cursor, JournalReader
from autotrack.core.journal.reader import Batch
from autotrack.core.journal.writer import JournalWriter
from autotrack.store.engines.dialect import begin_write
from autotrack.store.store import Store
from tests.unit.record_samples import JSON, WHOLE, places, whole

ON_BOTH = True

WRITER, RUN = "f" * 32, "a" * 32


def start(run=RUN, **fields):
    return {"k": "run_start", "t": time.time_ns(), "r": run, "name": "x", "experiment": "e", "tags": {}, **fields}


def params(run=RUN, **texts):
    return {"k": "params", "t": time.time_ns(), "r": run, "params": texts}


def test_a_childs_metric_that_is_no_number_costs_its_record_alone(store, program):
    parent = program.start("search")
    child = {"id": "c" * 32, "name": "c", "started": 1, "ended": 2, "status": "FINISHED", "metrics": {"m": "x"}}
    program.event("children", parent, runs=[child])
    program.event("params", parent, params={"after": "kept"})
    assert [run.name for run in store.runs()] == ["search"]
    found = store.run(parent)
    assert found.params == {"after": "kept"}
    assert found.health["refused_records"] == 1
    assert "is no number of 64 bits" in found.health["refused_because"][0]


HOSTILE = [
    start("b" * 32, tags={"a": "\ud800"}),
    {"k": "tags", "t": 1, "r": RUN, "tags": "\ud800"},
    {"k": "series", "t": 1, "r": RUN, "id": 2**70, "key": "m", "dtype": "f8"},
    params(x="\0"),
    start("../../x"),
    start("b" * 32, artifact_uri="/tmp/x"),
    start("b" * 32, artifact_uri="artifacts"),
    {"k": "run_end", "t": 2**90, "r": RUN, "status": "FINISHED"},
    {"k": "part", "t": 1, "session": "5" * 32, "part": "code", "data": {"x": "\udfff"}},
    {"k": "session", "t": 1, "id": "5" * 32, "argv": ["\ud800"]},
    {"k": ["run_start"], "t": 1},
]


@pytest.mark.parametrize("record", HOSTILE, ids=range(len(HOSTILE)))
def test_a_batch_with_one_bad_record_is_stored_without_it(store, record):
    batch = Batch([start(), record, params(after="kept")], [], Cursor(100, 0), 0, False)
    delivered = store.apply(WRITER, Cursor(), batch)
    assert (delivered.events, delivered.refused, delivered.damaged) == (2, 1, 0)
    (run,) = store.runs(lifecycle="all")
    assert (run.id, run.params) == (RUN, {"after": "kept"})
    assert run.health["refused_records"] == 1 and len(run.health["refused_because"]) == 1
    assert store.cursor(WRITER) == Cursor(100, 0)


def test_refusals_are_counted_in_full_and_quoted_in_part(store):
    events = [start()] + [{"k": f"nonsense{n % 30}", "t": 1} for n in range(300)]
    store.apply(WRITER, Cursor(), Batch(events, [], Cursor(100, 0), 0, False))
    store.apply(WRITER, Cursor(100, 0), Batch([{"k": "more"}], [], Cursor(200, 0), 0, False))
    health = store.run(RUN).health
    assert health["refused_records"] == 301
    assert len(health["refused_because"]) == len(set(health["refused_because"])) == 20


ids = itertools.count()


@pytest.mark.sqlite
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(sorted(WHOLE)), value=JSON)
def test_any_value_in_any_field_breaks_no_store(store, data, kind, value):
    """Neither by a batch nor by a journal: what comes after the record is in the store, and all of it can be read."""
    record = whole(kind)
    place = data.draw(st.sampled_from(places(record)))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    writer, run = secrets.token_hex(16), f"{next(ids):032x}"
    batch = Batch([start(run), record, params(run, after="kept")], [], Cursor(100, 0), 0, False)
    delivered = store.apply(writer, Cursor(), batch)
    assert delivered.events + delivered.refused == 3
    store.end_writer(writer)
    assert store.run(run).params["after"] == "kept"
    assert (delivered.refused > 0) == ("refused_records" in store.run(run).health)
    for found in store.runs(lifecycle="all", max_results=10_000):
        store.metric_summaries(found.id)
    store.files(path="/d")
    store.console("b2" * 16)


@pytest.fixture
def small_store(store):
    """A store whose database takes no text of more than 100,000 characters."""

    @event.listens_for(store._engine, "checkout")
    def narrow(connection, record, proxy):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)

    return store


@pytest.mark.sqlite
def test_what_only_the_database_refuses_costs_itself_alone(small_store):
    writer = small_store
    events = [start()] + [params(**{f"p{n}": "x" * (200_000 if n in (3, 17) else 10)}) for n in range(20)]
    delivered = writer.apply(WRITER, Cursor(), Batch(events, [], Cursor(100, 0), 0, False))
    assert (delivered.events, delivered.refused) == (19, 2)
    found = writer.run(RUN)
    assert set(found.params) == {f"p{n}" for n in range(20)} - {"p3", "p17"}
    assert found.health["refused_records"] == 2 and "too big" in found.health["refused_because"][0]
    assert writer.apply(WRITER, Cursor(), Batch(events, [], Cursor(100, 0), 0, False)).events == 0


@pytest.mark.sqlite
def test_points_come_through_beside_a_record_that_the_database_refuses(small_store, program):
    run = program.start("search")
    for step in range(5000):
        program.log(run, "m", float(step), step)
    program.event("params", run, params={"big": "x" * 200_000, "small": "1"})
    for step in range(5000):
        program.log(run, "n", float(step), step)
    delivered = small_store.deliver(small_store.place.journal)
    assert (delivered.points, delivered.refused) == (10_000, 1)
    assert small_store.metric_history(run, "m").values.tolist() == [float(step) for step in range(5000)]
    assert small_store.metric_history(run, "n").values.tolist() == [float(step) for step in range(5000)]
    assert small_store.check() == []


def test_points_that_are_not_whole_are_not_taken(store, program):
    run = program.start()
    program.log(run, "m", 1.0)
    program.log(run, "m", 2.0)
    with JournalReader(program.writer.path) as reader:
        batch = reader.read(Cursor(), final=False)
    (first, slots), *_ = batch.points
    spoilt = slots[:40] + bytes([slots[40] ^ 1]) + slots[41:]
    with pytest.raises(UsageError, match="damaged on their way"):
        store.apply(WRITER, Cursor(), replace(batch, points=[(first, spoilt)]))
    assert store.cursor(WRITER) == Cursor()
    assert store.apply(WRITER, Cursor(), batch).points == 2


@pytest.mark.parametrize(
    ("writer", "batch"),
    [
        ("../x", Batch([], [], Cursor(1, 0), 0, False)),
        (WRITER, Batch([], [], Cursor(2**63, 0), 0, False)),
        (WRITER, Batch([], [], Cursor(5, -1), 0, False)),
        (WRITER, Batch([], [], Cursor(5, 0), -1, False)),
    ],
)
def test_a_batch_that_says_nonsense_of_itself_changes_nothing(store, writer, batch):
    with pytest.raises(UsageError):
        store.apply(writer, Cursor(), batch)
    with store._reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM writers").scalar_one() == 0


def test_a_journal_that_nothing_was_prepared_for_keeps_no_other_waiting(store, program, new_program, caplog):
    """Its header holds what no writer of ours writes; the journals behind it are taken in all the same."""
    odd = JournalWriter(store.place.journal, meta={MARK: ["no", "address"]})  # type: ignore[dict-item]
    odd.event(start())
    odd.close()
    (store.place.journal / "folder.atj").mkdir()
    (store.place.journal / "loop.atj").symlink_to("loop.atj")
    late = new_program()
    run = late.made(name="behind")
    late.close()
    assert store.run(run).name == "behind"
    assert "is kept" in caplog.text
    with pytest.raises(StoreError, match="is kept"):
        store.deliver(store.place.journal)
    assert odd.path.exists() and not late.writer.path.exists()


def test_a_copy_of_a_journal_from_elsewhere_is_only_a_journal(store, program, tmp_path):
    """Run ids that other programs use too: a record can change what it names, never what the store can read."""
    run = program.start("mine")
    program.log(run, "m", 1.0)
    other = Store.open(tmp_path / "other")
    shutil.copy(program.writer.path, tmp_path / "other" / "journal" / program.writer.path.name)
    assert other.run(run).name == store.run(run).name == "mine"
    other.close()


def test_a_run_whose_own_points_are_damaged_in_the_database_keeps_no_other_waiting(store, program, new_program, caplog):
    hurt = program.start("hurt")
    for step in range(100):
        program.log(hurt, "m", float(step), step)
    store.runs()
    with begin_write(store._engine) as connection:
        connection.exec_driver_sql("UPDATE chunks SET data = substr(data, 1, 20)")
    for step in range(100, 140):  # so many that what is there is put together with them
        program.log(hurt, "m", 0.5, step)
    behind = new_program().made(name="behind")
    assert store.run(behind).name == "behind"
    assert "a metric chunk is damaged" in caplog.text


def test_what_was_refused_before_a_run_began_is_told_on_it(store):
    store.apply(WRITER, Cursor(), Batch([{"k": "nonsense", "t": 1}], [], Cursor(5, 0), 2, False))
    store.apply(WRITER, Cursor(5, 0), Batch([start()], [], Cursor(9, 0), 0, False))
    assert store.run(RUN).health == {"damaged_records": 2, "refused_records": 1}
