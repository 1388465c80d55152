"""Arrays, tables and plain values as JSON that gives back the very same bits and types; no pickle, no .npy.

Numbers are base64 of their little-endian bytes, so that NaN payloads, -0.0 and the last bit of a float survive.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import importlib
import math
import sys
from collections.abc import Mapping
from typing import Any

from autotrack.core.errors import ArtifactError

from .inference import is_sparse, table_kind

#: dtype kinds whose bytes are their values.
_RAW = "biufcmM"
#: Values that are read at most: what is kept here are a few rows.
MAX_VALUES = 10_000_000
_SPARSE = frozenset(f"{form}_{kind}" for form in ("csr", "csc") for kind in ("matrix", "array"))


class CannotKeep(TypeError):
    """The value is of a kind that this format would not give back as it was."""


def encode(value: Any) -> Any:
    """The value as JSON. CannotKeep for what would not come back as it is."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) in (list, tuple):
        return {type(value).__name__: [encode(item) for item in value]}
    if type(value) is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if type(value) is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if type(value) is datetime.datetime and (value.fold or type(value.tzinfo) not in (type(None), datetime.timezone)):
        raise CannotKeep("a time in a named zone, or one that a clock shows twice")
    if type(value) in (datetime.datetime, datetime.date):
        return {type(value).__name__: value.isoformat()}
    if type(value).__name__ in ("NAType", "NaTType"):
        return {"missing": type(value).__name__[:-4]}
    return _encode_data(value)


def _encode_data(value: Any) -> Any:
    import numpy

    if isinstance(value, numpy.generic):
        return {"scalar": _array(numpy.asarray(value))}
    if type(value) is numpy.ndarray:
        return _array(value)
    if is_sparse(value):
        if type(value).__name__ not in _SPARSE:
            raise CannotKeep(f"a {type(value).__name__}")
        return {
            "sparse": type(value).__name__,
            "shape": list(map(int, value.shape)),
            "parts": [_array(value.data), _array(value.indices), _array(value.indptr)],
        }
    kind = table_kind(value)
    if kind == "pandas":
        return {
            "pandas": [[encode(name), _pandas(series)] for name, series in value.items()],
            "index": _index(value.index),
        }
    if kind == "series":
        return {"series": _pandas(value), "name": encode(value.name), "index": _index(value.index)}
    if kind == "polars":
        return {"polars": [[column.name, str(column.dtype), encode(column.to_list())] for column in value]}
    torch = sys.modules.get("torch")
    if torch is not None and type(value) is torch.Tensor and value.dtype != torch.bfloat16:
        return {"torch": _array(value.detach().cpu().numpy())}
    raise CannotKeep(f"a {type(value).__module__}.{type(value).__qualname__}")


def _array(array: Any) -> dict[str, Any]:
    import numpy

    shape = list(map(int, array.shape))
    kind = array.dtype.kind
    if kind in _RAW:
        little = numpy.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        return {"array": little.dtype.str, "shape": shape, "data": base64.b64encode(little.tobytes()).decode()}
    if kind in "US":
        return {"array": array.dtype.str, "shape": shape, "data": [encode(item) for item in array.ravel().tolist()]}
    if kind == "O":
        return {"array": "object", "shape": shape, "data": [encode(item) for item in array.ravel().tolist()]}
    raise CannotKeep(f"an array of {array.dtype}")


def _pandas(series: Any) -> dict[str, Any]:
    import numpy

    dtype = series.dtype
    if isinstance(dtype, numpy.dtype):
        return _array(series.to_numpy())
    if str(dtype) == "category":
        return {
            "category": _array(numpy.asarray(series.cat.codes)),
            "of": _pandas(dtype.categories.to_series()),
            "ordered": bool(dtype.ordered),
        }
    if str(dtype).startswith("datetime64["):
        return {"zoned": str(dtype), "data": _array(series.astype("int64").to_numpy())}
    if str(dtype).startswith(("Int", "UInt", "Float", "boolean", "string", "str")) or "[pyarrow]" in str(dtype):
        return {"dtype": str(dtype), "data": [encode(item) for item in series.tolist()]}
    raise CannotKeep(f"a column of {dtype}")


def _index(index: Any) -> Any:
    """None for 0, 1, 2, ..., which says nothing."""
    if type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1 and index.name is None:
        return None
    if type(index).__name__ == "MultiIndex":
        raise CannotKeep("a table with a MultiIndex")
    return _pandas(index.to_series()) | ({} if index.name is None else {"named": encode(index.name)})


def decode(document: Any) -> Any:
    """The value that ``encode`` was given. ArtifactError where the document is none of its, or a library is missing.

    pandas, polars, scipy and torch are imported for what is theirs.
    """
    if document is None or isinstance(document, (bool, int, str, float)):
        return document
    try:
        return _decode(document)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, RecursionError, OverflowError) as error:
        raise ArtifactError(f"a kept value cannot be read: {type(error).__name__}: {error}") from None
    except ImportError as error:
        raise ArtifactError(f"a kept value needs {error.name or error} to be read; install it") from None


def _decode(document: Any) -> Any:
    if not isinstance(document, Mapping):
        raise TypeError(f"a bare {type(document).__name__}")
    if "array" in document:
        return _decode_array(document)
    if "list" in document:
        return [decode(item) for item in document["list"]]
    if "tuple" in document:
        return tuple(decode(item) for item in document["tuple"])
    if "dict" in document:
        return {decode(key): decode(item) for key, item in document["dict"]}
    if "float" in document:
        return float(document["float"])
    if "bytes" in document:
        return base64.b64decode(document["bytes"], validate=True)
    for kind in (datetime.datetime, datetime.date):
        if kind.__name__ in document:
            return kind.fromisoformat(document[kind.__name__])
    if "scalar" in document:
        return _decode_array(document["scalar"])[()]
    return _decode_data(document)


def _decode_data(document: Mapping[str, Any]) -> Any:
    if "missing" in document:
        pandas = importlib.import_module("pandas")
        return pandas.NA if document["missing"] == "NA" else pandas.NaT
    if "sparse" in document:
        if document["sparse"] not in _SPARSE:
            raise ValueError(f"no sparse matrix {str(document['sparse'])[:40]!r}")
        sparse = importlib.import_module("scipy.sparse")
        made = getattr(sparse, document["sparse"])(
            tuple(map(_decode_array, document["parts"])), shape=tuple(document["shape"])
        )
        made.check_format(full_check=True)
        return made
    if "torch" in document:
        return importlib.import_module("torch").from_numpy(_decode_array(document["torch"]))
    if "polars" in document:
        polars = importlib.import_module("polars")
        return polars.DataFrame(
            [
                polars.Series(name, decode(values), dtype=_polars_dtype(polars, dtype))
                for name, dtype, values in document["polars"]
            ]
        )
    pandas = importlib.import_module("pandas")
    if "pandas" in document:
        names = [decode(name) for name, _ in document["pandas"]]
        columns = [_decode_pandas(pandas, column) for _, column in document["pandas"]]
        table = pandas.DataFrame(dict(enumerate(columns)))
        table.columns = pandas.Index(names)
    elif "series" in document:
        table = pandas.Series(_decode_pandas(pandas, document["series"]), name=decode(document["name"]))
    else:
        raise ValueError(f"no kind of value: {', '.join(map(str, document))[:60]}")
    if document["index"] is not None:
        name = decode(document["index"].get("named"))
        table.index = pandas.Index(_decode_pandas(pandas, document["index"]), name=name)
    return table


def _polars_dtype(polars: Any, name: str) -> Any:
    """A dtype without parts by its name; None lets polars tell it from the values."""
    found = getattr(polars, name, None) if name.isidentifier() else None
    return found if isinstance(found, type) and issubclass(found, polars.DataType) else None


def _decode_pandas(pandas: Any, document: Mapping[str, Any]) -> Any:
    if "category" in document:
        categories = pandas.Index(_decode_pandas(pandas, document["of"]))
        codes = _decode_array(document["category"])
        return pandas.Categorical.from_codes(codes, categories=categories, ordered=document["ordered"])
    if "zoned" in document:
        return pandas.Series(_decode_array(document["data"])).astype(document["zoned"])
    if "dtype" in document:
        return pandas.array([decode(item) for item in document["data"]], dtype=document["dtype"])
    return _decode_array(document)


def _decode_array(document: Mapping[str, Any]) -> Any:
    import numpy

    shape = tuple(document["shape"])
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) > MAX_VALUES:
        raise ValueError(f"the shape {shape}")
    if document["array"] == "object":
        made = numpy.empty(math.prod(shape), object)
        values = document["data"]
        if len(values) != len(made):
            raise ValueError(f"{len(values)} values for the shape {shape}")
        for at, item in enumerate(values):
            made[at] = decode(item)
        return made.reshape(shape)
    dtype = numpy.dtype(document["array"])
    if dtype.kind in "US":
        return numpy.array([decode(item) for item in document["data"]], dtype).reshape(shape)
    if dtype.kind not in _RAW or dtype.hasobject or dtype.fields is not None:
        raise ValueError(f"an array of {dtype}")
    # A copy: what frombuffer answers cannot be written to, and is not the model's own.
    return numpy.frombuffer(base64.b64decode(document["data"], validate=True), dtype).reshape(shape).copy()
