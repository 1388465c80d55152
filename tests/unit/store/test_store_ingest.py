from __future__ import annotations

import math
import secrets
import shutil
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrack.core.entities import Status
from autotrack.core.journal.writer import JournalWriter
from autotrack.store.series.chunks import FULL
from autotrack.store.store import Store

ON_BOTH = True

JOURNAL = "journal"


def bits(value):
    return struct.pack("<d", value)


def test_a_run_with_everything(store, program):
    program.event("session", id="5" * 32, argv=["train.py"], entry="train.py", cwd="/x")
    place = {"id": "a" * 32, "artifact_uri": f"artifacts/exp/{'a' * 32}"}
    run = program.start("first", "exp", session="5" * 32, tags={"a": "1", "b": "2"}, **place)
    program.event("params", run, params={"lr": "0.1", "solver": "lbfgs"})
    program.event("tags", run, tags={"c": "3"})
    program.event("untag", run, keys=["a"])
    program.event("rename", run, name="better")
    program.event("artifact", run, path="m/x.bin", size=3, sha256="0" * 64)
    program.event("dataset", run, name="d", context="train", digest="9", rows=5, columns={"x": "f8"}, source=None)
    program.event("model", run, path="model", flavor="sklearn", class_name="A", size=7)
    program.event("health", run, health={"lost_points": 3, "errors": ["one"]})
    program.event("health", run, health={"errors": ["two"]})
    program.log(run, "loss", 0.5)
    found = store.run(run[:8])
    assert (found.name, found.experiment, found.status, found.session) == ("better", "exp", Status.RUNNING, "5" * 32)
    assert found.artifact_uri == place["artifact_uri"]
    assert dict(found.params) == {"lr": "0.1", "solver": "lbfgs"}
    assert dict(found.tags) == {"b": "2", "c": "3"}
    assert dict(found.metrics) == {"loss": 0.5}
    assert found.artifacts[0].path == "m/x.bin" and found.models[0].flavor == "sklearn"
    assert found.datasets[0].columns == {"x": "f8"} and found.datasets[0].rows == 5
    assert found.health == {"lost_points": 3, "errors": ["one", "two"]}
    program.end(run, "FAILED", error="ValueError: x", exit_code=1)
    found = store.run(run)
    assert (found.status, found.error, found.exit_code) == (Status.FAILED, "ValueError: x", 1)
    assert found.ended is not None and found.ended >= found.started


def test_a_run_that_is_resumed_keeps_its_start_and_goes_on(store, program, new_program):
    run = program.made(metrics={"loss": 1.0})
    started = store.run(run).started
    again = new_program()
    again.start("second", id=run)
    again.log(run, "loss", 0.5, 1)
    found = store.run(run)
    assert (found.started, found.status, found.ended) == (started, Status.RUNNING, None)
    assert store.metric_history(run, "loss").values.tolist() == [1.0, 0.5]


def test_a_search_writes_its_children_in_one_record(store, program):
    parent = program.start("search", "exp")
    runs = [
        {
            "id": f"{n:032x}",
            "name": f"c{n}",
            "started": 10 + n,
            "ended": 20 + n,
            "status": "FINISHED",
            "params": {"C": str(n)},
            "metrics": {"score": n / 10, "big": 2**60 + n, "nan": math.nan},
            "tags": {"k": "v"},
        }
        for n in range(50)
    ]
    program.event("children", parent, runs=runs)
    children = store.runs(children_of=parent, order_by=["metrics.score"])
    assert [child.params["C"] for child in children] == [str(n) for n in range(50)]
    assert children[3].metrics["big"] == 2**60 + 3 and math.isnan(children[3].metrics["nan"])
    assert {child.experiment for child in children} == {"exp"}
    assert children[7].parent == parent and children[7].ended == 27 and children[7].tags == {"k": "v"}
    assert store.metric_history(children[3].id, "score").values.tolist() == [0.3]


def test_many_small_deliveries_leave_few_chunks(store, program):
    run = program.start()
    wanted = []
    for piece in range(60):
        for n in range(500):
            wanted.append(math.sin(piece * 500 + n))
            program.log(run, "m", wanted[-1], piece * 500 + n)
        store.deliver(store.place.journal)
    history = store.metric_history(run, "m")
    assert history.values.tolist() == wanted
    assert history.steps.tolist() == list(range(30_000))
    with store._reading() as connection:
        counts = [row[0] for row in connection.exec_driver_sql("SELECT count FROM chunks ORDER BY n").all()]
    assert sum(counts) == 30_000 and len(counts) <= 30_000 // FULL + 10, counts


def test_steps_out_of_order_and_twice(store, program):
    run = program.start()
    for step, value in [(5, 1.0), (1, 2.0), (5, 3.0), (-1, 4.0), (2**63 - 1, 5.0), (2**63 - 1, 6.0), (-(2**63), 7.0)]:
        program.log(run, "m", value, step)
    history = store.metric_history(run, "m")
    assert history.values.tolist() == [7.0, 4.0, 2.0, 1.0, 3.0, 5.0, 6.0]
    summary = store.metric_summaries(run)[0]
    assert (summary.last, summary.last_step, summary.count) == (6.0, 2**63 - 1, 7)
    assert (summary.min, summary.max) == (1.0, 7.0)
    program.log(run, "m", 8.0, 3)  # later, but an earlier step
    assert store.run(run).metrics["m"] == 6.0
    program.log(run, "m", 9.0, 2**63 - 1)  # the same step, in a later delivery
    assert store.run(run).metrics["m"] == 9.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.797e308, 0.1, float(np.float32(0.1))])
def test_floats_come_back_to_the_bit(store, program, value):
    run = program.start()
    program.log(run, "one", value)
    for step in range(3):
        program.log(run, "three", value, step)
    found = store.run(run)
    for key in ("one", "three"):
        assert bits(found.metrics[key]) == bits(value)
        assert [bits(item) for item in store.metric_history(run, key).values.tolist()] == [bits(value)] * len(
            store.metric_history(run, key).values
        )
    summary = store.metric_summaries(run)[0]
    assert summary.min == (None if math.isnan(value) else value)


def test_integers_come_back_exactly_and_may_mix_with_floats(store, program):
    run = program.start()
    for step, value in enumerate([2**53 + 1, -(2**63), 2**63 - 1]):
        program.log(run, "n", value, step, exact=True)
    assert store.metric_history(run, "n").values.tolist() == [2**53 + 1, -(2**63), 2**63 - 1]
    assert store.run(run).metrics["n"] == 2**63 - 1
    program.log(run, "n", 0.5, 3)
    program.log(run, "n", 2**53 + 3, 4, exact=True)
    values = store.metric_history(run, "n").values.tolist()
    assert values == [2**53 + 1, -(2**63), 2**63 - 1, 0.5, 2**53 + 3]
    assert [type(value) for value in values] == [int, int, int, float, int]
    assert store.run(run).metrics["n"] == 2**53 + 3
    assert [found.id for found in store.runs(f"metrics.n = {2**53 + 3}")] == [run]
    assert store.runs(f"metrics.n = {2**53 + 2}") == []


def test_times_are_kept_to_the_microsecond(store, program):
    run = program.start()
    before = time.time_ns()
    for step in range(100):
        program.log(run, "m", 1.0, step)
    after = time.time_ns()
    stamps = store.metric_history(run, "m").timestamps
    assert before // 1000 * 1000 <= stamps.min() and stamps.max() <= after


def test_delivering_again_changes_nothing(store, program, tmp_path):
    run = program.made(params={"a": "1"}, metrics={"m": 1.0})
    for step in range(100):
        program.log(run, "m", float(step), step)
    program.writer.sync()
    copies = [tmp_path / f"copy{n}.atj" for n in range(3)]
    program.close()
    for copy in copies:
        shutil.copy(program.writer.path, copy)
    before = (store.run(run), store.metric_history(run, "m").values.tolist())
    assert not list((store.place.journal).iterdir())
    for copy in copies:
        shutil.move(copy, store.place.journal / program.writer.path.name)
        assert store.deliver(store.place.journal).points == 0
        assert (store.run(run), store.metric_history(run, "m").values.tolist()) == before


def test_eight_threads_deliver_at_once(store, reopened, program):
    run = program.start()
    stop = threading.Event()
    failures = []

    def deliver():
        other = reopened()
        try:
            while not stop.is_set():
                other.deliver(store.place.journal)
        except BaseException as error:
            failures.append(error)
        finally:
            other.close()

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for step in range(20_000):
        program.log(run, "m", float(step), step)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert store.metric_history(run, "m").values.tolist() == [float(step) for step in range(20_000)]


def test_a_dead_program_leaves_a_crashed_run_and_no_journal(store, new_program):
    program = new_program()
    run = program.start()
    program.log(run, "m", 1.0)
    done = program.made()
    program.close()  # without an end record
    found = store.run(run)
    assert found.status is Status.CRASHED and found.ended is not None and found.ended >= found.started
    assert store.run(done).status is Status.FINISHED
    assert not list((store.place.journal).iterdir())


def test_a_live_journal_stays(store, program):
    run = program.start()
    assert store.run(run).status is Status.RUNNING
    assert program.writer.path.exists()


def test_damage_is_counted_on_the_run(store, new_program):
    program = new_program()
    run = program.start()
    for step in range(100):
        program.log(run, "m", 1000.0 + step, step)
    program.close()
    data = bytearray(program.writer.path.read_bytes())
    at = data.find(struct.pack("<d", 1050.0))
    data[at] ^= 255
    program.writer.path.write_bytes(data)
    delivered = store.deliver(store.place.journal)
    assert delivered.damaged == 1 and delivered.points == 99
    assert store.run(run).health["damaged_records"] == 1
    assert 1050.0 not in store.metric_history(run, "m").values


def test_a_run_whose_start_was_lost_is_kept(store, program):
    program.event("params", "ab" * 16, params={"a": "1"})
    program.log("ab" * 16, "m", 2.0)
    found = store.run("ab" * 16)
    assert (found.name, found.experiment, found.params, found.metrics) == (
        "run-abababab",
        "default",
        {"a": "1"},
        {"m": 2},
    )


def test_records_that_make_no_sense_cost_only_themselves(store, program):
    run = program.start()
    for record in ({"k": "nonsense"}, {"k": "params", "r": run}, {"k": "params", "r": run, "params": []}, {"x": 1}):
        program.writer.event({"t": 1, **record})
    program.event("run_end", run, status="LOST")
    program.event("params", run, params={"a": "1"})
    assert store.run(run).params == {"a": "1"}
    assert store.run(run).health["refused_records"] == 5


def test_files_that_are_no_journals_are_left_alone(store, program):
    stray = store.place.journal / "x.atj"
    stray.write_bytes(b"hello" * 2000)
    run = program.made()
    assert store.run(run).name == "run"
    assert stray.exists()


def test_a_deadline_stops_between_batches(store, program):
    program.made()
    left = store.deliver(store.place.journal, deadline=time.monotonic() - 1)
    assert left.left == 1 and left.events == 0
    assert store.deliver(store.place.journal).left == 0


@pytest.mark.sqlite
def test_everything_is_private_whatever_the_umask(store, program):
    program.made()
    store.runs()
    for path in (store.root, *store.root.rglob("*")):
        if path.name == ".gitignore":
            continue
        wanted = 0o700 if path.is_dir() else 0o600
        assert path.stat().st_mode & 0o777 == wanted, path


@pytest.mark.sqlite
def test_the_database_is_sound_and_damage_is_seen(store, program):
    run = program.start()
    for step in range(100):
        program.log(run, "m", float(step), step)
    store.runs()
    assert store.check() == []
    from autotrack.store.engines.dialect import begin_write

    with begin_write(store._engine) as connection:
        data = connection.exec_driver_sql("SELECT data FROM chunks").scalar_one()
        connection.exec_driver_sql("UPDATE chunks SET data = ?", (data[:-1] + bytes([data[-1] ^ 1]),))
    assert "chunk 0 of metric series 1 is damaged" in store.check()


RECORD = st.dictionaries(
    st.sampled_from(
        "t r id name experiment parent session user artifact_uri tags params keys series key dtype path size sha256 "
        "context digest rows columns source flavor class_name health status ended error exit_code runs started".split()
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        max_leaves=4,
    ),
)
KINDS = st.sampled_from(
    "session run_start params tags untag rename series artifact dataset model health run_end children nothing".split()
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=RECORD, kind=KINDS, proper=st.booleans())
def test_no_record_keeps_those_behind_it_waiting(record, kind, proper, tmp_path):
    """A record that makes no sense is counted; what comes after it is in the store."""
    root = tmp_path / secrets.token_hex(4)
    writer = JournalWriter(root / "journal")
    now, run = time.time_ns(), "a" * 32
    writer.event({"k": "run_start", "t": now, "r": run, "name": "x", "experiment": "e", "tags": {}})
    writer.event({**record, **({"t": now, "r": run} if proper else {}), "k": kind})
    writer.event({"k": "params", "t": now, "r": run, "params": {"after": "kept"}})
    writer.close()
    store = Store.open(root)
    try:
        store.deliver(root / "journal")
        assert store.run(run).params["after"] == "kept"
        store.runs(lifecycle="all")
    finally:
        store.close()
