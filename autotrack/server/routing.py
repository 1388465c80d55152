"""The table of routes: every one says what it takes, what it costs at most, and who may use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from . import limits


class Role(StrEnum):
    """What a route asks of a user; each includes those before it. ``PUBLIC`` is open to anybody."""

    PUBLIC = "public"
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Of(StrEnum):
    """What a permission is about: the experiment whose role counts is found through it."""

    #: What is no experiment's: the role counts that a user has everywhere.
    SERVER = "server"
    #: A run, by its id or the beginning of it; an experiment, by id or name; a logged model, by its id.
    RUN = "run"
    EXPERIMENT = "experiment"
    LOGGED_MODEL = "logged_model"
    #: A session, by its id: who may read one of its runs may read it.
    SESSION = "session"
    #: A path in the tree of artifacts, whose first folder is an experiment's id.
    ARTIFACT = "artifact"
    #: A registered model is no experiment's, as ``SERVER``.
    MODEL = "model"
    #: The handler itself leaves out what the user may not see: it has to ask ``Call.readable``, or ``Call.require``.
    ANY = "any"
    #: What is the user's own, or is known only to those who have seen it: whoever has logged in.
    USER = "user"


#: What is found through a field of the request.
NAMED = frozenset({Of.RUN, Of.EXPERIMENT, Of.LOGGED_MODEL, Of.SESSION, Of.ARTIFACT})


@dataclass(frozen=True, slots=True)
class Permission:
    """The role that is needed for a thing, and the fields of path, query or body that name it.

    Where several fields are set, or one has a list, the role is needed for everything that they name.
    """

    role: Role
    of: Of = Of.SERVER
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.of in NAMED) != bool(self.fields) and self.of is not Of.MODEL:
            raise ValueError(f"a permission for a {self.of} has fields that name it, and no other has")


PUBLIC = Permission(Role.PUBLIC)
ADMIN = Permission(Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. ``path`` may have ``{name}`` (a segment) and, at its end, ``{name:path}``.

    ``body`` is what JSON is read as, ``bytes`` for a body that the handler reads itself, None where there is none;
    ``query`` what the query string is read as; ``answer`` what comes back, for the description of the API.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    permission: Permission
    body: Any = None
    query: Any = None
    answer: Any = None
    #: What else the answer may be sent as, besides JSON.
    media: str | None = None
    limit: int = limits.JSON
    mlflow: bool = False
    status: int = 200
    #: True where the body may come compressed, and the handler unpacks it within the limit.
    compressed: bool = False
    #: True where the request or the answer holds a secret: neither is kept, nor a digest, for a request sent again.
    secret: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.permission, Permission):
            raise TypeError(f"{self.method} {self.path} says nothing of who may use it: there is no such route")

    @property
    def summary(self) -> str:
        """What it does: the first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]


@dataclass(slots=True)
class Table:
    """Routes under a prefix, found by method and path."""

    prefix: str = ""
    mlflow: bool = False
    routes: list[Route] = field(default_factory=list)

    def add(self, method: str, path: str, permission: Permission, **details: Any) -> Callable[[Any], Any]:
        """Registers the decorated function. There is no route without a permission."""

        def register(handler: Any) -> Any:
            route = Route(method, self.prefix + path, handler, permission, mlflow=self.mlflow, **details)
            self.routes.append(route)
            return handler

        return register

    def get(self, path: str, permission: Permission, **details: Any) -> Callable[[Any], Any]:
        return self.add("GET", path, permission, **details)

    def post(self, path: str, permission: Permission, **details: Any) -> Callable[[Any], Any]:
        return self.add("POST", path, permission, **details)

    def put(self, path: str, permission: Permission, **details: Any) -> Callable[[Any], Any]:
        return self.add("PUT", path, permission, **details)

    def patch(self, path: str, permission: Permission, **details: Any) -> Callable[[Any], Any]:
        return self.add("PATCH", path, permission, **details)

    def delete(self, path: str, permission: Permission, **details: Any) -> Callable[[Any], Any]:
        return self.add("DELETE", path, permission, **details)


class Router:
    """Finds the route of a request. Paths without a variable are a look-up; the others are tried in their order."""

    def __init__(self, tables: list[Table], aliases: Callable[[str], str] = lambda path: path) -> None:
        self.routes = [route for table in tables for route in table.routes]
        self._alias = aliases
        self._fixed: dict[str, dict[str, Route]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
        for route in self.routes:
            if "{" in route.path:
                _, methods = self._patterns.setdefault(route.path, (_pattern(route.path), {}))
            else:
                methods = self._fixed.setdefault(route.path, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is registered twice")
            methods[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route | None, dict[str, str], frozenset[str]]:
        """The route, its path's variables, and the methods that the path has (none where there is no such path)."""
        path = self._alias(path)
        fixed = self._fixed.get(path)
        if fixed is not None:
            return self._of(fixed, method), {}, frozenset(fixed)
        allowed: set[str] = set()
        for pattern, methods in self._patterns.values():
            found = pattern.fullmatch(path)
            if found is not None:
                route = self._of(methods, method)
                if route is not None:
                    return route, found.groupdict(), frozenset(methods)
                allowed |= methods.keys()
        return None, {}, frozenset(allowed)

    @staticmethod
    def _of(methods: dict[str, Route], method: str) -> Route | None:
        return methods.get("GET" if method == "HEAD" else method)

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)


def _pattern(path: str) -> re.Pattern[str]:
    parts = []
    for part in re.split(r"(\{\w+(?::path)?\})", path):
        name, _, kind = part.strip("{}").partition(":")
        if not part.startswith("{"):
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P<{name}>.+)" if kind else f"(?P<{name}>[^/]+)")
    return re.compile("".join(parts), re.DOTALL)
