"""MLflow's REST API as it is spoken: one request, its answer, and its errors as ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote, unquote, urlencode, urlsplit

from autotrack.plugin import AutotrackError, NotFoundError, StoreError, UsageError, shown

#: Seconds to connect, and to wait for the next bytes.
_CONNECT, _READ = 5.0, 60.0
_API = "/api/2.0/mlflow/"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


class Refused(AutotrackError):
    """An answer by which an MLflow server refuses a request; ``code`` is its own word for it."""

    def __init__(self, message: str, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class Absent(Refused, NotFoundError):
    """What was asked for is not on the server."""


class Wire:
    """Speaks to one MLflow server. Threads may share it.

    ``uri`` is http(s)://host/prefix, with a user and a password in it if need be; else MLFLOW_TRACKING_USERNAME and
    MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, are sent, as MLflow's own client does. StoreError where the
    server cannot be reached, Refused where it refuses.
    """

    def __init__(self, uri: str, *, patience: int = 3) -> None:
        import urllib3

        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{shown(uri)!r} is no address of a server; write http://host:5000")
        self.shown = shown(uri)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = f":{parts.port}" if parts.port else ""
        self._base = f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"
        # What is asked again is safe to ask again: a name is created once, a point is stored once.
        retries = urllib3.Retry(
            total=patience,
            backoff_factor=0.3,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,
            raise_on_status=False,
            redirect=0,
        )
        self._pool = urllib3.PoolManager(
            headers={"User-Agent": "autotrack", **_authorization(parts.username, parts.password)},
            timeout=urllib3.Timeout(connect=_CONNECT, read=_READ),
            retries=retries,
            maxsize=4,
        )

    def get(self, path: str, **fields: Any) -> dict[str, Any]:
        """The answer to a GET; a field that is a list is repeated."""
        query = urlencode({key: value for key, value in fields.items() if value is not None}, doseq=True)
        return self._asked("GET", f"{_API}{path}{'?' if query else ''}{query}")

    def post(self, path: str, body: Mapping[str, Any], *, method: str = "POST") -> dict[str, Any]:
        """The answer to a body of JSON; what is None is left out."""
        kept = {key: value for key, value in body.items() if value is not None}
        return self._asked(method, f"{_API}{path}", json.dumps(kept).encode())

    def pages(self, path: str, key: str, body: Mapping[str, Any], *, method: str = "POST") -> Iterator[dict[str, Any]]:
        """All items of a search, page by page."""
        token: str | None = None
        while True:
            asked = {**body, "page_token": token}
            answer = self.get(path, **asked) if method == "GET" else self.post(path, asked)
            yield from answer.get(key, ())
            token = answer.get("next_page_token") or None
            if token is None:
                return

    # Files.

    def list_files(self, folder: str) -> list[dict[str, Any]]:
        """What is in a folder of the server's artifacts; their ``path`` is relative to it."""
        found = self._asked("GET", f"{_ARTIFACTS}?{urlencode({'path': folder})}").get("files", [])
        return cast(list[dict[str, Any]], found)

    def open_file(self, path: str) -> BinaryIO:
        """A file of the server's artifacts, as it comes."""
        return self.open(f"{_ARTIFACTS}/{quote(path)}")

    def open(self, path: str) -> BinaryIO:
        """What a GET answers, as it comes; to be closed."""
        response = self._request("GET", path, stream=True)
        if response.status != 200:
            with response:
                raise self._error("GET", path, response.status, response.read(1 << 16))
        return cast(BinaryIO, response)

    def put_file(self, path: str, source: Path) -> None:
        """Stores a file among the server's artifacts."""
        with source.open("rb") as stream:
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(os.fstat(stream.fileno()).st_size),
            }
            self._asked("PUT", f"{_ARTIFACTS}/{quote(path)}", stream, headers)

    def _asked(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        said = headers or ({"Content-Type": "application/json"} if body is not None else {})
        response = self._request(method, path, body=body, headers=said)
        if response.status != 200:
            raise self._error(method, path, response.status, response.data)
        try:
            answer = json.loads(response.data or b"{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise StoreError(
                f"{self.shown} does not answer as an MLflow server does ({method} {path[:80]} gave no JSON object); is "
                "the address right?"
            )
        return answer

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> Any:
        import urllib3

        try:
            merged = {**self._pool.headers, **(headers or {})}
            return self._pool.request(method, self._base + path, body=body, headers=merged, preload_content=not stream)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            why = str(getattr(error, "reason", None) or error)
            raise StoreError(f"the MLflow server at {self.shown} cannot be reached ({why[:200]}); is it up?") from error

    def _error(self, method: str, path: str, status: int, body: bytes) -> Refused:
        try:
            said = json.loads(body)
        except ValueError:
            said = {}
        code = str(said.get("error_code", "")) if isinstance(said, dict) else ""
        text = str(said.get("message", "")) if isinstance(said, dict) else ""
        asked = path.partition("?")[0].removeprefix("/api/2.0/")
        hint = "; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" if status in (401, 403) else ""
        message = f"{self.shown} refused {method} {asked[:120]}: {status} {code} {text[:300]}".strip() + hint
        return (Absent if status == 404 else Refused)(message, status, code)

    def close(self) -> None:
        """Lets go of the connections."""
        self._pool.clear()


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    import urllib3

    if user is None:
        user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        if not user and token:
            return {"Authorization": f"Bearer {token}"}
        if not user:
            return {}
    else:
        user, password = unquote(user), unquote(password or "")
    return dict(urllib3.make_headers(basic_auth=f"{user}:{password or ''}"))
