"""What the server takes and answers, for programs (OpenAPI 3.1) and for people (a page that can be tried)."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import msgspec

from .answering import plain

if TYPE_CHECKING:
    from autotrack.plugin import Schema, SchemaType

    from .app import ScoringApp

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; script-src 'self' 'unsafe-inline'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
}
#: Rows of the example that are shown.
_SHOWN = 2


def document(app: ScoringApp) -> bytes:
    """The API as OpenAPI 3.1 has it."""
    signature = app.scorer.model.signature
    inputs = signature.inputs if signature is not None else None
    outputs = signature.outputs if signature is not None else None
    example = example_request(app)
    request = {"schema": _request_schema(inputs), **({} if example is None else {"example": example})}
    answer = {"type": "object", "required": ["predictions"], "properties": {"predictions": _answer_schema(outputs)}}
    errors = {
        "schema": {
            "type": "object",
            "required": ["error_code", "message"],
            "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
        }
    }
    refusals = {
        status: {"description": said, "content": {"application/json": errors}}
        for status, said in (
            ("400", "The request cannot be read, or does not fit the signature."),
            ("413", "The request is too large."),
            ("500", "The model failed."),
            ("503", "Too much waits."),
            ("504", "The model took too long."),
        )
    }
    well = {"200": {"description": "As it should be."}}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": app.scorer.name, "version": app.version, "description": _said(app)},
            "paths": {
                "/invocations": {
                    "post": {
                        "summary": "Predict",
                        "operationId": "predict",
                        "requestBody": {"required": True, "content": {"application/json": request}},
                        "responses": {
                            "200": {"description": "Predictions.", "content": {"application/json": {"schema": answer}}},
                            **refusals,
                        },
                    }
                },
                **({} if app.truths is None else {"/feedback": {"post": _FEEDBACK}}),
                "/ping": {"get": {"summary": "Health", "operationId": "ping", "responses": well}},
                "/version": {"get": {"summary": "The server's version", "operationId": "version", "responses": well}},
                "/metrics": {"get": {"summary": "Counters", "operationId": "metrics", "responses": well}},
            },
        }
    )


_TRUTH = {
    "type": "object",
    "required": ["request_id", "truth"],
    "properties": {
        "request_id": {"type": "string", "description": "The X-Request-Id of the answer."},
        "truth": {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "description": "One a row."},
    },
    "example": {"request_id": "order-17", "truth": [1]},
}
_JOINED = {
    "type": "object",
    "properties": {
        "rows": {"type": "integer"},
        "unknown": {"type": "array", "items": {"type": "string"}},
        "measures": {"type": "object", "additionalProperties": {"type": "number"}},
    },
}
_FEEDBACK = {
    "summary": "What turned out to be true, of one request or of a list of them",
    "operationId": "feedback",
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"anyOf": [_TRUTH, {"type": "array", "items": _TRUTH}]}}},
    },
    "responses": {
        "200": {"description": "How many rows were joined.", "content": {"application/json": {"schema": _JOINED}}},
        "400": {"description": "It is no feedback, or has another number of rows than the request."},
    },
}


def example_request(app: ScoringApp) -> dict[str, Any] | None:
    """A body for ``/invocations`` made of the model's own example; None where it has none that JSON can say."""
    example = app.scorer.model.example()
    if example is None:
        return None
    try:
        if hasattr(example, "columns") and hasattr(example, "iloc"):
            rows = example.iloc[:_SHOWN]
            data = [[plain(value) for value in row] for row in rows.itertuples(index=False)]
            return {"dataframe_split": {"columns": [str(name) for name in rows.columns], "data": data}}
        if isinstance(example, dict):
            return {"inputs": {str(key): plain(value) for key, value in example.items()}}
        return {"inputs": plain(example[:_SHOWN] if hasattr(example, "__getitem__") else example)}
    except (TypeError, ValueError):
        return None


def page(app: ScoringApp) -> bytes:
    """The page at ``/docs``: what the model takes, a request to try, the same for curl and Python."""
    signature = app.scorer.model.signature
    example = example_request(app)
    body = json.dumps(example, indent=1) if example is not None else '{"inputs": []}'
    short = json.dumps(example) if example is not None else body
    parts = {
        "name": app.scorer.name,
        "said": _said(app),
        "takes": _rows(signature.inputs if signature is not None else None),
        "answers": _rows(signature.outputs if signature is not None else None),
        "body": body,
        "curl": f"curl -s ADDRESS/invocations -H 'content-type: application/json' -d {_quoted(short)}",
    }
    filled = _PAGE
    for key, value in parts.items():
        filled = filled.replace(f"[[{key}]]", value if key in ("takes", "answers") else html.escape(value))
    return filled.encode()


def _said(app: ScoringApp) -> str:
    model = app.scorer.model
    return f"{app.scorer.uri} · digest {model.digest[:12]} · {model.replay}"


def _rows(schema: Schema | None) -> str:
    if schema is None:
        return "<tr><td colspan=2>not known: the model has no signature</td></tr>"
    if schema.tensors:
        found = [(tensor.name or "array", f"{tensor.dtype} {list(tensor.shape)}") for tensor in schema.tensors]
    else:
        found = [
            (str(column.name if column.name is not None else "value"),
             f"{column.type}{'' if column.required else ', may be missing'}")
            for column in schema.columns
        ]  # fmt: skip
    return "".join(f"<tr><td>{html.escape(name)}<td>{html.escape(kind)}" for name, kind in found)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _request_schema(inputs: Schema | None) -> dict[str, Any]:
    params = {"params": {"type": "object"}}
    if inputs is None or inputs.tensors or not inputs.columns or inputs.columns[0].name is None:
        return {"type": "object", "properties": {"inputs": {}, "instances": {}, **params}}
    row = {
        "type": "object",
        "required": [str(column.name) for column in inputs.columns if column.required],
        "properties": {str(column.name): _json_type(column.type) for column in inputs.columns},
    }
    split = {
        "type": "object",
        "required": ["columns", "data"],
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "data": {"type": "array", "items": {"type": "array"}},
        },
    }
    return {
        "type": "object",
        "properties": {"dataframe_split": split, "dataframe_records": {"type": "array", "items": row}, **params},
    }


def _answer_schema(outputs: Schema | None) -> dict[str, Any]:
    if outputs is None or outputs.tensors:
        return {"type": "array"}
    if outputs.columns and outputs.columns[0].name is not None:
        properties = {str(column.name): _json_type(column.type) for column in outputs.columns}
        return {"type": "array", "items": {"type": "object", "properties": properties}}
    return {"type": "array", "items": _json_type(outputs.columns[0].type) if outputs.columns else {}}


def _json_type(kind: SchemaType) -> dict[str, Any]:
    if kind.name == "array" and kind.inner is not None:
        return {"type": "array", "items": _json_type(kind.inner)}
    if kind.name == "map" and kind.inner is not None:
        return {"type": "object", "additionalProperties": _json_type(kind.inner)}
    if kind.name == "object":
        return {"type": "object", "properties": {field.name: _json_type(field.type) for field in kind.fields}}
    return _JSON_TYPES.get(kind.name, {})


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>[[name]]</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1rem; margin: 2rem 0 .5rem }
p { margin: .25rem 0; opacity: .75 }
table { border-collapse: collapse } td { padding: .1rem 1.5rem .1rem 0; vertical-align: top }
td + td { opacity: .75 }
textarea, pre { box-sizing: border-box; width: 100%; font: 13px/1.5 ui-monospace, monospace; padding: .75rem;
  border: 1px solid #8886; border-radius: 6px; background: #8881; margin: 0; white-space: pre-wrap;
  overflow-wrap: anywhere }
textarea { min-height: 12rem }
button { font: inherit; padding: .35rem 1rem; margin: .5rem 0; border-radius: 6px; border: 1px solid #8886;
  cursor: pointer }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 2rem }
</style>
<h1>[[name]]</h1><p>[[said]]</p>
<div class="two"><section><h2>Takes</h2><table>[[takes]]</table></section>
<section><h2>Answers</h2><table>[[answers]]</table></section></div>
<h2><label for="body">Try it: POST /invocations</label></h2>
<textarea id="body" spellcheck="false">[[body]]</textarea>
<button id="send">Predict</button>
<pre id="answer" aria-live="polite" hidden></pre>
<h2>From a terminal</h2><pre id="curl">[[curl]]</pre>
<h2>More</h2>
<p>/ping and /health · /version · <a href="/metrics">/metrics</a> · <a href="/openapi.json">/openapi.json</a> ·
/v2 (Open Inference Protocol) · CSV, parquet and Arrow streams are taken at /invocations as well</p>
<script>
const curl = document.getElementById('curl')
curl.textContent = curl.textContent.replace('ADDRESS', location.origin)
document.getElementById('send').onclick = async () => {
  const answer = document.getElementById('answer'), began = performance.now()
  answer.hidden = false
  answer.textContent = '...'
  const reply = await fetch('/invocations', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: document.getElementById('body').value })
  const text = await reply.text()
  answer.textContent = `${reply.status} in ${(performance.now() - began).toFixed(1)} ms\\n${text}`
}
</script>
</html>
"""
