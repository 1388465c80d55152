"""Many runs changed over HTTP: as many as match, none that may not be, and undone by what the answer says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from access_world import RUN_A, RUN_B, new_world
from server_process import ServerProcess


def ask(server: ServerProcess, path: str, **body: Any) -> Any:
    answer = server.post(path if path.startswith("/api") else f"/api/v1/runs/{path}", body)
    assert answer.status == 200, answer.text
    return answer.json()


def undo(server: ServerProcess, done: Any) -> None:
    for body in done["undo"]:
        ask(server, done["undo_path"], **body)


def state(server: ServerProcess) -> Any:
    table = server.get("/api/v1/table?lifecycle=all&sort=name&cols=t.a,t.b,experiment,lifecycle").json()
    return table["total"], {key: column for key, column in table["cols"].items() if key != "end"}


def test_what_matches_is_changed_and_back(server: ServerProcess) -> None:
    runs = [
        server.post(
            "/api/v1/runs", {"name": f"r{n}", "experiment": "bulk", "params": {"n": str(n)}, "tags": {"a": "1"}}
        )
        for n in range(6)
    ]
    ids = [each.json()["id"] for each in runs]
    server.post("/api/v1/experiments", {"name": "other"})
    first = state(server)
    for path, body, count in (
        ("delete", {"exp": ["bulk"], "where": "n >= 2", "but": [ids[5]]}, 3),
        ("delete", {"ids": [ids[0][:12], ids[1]]}, 2),
        ("tags", {"exp": ["bulk"], "set": {"b": "2"}, "remove": ["a"]}, 6),
        ("move", {"exp": ["bulk"], "where": "n < 4", "experiment": "other"}, 4),
    ):
        done = ask(server, path, **body)
        assert done["count"] == count, path
        assert state(server) != first
        if path == "delete":
            assert server.get("/api/v1/table?exp=bulk").json()["total"] == 6 - count
        undo(server, done)
        assert state(server) == first, path
    assert ask(server, "restore", exp=["bulk"])["count"] == 0
    for path, wrong in (
        ("delete", {}),
        ("delete", {"where": "n > 1"}),
        ("tags", {"exp": ["none"]}),
        ("move", {"ids": ids}),
    ):
        assert server.post(f"/api/v1/runs/{path}", wrong).status in (404, 422), wrong
    experiment = server.get("/api/v1/experiments?name=bulk").json()["experiments"][0]["id"]
    tags = f"/api/v1/experiments/{experiment}/tags"
    assert ask(server, tags, set={"autotrack.goal": "max", "x": "y"})["tags"] == {"autotrack.goal": "max", "x": "y"}
    assert ask(server, tags, remove=["x", "none"])["tags"] == {"autotrack.goal": "max"}


def test_nothing_is_changed_that_may_not_be(tmp_path: Path) -> None:
    world = new_world(tmp_path)
    try:
        for body, status in (
            ({"ids": [RUN_A, RUN_B]}, 404),
            ({"exp": ["bananas"]}, 404),
            ({"ids": [RUN_A], "but": [RUN_B]}, 404),
        ):
            answer, content = world.as_("editor-of-a", "POST", "/api/v1/runs/delete", body)
            assert (answer, json.loads(content)["error_code"]) == (status, "RESOURCE_DOES_NOT_EXIST")
        both = {"ids": [RUN_A, RUN_B]}
        assert world.as_("viewer-editor-of-a", "POST", "/api/v1/runs/delete", both)[0] == 403
        assert world.as_("viewer-of-a", "POST", "/api/v1/runs/delete", {"exp": ["apricots"]})[0] == 403
        assert world.as_("viewer", "POST", "/api/v1/runs/tags", {"ids": [RUN_A], "set": {"a": "b"}})[0] == 403
        moved = world.as_("editor-of-a", "POST", "/api/v1/runs/move", {"ids": [RUN_A], "experiment": "bananas"})
        assert moved[0] == 404
        assert world.as_("editor-of-a", "POST", "/api/v1/runs/tags", {"exp": ["apricots"], "set": {"a": "b"}})[0] == 200
        assert world.as_("editor", "POST", "/api/v1/runs/delete", both)[0] == 200
    finally:
        world.http.close()
