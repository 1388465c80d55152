"""R30: every route of the app, asked by everybody. What comes out is what the route declares, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
from access_world import RUN_A, SESSION_A, World, new_world

from autotrack.server.calls import Call
from autotrack.server.mlflow import mlflow_path
from autotrack.server.routing import NAMED, Of, Permission, Role, Route, Router, Table

STRANGERS = ("none", "bad", "expired", "revoked", "disabled")
#: What each may do everywhere, in experiment a, and at most; written down here, and not asked of the code.
USERS = {
    "nobody": ("none", "none", "admin"),
    "viewer": ("viewer", "viewer", "admin"),
    "editor": ("editor", "editor", "admin"),
    "admin": ("admin", "admin", "admin"),
    "viewer-of-a": ("none", "viewer", "admin"),
    "editor-of-a": ("none", "editor", "admin"),
    "admin-of-a": ("none", "admin", "admin"),
    "editor-of-b": ("none", "none", "admin"),
    "viewer-editor-of-a": ("viewer", "editor", "admin"),
    "admin with a viewer's token": ("viewer", "viewer", "viewer"),
    "editor of a with a viewer's token": ("none", "viewer", "viewer"),
}
ORDER = {"none": 0, "viewer": 1, "editor": 2, "admin": 3}
#: Who has a role in some experiment at least, besides what he may do everywhere.
ELSEWHERE = {"editor-of-b": "editor"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = new_world(tmp_path_factory.mktemp("matrix"))
    yield made
    made.http.close()


def expected(permission: Permission, who: str) -> int:
    """The status that the declaration means: 200 where the handler is reached."""
    if permission.role is Role.PUBLIC:
        return 200
    if who in STRANGERS:
        return 401
    everywhere, in_a, scope = USERS[who]
    needed = ORDER[permission.role]
    match permission.of:
        case Of.USER:
            return 200 if ORDER[scope] >= needed else 403
        case Of.ANY:
            somewhere = max(ORDER[everywhere], ORDER[in_a], ORDER[ELSEWHERE.get(who, "none")])
            return 200 if permission.role is Role.VIEWER or somewhere >= needed else 403
        case Of.SERVER | Of.MODEL:
            return 200 if ORDER[everywhere] >= needed else 403
    if max(ORDER[everywhere], ORDER[in_a]) >= needed:
        return 200
    return 403 if max(ORDER[everywhere], ORDER[in_a]) >= ORDER["viewer"] else 404


def reaching(route: Route, reached: list[str]) -> Route:
    """The route with its declaration as it is, and a handler that notes that it was reached."""

    async def handler(call: Call) -> dict[str, str]:
        assert call.readable is None or isinstance(call.readable, frozenset)
        reached.append(route.path)
        return {}

    fields = [(field, Any, None) for field in route.permission.fields]
    takes_json = route.body not in (None, bytes) and route.method not in ("GET", "DELETE")
    kind = dict[str, Any] if takes_json else bytes if route.body is bytes else None
    return replace(route, handler=handler, body=kind, query=msgspec.defstruct("Query", fields), status=200)


def request_to(route: Route, world: World) -> dict[str, Any]:
    """A request about experiment a, with the names where the route looks for them."""
    of = route.permission.of
    things = {Of.RUN: RUN_A, Of.EXPERIMENT: world.ids["apricots"], Of.SESSION: SESSION_A, Of.LOGGED_MODEL: "m-a"}
    thing = f"{world.ids['apricots']}/{RUN_A}/artifacts/x" if of is Of.ARTIFACT else things.get(of, "thing")
    takes_json = route.body not in (None, bytes) and route.method not in ("GET", "DELETE")
    path, query, body = route.path, {}, {}
    for field in route.permission.fields[:1]:
        found = re.search(rf"\{{{field}(:path)?\}}", route.path)
        if found:
            path = path.replace(found[0], quote(thing))
        elif takes_json:
            body[field] = thing
        else:
            query[field] = thing
    path = re.sub(r"\{\w+(:path)?\}", "thing", path)
    return {"method": route.method, "path": path, "query": urlencode(query), "body": body if takes_json else None}


def add_logged_model(world: World) -> None:
    from sqlalchemy import insert

    from autotrack.store.schema.model_tables import logged_models

    values = {
        "id": "m-a",
        "experiment_id": world.ids["apricots"],
        "name": "m",
        "status": "READY",
        "lifecycle": "active",
    }
    with world.store.writing() as connection:
        connection.execute(insert(logged_models).values(**values, created=1, updated=1))


def test_every_route_lets_in_whom_it_declares(world: World) -> None:
    add_logged_model(world)
    app, reached = world.http.app, []
    real = app.router
    of_each_kind = Table("/test")
    for of in Of:
        fields = ("name",) if of in NAMED else ()
        for role in Role:
            for place in ("/{name:path}", "") if fields else ("",):
                method = "POST" if fields and not place else "GET"
                details = {"body": dict} if method == "POST" else {}
                path = f"/{of}/{role}/{'path' if place else 'body'}{place}"
                of_each_kind.add(method, path, Permission(role, of, fields), **details)(lambda call: None)
    routes = [reaching(route, reached) for route in (*real, *of_each_kind.routes)]
    app.router = Router([Table("", routes=routes)], mlflow_path)
    wrong = []
    try:
        for route in routes:
            request = request_to(route, world)
            for who in (*STRANGERS, *USERS):
                reached.clear()
                status, headers, content = world.http.request(authorization=world.shown[who], **request)
                wanted = expected(route.permission, who)
                if status != wanted or bool(reached) != (wanted == 200):
                    wrong.append(f"{route.method} {route.path} {route.permission} for {who}: {status}, not {wanted}")
                if status == 401:
                    assert "Basic " in headers["www-authenticate"] and "Bearer " in headers["www-authenticate"]
                if status != 200:
                    assert set(msgspec.json.decode(content)) == {"error_code", "message"}
                    assert world.ids["apricots"] not in content.decode().replace(request["path"], "") or status == 404
    finally:
        app.router = real
    assert not wrong, "\n".join(wrong)
    assert len(routes) * (len(STRANGERS) + len(USERS)) > 800


def test_what_a_permission_names_is_in_the_request(world: World) -> None:
    """A field that no request can have would let those in who have the role everywhere, and nobody else."""
    for route in world.http.app.router:
        there = set(re.findall(r"\{(\w+)", route.path))
        for kind in (route.body, route.query):
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
                there |= {field.encode_name for field in msgspec.structs.fields(kind)}
        if route.permission.of in NAMED:
            assert there & set(route.permission.fields), route.path


def test_what_is_not_there_and_what_is_hidden_are_not_to_be_told_apart(world: World) -> None:
    for path, there, absent in (
        ("/api/2.0/mlflow/runs/get?run_id={}", RUN_A, "c" * 32),
        ("/api/2.0/mlflow/experiments/get?experiment_id={}", world.ids["apricots"], "123"),
        ("/api/2.0/mlflow/experiments/get-by-name?experiment_name={}", "apricots", "cherries"),
    ):
        answers = []
        for name in (there, absent):
            address, _, query = path.format(name).partition("?")
            status, content = world.as_("editor-of-b", "GET", address, query=query)
            answers.append((status, content.decode().replace(name.replace("+", " "), "NAME")))
        assert answers[0] == answers[1] and answers[0][0] == 404, answers


def test_every_thing_that_is_named_has_to_be_the_users(world: World) -> None:
    """One of two runs is not enough, wherever the other one stands."""
    table, reached = Table("/test"), []
    permission = Permission(Role.VIEWER, Of.RUN, ("run_id", "run_uuid"))
    table.add("POST", "/runs/{run_id}", permission, body=dict)(lambda call: None)
    app, real = world.http.app, world.http.app.router
    app.router = Router([Table("", routes=[reaching(route, reached) for route in table.routes])])
    own, other = "b" * 32, RUN_A
    try:
        for run, body, query, wanted in (
            (own, {}, "", 200),
            (own[:8], {}, "", 200),
            (own, {"run_id": own, "run_uuid": own}, f"run_id={own}", 200),
            (other, {"run_id": own}, "", 404),
            (own, {"run_id": other}, "", 404),
            (own, {"run_uuid": other}, "", 404),
            (own, {"run_id": [own, other]}, "", 404),
            (own, {}, f"run_uuid={other}", 404),
            (other[:8], {}, "", 404),
            (own, {"run_id": "\0"}, "", 404),
        ):
            status, _ = world.as_("editor-of-b", "POST", f"/test/runs/{run}", body, query=query)
            assert (status, bool(reached)) == (wanted, wanted == 200), (run, body, query)
            reached.clear()
    finally:
        app.router = real


def questions(route: Route, world: World) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Ways to ask a search: without a word, and for each thing of experiment a by name; with what is said in each."""
    things = {"experiment": [world.ids["apricots"], "apricots"], "run": [RUN_A], "session": [SESSION_A]}
    in_query = route.query is not None or route.method in ("GET", "DELETE")
    kind = route.query or route.body
    said: list[dict[str, Any]] = [{}]
    for field in msgspec.structs.fields(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else ():
        for word, names in things.items():
            if word in field.encode_name:
                many = "list[" in str(field.type) or "tuple[" in str(field.type)
                said += [{field.encode_name: [name] if many else name} for name in names]
    for given in said:
        words = {str(word) for value in given.values() for word in (value if isinstance(value, list) else [value])}
        body = None if route.method in ("GET", "DELETE") else {} if in_query else given
        yield {"query": urlencode(given, doseq=True) if in_query else "", "body": body}, words


def test_no_search_tells_of_what_the_user_may_not_see(world: World) -> None:
    """The real handlers of all searches: of experiment a nothing is in their answers but what the question said."""
    secrets = {RUN_A, world.ids["apricots"], "apricots", SESSION_A}
    for route in world.http.app.router:
        if route.permission.of is Of.ANY and "{" not in route.path and route.body is not bytes:
            for question, said in questions(route, world):
                for who in ("nobody", "editor-of-b"):
                    status, content = world.as_(who, route.method, route.path, **question)
                    assert status < 500, (route.path, content)
                    for secret in secrets - said:
                        assert secret.encode() not in content, (route.path, who, question, content)


def test_a_search_that_does_not_ask_what_may_be_seen_is_not_answered(world: World) -> None:
    table = Table("/test")
    table.get("/careless", Permission(Role.VIEWER, Of.ANY))(lambda call: {"everything": 1})
    app, real = world.http.app, world.http.app.router
    app.router = Router([table])
    try:
        statuses = {who: world.as_(who, "GET", "/test/careless")[0] for who in ("nobody", "editor-of-b", "viewer")}
        assert statuses == {"nobody": 403, "editor-of-b": 403, "viewer": 200}
    finally:
        app.router = real


def test_there_is_no_route_without_a_permission() -> None:
    table = Table("/test")
    with pytest.raises(TypeError):
        table.get("/open")  # type: ignore[call-arg]
    for nothing in (None, "viewer", Role.VIEWER):
        with pytest.raises(TypeError, match="who may use it"):
            table.get("/open", nothing)(lambda call: None)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="who may use it"):
            Route("GET", "/open", lambda call: None, nothing)  # type: ignore[arg-type]
    for of in NAMED:
        with pytest.raises(ValueError, match="fields"):
            Permission(Role.VIEWER, of)
    with pytest.raises(ValueError, match="fields"):
        Permission(Role.VIEWER, Of.ANY, ("run_id",))
    assert table.routes == []
