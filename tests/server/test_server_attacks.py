"""What the server refuses: every route with forged origins, hosts and bodies; the payloads are under tests/attacks."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from server_process import Response, ServerProcess

from autotrack.server.access.directory import Directory
from autotrack.server.app import tables
from autotrack.server.routing import Route
from autotrack.store.store import Store
from tests.attacks.runner import Payload, cases, payloads

NewServer = Callable[..., ServerProcess]
ROUTES = [route for table in tables() for route in table.routes]
WRITES = [route for route in ROUTES if route.method != "GET"]
#: On every answer, whatever it is (RELIABILITY R29).
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LEAKS = re.compile(r'Traceback|File "|site-packages|SELECT \w+\.|INSERT INTO|/autotrack/|sqlite3|sqlalchemy')


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that has a name, too."""
    started = ServerProcess(tmp_path_factory.mktemp("known"), "--allowed-host", "tracking.example.org")
    yield started
    started.close()


Opened = Callable[[ServerProcess], http.client.HTTPConnection]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens connections that are closed when the test ends."""
    with contextlib.ExitStack() as stack:
        yield lambda server: stack.enter_context(contextlib.closing(server.connection()))


def path_of(route: Route) -> str:
    """A path of that route, with made-up names."""
    return re.sub(r"\{\w+(:path)?\}", "0" * 32, route.path)


def check(answer: Response, route: Route | None = None) -> None:
    """What holds for every answer. A refusal is JSON (a page's is HTML) and tells nothing of this machine."""
    for name, value in HEADERS.items():
        assert answer.headers.get(name) == value, (name, answer.headers)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.status < 500, answer.text
    if answer.status >= 400:
        assert not LEAKS.search(answer.text)
        if route is None or not (route.answers_with_bytes or "").startswith("text/html"):
            assert answer.headers["content-type"] == "application/json"
            said = answer.json()
            assert said["error_code"] and said["message"]


def sent(server: ServerProcess, text: str) -> str:
    """A payload's text with the server's own names."""
    return text.replace("PORT", str(server.port)).replace("HERE", f"{server.host}:{server.port}")


@pytest.mark.parametrize("route", ROUTES, ids=[f"{route.method} {route.path}" for route in ROUTES])
def test_every_route_answers_safely(server: ServerProcess, opened: Opened, route: Route) -> None:
    connection = opened(server)
    path = path_of(route)
    stream = route.answers_with_bytes == "text/event-stream"
    for method in ("HEAD", "OPTIONS", "PATCH") if stream else (route.method, "HEAD", "OPTIONS", "PATCH"):
        body = {} if method in ("POST", "PUT", "PATCH") else None
        answer = server.request(method, path, body, connection=connection)
        if method != "HEAD":
            check(answer, route if method == route.method else None)
    # Nobody's pages may read it, and no preflight lets them ask.
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = server.request("OPTIONS", path, headers=asked, connection=connection)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("route", WRITES, ids=[f"{route.method} {route.path}" for route in WRITES])
def test_no_page_of_another_site_changes_anything(server: ServerProcess, opened: Opened, route: Route) -> None:
    connection = opened(server)
    for payload in payloads("origins"):
        headers = {name: sent(server, value) for name, value in payload.input.items()}
        has_type = "Content-Type" in headers
        if has_type and route.body is None:
            continue  # nothing is read from a body there
        answer = server.request(
            route.method,
            path_of(route),
            b"{}",
            headers if has_type else {"Content-Type": "application/json", **headers},
            connection=connection,
        )
        check(answer)
        if payload.refused and not (has_type and route.body is bytes):
            # MLflow answers another type with 400.
            wanted = {400, 415} if route.mlflow and has_type else {payload.more["status"]}
            assert answer.status in wanted, (payload.id, answer.status, answer.text)
        else:
            assert answer.status not in (403, 421), (payload.id, answer.text)


@cases("hosts")
def test_hosts(known: ServerProcess, payload: Payload) -> None:
    name = payload.input if isinstance(payload.input, bytes) else sent(known, payload.input).encode()
    answers = known.raw(b"GET /version HTTP/1.1\r\nHost: " + name + b"\r\nConnection: close\r\n\r\n")
    status = int(answers.split(b" ", 2)[1])
    assert (status in (400, 421)) if payload.refused else status == 200, answers


def test_two_hosts_and_none(known: ServerProcess) -> None:
    for lines in (b"", b"Host: localhost\r\nHost: evil.com\r\n", b"Host: evil.com\r\nHost: localhost\r\n"):
        answer = known.raw(b"GET /version HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n")
        assert answer.split(b" ", 2)[1] == b"421", answer
        assert b"content-security-policy" in answer


def test_a_head_without_an_end_is_refused_on_the_way(known: ServerProcess) -> None:
    for head, status in (
        (b"GET /version HTTP/1.1\r\n" + b"X: aaaaaaaa\r\n" * 9000, b"431"),
        (b"GET /" + b"a" * 99_000, b"414"),
    ):
        answer = known.raw(head)  # no more of it ever comes
        assert answer.split(b" ", 2)[1] == status, answer
        assert b"x-content-type-options: nosniff" in answer


@pytest.fixture(scope="module")
def target(server: ServerProcess) -> tuple[str, psutil.Process]:
    """A run that is written to, and the process that must not grow by it."""
    return server.post("/api/v1/runs", {}).json()["id"], psutil.Process(server.process.pid)


@cases("bodies")
def test_bodies(server: ServerProcess, target: tuple[str, psutil.Process], payload: Payload) -> None:
    run, process = target
    body = payload.input.encode() if isinstance(payload.input, str) else payload.input
    headers = {"Content-Type": "application/json", **payload.more.get("headers", {})}
    path = payload.more.get("path", f"/api/v1/runs/{run}/log")
    before = process.memory_info().rss
    answer = server.request(payload.more.get("method", "POST"), path, body, headers)
    check(answer)
    if payload.refused:
        assert answer.status in payload.more["status"], (answer.status, answer.text)
    else:
        assert answer.status == 200, answer.text
    # What it held is let go when the answer is on its way already.
    deadline = time.monotonic() + 5
    while (grown := process.memory_info().rss - before) >= 64 << 20 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert grown < 64 << 20
    began = time.monotonic()
    assert server.get("/health").status == 200
    assert time.monotonic() - began < 1


@cases("filters")
def test_filters(server: ServerProcess, payload: Payload) -> None:
    began = time.monotonic()
    answer = server.post("/api/v1/runs/search", {"filter": payload.input, "max_results": 5})
    check(answer)
    assert (answer.status in (400, 413, 422)) if payload.refused else answer.status == 200, answer.text
    assert time.monotonic() - began < 3


@cases("orders")
def test_orders(server: ServerProcess, payload: Payload) -> None:
    answer = server.post("/api/v1/runs/search", {"order_by": [payload.input]})
    check(answer)
    assert (answer.status in (413, 422)) if payload.refused else answer.status == 200, answer.text


NIGHTLY = pytest.mark.skipif("AUTOTRACK_TEST_NIGHTLY" not in os.environ, reason="set AUTOTRACK_TEST_NIGHTLY=1")


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("patience", "of_each", "idlers"), [(2, 50, 100), pytest.param(30, 70, 500, marks=NIGHTLY, id="half a minute")]
)
def test_those_who_are_slow_hold_up_nobody(
    new_server: NewServer, tmp_path: Path, patience: int, of_each: int, idlers: int
) -> None:
    """R33, shorter unless nightly; beside them somebody sends more than his token's budget."""
    with contextlib.closing(Store.open(tmp_path / "store")) as store:
        directory = Directory(store)
        bearer = {}
        for name in ("patient", "greedy"):
            directory.add_user(name, None, "editor")
            bearer[name] = {"Authorization": f"Bearer {directory.add_token(name, 'test', 'editor', None)[0]}"}
    options = ("--request-timeout", str(patience), "--auth", "--token-rate", "50")
    server = new_server(*options, store=tmp_path / "store")
    run = server.post("/api/v1/runs", {}, headers=bearer["patient"]).json()["id"]
    head = (
        f"POST /api/v1/runs/{run}/log HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: {bearer['patient']['Authorization']}\r\n"
    ).encode()
    kinds = {
        b"POST /api/v1/runs HTTP/1.1\r\nX-Slow: ": b"a",  # headers without an end
        head + b"Content-Length: 1000\r\n\r\n{": b" ",
        head + b"Transfer-Encoding: chunked\r\n\r\n": b"1\r\n \r\n",
        b"": b"\r\n",  # never begins
    }
    slow = []
    for beginning, rest in kinds.items():
        for _ in range(of_each):
            wire = socket.create_connection((server.host, server.port), timeout=10)
            wire.sendall(beginning)
            slow.append((wire, rest))
    idle = [server.connection() for _ in range(idlers)]
    for connection in idle:
        server.request("GET", "/health", connection=connection)
    ended, refusals = threading.Event(), list[Response]()

    def greedy() -> None:
        connection = server.connection()
        while not ended.is_set():
            answer = server.get("/api/v1/me", headers=bearer["greedy"], connection=connection)
            if answer.status == 429:
                refusals.append(answer)
                ended.wait(0.01)
        connection.close()

    hog = threading.Thread(target=greedy)
    hog.start()
    times, began = [], time.monotonic()
    answers: dict[socket.socket, bytes] = {}
    while len(answers) < len(slow):
        assert time.monotonic() < began + 15 + patience, f"{len(answers)} of {len(slow)} were ended"
        for wire, rest in slow:
            if wire not in answers:
                answers.update(_trickled(wire, rest))
        before = time.monotonic()
        assert server.get("/api/v1/runs", headers=bearer["patient"]).status == 200
        times.append(time.monotonic() - before)
        ended.wait(0.02)  # within its own budget
    ended.set()
    hog.join()
    assert max(times) < 1 and refusals and all(int(each.headers["retry-after"]) == 1 for each in refusals)
    told = [answer.partition(b"\r\n")[0] for answer in answers.values()]
    assert told.count(b"HTTP/1.1 408 Request Timeout") >= 2 * of_each, told
    assert set(told) <= {b"HTTP/1.1 408 Request Timeout", b""}  # nothing is said to who never asked
    if patience < 20:  # a connection that is idle for half a minute is closed
        assert server.request("GET", "/health", connection=idle[0]).status == 200
    for wire, _ in slow:
        wire.close()
    for connection in idle:
        connection.close()


def _trickled(wire: socket.socket, rest: bytes) -> dict[socket.socket, bytes]:
    """Sends a little more; the answer, once there is one."""
    if not select.select([wire], [], [], 0)[0]:
        with contextlib.suppress(OSError):
            wire.sendall(rest)
        return {}
    try:
        return {wire: wire.recv(65536)}
    except ConnectionResetError:
        return {wire: b""}
