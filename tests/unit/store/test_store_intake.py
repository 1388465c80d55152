"""Batches that come without a journal file, and ingest beside other writers."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from autotrack.core.errors import OutOfStepError, UsageError
from autotrack.core.journal import Cursor, JournalReader
from autotrack.store.intake.run_rows import KnownRuns
from autotrack.store.store import Store

ON_BOTH = True


@pytest.fixture
def server(tmp_path):
    """A store that is sent batches."""
    opened = Store.open(tmp_path / "server")
    yield opened
    opened.close()


def test_batches_count_once_however_often_they_are_sent(program, server):
    run = program.start("sent")
    with JournalReader(program.writer.path) as reader:
        writer = reader.header.writer
        cursor = server.cursor(writer)
        assert cursor == Cursor(0, 0)
        sent = []
        for piece in range(5):
            for step in range(40):
                program.log(run, "m", float(step), piece * 40 + step)
            batch = reader.read(cursor, final=False)
            assert server.apply(writer, cursor, batch, host="there").points == 40
            again = server.apply(writer, cursor, batch)
            assert (again.points, again.events) == (0, 0)
            sent.append((cursor, batch))
            cursor = server.cursor(writer)
            assert cursor == batch.cursor
        for start, batch in (sent[0], (Cursor(0, 0), sent[4][1]), (sent[4][0], sent[4][1])):
            if batch.cursor == cursor:
                assert server.apply(writer, start, batch).points == 0
                continue
            with pytest.raises(OutOfStepError) as caught:
                server.apply(writer, start, batch)
            assert Cursor(caught.value.events, caught.value.points) == cursor
    assert server.metric_history(run, "m").steps.tolist() == list(range(200))
    assert server.run(run).status == "RUNNING"


def test_a_batch_that_cannot_be_meant_changes_nothing(program, server):
    run = program.start()
    program.log(run, "m", 1.0)
    with JournalReader(program.writer.path) as reader:
        batch = reader.read(Cursor(), final=False)
    with pytest.raises(UsageError, match="no whole number"):
        server.apply(program.writer.writer, Cursor(), replace(batch, points=[(0, batch.points[0][1][:-1])]))
    assert server.runs() == [] and server.cursor(program.writer.writer) == Cursor()


def test_a_writer_is_remembered_and_ended(program, server):
    run = program.start()
    with JournalReader(program.writer.path) as reader:
        batch = reader.read(Cursor(), final=False)
    seen = time.time_ns() - 10**9
    server.apply(program.writer.writer, Cursor(), batch, host="there", seen=seen)

    def row():
        with server._reading() as connection:
            return connection.exec_driver_sql("SELECT state, host, last_seen FROM writers").one()

    assert row()[:2] == ("live", "there")
    assert seen < row().last_seen <= time.time_ns()  # heard of now, whatever the writer's clock says
    later = time.time_ns()
    server.end_writer(program.writer.writer, seen=later)
    assert row().state == "done"
    assert (server.run(run).status, server.run(run).ended) == ("CRASHED", later)


def test_local_ingest_notes_when_a_writer_was_seen(store, program):
    program.start()
    store.runs()
    with store._reading() as connection:
        seen = connection.exec_driver_sql("SELECT last_seen FROM writers").scalar_one()
    assert abs(seen - time.time_ns()) < 60e9


def test_ingest_writes_only_what_its_records_say(store, program, monkeypatch):
    """On an engine with row locks somebody may change a run between our look and our write."""
    run = program.start("mine")
    program.log(run, "m", 1.0)
    store.runs()
    program.event("health", run, health={"lost_points": 1})
    program.end(run)
    look_up = KnownRuns.look_up

    def then_somebody_else(known, ids):
        look_up(known, ids)
        assert run in known.rows
        change = "UPDATE runs SET name = 'theirs', lifecycle = 'deleted', \"user\" = 'them'"
        known.connection.exec_driver_sql(change)

    monkeypatch.setattr(KnownRuns, "look_up", then_somebody_else)
    assert store.deliver(store.place.journal).events == 2
    monkeypatch.undo()
    found = store.run(run)
    assert (found.name, found.lifecycle, found.user) == ("theirs", "deleted", "them")
    assert (found.status, found.health) == ("FINISHED", {"lost_points": 1})


def test_many_tiny_series_with_two_kinds_of_values(store, program):
    runs = [program.start(f"r{n}") for n in range(30)]
    for run in runs:
        for m in range(100):
            for step in range(m % 20):
                program.log(run, f"m{m}", m + step / 2, step)
    for run in runs:  # more series than one statement takes lie between the two halves of these
        for m in range(0, 100, 7):
            program.log(run, f"m{m}", 2**60 + m, 100, exact=True)
    store.deliver(store.place.journal)
    for run in runs[:3]:
        for m in range(1, 100):
            values = [m + step / 2 for step in range(m % 20)] + ([2**60 + m] if m % 7 == 0 else [])
            if values:
                assert store.metric_history(run, f"m{m}").values.tolist() == values
    assert store.check() == []
