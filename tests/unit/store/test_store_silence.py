"""Machines that vanish for good: what they left running is CRASHED one day, and goes on if they come back."""

from __future__ import annotations

import os
import time
from contextlib import closing

import pytest

from autotrack.core.journal import Cursor, JournalReader
from autotrack.store.intake.batches import NOT_HEARD_OF, TAKEN_BACK
from autotrack.store.store import Store

ON_BOTH = True
HOUR = 3600 * 10**9


@pytest.fixture
def laptop(program, tmp_path):
    """A program whose journal is on a machine that the store cannot look at."""
    away = tmp_path / "laptop"
    away.mkdir()
    program.writer.relocate(away)
    return program


def sent(store: Store, program, final: bool = False) -> None:
    with JournalReader(program.writer.path) as reader:
        writer = reader.header.writer
        cursor = store.cursor(writer)
        store.apply(writer, cursor, reader.read(cursor, final=final), host="laptop", seen=time.time_ns())


def heard(store: Store, ago: int) -> int:
    """Sets back when the store heard of any writer; answers to when."""
    moment = time.time_ns() - ago
    with store.writing() as connection:
        connection.exec_driver_sql(f"UPDATE writers SET last_seen = {moment}")
    return moment


@pytest.fixture
def later(store: Store, reopened):
    """A run as a reader finds it when nobody has looked for a while."""

    def look(run: str):
        stamp = store._silence._stamp
        if stamp.exists():
            os.utime(stamp, (1, 1))
        with closing(reopened()) as reader:
            return reader.run(run)

    return look


def test_a_machine_that_vanished(store, laptop, later):
    run, done = laptop.start("lost"), laptop.start("done")
    laptop.end(done)
    sent(store, laptop)
    heard(store, HOUR - 60 * 10**9)
    assert later(run).status == "RUNNING"
    assert store.run(run).status == "RUNNING"
    last = heard(store, HOUR + 60 * 10**9)
    assert store.run(run).status == "RUNNING"  # this process has just looked
    found = later(run)
    assert (found.status, found.ended, found.health["notes"]) == ("CRASHED", max(last, found.started), [NOT_HEARD_OF])
    assert store.run(done).status == "FINISHED"

    laptop.log(run, "m", 1.0)  # it had only slept
    sent(store, laptop)
    found = later(run)
    assert (found.status, found.ended, found.health["notes"]) == ("RUNNING", None, [NOT_HEARD_OF, TAKEN_BACK])
    heard(store, 2 * HOUR)
    assert later(run).status == "CRASHED"
    laptop.end(run)
    sent(store, laptop)
    found = later(run)
    assert (found.status, store.metric_history(run, "m").values.tolist()) == ("FINISHED", [1.0])


def test_never_and_soon(store, laptop, later, monkeypatch):
    run = laptop.start()
    sent(store, laptop)
    heard(store, 1000 * HOUR)
    monkeypatch.setenv("AUTOTRACK_LOST_AFTER", "0")
    assert later(run).status == "RUNNING"
    monkeypatch.setenv("AUTOTRACK_LOST_AFTER", "1")
    heard(store, 100 * 10**9)
    assert later(run).status == "RUNNING"  # less than two signs of life
    heard(store, 130 * 10**9)
    assert later(run).status == "CRASHED"


def test_a_clock_that_is_hours_behind(store, laptop, later):
    """When a machine was heard of is the store's own time."""
    run = laptop.start()
    with JournalReader(laptop.writer.path) as reader:
        batch = reader.read(Cursor(), final=False)
    store.apply(laptop.writer.writer, Cursor(), batch, host="laptop", seen=time.time_ns() - 5 * HOUR)
    assert later(run).status == "RUNNING"


def test_a_program_of_this_machine_that_says_nothing(store, program, later):
    """Its journal is at hand: that it lives is seen, and written down for others."""
    run = program.start()
    assert store.run(run).status == "RUNNING"
    long_ago = heard(store, 5 * HOUR)
    assert later(run).status == "RUNNING"
    with store._reading() as connection:
        assert connection.exec_driver_sql("SELECT last_seen FROM writers").scalar_one() > long_ago + 4 * HOUR


def test_one_that_was_heard_of_between_the_look_and_the_end(store, laptop):
    run = laptop.start()
    sent(store, laptop)
    store._intake.end_silent(laptop.writer.writer, time.time_ns() - HOUR)
    assert store.run(run).status == "RUNNING"
