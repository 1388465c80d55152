"""Requests to one server: pooled, in bounded time, and every answer that is no result as an exception of ours.

An error of the server's is data: it chooses among the exceptions that stand here, and gives the sentence.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, ProtocolError

from autotrack.core.addresses import shown
from autotrack.core.credentials import authorization_for, server_url
from autotrack.core.errors import (
    AccessError,
    AmbiguousError,
    AutotrackError,
    ConflictError,
    FilterError,
    NotFoundError,
    OutOfStepError,
    StoreError,
    TooLargeError,
    UnavailableError,
    UsageError,
)
from autotrack.core.guard import attempt
from autotrack.core.keys import printable
from autotrack.core.session.masking import mask
from autotrack.core.version import __version__

#: Seconds for a connection, and between two pieces of an answer.
CONNECT = 5.0
READ = 60.0
#: Connections that are kept open.
POOL = 4
#: Bytes of an error's body that are read, and characters of its message that are shown.
_ERROR_BODY = 64 * 1024
_MESSAGE = 2000
#: Statuses of a server, or of what stands before it, that is away for a moment.
_AWAY = frozenset({408, 425, 429, 502, 503, 504})

_SPEAKS_JSON = "application/json"

Body = bytes | BinaryIO | Iterable[bytes] | None


class Connection:
    """The server at a URL, which may hold a user and a password. Threads may share it; a forked child has its own.

    Every method raises UnavailableError where the server is away, AccessError where it does not let us in, and the
    errors that the server's answers stand for.
    """

    def __init__(self, uri: str) -> None:
        self.url = server_url(uri)
        self.shown = shown(self.url)
        self._uri = uri
        self._pid = -1
        self._pool: urllib3.PoolManager | None = None
        self._authorization: str | None = None

    def get(self, *path: str, query: Mapping[str, Any] | None = None, deadline: float | None = None) -> Any:
        """The JSON at a path."""
        return self.send("GET", *path, query=query, deadline=deadline)

    def send(
        self,
        method: str,
        *path: str,
        query: Mapping[str, Any] | None = None,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> Any:
        """Sends a document, where there is one, as JSON; answers the JSON that comes back."""
        body = None if document is None else json.dumps(document).encode()
        given = {**({"Content-Type": _SPEAKS_JSON} if body is not None else {}), **(headers or {})}
        return self.json(method, *path, query=query, body=body, headers=given, **details)

    def json(self, method: str, *path: str, **details: Any) -> Any:
        """Sends bytes; answers the JSON that comes back (StoreError where it is none)."""
        with self.open(method, *path, **details) as response:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            with self._explained():
                data = response.read()
        found, error = attempt(json.loads, data) if kind == _SPEAKS_JSON else (None, ValueError(kind))
        if error is not None:
            raise self._stranger(f"{kind or 'nothing that it has a name for'} where JSON was wanted")
        return found

    def read(self, *path: str, query: Mapping[str, Any] | None = None, deadline: float | None = None) -> bytes:
        """The bytes at a path."""
        with self.open("GET", *path, query=query, deadline=deadline) as response, self._explained():
            return bytes(response.read())

    @contextmanager
    def open(
        self,
        method: str,
        *path: str,
        query: Mapping[str, Any] | None = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        patience: float = READ,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """The response to a request, its body still to be read (in ``reading()``). ``deadline`` is a
        ``time.monotonic()`` value past which nothing is waited for, ``patience`` how long an answer may take."""
        try:
            target = "/".join((self.url, *map(_segment, path)))
            if query:
                pairs = [(name, value) for name, value in query.items() if value is not None]
                target += "?" + urlencode(pairs, doseq=True)
        except UnicodeEncodeError as error:
            raise NotFoundError(f"{error.object[:80]!r} is at no server: it has half a surrogate pair in it") from None
        given = {"User-Agent": f"autotrack/{__version__}", "Accept-Encoding": "identity", **(headers or {})}
        with self._explained():
            pool = self._manager()
            if self._authorization is not None:
                given["Authorization"] = self._authorization
            response = _requested(pool, method, target, body, given, _timeout(deadline, patience))
        try:
            if response.status >= 300:
                with self._explained():
                    if method == "HEAD" and response.status == 404:  # it says no more than that
                        raise NotFoundError(f"there is no {path[-1]!r} at {self.shown}")
                    raise self._failure(response)
            yield response
            response.drain_conn()
            response.release_conn()
        except BaseException:
            response.close()
            raise

    def reading(self, response: urllib3.BaseHTTPResponse, block: int) -> Iterator[bytes]:
        """A response's body, piece by piece."""
        with self._explained():
            yield from response.stream(block)

    def close(self) -> None:
        """Closes what is open; the next request opens it again."""
        if self._pool is not None and self._pid == os.getpid():
            self._pool.clear()
        self._pool = None

    def _manager(self) -> urllib3.PoolManager:
        if self._pool is None or self._pid != os.getpid():  # a forked child must not speak into its parent's
            self._authorization = authorization_for(self._uri)
            self._pool, self._pid = _pool_for(self.url), os.getpid()
        return self._pool

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What goes wrong on the way as UnavailableError."""
        try:
            yield
        except LocationValueError as error:
            raise UsageError(f"{self.shown} is no URL of a server ({error})") from None
        except (HTTPError, OSError) as error:
            self._authorization, self._pool = None, None  # asked for again: somebody may have logged in meanwhile
            raise UnavailableError(f"{self.shown} cannot be reached ({_reason(error)})") from error

    def _failure(self, response: urllib3.BaseHTTPResponse) -> AutotrackError:
        """The exception that an answer stands for."""
        status = response.status
        data = response.read(_ERROR_BODY)
        document, _ = attempt(json.loads, data)
        said = document if isinstance(document, dict) and isinstance(document.get("error_code"), str) else {}
        code, details = said.get("error_code"), said.get("details")
        message = _safe(str(said.get("message", ""))[:_MESSAGE])
        if status in (401, 403):
            self._pool = None  # asked for again: somebody may have logged in meanwhile
            why = message or f"status {status}"
            if status == 403:  # it knows who asks: another token of the same user would not help
                return AccessError(f"{self.shown} does not let us do this: {why}; an administrator can grant it")
            return AccessError(f"{self.shown} does not let us in ({why}); `autotrack login {self.shown}` gives a token")
        if status in _AWAY:
            return UnavailableError(f"{self.shown} is busy or away ({message or f'status {status}'})")
        if status < 400:
            where = shown(_safe(response.headers.get("Location", "elsewhere")[:200]))
            return UnavailableError(
                f"{self.shown} sends us on to {where}, where nothing was sent; name the server by its own URL"
            )
        if not said and status != 413:
            return self._stranger(f"status {status} without an error of autotrack's")
        details = details if isinstance(details, dict) else {}
        match status, code:
            case 413, _:
                return TooLargeError(f"{self.shown}: {message or 'what was sent is too large'}")
            case 404, _:
                return NotFoundError(message)
            case 409, "OUT_OF_STEP" if _whole(details.get("events")) and _whole(details.get("points")):
                return OutOfStepError(message, details["events"], details["points"])
            case 409, "RESOURCE_ALREADY_EXISTS":
                return ConflictError(message)
            case 422, "AMBIGUOUS":
                return AmbiguousError(message)
            case 422, "INVALID_FILTER" if isinstance(details.get("filter"), str) and _whole(details.get("position")):
                return FilterError(_first(message), details["filter"], details["position"])
        if status < 500:
            return UsageError(message or f"{self.shown} refused it with status {status}")
        return StoreError(f"{self.shown}: {message or f'status {status}'}")

    def _stranger(self, found: str) -> UnavailableError:
        return UnavailableError(f"{self.shown} answered with {_safe(found)[:200]}; is that a server of autotrack?")


def _requested(
    pool: urllib3.PoolManager, method: str, url: str, body: Body, headers: dict[str, str], timeout: urllib3.Timeout
) -> urllib3.BaseHTTPResponse:
    options: dict[str, Any] = {"preload_content": False, "decode_content": False, "redirect": False, "retries": False}
    try:
        return pool.request(method, url, body=body, headers=headers, timeout=timeout, **options)
    except ProtocolError:
        if method not in ("GET", "HEAD"):
            raise
        # The server has closed a connection that was kept open, at this very moment: what only reads is asked again.
        return pool.request(method, url, headers=headers, timeout=timeout, **options)


def _segment(text: str) -> str:
    """A part of a path, which stays one whatever is in it."""
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


def _first(message: str) -> str:
    """A filter error's sentence, without the place that is said again with it."""
    return message.partition("\n")[0].rpartition(" at character ")[0] or message


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _timeout(deadline: float | None, patience: float) -> urllib3.Timeout:
    if deadline is None:
        return urllib3.Timeout(connect=CONNECT, read=patience)
    left = max(0.05, deadline - time.monotonic())
    return urllib3.Timeout(connect=min(CONNECT, left), read=min(patience, left))


def _reason(error: Exception) -> str:
    """Why, in few words: urllib3's errors name pools and objects before they say it."""
    inner = getattr(error, "reason", None) or next(iter(error.args[1:2]), None)
    text = str(inner if isinstance(inner, Exception) else error)
    for end in (">: ", "): "):
        text = text.rpartition(end)[2] or text
    return _safe(text)[:300]


def _safe(text: str) -> str:
    """Words of somebody else's for a terminal: without what it would obey, and without secrets."""
    return mask("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in printable(text)))


def _pool_for(url: str) -> urllib3.PoolManager:
    """Connections to a server, through the proxy that the environment names for it. TLS is verified with the
    certificates of the system, or those of ``SSL_CERT_FILE``."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    options: dict[str, Any] = {"maxsize": POOL, "block": False, "cert_reqs": "CERT_REQUIRED"}
    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    if bundle and Path(bundle).is_file():
        options["ca_certs"] = bundle
    if not proxy or proxy_bypass(parts.netloc):
        return urllib3.PoolManager(**options)
    address = proxy if "://" in proxy else f"http://{proxy}"
    user = urlsplit(address)
    headers = None
    if user.username is not None:
        from urllib.parse import unquote

        said = f"{unquote(user.username)}:{unquote(user.password or '')}"
        headers = urllib3.util.make_headers(proxy_basic_auth=said)
        address = f"{user.scheme}://{user.netloc.rpartition('@')[2]}"
    return urllib3.ProxyManager(address, proxy_headers=headers, **options)
