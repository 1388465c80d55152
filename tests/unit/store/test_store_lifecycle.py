"""A run stands as was said last, by whomever, in whatever order journals come; a guess can be taken back."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrack.core.entities import Status
from autotrack.core.journal import Cursor, JournalReader, LastWord
from autotrack.core.journal.reader import Batch
from autotrack.store.store import Store

RUN = "a" * 32
PARENT, CHILD, THIRD = "1" * 32, "2" * 32, "3" * 32
#: Long ago enough that nothing here is in the future.
T0 = time.time_ns() - 10**12


def start(at, run=RUN, **fields):
    base = {"name": "run", "experiment": "e", "tags": {}, "artifact_uri": f"artifacts/e/{run}"}
    return {"k": "run_start", "t": T0 + at, "r": run, **base, **fields}


def end(at, status="FINISHED", run=RUN, **fields):
    base = {"ended": T0 + at, "error": None, "exit_code": None}
    return {"k": "run_end", "t": T0 + at, "r": run, "status": status, **base, **fields}


def rename(at, name, run=RUN):
    return {"k": "rename", "t": T0 + at, "r": run, "name": name}


def send(store, writer, *events):
    """One batch behind what the store has of the writer; its cursor counts records."""
    cursor = store.cursor(writer)
    batch = Batch(list(events), [], Cursor(cursor.events + len(events), cursor.points), 0, False)
    return store.apply(writer, cursor, batch, seen=T0)


def standing(store, run=RUN):
    """All that journals say of a run but its health."""
    found = store.run(run)
    with store._reading() as connection:
        writer = connection.exec_driver_sql("SELECT writer FROM runs WHERE id = ?", (run,)).scalar_one()
    names = "name experiment status started ended session user artifact_uri error exit_code tags parent".split()
    return {name: getattr(found, name) for name in names} | {"writer": writer}


def test_a_start_that_comes_late_does_not_bring_an_ended_run_back(store):
    """A child finished a pickled run; its parent, which started it, was killed later and delivered last."""
    send(store, CHILD, {"k": "params", "t": T0 + 5, "r": RUN, "params": {"a": "1"}}, end(6, "FAILED"))
    store.end_writer(CHILD, seen=T0 + 7)
    assert store.run(RUN).status is Status.FAILED
    send(store, PARENT, start(1, user="ada", tags={"x": "1"}))
    store.end_writer(PARENT, seen=T0 + 9)
    found = store.run(RUN)
    assert (found.status, found.ended, found.started) == (Status.FAILED, T0 + 6, T0 + 1)
    assert (found.name, found.experiment, found.user, found.tags) == ("run", "e", "ada", {"x": "1"})
    assert found.params == {"a": "1"} and found.artifact_uri == f"artifacts/e/{RUN}"


def test_a_run_that_went_on_elsewhere_is_not_ended_by_its_first_program(store):
    send(store, CHILD, start(10, name="again", session="5" * 32, tags={"x": "new", "z": "3"}))
    send(store, PARENT, start(1, name="first", session="6" * 32, tags={"x": "old", "y": "2"}), end(5))
    found = store.run(RUN)
    assert (found.status, found.ended, found.name, found.session) == (Status.RUNNING, None, "again", "5" * 32)
    assert found.started == T0 + 1 and found.tags == {"x": "new", "y": "2", "z": "3"}
    store.end_writer(PARENT)
    assert store.run(RUN).status is Status.RUNNING  # it is the other's now
    store.end_writer(CHILD)
    assert store.run(RUN).status is Status.CRASHED


def test_names_and_endings_are_told_apart(store):
    send(store, PARENT, start(1), end(9))
    send(store, CHILD, rename(5, "better"), end(3, "FAILED"))
    found = store.run(RUN)
    assert (found.name, found.status) == ("better", Status.FINISHED)
    send(store, THIRD, rename(4, "worse"))
    assert store.run(RUN).name == "better"


def test_a_programs_own_records_count_in_their_order(store):
    """Its clock was set back by an hour while it trained, and is ahead of ours by one."""
    hour = 3600 * 10**9
    send(store, PARENT, start(2 * hour), rename(hour, "a"))
    send(store, PARENT, rename(hour - 1, "b"), end(hour, "FAILED"))
    found = store.run(RUN)
    assert (found.status, found.name) == (Status.FAILED, "b")
    ahead = time.time_ns() - T0 + hour
    send(store, CHILD, start(ahead, "b" * 32))
    send(store, THIRD, {**end(0, run="b" * 32), "t": time.time_ns()})
    assert store.run("b" * 32).status is Status.FINISHED  # nobody's word counts as said later than now


def test_a_resumed_run_is_the_same_whichever_journal_comes_first(tmp_path):
    """Two processes on one run, in every order of delivery that keeps each one's own order."""
    first = [
        start(1, name="one", user="a", tags={"t": "1"}),
        rename(2, "uno"),
        end(3, "FAILED", error="e", exit_code=1),
    ]
    second = [start(4, name="uno", user="b", tags={"t": "1"}), rename(5, "due"), end(6)]
    outcomes = set()
    for number, turns in enumerate(set(itertools.permutations([0, 0, 0, 1, 1, 1]))):
        store = Store.open(tmp_path / str(number))
        waiting = [list(first), list(second)]
        for turn in turns:
            send(store, (PARENT, CHILD)[turn], waiting[turn].pop(0))
        outcomes.add(repr(standing(store)))
        store.close()
    assert len(outcomes) == 1
    assert "'due'" in (only := outcomes.pop()) and "FINISHED" in only and f"'started': {T0 + 1}" in only


WRITERS = (PARENT, CHILD, THIRD)


@st.composite
def stories(draw):
    """What up to three programs say of one run, at times that grow in each of them and are all different."""
    count = draw(st.integers(2, 9))
    said: dict[str, list[dict]] = {writer: [] for writer in WRITERS}
    for at in range(1, count + 1):
        writer = draw(st.sampled_from(WRITERS))
        record = draw(st.sampled_from(["start", "rename", "end", "end"]))
        if record == "start":
            said[writer].append(start(at, name=f"n{at}", user=f"u{at}", session=f"{at:032x}"))
        elif record == "rename":
            said[writer].append(rename(at, f"n{at}"))
        else:
            said[writer].append(end(at, draw(st.sampled_from(["FINISHED", "FAILED", "KILLED"])), exit_code=at))
    return said


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=stories(), data=st.data())
def test_no_order_of_delivery_changes_how_a_run_stands(tmp_path_factory, said, data):
    """In order of time, in one batch a program, or torn into batches that come in any order: the same run."""
    by_time = sorted(
        ((record["t"], writer, record) for writer in said for record in said[writer]), key=lambda one: one[0]
    )
    outcomes = []
    for mixed in (False, True):
        store = Store.open(tmp_path_factory.mktemp("order") / "store")
        if mixed:
            waiting = {writer: list(records) for writer, records in said.items() if records}
            while waiting:
                writer = data.draw(st.sampled_from(sorted(waiting)))
                size = data.draw(st.integers(1, len(waiting[writer])))
                send(store, writer, *waiting[writer][:size])
                waiting[writer] = waiting[writer][size:]
                if not waiting[writer]:
                    del waiting[writer]
        else:
            for _, writer, record in by_time:
                send(store, writer, record)
        found = standing(store)
        if not any(record["k"] == "run_start" for records in said.values() for record in records):
            del found["started"], found["writer"]  # of a run that was never started, these are whoever spoke first
        outcomes.append(found)
        store.close()
    assert outcomes[0] == outcomes[1]


def test_children_of_a_later_batch_know_their_parents_session(store):
    send(store, PARENT, start(1, session="5" * 32, user="ada"))
    child = {"id": "c" * 32, "name": "c", "started": T0 + 1, "ended": T0 + 2, "status": "FINISHED"}
    send(store, PARENT, {"k": "children", "t": T0 + 3, "r": RUN, "runs": [child]})
    found = store.run("c" * 32)
    assert (found.session, found.user, found.experiment, found.parent) == ("5" * 32, "ada", "e", RUN)


# Death is a guess.


def read(program, store, cursor=None):
    with JournalReader(program.writer.path) as reader:
        batch = reader.read(cursor or store.cursor(reader.header.writer), final=False)
        return reader.header.writer, batch


def test_a_writer_that_was_only_asleep_loses_nothing(program, tmp_path):
    server = Store.open(tmp_path / "server")
    run = program.start()
    program.log(run, "m", 1.0, 1)
    writer, batch = read(program, server)
    server.apply(writer, Cursor(), batch)
    server.end_writer(writer)
    found = server.run(run)
    assert found.status is Status.CRASHED and found.ended is not None
    for step in (2, 3):
        program.log(run, "m", 1.0, step)
    _, batch = read(program, server)
    delivered = server.apply(writer, server.cursor(writer), batch)
    assert (delivered.points, delivered.damaged, delivered.refused) == (2, 0, 0)
    found = server.run(run)
    assert (found.status, found.ended) == (Status.RUNNING, None)
    assert "taken for dead" in found.health["notes"][0]
    assert server.metric_history(run, "m").steps.tolist() == [1, 2, 3]
    program.end(run)
    _, batch = read(program, server)
    server.apply(writer, server.cursor(writer), batch)
    server.end_writer(writer)
    assert server.run(run).status is Status.FINISHED
    server.close()


def test_a_heartbeat_is_a_sign_of_life_and_a_batch_sent_again_is_none(program, tmp_path):
    server = Store.open(tmp_path / "server")
    run = program.start()
    writer, batch = read(program, server)
    server.apply(writer, Cursor(), batch, seen=time.time_ns())
    died = time.time_ns()
    server.end_writer(writer, seen=died)
    cursor = server.cursor(writer)
    server.apply(writer, Cursor(), batch)  # it was on its way all the time
    server.apply(writer, cursor, Batch([], [], cursor, 0, False), seen=died)
    assert server.run(run).status is Status.CRASHED
    server.apply(writer, cursor, Batch([], [], cursor, 0, False), seen=time.time_ns())
    assert server.run(run).status is Status.RUNNING
    server.close()


KNOWN = [
    ({"exit_code": 0}, "FINISHED"),
    ({"exit_code": 3}, "FAILED"),
    ({"word": LastWord("SIGSEGV", "Fatal error")}, "CRASHED"),
    ({"word": LastWord("SIGTERM", "")}, "KILLED"),
]


@pytest.mark.parametrize(("known", "status"), KNOWN, ids=[status for _, status in KNOWN])
def test_an_end_that_is_known_is_no_guess(program, tmp_path, known, status):
    server = Store.open(tmp_path / "server")
    run = program.start()
    writer, batch = read(program, server)
    server.apply(writer, Cursor(), batch)
    server.end_writer(writer, **known)
    program.log(run, "m", 1.0, 1)
    _, batch = read(program, server)
    assert server.apply(writer, server.cursor(writer), batch).points == 1
    assert server.run(run).status == status and "notes" not in server.run(run).health
    server.close()


def test_only_what_was_guessed_is_taken_back(program, tmp_path):
    """A run that it had ended itself, and one that another program has ended since."""
    server = Store.open(tmp_path / "server")
    mine, ended, theirs = program.start(), program.made(), program.start()
    writer, batch = read(program, server)
    server.apply(writer, Cursor(), batch)
    server.end_writer(writer)
    send(server, CHILD, {**end(0, "KILLED", theirs), "t": time.time_ns()})
    program.log(mine, "m", 1.0, 1)
    _, batch = read(program, server)
    server.apply(writer, server.cursor(writer), batch)
    assert [str(server.run(run).status) for run in (mine, ended, theirs)] == ["RUNNING", "FINISHED", "KILLED"]
    server.close()


def test_the_series_of_a_dead_writer_are_kept_until_its_run_is_purged(program, tmp_path):
    server = Store.open(tmp_path / "server")
    run = program.start()
    program.log(run, "m", 1.0, 1)
    writer, batch = read(program, server)
    server.apply(writer, Cursor(), batch)
    server.end_writer(writer)

    def links():
        with server._reading() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM writer_series").scalar_one()

    assert links() == 1
    server.delete_runs([run])
    server.collect_garbage()
    assert links() == 0
    program.log(run, "m", 1.0, 2)
    _, batch = read(program, server)
    assert server.apply(writer, server.cursor(writer), batch).damaged == 1  # nobody knows any more whose it is
    server.close()
