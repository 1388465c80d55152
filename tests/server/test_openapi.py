"""The description of the API says what the routes do; what is made up from it brings no server down."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from server_process import ServerProcess

from autotrack.server.app import api_tables
from autotrack.server.openapi import described
from autotrack.server.routing import Role

#: Requests for each operation; more of them by AUTOTRACK_TEST_EXAMPLES.
EXAMPLES = int(os.environ.get("AUTOTRACK_TEST_EXAMPLES", "4"))
ROUTES = [route for table in api_tables() for route in table.routes]
DOCUMENT = json.loads(json.dumps(described(ROUTES)))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [
    operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations())
    # A stream without an end has tests of its own.
    if "text/event-stream" not in json.dumps(operation.definition.raw["responses"])
]


@schemathesis.serializer(*{route.takes for route in ROUTES if route.body is bytes})
def bytes_as_they_are(context: Any, value: Any) -> Any:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def test_every_route_is_described(server: ServerProcess) -> None:
    assert server.get("/api/v1/openapi.json").json() == DOCUMENT
    said = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert said == {(route.method, re.sub(r":path\}", "}", route.path)) for route in ROUTES}
    operations = [each for methods in DOCUMENT["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for each in operations:
        assert each["summary"].endswith("."), each["operationId"]
        assert each["x-permission"]["role"] in set(Role)
        assert (each.get("security") == []) == (each["x-permission"]["role"] == Role.PUBLIC)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert names <= DOCUMENT["components"]["schemas"].keys()


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        pytest.param(operation, mode, id=f"{operation.label}, {mode.value}")
        for operation in OPERATIONS
        for mode in GenerationMode
        # Where nothing is taken, nothing can be wrong.
        if mode is GenerationMode.POSITIVE or operation.body or any(operation.iter_parameters())
    ],
)
def test_what_is_made_up(server: ServerProcess, operation: Any, mode: GenerationMode) -> None:
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES < 100,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        answer = case.call(base_url=server.url, session=session)
        case.validate_response(answer, checks=checks)

    with requests.Session() as session:
        check()
