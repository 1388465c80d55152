"""The Open Inference Protocol (V2), as KServe and Triton speak it over REST.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from autotrack.plugin import attempt

from .answering import plain
from .app import Receive, Reply, Scope
from .intake import Asked, parse
from .refused import FAILED, NOT_FOUND, Refused, bad, unfit

if TYPE_CHECKING:
    from .app import ScoringApp

_DTYPES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_OF_TYPE = {"boolean": "BOOL", "integer": "INT32", "long": "INT64", "float": "FP32", "double": "FP64"}
#: The version that a model has here, where nothing else is known.
_VERSION = "1"


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: Any
    parameters: dict[str, Any] | None = None


class _Request(msgspec.Struct):
    inputs: list[_Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Any] | None = None


def server(app: ScoringApp) -> Reply:
    """``GET /v2``."""
    return _json({"name": "autotrack", "version": app.version, "extensions": []})


def health(app: ScoringApp, what: str) -> Reply:
    """``GET /v2/health/live`` and ``ready``."""
    fine = what == "live" or app.batcher.healthy
    return Reply(msgspec.json.encode({what: fine}), status=200 if fine else 503)


def check(app: ScoringApp, name: str, version: str | None) -> None:
    """Refused where another model is meant."""
    if name != app.scorer.name or version not in (None, _VERSION):
        raise Refused(404, NOT_FOUND, f"the model served here is {app.scorer.name}, version {_VERSION}")


def metadata(app: ScoringApp) -> Reply:
    """``GET /v2/models/NAME``: inputs and outputs by the signature."""
    signature = app.scorer.model.signature
    parts = {"inputs": getattr(signature, "inputs", None), "outputs": getattr(signature, "outputs", None)}
    found = {
        part: _described(schema, "predictions" if part == "outputs" else "input") for part, schema in parts.items()
    }
    return _json({"name": app.scorer.name, "versions": [_VERSION], "platform": "autotrack", **found})


async def infer(app: ScoringApp, scope: Scope, receive: Receive, version: str | None) -> Reply:
    """``POST /v2/models/NAME/infer``."""
    began = time.perf_counter()
    body = await app.body(scope, receive)
    asked, identity = _read(app, body)
    answers = await app.predicted(asked, identity or "", began)
    try:
        outputs = _outputs(answers)
    except (TypeError, ValueError) as error:
        raise Refused(500, FAILED, f"the model's answer has no form in this protocol: {str(error)[:300]}") from None
    said = {} if identity is None else {"id": identity}
    return _json({"model_name": app.scorer.name, "model_version": _VERSION, **said, "outputs": outputs})


def _read(app: ScoringApp, body: bytes | bytearray) -> tuple[Asked, str | None]:
    try:
        request = msgspec.convert(parse(body), _Request)
    except msgspec.ValidationError as error:
        raise bad(f"this is no inference request: {error}") from None
    if not request.inputs:
        raise bad("an inference request has at least one input")
    tensors = {tensor.name: _array(tensor) for tensor in request.inputs}
    intake = app.scorer.intake
    params = {key: value for key, value in (request.parameters or {}).items() if key != "binary_data_output"}
    data: dict[str, Any]
    if intake.columns and len(tensors) == 1 and next(iter(tensors)) not in intake.names_known:
        data = {"dataframe_split": {"data": plain(_two_dimensional(next(iter(tensors.values()))))}}
    elif intake.columns:
        data = {"inputs": {name: plain(_flat(name, values)) for name, values in tensors.items()}}
    elif len(tensors) == 1 and not intake.tensors_named:
        data = {"inputs": plain(next(iter(tensors.values())))}
    else:
        data = {"inputs": {name: plain(values) for name, values in tensors.items()}}
    return intake.document({**data, "params": params or None}), request.id


def _array(tensor: _Tensor) -> Any:
    if any(size < 0 for size in tensor.shape):
        raise bad(f"input {tensor.name!r} has a negative size in its shape {tensor.shape[:8]}")
    if tensor.datatype == "BYTES":
        flat, problem = attempt(lambda: np.array(_flattened(tensor.data), object))
    elif tensor.datatype in _DTYPES:
        flat, problem = attempt(lambda: np.asarray(tensor.data, _DTYPES[tensor.datatype]).reshape(-1))
    else:
        raise bad(
            f"input {tensor.name!r} is of datatype {tensor.datatype[:40]!r}; there are BYTES, {', '.join(_DTYPES)}"
        )
    made, error = attempt(lambda: flat.reshape(tensor.shape)) if flat is not None else (None, problem)
    if made is None:
        raise unfit(f"input {tensor.name!r} is no {tensor.datatype} of shape {tensor.shape[:8]}: {str(error)[:200]}")
    return made


def _flattened(data: Any) -> list[Any]:
    if not isinstance(data, list):
        return [data]
    found: list[Any] = []
    for item in data:
        found += _flattened(item) if isinstance(item, list) else [item]
    return found


def _two_dimensional(values: Any) -> Any:
    if values.ndim == 0:
        raise unfit("the input is a single value; its shape should begin with the number of rows")
    return values.reshape(len(values), -1) if values.ndim != 2 else values


def _flat(name: str, values: Any) -> Any:
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        raise unfit(f"column {name!r} should have one value a row, found the shape {list(values.shape)}")
    return values


def _outputs(answers: Any) -> list[dict[str, Any]]:
    if hasattr(answers, "detach"):
        answers = answers.detach().cpu().numpy()
    if hasattr(answers, "columns") and hasattr(answers, "iloc"):
        return [_output(str(name), answers[name].to_numpy()) for name in answers.columns]
    if isinstance(answers, dict):
        return [_output(str(name), np.asarray(values)) for name, values in answers.items()]
    return [_output("predictions", np.asarray(answers))]


def _output(name: str, values: Any) -> dict[str, Any]:
    kind = _NAMES.get(values.dtype.name)
    data = plain(values.reshape(-1))
    if kind is None:
        kind, data = "BYTES", [each if isinstance(each, str) else str(each) for each in data]
    return {"name": name, "shape": list(values.shape), "datatype": kind, "data": data}


def _described(schema: Any, unnamed: str) -> list[dict[str, Any]]:
    if schema is None:
        return []
    if schema.tensors:
        return [
            {"name": tensor.name or unnamed, "datatype": _NAMES.get(tensor.dtype, "BYTES"), "shape": list(tensor.shape)}
            for tensor in schema.tensors
        ]
    return [
        {"name": str(column.name or unnamed), "datatype": _OF_TYPE.get(column.type.name, "BYTES"), "shape": [-1]}
        for column in schema.columns
    ]


def _json(document: Any) -> Reply:
    return Reply(msgspec.json.encode(document))
