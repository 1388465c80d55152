"""Predictions as JSON: numbers as numbers, tables as records, times as ISO 8601, bytes as base64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from autotrack.plugin import attempt

_encoder = msgspec.json.Encoder(enc_hook=lambda value: plain(value))


def encoded(answers: Any) -> bytes:
    """``{"predictions": ...}``. What is no number (NaN, infinity) is null, for JSON has no word for it."""
    return _encoder.encode({"predictions": plain(answers)})


def bare(answers: Any) -> bytes:
    """The answers alone, as they are given to requests in the form of a chat or a completion."""
    return _encoder.encode(plain(answers))


def plain(value: Any) -> Any:
    """The value in what JSON has: arrays as nested lists, tables as a list of records, a series as a list."""
    if value is None or isinstance(value, (str, int, float, bool, bytes)):
        return value
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().numpy()
    if hasattr(value, "toarray"):  # a sparse matrix
        value = value.toarray()
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        return [plain(record) for record in _records(value)]
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        if value.dtype.kind == "M":
            return _moments(value)
        found = value.tolist()
        return found if value.dtype.kind in "iufb" else plain(found)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "to_list"):  # a series
        return plain(value.to_list())
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat()
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    found, error = attempt(lambda: value.item())
    if error is None:
        return found
    raise TypeError(f"a prediction of type {type(value).__module__}.{type(value).__qualname__} has no form in JSON")


def _records(table: Any) -> list[dict[str, Any]]:
    if hasattr(table, "iloc"):
        return list(table.to_dict(orient="records"))
    return list(table.to_dicts())


def _moments(values: Any) -> Any:
    import numpy

    if not hasattr(values, "astype") or not getattr(values, "shape", None):
        return None if numpy.isnat(values) else str(values)
    array = numpy.asarray(values)
    return (
        [None if numpy.isnat(each) else str(each) for each in array] if array.ndim == 1 else array.astype(str).tolist()
    )
