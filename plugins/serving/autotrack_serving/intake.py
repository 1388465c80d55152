"""Requests as they come, made into rows by the model's signature: MLflow's four shapes of JSON, CSV, parquet, Arrow.

Where the signature is all numbers of one type, JSON is read straight into one array; else by column; what has no
signature goes to the model as pandas or Python have it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from autotrack.plugin import PyFunc, Schema, SchemaColumn, SchemaError, attempt

from .refused import bad, unfit, unknown_type
from .rows import Rows, whole
from .values import NUMBERS, column_of

CSV = "text/csv"
JSON = "application/json"
PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")
#: What marks a request in the form of a chat or a completion, which is answered without ``predictions`` around it.
_CHATS = ("messages", "prompt", "input")
_WANTED = f"send a JSON object with exactly one of {', '.join(SHAPES)}"
#: Types of which a signature may have one only for its rows to be one array.
_EVEN = frozenset({"double", "float", "long", "integer"})
_EXACT = {"float64": 2.0**53, "float32": 2.0**24}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: rows, params of the prediction, and whether the answer stands alone (``bare``)."""

    rows: Rows
    params: Mapping[str, Any] = field(default_factory=dict)
    bare: bool = False


class Intake:
    """Reads requests to one model."""

    def __init__(self, model: PyFunc) -> None:
        self.model = model
        signature = model.signature
        self.schema: Schema | None = None if signature is None else signature.inputs
        columns = self.schema.columns if self.schema is not None else ()
        self.columns: tuple[SchemaColumn, ...] = columns if columns and columns[0].name is not None else ()
        kinds = {column.type.name for column in self.columns}
        even = len(kinds) == 1 and kinds <= _EVEN and all(column.required for column in self.columns)
        self._dtype = NUMBERS[kinds.pop()] if even else None
        tensors = self.schema.tensors if self.schema is not None else ()
        self._tensor = tensors[0] if len(tensors) == 1 and tensors[0].name is None else None
        self._named: dict[Any, Any] = {tensor.name: tensor for tensor in tensors if tensor.name is not None}
        self._cuts = not model.sealed
        self._names: list[Any] = [column.name for column in self.columns]

    @property
    def names(self) -> list[Any] | None:
        """The columns of the table that the model takes; None where it takes arrays, or whatever it is given."""
        return self._names if self.columns else None

    @property
    def names_known(self) -> frozenset[Any]:
        """The names of all columns."""
        return frozenset(self._names)

    @property
    def tensors_named(self) -> bool:
        """True where the model takes arrays by name."""
        return bool(self._named)

    @property
    def even(self) -> str | None:
        """numpy's name of the type that all columns have, where each is required and is a number of it."""
        return self._dtype

    def enforced(self, data: Any) -> Rows:
        """Data that have types of their own, as the signature wants them (Refused)."""
        return self._free(data)

    def read(self, content_type: str, body: bytes | bytearray) -> Asked:
        """The request in a body (Refused where it cannot be read, or does not fit the signature)."""
        kind = _kind(content_type)
        if kind == JSON:
            return self._json(body)
        if kind == CSV:
            return Asked(self._csv(body))
        if kind == PARQUET:
            return Asked(self._arrow(_parquet(body)))
        return Asked(self._arrow(_stream(body)))

    def example_rows(self, example: Any) -> Rows | None:
        """The model's own example as a request would have it; None where it has no such form."""
        if self.columns and hasattr(example, "columns") and hasattr(example, "to_dict"):
            return self._table({name: list(values) for name, values in example.to_dict(orient="list").items()},
                               len(example))  # fmt: skip
        return self._free(example)

    # JSON.

    def _json(self, body: bytes | bytearray) -> Asked:
        return self.document(parse(body))

    def _matrix(self, values: Any, names: Any = None) -> Rows | None:
        """Rows of numbers as one array, at once; None where they are no such thing, or must be looked at one by one."""
        if self._tensor is not None:
            dtype, width = self._tensor.dtype, self._tensor.shape[-1]
            fits = len(self._tensor.shape) == 2 and self._tensor.shape[0] == -1
        else:
            dtype, width = self._dtype or "", len(self._names)
            fits = names is None or names == self._names
        if not fits or dtype not in ("float64", "float32") or not isinstance(values, list) or not values:
            return None
        made, _ = attempt(np.array, values, dtype)
        if made is None or made.ndim != 2 or width not in (-1, made.shape[1]):
            return None
        # Integers beyond this are no longer exact as floats.
        most = _EXACT[dtype]
        inexact = made.size and (made.max() >= most or made.min() <= -most)
        return None if inexact else Rows("matrix", made, len(made))

    def document(self, document: Any) -> Asked:
        """The request in a JSON document of one of MLflow's four shapes (Refused)."""
        if isinstance(document, list):
            raise bad(f"{_WANTED}. Received a list.")
        if not isinstance(document, dict):
            raise bad(f"{_WANTED}. Received {type(document).__name__}.")
        shapes = [key for key in SHAPES if key in document]
        if not shapes and any(key in document for key in _CHATS):
            return self._chat(document)
        if len(shapes) != 1:
            raise bad(f"{_WANTED}. Received the fields {list(document)[:20]}.")
        shape = shapes[0]
        params = self._params(document.get("params"))
        content = document[shape]
        if shape == "dataframe_split":
            return Asked(self._split(content), params)
        if shape == "dataframe_records":
            if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
                raise bad("dataframe_records must be a list of records (objects).")
            return Asked(self._records(content), params)
        if shape == "instances":
            return Asked(self._instances(content), params)
        return Asked(self._inputs(content), params)

    def _params(self, params: Any) -> Mapping[str, Any]:
        if params is not None and not isinstance(params, dict):
            raise bad(f"params must be an object, found {type(params).__name__}.")
        if not self.model.takes_params:
            return {}  # what a model does not take is ignored, and nobody else's log is filled with it
        known = {param.name for param in self.model.signature.params} if self.model.signature is not None else None
        try:
            return self.model.enforced_params(
                {key: value for key, value in (params or {}).items() if known is None or key in known}
            )
        except SchemaError as error:
            raise unfit(str(error)) from None

    def _chat(self, document: dict[str, Any]) -> Asked:
        known = {param.name for param in self.model.signature.params} if self.model.signature is not None else set()
        params = {key: value for key, value in document.items() if key in known}
        data = {key: value for key, value in document.items() if key not in known}
        return Asked(self._free(data), self._params(params), bare=True)

    def _split(self, content: Any) -> Rows:
        if not isinstance(content, dict):
            raise bad(f"dataframe_split must be an object with data and columns, found {type(content).__name__}.")
        extra = content.keys() - {"columns", "data", "index"}
        if "data" not in content or extra:
            raise bad(f"dataframe_split has data, and columns and index if there are any; found {list(content)[:20]}.")
        data, names = content["data"], content.get("columns")
        rows = self._matrix(data, names)
        if rows is not None:
            return rows
        if not isinstance(data, list) or not all(isinstance(row, list) for row in data):
            raise bad("the data of dataframe_split must be a list of rows, each a list.")
        if names is not None and (not isinstance(names, list) or any(isinstance(n, (list, dict)) for n in names)):
            raise bad("the columns of dataframe_split must be a list of names.")
        width = len(names) if names is not None else len(data[0]) if data else 0
        odd = next((at for at, row in enumerate(data) if len(row) != width), None)
        if odd is not None:
            raise bad(f"row {odd} of dataframe_split has {len(data[odd])} values for {width} columns.")
        columns = [list(values) for values in zip(*data, strict=True)] if data else [[] for _ in range(width)]
        if names is None:
            names = self._positions(width)
        return self._table(dict(zip(names, columns, strict=False)), len(data))

    def _positions(self, width: int) -> list[Any]:
        if self.columns and width != len(self.columns):
            raise unfit(f"the model takes {len(self.columns)} columns, found {width} without names")
        return list(self._names) if self.columns else list(range(width))

    def _records(self, records: list[dict[str, Any]]) -> Rows:
        names: list[Any] = self._names if self.columns else list(dict.fromkeys(name for row in records for name in row))
        present = {name for name in names if any(name in row for row in records)}
        return self._table({name: [row.get(name) for row in records] for name in names if name in present},
                           len(records))  # fmt: skip

    def _instances(self, content: Any) -> Rows:
        if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
            if self._named:
                names = list(dict.fromkeys(name for row in content for name in row))
                return self._free({name: [row.get(name) for row in content] for name in names})
            if self.columns or self.schema is None:
                return self._records(content)
        return self._inputs(content)

    def _inputs(self, content: Any) -> Rows:
        rows = self._matrix(content)
        if rows is not None:
            return rows
        if self.columns and isinstance(content, dict):
            lists = [value for value in content.values() if isinstance(value, list)]
            single = len(lists) < len(content)
            columns = {name: [value] if single else value for name, value in content.items()}
            counts = {len(values) for values in columns.values()}
            if len(counts) > 1:
                raise bad(f"the columns of inputs are not equally long: {sorted(counts)[:10]} values.")
            return self._table(columns, counts.pop() if counts else 0)
        if self.columns and isinstance(content, list) and all(isinstance(row, list) for row in content):
            return self._split({"data": content})
        if self.columns and isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
            return self._records(content)
        return self._free(content)

    # What all forms end in.

    def _table(self, columns: dict[Any, list[Any]], count: int) -> Rows:
        """Columns of plain values, by the signature."""
        if not self.columns:
            return self._free(_frame(columns))
        missing = [column for column in self.columns if column.required and column.name not in columns]
        if missing:
            raise unfit(
                f"Model is missing inputs {[column.name for column in missing][:20]}; the data have: "
                f"{list(columns)[:20]}"
            )
        made = {
            column.name: column_of(columns[column.name], column, cuts=self._cuts)
            for column in self.columns
            if column.name in columns
        }
        if len(made) < len(self.columns):
            return self._free(_frame(made))  # a column that may be missing is: the model is asked as it is
        if self._dtype is not None:
            return Rows("matrix", np.column_stack(list(made.values())), count)
        return Rows("columns", made, count)

    def _free(self, data: Any) -> Rows:
        """Whatever the signature makes of it."""
        try:
            data = self.model.enforced(data)
        except SchemaError as error:
            raise unfit(str(error)) from None
        except (ValueError, TypeError, OverflowError) as error:
            raise unfit(f"{type(error).__name__}: {str(error)[:300]}") from None
        free = self._tensor is not None and self._tensor.shape[:1] == (-1,)
        if free and isinstance(data, np.ndarray) and data.ndim:
            return Rows("matrix", data, len(data))
        named = self._named and all(tensor.shape[:1] == (-1,) for tensor in self._named.values())
        if named and isinstance(data, dict):
            counts = {len(value) for value in data.values() if isinstance(value, np.ndarray) and value.ndim}
            if len(counts) == 1 and all(isinstance(value, np.ndarray) for value in data.values()):
                return Rows("arrays", data, counts.pop())
        return whole(data)

    def _csv(self, body: bytes | bytearray) -> Rows:
        text, error = attempt(lambda: bytes(body).decode("utf-8-sig"))
        if text is None:
            raise bad(f"the CSV is not UTF-8: {error}")
        if not self.columns:
            return self._free(_pandas("read_csv", io.StringIO(text), "CSV"))
        try:
            lines = [line for line in csv.reader(io.StringIO(text)) if line]
        except csv.Error as problem:
            raise bad(f"the CSV cannot be read: {problem}") from None
        if not lines:
            raise bad("the CSV is empty: it should begin with the names of its columns")
        names, data = lines[0], lines[1:]
        odd = next((at for at, row in enumerate(data) if len(row) != len(names)), None)
        if odd is not None:
            raise bad(f"row {odd} of the CSV has {len(data[odd])} values for {len(names)} columns.")
        columns = {name: [row[at] if row[at] != "" else None for row in data] for at, name in enumerate(names)}
        return self._table(columns, len(data))

    def _arrow(self, table: Any) -> Rows:
        """A table of pyarrow's, with its own types: they are held against the signature, not read anew."""
        return self._free(table.to_pandas())


def parse(body: bytes | bytearray) -> Any:
    """JSON, with NaN and Infinity, as Python's own and MLflow's clients write them (Refused)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            return json.loads(bytes(body))
        except RecursionError:
            raise bad("the JSON is nested too deeply") from None
        except (ValueError, UnicodeDecodeError) as error:
            raise bad(f"the body is no valid JSON: {error}") from None


def _kind(content_type: str) -> str:
    """The media type (Refused where it is not taken, or has parameters that mean nothing here)."""
    kind, *rest = [part.strip() for part in content_type.split(";")]
    pairs = (part.partition("=") for part in rest if part)
    params = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    if params.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise unknown_type("The scoring server only supports UTF-8")
    unknown = sorted(params.keys() - {"charset"})
    if unknown:
        raise unknown_type(f"Unrecognized content type parameters: {', '.join(unknown)[:200]}.")
    if kind.lower() not in (JSON, CSV, PARQUET, ARROW):
        raise unknown_type(
            f"This predictor only supports the following content types: {JSON}, {CSV}, {PARQUET}, {ARROW}. "
            f"Got '{content_type[:200]}'."
        )
    return kind.lower()


def _frame(columns: Mapping[Any, Any]) -> Any:
    try:
        import pandas
    except ImportError:
        raise bad("a model without a signature takes tables only where pandas is installed") from None
    frame, error = attempt(pandas.DataFrame, dict(columns))
    if frame is None:
        raise bad(f"no table can be made of the data: {error}")
    return frame


def _pandas(reader: str, source: Any, what: str) -> Any:
    import pandas

    found, error = attempt(getattr(pandas, reader), source)
    if found is None:
        raise bad(f"the {what} cannot be read: {str(error)[:300]}")
    return found


def _parquet(body: bytes | bytearray) -> Any:
    pyarrow = _pyarrow("parquet")
    found, error = attempt(pyarrow.parquet.read_table, io.BytesIO(body))
    if found is None:
        raise bad(f"the parquet file cannot be read: {str(error)[:300]}")
    return found


def _stream(body: bytes | bytearray) -> Any:
    pyarrow = _pyarrow("Arrow")
    found, error = attempt(lambda: pyarrow.ipc.open_stream(io.BytesIO(body)).read_all())
    if found is None:
        raise bad(f"the Arrow stream cannot be read: {str(error)[:300]}")
    return found


def _pyarrow(what: str) -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise unknown_type(f"{what} is read by pyarrow, which is not installed on this server") from None
    return pyarrow
