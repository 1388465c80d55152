"""What only a store in PostgreSQL has: several writers at once, a server that goes away, keys beyond its indexes."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Text, event, inspect, select, text
from store_program import Program

from autotrack.core.entities import Delivery
from autotrack.core.errors import ArtifactError, FilterError, NotFoundError, StoreError, UnavailableError, UsageError
from autotrack.core.journal import Cursor
from autotrack.core.journal.reader import Batch
from autotrack.core.objects import Objects
from autotrack.store import schema
from autotrack.store.engines.postgresql import postgresql_pool
from autotrack.store.plugin import open_sink
from autotrack.store.schema import migrate_postgresql
from autotrack.store.schema.steps import Step
from autotrack.store.store import Store


@pytest.fixture
def opened(postgresql, tmp_path):
    with closing(Store.open(postgresql, root=tmp_path / "here")) as store:
        yield store


def start(run, name="x", experiment="e"):
    return {"k": "run_start", "t": time.time_ns(), "r": run, "name": name, "experiment": experiment, "tags": {}}


def batch(*events, at=100):
    return Batch(list(events), [], Cursor(at, 0), 0, False)


def test_keys_beyond_what_an_index_holds(opened):
    """Random letters of four bytes: nothing that compressing could save. MLflow's clients and ours may send them."""
    run = "a" * 32
    keys = ["".join(chr(0x10000 + secrets.randbelow(0xFFFF)) for _ in range(1000)) for _ in range(3)]
    twins = [keys[0], keys[0][:-1] + "x"]
    params = {"k": "params", "t": 1, "r": run, "params": {key: key[::-1] for key in [*keys, *twins]}}
    opened.apply("f" * 32, Cursor(), batch(start(run), params, {**params, "params": {keys[1]: "new"}}))
    found = opened.run(run).params
    assert found == {**params["params"], keys[1]: "new"}
    assert [each.id for each in opened.runs(f"params.\"{keys[0]}\" LIKE '%'")] == [run]
    path = "/".join(secrets.token_hex(100) for _ in range(20))
    opened.apply(
        "f" * 32,
        Cursor(100, 0),
        batch({"k": "artifact", "t": 2, "r": run, "path": path, "size": 1, "sha256": "0" * 64}, at=200),
    )
    assert [file.path for file in opened.run(run).artifacts] == [path]


def test_every_text_is_compared_letter_by_letter_and_no_index_has_a_long_one(opened):
    with opened.reading() as connection:
        found = inspect(connection)
        for table in schema.metadata.sorted_tables:
            for column in found.get_columns(table.name):
                if isinstance(column["type"], Text):
                    assert column["type"].collation == "C", (table.name, column["name"])
            if any(isinstance(column.type, Text) for column in table.primary_key):
                assert found.get_pk_constraint(table.name)["constrained_columns"] == [], table.name


def test_writers_of_the_same_runs_wait_for_each_other_in_no_ring(opened):
    """Eight writers, each about all the same runs and experiments in an order of its own, made new by all at once."""
    runs = [secrets.token_hex(16) for _ in range(12)]
    together = threading.Barrier(8)
    states = []
    event.listen(opened._engine, "handle_error", lambda context: states.append(context.original_exception.sqlstate))

    def write(number):
        order = sorted(runs, key=lambda run: (int(run[:8], 16) * (number + 1)) % 1_000_003)
        writer = f"{number:032x}"
        together.wait()
        for turn in range(4):
            events = [start(run, experiment=f"e{int(run[0], 16) % 4}") for run in order]
            tags = [{"k": "tags", "t": time.time_ns(), "r": run, "tags": {f"t{number}": str(turn)}} for run in order]
            opened.apply(writer, Cursor(turn, 0), batch(*events, *tags, at=turn + 1))
        return writer

    with ThreadPoolExecutor(8) as pool:
        writers = list(pool.map(write, range(8)))
    assert "40P01" not in states
    assert [opened.cursor(writer) for writer in writers] == [Cursor(4, 0)] * 8
    found = opened.runs()
    assert sorted(run.id for run in found) == sorted(runs)
    assert all(run.tags == {f"t{number}": "3" for number in range(8)} for run in found)
    assert len(opened.experiments()) == len({int(run[0], 16) % 4 for run in runs})


def test_a_number_is_nobody_elses(opened, monkeypatch):
    """Batches of writers that know nothing of each other, with series of each: none has to be stored twice."""
    opened.create_experiment("e")
    monkeypatch.setattr("autotrack.store.engines.dialect.PAUSES", ())

    def write(number):
        run = secrets.token_hex(16)
        series = [{"k": "series", "t": 1, "r": run, "id": n, "key": f"m{n}", "dtype": "f8"} for n in range(50)]
        children = {"k": "children", "t": 1, "r": run, "runs": [
            {"id": secrets.token_hex(16), "name": "c", "started": 1, "ended": 2, "status": "FINISHED",
             "params": {}, "tags": {}, "metrics": {f"m{n}": float(number) for n in range(50)}}
        ]}  # fmt: skip
        opened.apply(f"{number:032x}", Cursor(), batch(start(run), *series, children))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    with opened.reading() as connection:
        assert len(connection.execute(select(schema.series.c.id)).all()) == 24 * 50
    assert len(opened.runs()) == 48 and opened.check() == []


def test_many_start_on_an_empty_database_and_one_makes_it(postgres_server, worker_id, tmp_path):
    uri = postgres_server.made(f"{worker_id}-empty")
    made = threading.Barrier(12)
    created = []
    create = schema.metadata.create_all

    def prepare(_):
        pool = postgresql_pool(uri)
        made.wait()
        try:
            return migrate_postgresql.prepare(pool).schema
        finally:
            pool.dispose()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(12) as threads:
        patch.setattr(schema.metadata, "create_all", lambda *args, **kw: (created.append(1), create(*args, **kw)))
        assert list(threads.map(prepare, range(12))) == [schema.VERSION] * 12
    assert len(created) == 1
    with closing(Store.open(uri, root=tmp_path)) as store:
        assert store.experiments() == []


def test_a_step_to_a_later_schema(postgres_server, worker_id):
    uri = postgres_server.made(f"{worker_id}-upgraded")
    pool = postgresql_pool(uri)
    head = schema.VERSION + 1
    assert not migrate_postgresql.upgrade(pool)
    broken = {schema.VERSION: Step((), 1, head, postgresql=("CREATE TABLE later (n bigint)", "SELECT nonsense"))}
    with pytest.raises(StoreError):
        migrate_postgresql.upgrade(pool, steps=broken, head=head)
    with pytest.raises(StoreError, match="no way from schema"):
        migrate_postgresql.upgrade(pool, steps={}, head=head)
    steps = {schema.VERSION: Step((), 1, head, postgresql=("CREATE TABLE later (n bigint)",))}
    assert migrate_postgresql.upgrade(pool, steps=steps, head=head)
    with pool.connect() as connection:
        assert "later" in inspect(connection).get_table_names()
        rows = connection.execute(select(schema.meta.c.value).where(schema.meta.c.key == "schema"))
        assert rows.scalars().all() == [str(head)]
    pool.dispose()
    with closing(Store.open(uri)) as store, pytest.raises(StoreError, match="must not write"):
        store.create_experiment("e")


def test_a_database_of_something_else_is_left_alone(postgres_server, worker_id):
    uri = postgres_server.made(f"{worker_id}-theirs")
    postgres_server.execute("CREATE TABLE theirs (n bigint)", f"{worker_id}-theirs")
    with pytest.raises(StoreError, match="of something else"):
        Store.open(uri)


def test_a_search_has_its_time_and_no_more(opened, monkeypatch):
    from autotrack.store import database

    monkeypatch.setattr(database, "SEARCH_SECONDS", 0.1)
    slow = "SELECT 1 AS n FROM pg_sleep(30)"
    monkeypatch.setattr(database.queries, "matching", lambda connection, *_: connection.execute(text(slow)).all())
    begun = time.monotonic()
    with pytest.raises(FilterError, match="ask for less"):
        opened.runs("metrics.loss > 1")
    assert time.monotonic() - begun < 5
    monkeypatch.undo()
    assert opened.runs() == []


def test_errors_name_no_password_and_say_what_can_wait(postgresql, opened, postgres_server, tmp_path):
    away = f"postgresql+psycopg://u:hunter2@/x?host={tmp_path}"
    with pytest.raises(UnavailableError) as caught:
        Store.open(away)
    assert "hunter2" not in str(caught.value) and "try again" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(StoreError, match="look at the URI") as caught:
        Store.open(postgres_server.uri("nowhere"))
    assert not isinstance(caught.value, UnavailableError) and "unasked" not in str(caught.value)
    with pytest.raises(UsageError, match="no database"):
        Store.open("postgresql://user:hunter2@host")
    assert "unasked" not in opened.uri and "unasked" not in repr(opened.place)
    with opened.writing() as connection:
        connection.execute(text("LOCK TABLE experiments"))
        other = Store.open(postgresql, root=tmp_path / "other")
        with closing(other), other.writing() as second:
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(UnavailableError), _translated(other):
                second.execute(select(schema.experiments))


def _translated(store):
    from autotrack.store.engines.dialect import translated

    return translated(store._engine)


def test_everybody_agrees_on_where_artifacts_are(postgresql, tmp_path, monkeypatch):
    root = str(tmp_path / "shared")
    monkeypatch.setenv("AUTOTRACK_ARTIFACTS", root)
    first = open_sink(postgresql)
    monkeypatch.delenv("AUTOTRACK_ARTIFACTS")
    second = open_sink(postgresql)
    with closing(first), closing(second):
        record = first.artifacts.put_bytes("e/r", "a.txt", b"x")
        with second.artifacts.open("e/r", record.path) as file:
            assert file.read() == b"x"
        assert second.artifact_root == root
    monkeypatch.setenv("AUTOTRACK_ARTIFACTS", "s3://bucket/elsewhere")
    with pytest.raises(UsageError, match="keeps its artifacts under"):
        open_sink(postgresql)
    monkeypatch.setenv("AUTOTRACK_ARTIFACTS", "s3://key:secret@bucket/x")
    with pytest.raises(UsageError) as caught:
        open_sink(postgresql)
    assert "secret@" not in str(caught.value)
    monkeypatch.delenv("AUTOTRACK_ARTIFACTS")
    open_sink(postgresql).close()


def test_objects_are_everybodys_where_artifacts_are(postgresql, tmp_path):
    root = f"file://{tmp_path}/bucket"
    with (
        closing(Store.open(postgresql, root=tmp_path / "one", artifacts=root)) as one,
        closing(Store.open(postgresql, root=tmp_path / "two")) as two,
    ):
        digest = one.objects.put(b"a diff" * 200)
        assert two.objects.has(digest) and two.objects.get(digest) == b"a diff" * 200
        waiting = Objects(one.place.objects).put(b"put by a training process")
        with pytest.raises(NotFoundError):
            two.objects.get(waiting)
        program = Program(one)
        program.made(name="r")
        one.runs()
        program.close()
        assert two.objects.get(waiting) == b"put by a training process"
        shared = next((tmp_path / "bucket").rglob(f"{digest[2:]}"))
        shared.write_bytes(b"\0changed")
        (two.place.objects / digest[:2] / digest[2:]).unlink()
        with pytest.raises(ArtifactError, match="have changed"):
            two.objects.get(digest)


def test_the_upgrade_command_says_where_a_server_stands(postgresql, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "--store", postgresql, "db", "upgrade"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0 and "has the newest schema already" in done.stdout, done.stderr
    assert "unasked" not in done.stdout


def test_a_batch_that_came_through_though_the_connection_broke_counts_once(opened):
    """The commit was done and the answer lost: the same is sent again, as an intake does."""
    run = "b" * 32
    sent = batch(start(run), {"k": "params", "t": 1, "r": run, "params": {"a": "1"}})
    lost = []

    def breaking(work, *, idempotent):
        found = transact(opened._engine, work, idempotent=idempotent)
        if not lost:
            lost.append(1)
            return transact(opened._engine, work, idempotent=idempotent)
        return found

    from autotrack.store.engines.dialect import transact

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autotrack.store.intake.batches.transact", lambda pool, work, **kw: breaking(work, **kw))
        assert opened.apply("f" * 32, Cursor(), sent) == Delivery()
    assert opened.run(run).params == {"a": "1"}


TRAINING = """
import sys, time
import autotrack
run = autotrack.start_run("r")
for step in range(int(sys.argv[1])):
    run.log_metric("loss", step * 0.5, step)
run.finish()
"""


def test_a_training_logs_straight_to_the_database(postgresql, tmp_path):
    environment = {**os.environ, "AUTOTRACK_TRACKING_URI": postgresql, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, "500"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and "unasked" not in done.stderr, done.stderr
    with closing(Store.open(postgresql, root=tmp_path / "elsewhere")) as store:
        (run,) = store.runs()
        assert run.status == "FINISHED"
        assert store.metric_history(run.id, "loss").values.tolist() == [step * 0.5 for step in range(500)]


QUESTIONS = """
start_time > 1.5; started > 1e30; started < 1e30; start_time >= 9999999999999999999999; started > 1.7e18
exit_code = 0.5; exit_code != 0.5; exit_code > 0.5; exit_code < 1.0; exit_code in (0.5, 1); exit_code not in (0.5, 1)
exit_code > nan; exit_code = inf; exit_code < inf; exit_code >= -1e300; duration < 5; duration > 1e-9
metrics.m > 0; metrics.m = inf; metrics.m != 3.5; metrics.m = nan; metrics.m in (inf, 3.5); metrics.m not in (inf, 3.5)
metrics.i > 1152921504606846980; metrics.i = 1152921504606846980; not (m > 1); m > 1; i is not null
params.lr > 0.5; params.n > 5; params.n = inf; params.big > 9007199254740995; params.lr in (0.1, 0.2)
name ilike '%äi%'; name ilike '%İσσ1%'; name ilike '%ςσ%'; name like '%Σς1_'; params.w like 'ÀÉ\\%'
params.w ilike 'àé\\\\%'; error like '%\\x'; tags.`ß` ilike 'X'; status ilike 'f%'; params.w = 'ÀÉ\\%_x'
user is null; user != 'u'; experiment = 'e'; id in ('00000000000000000000000000000001')
"""
ORDERS = ["metrics.m", "metrics.m desc", "params.lr desc", "name", "user desc", "exit_code, name desc", "params.n", "i"]
NUMBERS = [float("nan"), float("inf"), -0.0, 5e-324, 1.7e308, 3.5]


def test_both_engines_give_the_same_answers(opened, tmp_path):
    names = ["Ä{}", "İΣς{}", "äi{}", "a\u030a{}", "å{}", "Z{}", "Ωß{}"]
    events = []
    for n in range(20):
        run = f"{n:032x}"
        begun = {
            **start(run, names[n % 7].format(n)),
            "t": 1_700_000_000_000_000_000 + n,
            "user": "u" if n % 2 else None,
        }
        texts = {"lr": str(n / 10), "big": str(2**53 + n), "w": "ÀÉ\\%_x", "n": "nan" if n % 3 else "1e400"}
        ended = begun["t"] + n * 10**9
        events += [
            {**begun, "tags": {"ß": "x"}},
            {"k": "params", "t": 1, "r": run, "params": texts},
            {"k": "run_end", "t": ended, "r": run, "status": "FAILED" if n % 2 else "FINISHED", "ended": ended}
            | {"error": "e\\x" if n % 2 else None, "exit_code": n % 3},
        ]
        metrics = {"m": NUMBERS[n % 6], "i": 2**60 + n}
        child = {"id": f"{n + 100:032x}", "name": "c", "started": 1, "ended": 2, "status": "FINISHED", "params": texts}
        events.append({"k": "children", "t": 1, "r": run, "runs": [{**child, "metrics": metrics, "tags": {}}]})
    with closing(Store.open(tmp_path / "file")) as other:
        for store in (opened, other):
            assert store.apply("f" * 32, Cursor(), batch(*events)).refused == 0
        for question in QUESTIONS.replace("\n", ";").split(";"):
            answers = [[run.id for run in store.runs(question.strip())] for store in (opened, other)]
            assert answers[0] == answers[1], question
        for order in ORDERS:
            answers = [[run.id for run in store.runs(order_by=order)] for store in (opened, other)]
            assert answers[0] == answers[1], order
        assert repr(opened.runs(lifecycle="all")) == repr(other.runs(lifecycle="all"))
