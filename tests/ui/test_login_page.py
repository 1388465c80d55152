"""A server with users, in a browser: the first administrator, the cookie, logging out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open
from tests.ui.conftest import environment

PASSWORD = "a long enough password"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[ServerProcess]:
    started = ServerProcess(tmp_path, "--auth", environment=environment())
    yield started
    started.close()


def test_one_logs_in_and_out(guarded: ServerProcess, open_page: Open) -> None:
    page = open_page(f"{guarded.url}/?q=some", trouble=("401",))
    page.wait_for_url("**/login?next=*")
    code = re.search(r"\n    ([A-Z0-9-]{10,})\n", guarded.output())
    assert code is not None, guarded.output()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(code[1])
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/?q=some")
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert guarded.get("/api/v1/me", headers={"Cookie": f"{cookie['name']}={cookie['value']}"}).status == 401


def test_a_cookie_alone_changes_nothing(guarded: ServerProcess) -> None:
    """What another site could have a browser send: the cookie, and a request that does not say where it comes from."""
    code = re.search(r"\n    ([A-Z0-9-]{10,})\n", guarded.output())
    assert code is not None
    who = {"name": "ada", "password": PASSWORD, "code": code[1]}
    own = {"Origin": guarded.url}
    entered = guarded.post("/api/v1/session", who, headers=own)
    assert entered.status == 200 and entered.json() == {"user": "ada"}
    cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    assert guarded.get("/api/v1/me", headers=cookie).json()["user"] == "ada"
    body = {"experiment": "x", "name": "y"}
    assert guarded.post("/api/v1/runs", body, headers=cookie).status == 403
    assert guarded.post("/api/v1/runs", body, headers={**cookie, "Origin": "http://evil.example"}).status == 403
    assert guarded.post("/api/v1/runs", body, headers={**cookie, **own}).status == 201
    assert guarded.post("/api/v1/session", {"name": "ada", "password": "wrong"}, headers=own).status == 401
