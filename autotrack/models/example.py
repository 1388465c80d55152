"""The input example of a model: a few rows, in the files that MLflow keeps them in, and read back from those.

``input_example.json`` holds the rows, ``serving_input_example.json`` the same as the body of a request.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from autotrack.core.errors import ArtifactError
from autotrack.core.guard import attempt

from .exact import CannotKeep, decode, encode
from .inference import is_array, is_missing, is_sparse, table_kind
from .signature import Signature

ROWS = 5
FILE, SERVING = "input_example.json", "serving_input_example.json"
#: Values above which an example keeps one row, and above which it is left out.
MAX_VALUES = 100_000


def first_rows(data: Any, rows: int = ROWS) -> Any:
    """A copy of the first rows of a table, array, sparse matrix, dict of arrays or list; anything else as it is.

    Fewer rows where they are wide; None where one row alone is more than an example should be.
    """
    size = getattr(data, "shape", None)
    if isinstance(size, tuple) and size and math.prod(size[1:]) * min(rows, size[0]) > MAX_VALUES:
        if math.prod(size[1:]) > MAX_VALUES:
            return None
        rows = 1
    if table_kind(data) == "polars":
        return data.head(rows).clone()
    if table_kind(data) is not None:
        return data.iloc[:rows].copy()
    if is_sparse(data):
        return data.tocsr()[:rows] if data.format not in ("csr", "csc") else data[:rows].copy()
    if is_array(data):
        few = data[:rows] if data.ndim else data
        return few.clone() if hasattr(few, "clone") else few.copy()
    if isinstance(data, list):
        return data[:rows]
    if isinstance(data, Mapping) and data and all(is_array(value) and value.ndim for value in data.values()):
        return {name: first_rows(value, rows) for name, value in data.items()}
    return data


class Kept:
    """The first rows of an example, as often as they are asked for: who gets them may change them.

    They come as they will be read back: asked with the same layout in memory, a model answers the same bits.
    ``document`` is what ``exact.encode`` makes of them; None, with the ``reason``, where it cannot keep them.
    """

    def __init__(self, few: Any, document: Any, reason: str | None) -> None:
        self._few = few
        self.document = document
        self.reason = reason

    @classmethod
    def of(cls, example: Any) -> Kept:
        """The rows of this example. ValueError where one of them is more than an example should hold."""
        few = first_rows(example)
        if few is None:
            raise ValueError(f"one row of it has more than {MAX_VALUES:,} values")
        document, error = attempt(encode, few)
        if error is not None and not isinstance(error, CannotKeep):
            raise error
        return cls(few, document, None if error is None else f"the example holds {error}")

    def rows(self) -> Any:
        """The rows, the caller's own."""
        return first_rows(self._few) if self.document is None else decode(self.document)


def write_example(example: Any, params: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """``saved_input_example_info`` for MLmodel, and the two files. TypeError, ValueError where JSON cannot hold it."""
    info: dict[str, Any] = {"artifact_path": FILE}
    kind = table_kind(example)
    if kind is not None:
        content = serving = _split(example, kind)
        info |= {"pandas_orient": "split", "serving_input_path": SERVING, "type": "dataframe"}
        request: dict[str, Any] = {"dataframe_split": serving}
    elif is_sparse(example):
        content = {
            "data": _plain(example.data.tolist()),
            "indices": example.indices.tolist(),
            "indptr": example.indptr.tolist(),
            "shape": list(map(int, example.shape)),
        }
        info |= {"serving_input_path": SERVING, "type": f"sparse_matrix_{example.format}"}
        request = {"inputs": _plain(example.toarray().tolist())}
    else:
        arrays = is_array(example) or (
            isinstance(example, Mapping) and bool(example) and all(map(is_array, example.values()))
        )
        content = _plain(example)
        info |= {"serving_input_path": SERVING, "type": "ndarray" if arrays else "json_object"}
        request = {"inputs": content}
    if params:
        info["params"] = "true"
        content = {"inputs": content, "params": _plain(dict(params))}
        request["params"] = content["params"]
    dumped = json.dumps(content, ensure_ascii=False).encode()
    return info, {FILE: dumped, SERVING: json.dumps(request, indent=2, ensure_ascii=False).encode()}


def _split(table: Any, kind: str) -> dict[str, Any]:
    """MLflow's split form: no index; no names where there are none but 0, 1, 2, ..."""
    if kind == "series":
        table = table.to_frame()
    if kind == "polars":
        return {"columns": list(table.columns), "data": [_plain(list(row)) for row in table.rows()]}
    rows = zip(*(_plain(series.tolist()) for _, series in table.items()), strict=True)
    content: dict[str, Any] = {"data": [list(row) for row in rows]}
    names = list(table.columns)
    return content if names == list(range(len(names))) else {"columns": _plain(names), **content}


def _plain(value: Any) -> Any:
    """The value as JSON has it: what is missing is null, bytes are base64, times ISO text."""
    if isinstance(value, (str, bool, int)) and type(value) in (str, bool, int):
        return value
    if is_missing(value):
        return None
    if issubclass(type(value), dict):  # a Mapping's check asks the value's class
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.encodebytes(value).decode()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if hasattr(type(value), "tolist"):  # arrays and numpy's scalars
        plain = value.tolist()
        if not isinstance(plain, type(value)):
            return _plain(plain)
    if isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"JSON has no {type(value).__module__}.{type(value).__qualname__}")


def read_example(content: bytes, info: Mapping[str, Any], signature: Signature | None) -> tuple[Any, dict[str, Any]]:
    """The example in an ``input_example.json`` of ours or MLflow's, and its params.

    Tables need pandas and sparse matrices scipy (ArtifactError where they are missing, or where the file is none).
    """
    found, error = attempt(json.loads, content)
    if error is not None:
        raise ArtifactError(f"{FILE} cannot be read: {error}") from None
    params: dict[str, Any] = {}
    if info.get("params") and isinstance(found, dict) and "inputs" in found:
        found, params = found["inputs"], dict(found.get("params") or {})
    example, error = attempt(_read, found, str(info.get("type")), signature)
    if error is not None:
        raise ArtifactError(f"{FILE} does not hold what MLmodel says ({info.get('type')}): {error}") from error
    return example, params


def _read(found: Any, kind: str, signature: Signature | None) -> Any:
    if kind == "dataframe":
        return _table(found, signature)
    if kind.startswith("sparse_matrix_"):
        from scipy import sparse

        form = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix}[kind.removeprefix("sparse_matrix_")]
        return form((found["data"], found["indices"], found["indptr"]), shape=tuple(found["shape"]))
    if kind == "ndarray":
        import numpy

        tensors = () if signature is None or signature.inputs is None else signature.inputs.tensors
        dtypes = {tensor.name: None if tensor.dtype in ("str", "bytes") else tensor.dtype for tensor in tensors}
        if isinstance(found, dict):
            return {name: numpy.array(value, dtypes.get(name)) for name, value in found.items()}
        return numpy.array(found, dtypes.get(None))
    return found


def _table(found: Mapping[str, Any], signature: Signature | None) -> Any:
    import pandas

    table = pandas.DataFrame(found["data"], columns=found.get("columns"))
    columns = () if signature is None or signature.inputs is None else signature.inputs.columns
    for column in columns:
        if column.name not in table.columns:
            continue
        values, name = table[column.name], column.type.name
        if name == "binary":
            table[column.name] = [v if is_missing(v) else base64.b64decode(v) for v in values]
        elif name == "datetime":
            table[column.name] = pandas.to_datetime(values)
        elif name in ("integer", "long", "boolean"):
            missing = bool(values.isna().any())
            dtypes = {"integer": ("int32", "Int32"), "long": ("int64", "Int64"), "boolean": ("bool", "boolean")}
            table[column.name] = values.astype(dtypes[name][missing])
        elif name in ("float", "double"):
            table[column.name] = values.astype({"float": "float32", "double": "float64"}[name])
    return table
