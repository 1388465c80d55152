"""What a user of one experiment sees of the other through the native API: nothing, by no question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from access_world import RUN_A, RUN_B, SESSION_A, SESSION_B, World, new_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = new_world(tmp_path_factory.mktemp("visible"))
    yield made
    made.http.close()


def asked(world: World, who: str, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
    status, content = world.as_(
        who, method, f"/api/v1{path}", body, query=query, headers={"accept": "application/json"}
    )
    return status, json.loads(content)


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("GET", f"/runs/{RUN_B}", None, ""),
        ("GET", "/runs/b", None, ""),
        ("GET", f"/runs/{RUN_B}/metrics", None, ""),
        ("GET", f"/runs/{RUN_B}/workflow", None, ""),
        ("GET", f"/runs/{RUN_B}/series", None, "key=loss"),
        ("GET", f"/sessions/{SESSION_B}", None, ""),
        ("GET", f"/sessions/{SESSION_B}/console", None, ""),
        ("GET", "/diff", None, f"a={RUN_A}&b={RUN_B}"),
        ("GET", "/lineage", None, f"subject={RUN_B}"),
        ("GET", "/runs", None, "experiment=bananas"),
        ("GET", "/runs", None, f"children_of={RUN_B}"),
        ("GET", "/table", None, f"parent={RUN_B}"),
        ("GET", "/table", None, "exp=bananas"),
        ("GET", "/compare", None, "exp=bananas"),
        ("GET", "/compare", None, f"runs={RUN_A},{RUN_B}"),
        ("GET", "/compare/code", None, f"a={RUN_A}&b={RUN_B}"),
        ("GET", "/columns", None, "exp=bananas"),
        ("GET", "/series", None, f"runs={RUN_A},{RUN_B}&keys=loss"),
        ("POST", f"/runs/{RUN_B}/log", {"tags": {"a": "b"}}, ""),
        ("POST", "/runs", {"experiment": "bananas"}, ""),
        ("DELETE", f"/runs/{RUN_B}", None, ""),
    ],
)
def test_what_is_not_there_for_a_user(world: World, method: str, path: str, body: Any, query: str) -> None:
    assert asked(world, "editor-of-a", method, path, body, query)[0] == 404
    assert asked(world, "admin", method, path, body, query)[0] in (200, 201, 404)


def test_searches_leave_it_out(world: World) -> None:
    for who, runs in (
        ("viewer-of-a", {RUN_A}),
        ("editor-of-b", {RUN_B}),
        ("viewer", {RUN_A, RUN_B}),
        ("nobody", set()),
    ):
        for found in (
            asked(world, who, "GET", "/runs", query="lifecycle=all")[1],
            asked(world, who, "POST", "/runs/with", {"sessions": [SESSION_A, SESSION_B]})[1],
        ):
            assert {run["id"] for run in found["runs"]} >= runs, who
            assert not {run["id"] for run in found["runs"]} & {RUN_A, RUN_B} - runs, who
        table = asked(world, who, "GET", "/table", query=f"lifecycle=all&ids={RUN_A},{RUN_B}&cols=")[1]
        assert set(table["ids"]) == runs and table["total"] >= len(runs), who
        glance = asked(world, who, "GET", "/overview", query="lifecycle=all")[1]
        assert {each["name"] for each in glance["experiments"]} & {"apricots", "bananas"} == {
            name for name, run in (("apricots", RUN_A), ("bananas", RUN_B)) if run in runs
        }, who
        names = {each["name"] for each in asked(world, who, "GET", "/experiments")[1]["experiments"]}
        assert names == {name for name, run in (("apricots", RUN_A), ("bananas", RUN_B)) if run in runs}, who


def test_nobody_makes_an_experiment_by_making_a_run(world: World, tmp_path: Path) -> None:
    assert asked(world, "editor-of-a", "POST", "/runs", {"experiment": "cherries"})[0] == 403
    assert asked(world, "editor-of-a", "POST", "/runs", {"experiment": "apricots"})[0] == 201
    assert asked(world, "editor", "POST", "/runs", {"experiment": "dates"})[0] == 201


def test_a_key_is_the_users_own(world: World) -> None:
    answers = [
        world.as_(who, "POST", "/api/v1/runs", {"experiment": "apricots"}, headers={"idempotency-key": "same"})
        for who in ("editor", "editor-of-a", "editor")
    ]
    assert answers[0] == answers[2] != answers[1]
