"""The description of the API (OpenAPI 3.1), made of the table of routes and the types that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from autotrack.core.version import __version__

from .answers import JSON
from .repeats import may_repeat
from .routing import Of, Role, Route

REFERENCE = "#/components/schemas/{name}"
#: What a number is in an answer: JSON has no name for three of them.
NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
ERROR = {
    "type": "object",
    "required": ["error_code", "message"],
    "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"}},
}
_MEANINGS = {
    400: "The request cannot be read",
    401: "Nobody is logged in, or the token is not valid any more",
    403: "The user may not do this, or the request comes from a page of another site",
    404: "There is no such thing, or the user may not see it",
    408: "The body did not come in time",
    409: "It is there already, has changed, or is deleted",
    413: "The body is too large",
    414: "The URL is too long",
    415: "The body is of another media type",
    421: "The server is not known by the name in the Host header",
    422: "The request is understood and cannot be meant",
    429: "Too many requests; Retry-After says when to come again",
    431: "The headers are too large",
    503: "The store is busy or away; Retry-After says when to come again",
}
_VARIABLE = re.compile(r"\{(\w+)(?::path)?\}")


def described(routes: Iterable[Route]) -> dict[str, Any]:
    """The document."""
    routes = sorted(routes, key=lambda route: (route.mlflow, route.path, route.method))
    types = [kind for route in routes for kind in (route.body, route.query, route.answer) if _is_typed(kind)]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    of_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    answered = {_name(of_type[id(route.answer)]) for route in routes if _is_typed(route.answer)}
    _say_numbers(components, {name for name in answered if name})
    paths: dict[str, Any] = {}
    for route in routes:
        path = paths.setdefault(_VARIABLE.sub(r"{\1}", route.path), {})
        path[route.method.lower()] = _operation(route, of_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "autotrack", "version": __version__, "description": "The tracking server of autotrack."},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": ERROR},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"token": []}, {"password": []}],
        "tags": [
            {"name": "autotrack", "description": "The native API"},
            {"name": "mlflow", "description": "MLflow's REST API, for its clients"},
        ],
    }


def _operation(route: Route, of_type: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    role, of = route.permission.role, route.permission.of
    doc = (route.handler.__doc__ or "").strip().partition("\n")
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method} {route.path}").strip("_").lower(),
        "summary": doc[0],
        "tags": ["mlflow" if route.mlflow else "autotrack"],
        "x-permission": {"role": str(role), "of": str(of)},
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in _VARIABLE.findall(route.path)
        ],
        "responses": _responses(route, of_type),
    }
    if doc[2].strip():
        found["description"] = re.sub(r"\n +", "\n", doc[2]).strip()
    if role is Role.PUBLIC:
        found["security"] = []
    # A body's fields of a GET are sent in the query.
    in_query = [route.query] if route.query is not None else []
    if route.method in ("GET", "DELETE"):
        in_query += [route.body] if _is_typed(route.body) else []
    elif route.body is bytes:
        found["requestBody"] = {"required": True, "content": {route.takes: {}}}
    elif route.body is not None:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": of_type[id(route.body)]}}}
    for kind in in_query:
        found["parameters"] += _parameters(components[_name(of_type[id(kind)]) or ""])
    if may_repeat(route):
        key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}}
        found["parameters"].append({**key, "description": "Sent again with the same key, a request is done once."})
    return found


def _parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": each}
        for name, each in schema["properties"].items()
    ]


def _responses(route: Route, of_type: dict[int, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.answers_with_bytes is None:
        content[JSON] = {"schema": of_type.get(id(route.answer), {"type": "object"})}
    elif _is_typed(route.answer):
        content[JSON] = {"schema": of_type[id(route.answer)]}
    if route.answers_with_bytes is not None:
        content[route.answers_with_bytes] = {}
    refused = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        str(route.status): {"description": "Done", "content": content},
        **{str(status): {"description": _MEANINGS[status], "content": refused} for status in refusals(route)},
    }


def refusals(route: Route) -> list[int]:
    """The statuses with which a route refuses a request."""
    writes = route.method not in ("GET", "HEAD")
    found = {400, 414, 421, 431}
    found |= {403, 415} if writes else set()
    if route.body is not None:
        found |= {408, 413, 415}
    if not route.mlflow and (route.body is not None or route.query is not None or may_repeat(route)):
        found.add(422)
    if "{" in route.path and not route.mlflow:
        found.add(422)  # a beginning of an id that is several ones'
    if route.permission.role is not Role.PUBLIC:
        found |= {401, 403, 429, 503}
    if "{" in route.path or route.body is not None or route.permission.of is not Of.SERVER:
        found.add(404)
    if writes and (not route.mlflow or may_repeat(route)):
        found |= {409, 422}
    return sorted(found)


def _is_typed(kind: Any) -> bool:
    return kind is not None and kind is not bytes


def _name(schema: dict[str, Any]) -> str | None:
    """The component that a schema refers to."""
    reference: str | None = schema.get("$ref")
    return reference and reference.rpartition("/")[2]


def _say_numbers(components: dict[str, Any], names: set[str]) -> None:
    """Has numbers be words, too, in what is answered."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            components[name] = _with_words(components[name], waiting)


def _with_words(schema: Any, found: list[str]) -> Any:
    if isinstance(schema, list):
        return [_with_words(each, found) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "number":
        return NUMBER
    if "$ref" in schema:
        found.append(_name(schema) or "")
    return {key: _with_words(each, found) for key, each in schema.items()}
