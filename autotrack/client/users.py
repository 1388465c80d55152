"""The users of a server, over its API: logging in and out, and what an administrator does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from autotrack.core.credentials import server_url
from autotrack.core.errors import AccessError, ConflictError, NotFoundError, StoreError, UsageError
from autotrack.core.users import Token, User

SECONDS = 30.0
MAX_BYTES = 16 << 20


class RemoteUsers:
    """What ``autotrack.server.access.directory.Directory`` does, on a server; with a header ``Authorization`` or none.

    AccessError where the server does not let one, StoreError where it does not answer as a server of ours does. What
    it says is text for people, never anything else.
    """

    def __init__(self, url: str, authorization: str | None = None) -> None:
        self.url = server_url(url)
        self._authorization = authorization
        # A redirect would take a password or a token to where it was not meant for.
        self._http = urllib3.PoolManager(retries=False, timeout=SECONDS)

    def needs(self) -> tuple[bool, bool]:
        """Whether the server knows users at all, and whether it waits for the first one."""
        found = self._ask("GET", "/login")
        return bool(found.get("users")), bool(found.get("first"))

    def login(self, user: str, password: str, *, code: str | None = None, **wanted: Any) -> tuple[str, Token]:
        """A token for a password; ``wanted``: its ``name``, ``scope`` and ``days``. A ``code`` makes the first user."""
        body = {"user": user, "password": password, "code": code, **wanted}
        return _made(self._ask("POST", "/login", body))

    def logout(self) -> None:
        """Revokes the token that is shown."""
        self._ask("POST", "/logout", {})

    def me(self) -> tuple[str, Token | None]:
        """Who one is there, and with which token."""
        found = self._ask("GET", "/me")
        token = found.get("token")
        return str(found.get("user")), None if token is None else _token(token)

    def users(self) -> list[User]:
        """All users, by name."""
        return [_user(each) for each in _list(self._ask("GET", "/users"), "users")]

    def add_user(self, name: str, password: str | None, role: str) -> User:
        """A new user; one without a password has tokens only."""
        return _user(self._ask("POST", "/users", {"name": name, "password": password, "role": role}))

    def change_user(
        self, name: str, *, role: str | None = None, disabled: bool | None = None, password: str | None = None
    ) -> User:
        """Changes what is given."""
        given = {"role": role, "disabled": disabled, "password": password}
        return _user(self._ask("PATCH", f"/users/{quote(name, safe='')}", given))

    def grant(self, name: str, experiment: str, role: str) -> None:
        """Gives a user a role in an experiment (by name or id); ``none`` takes it away."""
        self._ask("POST", "/grants", {"user": name, "experiment": experiment, "role": role})

    def tokens(self, name: str) -> list[Token]:
        """A user's tokens, newest first."""
        return [_token(each) for each in _list(self._ask("GET", f"/users/{quote(name, safe='')}/tokens"), "tokens")]

    def make_token(self, user: str, name: str, scope: str, days: float | None) -> tuple[str, Token]:
        """A new token, which is shown this once."""
        body = {"name": name, "scope": scope, "days": days}
        return _made(self._ask("POST", f"/users/{quote(user, safe='')}/tokens", body))

    def revoke(self, name: str, token_id: str) -> None:
        """Ends a token for good."""
        self._ask("DELETE", f"/users/{quote(name, safe='')}/tokens/{quote(token_id, safe='')}")

    def close(self) -> None:
        """Lets go of the connection."""
        self._http.clear()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        address = f"{self.url}/api/v1{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._http.request(
                method, address, body=content, headers=headers, redirect=False, preload_content=False
            )
            data = answer.read(MAX_BYTES + 1)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise StoreError(
                f"{self.url} could not be asked ({type(error).__name__}); is the server running, and the address right?"
            ) from None
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise StoreError(f"{self.url} answered {answer.status} with what is not an answer of an autotrack server")
        if answer.status < 300:
            return found
        raise self._error(answer.status, _plain(found.get("message")), answer.headers.get("Retry-After"))

    def _error(self, status: int, message: str, after: str | None) -> Exception:
        match status:
            case 401:
                return AccessError(f"{self.url} does not let you in: {message}")
            case 403:
                return AccessError(f"{self.url} does not let you do this: {message}")
            case 404:
                return NotFoundError(message)
            case 409:
                return ConflictError(message)
            case 400 | 422:
                return UsageError(message)
            case 429:
                return AccessError(f"{message}; try again in {_plain(after)} s")
        return StoreError(f"{self.url} answered {status}: {message}")


def _plain(text: object) -> str:
    """What a server says, as harmless text of one line."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text)[:500])


def _list(found: Mapping[str, Any], name: str) -> list[Any]:
    each = found.get(name)
    return each if isinstance(each, list) else []


def _user(found: Any) -> User:
    try:
        return User(
            str(found["name"]), str(found["role"]), bool(found["disabled"]), int(found["created"]), _grants(found)
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise StoreError("the server describes a user in a way that this version does not understand") from None


def _grants(found: Any) -> dict[str, str]:
    return {str(experiment): str(role) for experiment, role in found.get("grants", {}).items()}


def _token(found: Any) -> Token:
    try:
        texts = [str(found[name]) for name in ("id", "user", "name", "scope")]
        times = [None if found[name] is None else int(found[name]) for name in ("expires", "revoked")]
        return Token(texts[0], texts[1], texts[2], texts[3], int(found["created"]), *times)
    except (TypeError, KeyError, ValueError):
        raise StoreError("the server describes a token in a way that this version does not understand") from None


def _made(found: Mapping[str, Any]) -> tuple[str, Token]:
    if not isinstance(found.get("token"), str):
        raise StoreError("the server gave no token")
    return found["token"], _token(found.get("about"))
