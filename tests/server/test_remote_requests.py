"""What a client sends with its requests, and to whom: tokens, proxies, redirects, large answers of strangers."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from autotrack.cli.main import main
from autotrack.client.remote.connection import Connection
from autotrack.core.addresses import MARK, mark
from autotrack.core.errors import (
    AccessError,
    AutotrackError,
    FilterError,
    NotFoundError,
    OutOfStepError,
    StoreError,
    TooLargeError,
    UnavailableError,
    UsageError,
)
from autotrack.core.journal import JournalWriter


class Recorder:
    """An HTTP server that notes what it is asked and answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answer: tuple[int, dict[str, str], bytes] = (200, {"Content-Type": "application/json"}, b"{}")
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                recorder.asked.append((self.command, self.path, dict(self.headers)))
                status, headers, content = recorder.answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Recorder]:
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = Recorder()
    yield found
    found.close()


def asked(uri: str) -> Any:
    connection = Connection(uri)
    try:
        return connection.get("api", "v1", "server")
    finally:
        connection.close()


def test_tokens_go_to_their_server_and_to_no_other(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(recorder.url)
    assert "Authorization" not in recorder.asked[-1][2]
    monkeypatch.setenv("AUTOTRACK_TOKEN", "at_secret")
    asked(recorder.url)
    assert recorder.asked[-1][2]["Authorization"] == "Bearer at_secret"
    with Connection(recorder.url).open("GET", "runs", "..", "a/b?c#d é"):
        assert recorder.asked[-1][1] == "/runs/%2E%2E/a%2Fb%3Fc%23d%20%C3%A9"
    asked(recorder.url.replace("://", "://ada:pass%20word@"))
    assert recorder.asked[-1][2]["Authorization"] == f"Basic {base64.b64encode(b'ada:pass word').decode()}"
    other = Recorder()
    for status in (301, 302, 307, 308):
        recorder.answer = (status, {"Location": f"{other.url}/api/v1/server"}, b"")
        with pytest.raises(UnavailableError, match="name the server by its own URL"):
            asked(recorder.url)
    assert other.asked == []
    other.close()


def test_a_folder_of_somebodys_gets_no_token_for_where_it_wants_to_go(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOTRACK_TOKEN", "at_secret")
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / "mine"))
    theirs = tmp_path / "theirs" / "remote" / "x" / "journal"
    JournalWriter(theirs, meta={MARK: mark(recorder.url, theirs)}).close()
    with pytest.raises(SystemExit):
        main(["sync", str(tmp_path / "theirs"), "--json"])
    assert recorder.asked and all("Authorization" not in headers for _, _, headers in recorder.asked)
    assert os.environ["AUTOTRACK_TOKEN"] == "at_secret"
    assert [each["store"] for each in json.loads(capsys.readouterr().out)["stores"]][-1] == recorder.url


def test_the_environments_proxy_is_asked_and_told_its_own_password(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", recorder.url.replace("://", "://me:pw@"))
    asked("http://tracking.invalid:5000/team")
    method, path, headers = recorder.asked[-1]
    assert (method, path) == ("GET", "http://tracking.invalid:5000/team/api/v1/server")
    assert headers["Host"] == "tracking.invalid:5000"
    assert headers["proxy-authorization"] == f"Basic {base64.b64encode(b'me:pw').decode()}"
    monkeypatch.setenv("no_proxy", "tracking.invalid")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        asked("http://tracking.invalid:5000")
    assert len(recorder.asked) == 1


ERRORS: list[tuple[int, dict[str, Any], type[AutotrackError]]] = [
    (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}, NotFoundError),
    (409, {"error_code": "OUT_OF_STEP", "details": {"events": 3, "points": 4}}, OutOfStepError),
    (409, {"error_code": "OUT_OF_STEP", "details": {"events": "3", "points": None}}, UsageError),
    (422, {"error_code": "INVALID_FILTER", "details": {"filter": "a", "position": 0}}, FilterError),
    (422, {"error_code": "INVALID_FILTER", "details": [1]}, UsageError),
    (413, {"error_code": "BAD_REQUEST"}, TooLargeError),
    (401, {"error_code": "UNAUTHENTICATED"}, AccessError),
    (403, {"error_code": "PERMISSION_DENIED"}, AccessError),
    (429, {"error_code": "x"}, UnavailableError),
    (503, {"error_code": "x"}, UnavailableError),
    (500, {"error_code": "INTERNAL_ERROR"}, StoreError),
    (400, {"error_code": "os.system", "module_name": "os", "class_name": "system", "args": ["touch pwn"]}, UsageError),
]


@pytest.mark.parametrize(("status", "document", "kind"), ERRORS)
def test_an_error_is_data(recorder: Recorder, status: int, document: dict[str, Any], kind: type[Exception]) -> None:
    """What a server answers chooses among our exceptions; nothing of it is imported, run, or obeyed by a terminal."""
    said = {**document, "message": "why \x1b[31m\x07 token=abcdefgh12345678"}
    recorder.answer = (status, {"Content-Type": "application/json"}, json.dumps(said).encode())
    with pytest.raises(kind) as found:
        asked(recorder.url)
    assert type(found.value) is kind
    assert "\x1b" not in str(found.value) and "abcdefgh12345678" not in str(found.value)
    assert not Path("pwn").exists()


@pytest.mark.parametrize("content", [b"<html>", b"{", b"[" * 100_000, b'{"error_code": 5}', b""])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_stranger_is_told_apart(recorder: Recorder, status: int, content: bytes) -> None:
    recorder.answer = (status, {"Content-Type": "application/json"}, content)
    if status == 200 and content == b'{"error_code": 5}':
        assert asked(recorder.url) == {"error_code": 5}
        return
    with pytest.raises(UnavailableError, match="is that a server of autotrack"):
        asked(recorder.url)
