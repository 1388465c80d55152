"""Files made from objects that a user hands over: documents, pictures, tables. Imports only what they have."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError


def document(content: Any, path: str) -> bytes:
    """JSON, or YAML where the name ends with .yaml or .yml."""
    if path.lower().endswith((".yaml", ".yml")):
        import yaml

        return yaml.safe_dump(_plain(content), sort_keys=False, allow_unicode=True).encode()
    return json.dumps(_plain(content), indent=2, ensure_ascii=False).encode()


def chart(content: Any) -> bytes:
    """A chart's numbers as compact JSON. Only the mark is checked here; docs/charts.md has the format."""
    if not isinstance(content, Mapping) or content.get("chart") != 1 or not isinstance(content.get("kind"), str):
        raise UsageError('a chart is a dict with {"chart": 1, "kind": ...}, as docs/charts.md describes it')
    try:
        text = _compact(content)
    except (TypeError, ValueError):  # numbers that JSON does not have, or another library's
        text = _compact(_finite(content))
    return text.encode("utf-8", "backslashreplace")


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _finite(value: Any) -> Any:
    """The value in JSON's own types, with null for numbers that JSON does not have."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return _plain(value)


def figure(figure: Any, path: str) -> bytes:
    """A matplotlib figure (format by the name's ending) or a plotly figure (html, json)."""
    suffix = path.rpartition(".")[2].lower()
    if hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix or "png")
        return buffer.getvalue()
    if suffix == "html" and hasattr(figure, "to_html"):
        return str(figure.to_html(include_plotlyjs=True)).encode()
    if suffix == "json" and hasattr(figure, "to_json"):
        return str(figure.to_json()).encode()
    raise UsageError(f"a {type(figure).__name__} cannot be kept as {path!r}; give a matplotlib or plotly figure")


def image(picture: Any, path: str) -> bytes:
    """A PIL image in the format of the name, or an array as PNG (PNG specification, third edition)."""
    if hasattr(picture, "save") and hasattr(picture, "mode"):
        buffer = io.BytesIO()
        ending = path.rpartition(".")[2].upper()
        picture.save(buffer, format={"JPG": "JPEG", "TIF": "TIFF"}.get(ending, ending))
        return buffer.getvalue()
    if not path.lower().endswith(".png"):
        raise UsageError(f"an array is kept as PNG; name it so instead of {path!r}")
    return _png(picture)


def _png(array: Any) -> bytes:
    import numpy as np

    array = np.asarray(array)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise UsageError(f"an image has shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), not {array.shape}")
    if array.dtype.kind == "f":
        array = (np.clip(np.nan_to_num(array), 0.0, 1.0) * 255).round()
    array = np.ascontiguousarray(array.astype(np.uint8))
    height, width, channels = array.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row is led by its filter type, 0
    rows[:, 1:] = array.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def table(table: Any, path: str) -> bytes:
    """CSV or JSON (by the name) of a data frame, a dict of equally long columns or a list of dicts."""
    columns = _columns(table)
    if path.lower().endswith(".json"):
        return json.dumps(
            {"columns": list(columns), "data": [list(row) for row in zip(*columns.values(), strict=True)]},
            default=_plain,
            ensure_ascii=False,
        ).encode()
    if path.lower().endswith(".csv"):
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        return buffer.getvalue().encode("utf-8", "backslashreplace")
    raise UsageError(f"a table is kept as .csv or .json, not as {path!r}")


def _columns(table: Any) -> dict[str, list[Any]]:
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        return {str(name): list(table[name]) for name in table.columns}
    if isinstance(table, Mapping):
        return {str(name): list(values) for name, values in table.items()}
    if isinstance(table, (list, tuple)) and all(isinstance(row, Mapping) for row in table):
        names = dict.fromkeys(str(name) for row in table for name in row)
        return {name: [row.get(name) for row in table] for name in names}
    raise UsageError(f"a table is a data frame, a dict of columns or a list of dicts, not a {type(table).__name__}")


def _plain(value: Any) -> Any:
    """The value in JSON's own types: arrays and scalars of any library by ``tolist``, the rest by ``str``."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)
