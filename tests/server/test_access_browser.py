"""Sessions of browsers: what a cookie opens, what forges it, what ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from access_world import PASSWORD, World, new_world

SESSION, ME, RUNS = "/api/v1/session", "/api/v1/me", "/api/v1/experiments"
OWN = {"origin": "http://127.0.0.1:5000", "sec-fetch-site": "same-origin"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    yield made
    made.http.close()


def cookie_of(world: World, **given: str) -> dict[str, str]:
    status, headers, _ = world.http.request("POST", SESSION, given, headers=OWN)
    assert status == 200
    set_ = headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(set_.split("; "))
    return {"cookie": f"theme=dark; {set_.partition(';')[0]}"}


def test_a_cookie_opens_what_its_user_may_and_ends_when_he_logs_out(world: World) -> None:
    cookie = cookie_of(world, name="editor-of-a", password=PASSWORD)
    status, _, content = world.http.request("GET", ME, headers=cookie)
    assert status == 200 and json.loads(content)["user"] == "editor-of-a"
    assert world.http.request("POST", RUNS, {"name": "new"}, headers=cookie | OWN)[0] == 403
    assert world.http.request("DELETE", SESSION, headers=cookie | OWN)[0] == 200
    assert world.http.request("GET", ME, headers=cookie)[0] == 401


def test_a_token_opens_a_browser_too_and_outlives_its_session(world: World) -> None:
    token = world.tokens["admin with a viewer's token"]
    cookie = cookie_of(world, token=token)
    assert world.http.request("POST", RUNS, {"name": "new"}, headers=cookie | OWN)[0] == 403
    world.http.request("DELETE", SESSION, headers=cookie | OWN)
    assert world.http.request("GET", ME, headers=cookie)[0] == 200


def test_no_other_page_makes_a_change_by_the_cookie(world: World) -> None:
    cookie = cookie_of(world, name="admin", password=PASSWORD)
    make = lambda **headers: world.http.request("POST", RUNS, {"name": "forged"}, headers=cookie | headers)[0]  # noqa: E731
    assert make() == 403
    assert make(origin="http://evil.example") == 403
    assert make(**{"sec-fetch-site": "cross-site"}) == 403
    assert make(**OWN) == 201


def test_a_browser_is_not_made_to_ask_for_a_password_itself(world: World) -> None:
    for status, headers, _ in (
        world.http.request("POST", SESSION, {"name": "admin", "password": "wrong password"}, headers=OWN),
        world.http.request("POST", SESSION, {"token": "at_nonsense"}, headers=OWN),
        world.http.request("GET", ME, headers={"sec-fetch-site": "same-origin"}),
        world.http.request("GET", ME, headers=OWN | {"cookie": "autotrack-session=at_nonsense"}),
    ):
        assert status == 401 and "www-authenticate" not in headers
    assert "Basic" in world.http.request("GET", ME)[1]["www-authenticate"]
