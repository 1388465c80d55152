"""The table of runs, on both engines, against the same table made by hand."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from server_process import ServerProcess, clean_environment

from autotrack.server.errors import ApiError
from autotrack.server.v1.table import Rows, answered
from autotrack.store.store import Store

OPTIMIZERS = ("adam", "sgd", "lion", None)
SECOND = 10**9


@dataclass
class Run:
    id: str
    name: str
    started: int
    parent: str | None
    params: dict[str, str]
    metrics: dict[str, float] = field(default_factory=dict)

    def number(self, key: str) -> float:
        return self.metrics.get(key, math.nan)


@dataclass
class Grid:
    """A server with an experiment of 4 parents of 11 runs each, and what it should say of them."""

    server: ServerProcess
    runs: list[Run]

    def ask(self, path: str = "/table", **query: Any) -> Any:
        answer = self.server.get(f"/api/v1{path}?{urlencode({'exp': 'grid', **query}, doseq=True)}")
        assert answer.status == 200, answer.text
        return answer.json()

    def named(self, table: Any) -> list[str]:
        names: list[str] = table["cols"]["name"]
        assert [run.id for name in names for run in self.runs if run.name == name] == table["ids"]
        return names


def _grid(server: ServerProcess) -> Grid:
    pick, runs = random.Random(3), list[Run]()
    for number in range(48):
        above = None if number % 12 == 0 else runs[number - number % 12].id
        params = {"lr": f"{10 ** pick.uniform(-5, 0):.3g}", "epochs": "50", "a,b": str(number % 7)}
        if (optimizer := OPTIMIZERS[number % 4]) is not None:
            params["optimizer"] = optimizer
        if above is None:
            params["folds"] = "11"
        run = Run(f"{number:032x}", f"grid-{number // 12}.{number % 12}", number * SECOND, above, params)
        if number % 12:
            run.metrics = {"val_loss": round(pick.random(), 6), "acc": 1e9 + pick.random(), "still": 7.0}
        if number in (5, 17):
            run.metrics["val_loss"] = math.nan
        if number == 29:
            run.metrics["val_loss"] = math.inf
        body = {"id": run.id, "name": run.name, "started": run.started, "parent": above, "params": params}
        body["user"] = ("ann", "sue")[number % 2]
        assert server.post("/api/v1/runs", {**body, "experiment": "grid", "tags": {"team": "x"}}).status == 201
        said = [
            {"key": key, "values": [value if math.isfinite(value) else "NaN" if value != value else "Infinity"]}
            for key, value in run.metrics.items()
        ]
        assert server.post(f"/api/v1/runs/{run.id}/log", {"metrics": said}).status == 200
        end = {"ended": run.started + number * SECOND // 2, "status": "FAILED" if number % 10 == 3 else "FINISHED"}
        server.post(f"/api/v1/runs/{run.id}/finish", end)
        runs.append(run)
    server.post("/api/v1/runs", {"experiment": "other", "params": {"lr": "1"}})
    return Grid(server, runs)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def grid(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    store = request.getfixturevalue("own_database") if request.param == "postgresql" else None
    if store is not None:
        from tests import postgres

        postgres.emptied(store)
    server = ServerProcess(_folder(tmp_path_factory), store=store, environment=clean_environment())
    yield _grid(server)
    server.close()


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("table")


Key = Callable[[Run], Any]


def ordered(runs: list[Run], *keys: tuple[Key, bool]) -> list[str]:
    """Names, newest first, then by each key, the last the least; what is missing last, and before it NaN."""
    found = sorted(runs, key=lambda run: -run.started)
    for key, down in reversed(keys):
        numbers = [run for run in found if (value := key(run)) is not None and value == value]
        numbers.sort(key=key, reverse=down)  # stable, also where it is reversed
        nan = [run for run in found if (value := key(run)) is not None and value != value]
        found = [*numbers, *nan, *(run for run in found if key(run) is None)]
    return [run.name for run in found]


def test_sorting_and_windows(grid: Grid) -> None:
    loss: Key = lambda run: run.metrics.get("val_loss")  # noqa: E731
    rate: Key = lambda run: float(run.params["lr"])  # noqa: E731
    optimizer: Key = lambda run: run.params.get("optimizer")  # noqa: E731
    for sort, keys in (
        ("", []),
        ("m.val_loss", [(loss, False)]),
        ("-m.val_loss", [(loss, True)]),
        ("p.lr", [(rate, False)]),
        ("-p.optimizer,m.val_loss", [(optimizer, True), (loss, False)]),
        ("p.`a,b`,-start", [(lambda run: int(run.params["a,b"]), False), (lambda run: run.started, True)]),
        ("-duration", [(lambda run: run.started // 2, True)]),
        ("name", [(lambda run: run.name, False)]),
    ):
        wanted = ordered(grid.runs, *keys)
        assert grid.named(grid.ask(sort=sort, cols="")) == wanted, sort
        window = grid.ask(sort=sort, cols="", offset=30, limit=11)
        assert (grid.named(window), window["total"], window["rows"]) == (wanted[30:41], 48, 48)
    cols = grid.ask(cols="m.val_loss,p.optimizer,t.team,duration,p.`a,b`,children", ids=f"{5:032x},{29:032x},{0:032x}")
    assert cols["cols"]["m.val_loss"] == ["NaN", "Infinity", None]
    assert cols["cols"]["p.optimizer"] == ["sgd", "sgd", "adam"] and cols["cols"]["t.team"] == ["x"] * 3
    assert (cols["cols"]["duration"], cols["cols"]["start"]) == ([2.5, 14.5, 0.0], [5000, 29000, 0])
    assert cols["cols"]["p.a,b"] == ["5", "1", "0"] and cols["cols"]["children"] == [0, 0, 11]


def test_rows_are_named_by_beginnings_of_ids_that_are_unique(grid: Grid) -> None:
    one, two = (grid.server.post("/api/v1/runs", {"experiment": "begun"}).json()["id"] for _ in "ab")
    many = "0" * 20  # what all those of the grid begin with
    assert grid.ask(exp="begun", cols="", ids=f"{two[:9]},{one},{many},{one[:12]}")["ids"] == [two, one]
    assert grid.ask(cols="", ids=f"{two[:9]},{many},{7:032x}")["ids"] == [f"{7:032x}"]


def test_a_table_that_takes_too_long_says_so_and_blames_no_filter(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with closing(Store.open(tmp_path)) as store:
        services = SimpleNamespace(store=store, extra={})
        call = SimpleNamespace(services=services, query=Rows(where="name"), readable=None)
        with pytest.raises(ApiError, match=r"took longer than 0\.1 s and was stopped; filter for") as refused:
            answered(call, lambda scene, asked: scene.connection.exec_driver_sql(endless), 0.1)  # type: ignore[arg-type]
    assert (refused.value.status, refused.value.code) == (503, "TOO_EXPENSIVE")


def test_what_is_shown_where_nobody_has_chosen(grid: Grid) -> None:
    chosen = grid.ask()["chosen"]
    assert chosen == grid.ask("/columns")
    assert chosen["cols"] == ["m.val_loss", "m.acc", "m.still", "p.a,b", "p.lr", "p.optimizer", "p.folds", "user"]
    assert (chosen["main"], chosen["goal"], chosen["constant"]) == ("m.val_loss", "min", {"p.epochs": "50"})
    assert chosen["goals"] == {"m.val_loss": "min", "m.acc": "max"}
    assert chosen["metrics"] == ["val_loss", "acc", "still"] and chosen["params"] == [
        "a,b",
        "epochs",
        "folds",
        "lr",
        "optimizer",
    ]
    assert grid.ask()["cols"].keys() >= set(chosen["cols"])
    # Of what matches alone.
    adam = grid.ask("/columns", where="optimizer = 'adam' and val_loss < 2")
    assert adam["constant"] == {"p.epochs": "50", "p.optimizer": "adam", "m.still": "7", "user": "ann"}
    assert adam["cols"] == ["m.val_loss", "m.acc", "p.a,b", "p.lr"]
    # Of a single run nothing is the same in all of them.
    assert grid.ask("/columns", where="name = 'grid-1.1'")["constant"] == {}
    # An experiment's tags say otherwise.
    experiment = grid.server.get("/api/v1/experiments?name=grid").json()["experiments"][0]["id"]
    tag = {"experiment_id": experiment, "key": "autotrack.metric", "value": "acc"}
    assert grid.server.post("/api/2.0/mlflow/experiments/set-experiment-tag", tag).status == 200
    assert (grid.ask("/columns")["main"], grid.ask("/columns")["goal"]) == ("m.acc", "max")
    grid.server.post("/api/2.0/mlflow/experiments/set-experiment-tag", {**tag, "value": "gone"})
    assert grid.ask("/columns", exp=experiment[:8])["main"] == "m.val_loss"


def test_what_people_type(grid: Grid) -> None:
    for where, test in (
        ("val_loss < 0.5", lambda run: run.number("val_loss") < 0.5),
        ("m.val_loss >= 0.5 and p.optimizer != 'sgd'", lambda run: run.number("val_loss") >= 0.5
            and run.params.get("optimizer", "sgd") != "sgd"),
        ("NOT (val_loss < 0.5) or lr > 0.1", lambda run: not run.number("val_loss") < 0.5
            or float(run.params["lr"]) > 0.1),
        ('optimizer = "adam"', lambda run: run.params.get("optimizer") == "adam"),
        ("p.optimizer is null", lambda run: "optimizer" not in run.params),
        ("status = 'failed' and team = 'x'", lambda run: int(run.id, 16) % 10 == 3),
        ("start >= '1970-01-01T00:00:40'", lambda run: run.started >= 40 * SECOND),
        ("GRID 3.1", lambda run: "3.1" in run.name),
        ("0000000000000000000000000000000f", lambda run: run.id.endswith("f") and run.id[-2] == "0"),
    ):  # fmt: skip
        table = grid.ask(where=where, sort="start", limit=5, cols="")
        wanted = [run for run in grid.runs if test(run)]
        assert wanted and table["total"] == len(wanted), where
        assert grid.named(table) == [run.name for run in wanted[:5]], where
        assert "unknown" not in table
    unknown = grid.ask(where="lr > 0 and val_los < 0.5")
    assert (unknown["total"], unknown["unknown"]) == (
        0, [{"name": "val_los", "position": 11, "similar": ["val_loss"]}]
    )  # fmt: skip
    broken = grid.server.get(f"/api/v1/table?{urlencode({'exp': 'grid', 'where': 'val_loss <'})}")
    said = broken.json()
    assert (broken.status, said["position"], said["error_code"]) == (400, 10, "INVALID_FILTER")
    assert said["error"] == "a value was expected: a number, or text in quotes"
    for wrong in ({"exp": "none"}, {"cols": "x"}, {"sort": "children"}, {"group": "m.acc"}, {"cols": "m.`a"}):
        query = urlencode({"exp": "grid", **wrong})
        assert grid.server.get(f"/api/v1/table?{query}").status in (404, 422), wrong


def test_trees(grid: Grid) -> None:
    tree = grid.ask(tree=1, cols="")
    assert grid.named(tree) == ["grid-3.0", "grid-2.0", "grid-1.0", "grid-0.0"]
    assert (tree["total"], tree["top"], tree["rows"], tree["cols"]["children"]) == (48, 4, 4, [11] * 4)
    below = grid.ask(parent=grid.runs[24].id, sort="start", cols="")
    assert (grid.named(below), below["total"]) == ([f"grid-2.{n}" for n in range(1, 12)], 11)
    opened = grid.ask(tree=1, open=f"{grid.runs[24].id},{grid.runs[36].id}", sort="start", cols="", offset=1, limit=14)
    names = ["grid-1.0", "grid-2.0", *(f"grid-2.{n}" for n in range(1, 12)), "grid-3.0"]
    assert (grid.named(opened), opened["rows"]) == (names, 26)
    assert opened["depth"] == [0, 0, *[1] * 11, 0]
    # Where a parent does not match, its children stand at the top.
    some = grid.ask(tree=1, where="val_loss < 2 or name = 'grid-0.0'", cols="")
    matching = [run for run in grid.runs if run.number("val_loss") < 2 or run.name == "grid-0.0"]
    at_top = [run.name for run in matching if run.parent != grid.runs[0].id]
    assert (grid.named(some), some["total"]) == (at_top[::-1], len(matching))


def test_groups(grid: Grid) -> None:
    table = grid.ask(group="p.optimizer", cols="m.val_loss,m.acc", sort="m.val_loss")
    assert (table["total"], table["rows"]) == (48, 4)
    assert sum(group["count"] for group in table["groups"]) == 48
    means = []
    for group in table["groups"]:
        runs = [run for run in grid.runs if run.params.get("optimizer") == group["value"]]
        assert len(runs) == group["count"]
        for key in ("val_loss", "acc"):
            values = [value for run in runs if math.isfinite(value := run.number(key))]
            found = group["metrics"][f"m.{key}"]
            assert found["count"] == len(values)
            assert (found["min"], found["max"]) == (min(values), max(values))
            # acc differs in its tenth digit: a sum of squares would have lost how.
            assert found["mean"] == pytest.approx(statistics.mean(values), rel=1e-12)
            assert found["std"] == pytest.approx(statistics.stdev(values), rel=1e-5)
        means.append(group["metrics"]["m.val_loss"]["mean"])
    assert means == sorted(means)
    by_parent = grid.ask(group="parent", cols="", limit=2, offset=3)
    assert by_parent["rows"] == 5
    assert [(each["value"], each["label"], each["count"]) for each in by_parent["groups"]] == [
        (grid.runs[36].id, "grid-3.0", 11), (None, None, 4)
    ]  # fmt: skip
    assert [each["value"] for each in grid.ask(group="p.`a,b`", cols="")["groups"]] == [str(n) for n in range(7)]


def test_it_changes_with_the_runs(grid: Grid) -> None:
    before = grid.ask(cols="")["rev"]
    assert grid.ask(cols="", offset=3)["rev"] == before
    run = grid.server.post("/api/v1/runs", {"experiment": "grid", "params": {"epochs": "60"}}).json()["id"]
    after = grid.ask("/table")
    assert after["rev"] != before and after["total"] == 49
    log = {"metrics": [{"key": "val_loss", "values": [1]}]}
    assert grid.server.post(f"/api/v1/runs/{grid.runs[0].id}/log", log).status == 200
    written = grid.ask("/table")
    assert written["rev"] != after["rev"]
    grid.server.request("DELETE", f"/api/v1/runs/{run}")
    assert (gone := grid.ask("/table"))["total"] == 48 and gone["rev"] not in (before, after["rev"], written["rev"])
    assert grid.ask("/table", lifecycle="deleted")["ids"] == [run]
