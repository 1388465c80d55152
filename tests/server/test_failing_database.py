"""R8, R20: the database fails at any statement of anything that writes. All of it is there then, or nothing; what was
refused may be sent again; and the client is told 503, never 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from access_world import batch, start
from asgi_calls import Asgi
from failing_statements import FULL, GONE, Failing, contents, failing_postgresql, failing_sqlite
from sqlalchemy import text

from autotrack.core.errors import StoreError
from autotrack.core.journal.reader import Cursor
from autotrack.core.journal.shipping import MEDIA, Shipped, packed
from autotrack.server.app import make_app
from autotrack.server.services import ServerSettings, Services
from autotrack.store import schema
from autotrack.store.engines.postgresql import postgresql_pool
from autotrack.store.intake.direct import DirectWrites
from autotrack.store.schema import migrate_postgresql
from autotrack.store.schema.steps import Step
from autotrack.store.store import Store

RUN, OTHER, MODEL, WRITER = "a" * 32, "b" * 32, "m-" + "c" * 32, "d" * 32
V1, MLFLOW = "/api/v1", "/api/2.0/mlflow"
NOW = 1_700_000_000_000


def metrics(*values: float) -> list[dict[str, Any]]:
    return [{"key": "m", "value": value, "timestamp": NOW + at, "step": at} for at, value in enumerate(values)]


def requests(experiment: str) -> Iterator[tuple[str, str, Any]]:
    """Everything that a team's clients write, in an order in which it makes sense."""
    yield "POST", f"{V1}/runs", {"id": RUN, "name": "r", "experiment": "e", "params": {"a": "1"}, "tags": {"t": "x"}}
    yield "POST", f"{V1}/runs", {"id": OTHER, "name": "s", "experiment": "e"}
    series = [{"key": key, "values": [0.5] * 70, "steps": list(range(70))} for key in ("loss", "acc")]
    yield "POST", f"{V1}/runs/{RUN}/log", {"metrics": series, "params": {"b": "2"}, "untag": ["t"]}
    data = [{"key": "p", "value": "1"}]
    yield (
        "POST",
        f"{MLFLOW}/runs/log-batch",
        {"run_id": RUN, "metrics": metrics(1.0, 2.0), "params": data, "tags": data},
    )
    yield "POST", f"{MLFLOW}/runs/log-metric", {"run_id": RUN, **metrics(0.25)[0]}
    yield "POST", f"{MLFLOW}/runs/set-tag", {"run_id": RUN, "key": "k", "value": "v"}
    dataset = {"name": "d", "digest": "x", "source_type": "local", "source": "{}"}
    yield "POST", f"{MLFLOW}/runs/log-inputs", {"run_id": RUN, "datasets": [{"dataset": dataset, "tags": []}]}
    events = [start("e" * 32, "shipped", "5" * 32), {"k": "params", "t": 1, "r": "e" * 32, "params": {"c": "3"}}]
    shipped = Shipped(Cursor(0, 0), batch(*events, at=2), None, None)
    yield "POST", f"{V1}/writers/{WRITER}/batches", packed(shipped)
    yield "POST", f"{V1}/runs/{RUN}/finish", {"status": "FINISHED"}
    yield "POST", f"{MLFLOW}/registered-models/create", {"name": "wine", "tags": data}
    for _ in range(2):
        yield "POST", f"{MLFLOW}/model-versions/create", {"name": "wine", "source": f"runs:/{RUN}/model", "run_id": RUN}
    yield "POST", f"{MLFLOW}/registered-models/alias", {"name": "wine", "alias": "champion", "version": "1"}
    stage = {"name": "wine", "version": "2", "stage": "Production", "archive_existing_versions": True}
    yield "POST", f"{MLFLOW}/model-versions/transition-stage", stage
    yield "POST", f"{MLFLOW}/registered-models/rename", {"name": "wine", "new_name": "grapes"}
    yield "POST", f"{MLFLOW}/logged-models", {"experiment_id": experiment, "name": "m", "source_run_id": RUN}
    yield "POST", f"{V1}/runs/delete", {"ids": [RUN, OTHER]}
    yield "POST", f"{V1}/runs/restore", {"ids": [RUN, OTHER]}
    yield "POST", f"{V1}/runs/move", {"ids": [RUN, OTHER], "experiment": "f"}
    yield "DELETE", f"{V1}/runs/{OTHER}", None
    yield "DELETE", f"{MLFLOW}/registered-models/delete", {"name": "grapes"}


def app_over(store: Store) -> tuple[Asgi, str]:
    http = Asgi(make_app(ServerSettings("x"), Services(ServerSettings("x"), store, DirectWrites(store.writing))))
    for name in ("e", "f"):
        made = http.request("POST", f"{MLFLOW}/experiments/create", {"name": name})
    return http, json.loads(made[2])["experiment_id"]


def sent(http: Asgi, method: str, path: str, body: Any) -> tuple[int, bytes]:
    headers = {"content-type": MEDIA} if isinstance(body, bytes) else {}
    status, _, content = http.request(method, path, body, headers=headers)
    return status, content


@pytest.mark.parametrize("how", ["sqlite", "full", "gone"])
def test_the_nth_statement_of_a_write_fails(how: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    where = tmp_path / "store" if how == "sqlite" else request.getfixturevalue("postgresql")
    store = Store.open(where, root=tmp_path / "here")
    http, experiment = app_over(store)
    pool = store._engine
    made: AbstractContextManager[Failing]
    made = failing_sqlite(pool) if how == "sqlite" else failing_postgresql(pool, FULL if how == "full" else GONE)
    failed = 0
    with made as failing:
        for method, path, body in requests(experiment):
            before = contents(store)
            for at in range(1, 200):
                failing.arm(at)
                status, content = sent(http, method, path, body)
                fired = failing.fired
                failing.arm(0)
                if status in (200, 201):
                    break  # nothing failed any more, or it was done again
                assert fired and status == 503, (path, at, status, content)
                assert b"SELECT" not in content and b"device" not in content and str(tmp_path).encode() not in content
                failed += 1
                if contents(store) != before:
                    break  # it was stored, whole, and only what is answered could not be read: seen below
            assert contents(store) != before, path
    assert failed > 100 if how != "gone" else failed > 20
    assert store.check() == []
    found = {name: len(rows) for name, rows in contents(store).items()}
    http.close()

    # As many rows as where nothing fails: nothing was stored in part, and nothing twice.
    with closing(Store.open(tmp_path / "smooth")) as smooth:
        http, experiment = app_over(smooth)
        for method, path, body in requests(experiment):
            assert sent(http, method, path, body)[0] in (200, 201), path
        assert {name: len(rows) for name, rows in contents(smooth).items()} == found
        http.close()


def test_an_upgrade_of_postgresql_fails_at_any_statement(postgres_server: Any, worker_id: str) -> None:
    """R20: it is of the old schema with all its rows, or of the new one; done again it succeeds."""
    uri = postgres_server.made(f"{worker_id}-failing-upgrade")
    with closing(Store.open(uri)) as store:
        store.apply("f" * 32, Cursor(), batch(start("a" * 32, "e")))
        before = contents(store)
    statements = (
        "ALTER TABLE runs ADD COLUMN mood TEXT",
        "UPDATE runs SET mood = 'fine'",
        "CREATE TABLE moods AS SELECT n, mood FROM runs",
        "ALTER TABLE runs DROP COLUMN mood",
    )
    head = schema.VERSION + 1
    steps = {schema.VERSION: Step((), 1, head, postgresql=statements)}
    pool = postgresql_pool(uri)
    upgraded = 0
    for instead in (FULL, GONE):
        with failing_postgresql(pool, instead) as failing:
            for at in range(1, 100):
                failing.arm(at)
                try:
                    upgraded += migrate_postgresql.upgrade(pool, steps=steps, head=head)
                except StoreError:
                    assert failing.fired
                    failing.arm(0)
                    with closing(Store.open(uri)) as store:
                        assert contents(store) == before
                    continue
                failing.arm(0)
                break
            if instead == FULL:
                assert upgraded and at > len(statements)
                with pool.begin() as connection:  # back again, for the server that goes away
                    assert connection.execute(text("SELECT mood FROM moods")).scalars().all() == ["fine"]
                    connection.execute(text("DROP TABLE moods"))
                    rows = {row.split("'")[1]: row.split("'")[3] for row in before["meta"]}
                    for key, value in rows.items():
                        connection.execute(text("UPDATE meta SET value = :v WHERE key = :k"), {"k": key, "v": value})
                upgraded = 0
    assert upgraded
    pool.dispose()
