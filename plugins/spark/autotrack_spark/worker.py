"""Asks a model in a worker of Spark's, which loads it once, whatever the number of its tasks."""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from autotrack.plugin import SchemaError, check_artifact_path, load_pyfunc

_lock = threading.Lock()
#: Models of this process by the digest of their files and where they are asked: what asks them about a table.
_asked: dict[tuple[str, str], Callable[[Any, dict[str, Any]], Any]] = {}


@dataclass(frozen=True)
class Shipped:
    """What travels to the workers. ``content`` is the zipped folder, or a broadcast of it; ``kind`` and ``fields`` say
    what an answer is (``types.Answer``)."""

    content: Any
    names: list[str]
    kind: str
    fields: tuple[str, ...]
    env: str
    params: dict[str, Any]
    trust: bool


def predicted(shipped: Shipped, batches: Iterator[Any]) -> Iterator[Any]:
    """The answers to batches of columns, which Spark gives as a tuple, or one by itself (a struct is a DataFrame): a
    Series each, a DataFrame where a row's answer has fields."""
    ask = _loaded(shipped)
    for batch in batches:
        columns = batch if isinstance(batch, tuple) else (batch,)
        data = _table(columns, shipped.names)
        yield _answers(ask(data, shipped.params), shipped, len(columns[0]))


def _loaded(shipped: Shipped) -> Callable[[Any, dict[str, Any]], Any]:
    content = shipped.content if isinstance(shipped.content, bytes) else shipped.content.value
    key = hashlib.sha256(content).hexdigest(), shipped.env
    with _lock:
        if key not in _asked:
            from pyspark import SparkFiles

            # Gone as soon as it is loaded, for Spark ends its workers without a chance to clear up; where one is killed
            # while it loads, Spark removes its own folder at the end.
            with tempfile.TemporaryDirectory(prefix="autotrack-model-", dir=SparkFiles.getRootDirectory()) as work:
                _asked[key] = _opened(_unzipped(content, Path(work)), shipped)
        return _asked[key]


def _opened(folder: Path, shipped: Shipped) -> Callable[[Any, dict[str, Any]], Any]:
    if shipped.env == "virtualenv":
        from .apart import Apart

        return Apart(folder, shipped.trust).ask
    return cast("Callable[[Any, dict[str, Any]], Any]", load_pyfunc(folder, trust=shipped.trust).predict)


def _unzipped(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            target = folder.joinpath(*check_artifact_path(info.filename))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(info))
    return folder


def _table(columns: tuple[Any, ...], names: list[str]) -> Any:
    """What the model is asked about: a table, or a matrix where the signature has no names."""
    import numpy as np
    import pandas as pd

    first = columns[0]
    if len(columns) == 1 and isinstance(first, pd.DataFrame):
        return first
    if names and len(columns) == len(names):
        return pd.DataFrame(dict(zip(names, columns, strict=True)))
    if names:
        raise SchemaError(f"the model takes {len(names)} columns ({', '.join(names[:10])}), and {len(columns)} came")
    if len(columns) == 1 and first.dtype == object and len(first) and not isinstance(first.iloc[0], str):
        return np.stack([np.asarray(each) for each in first])
    return np.column_stack([np.asarray(each) for each in columns])


def _answers(found: Any, shipped: Shipped, rows: int) -> Any:
    import numpy as np
    import pandas as pd

    if shipped.kind == "struct":
        if isinstance(found, pd.DataFrame) and set(shipped.fields) <= set(map(str, found.columns)):
            return found.rename(columns=str)[list(shipped.fields)].reset_index(drop=True)
        values = np.asarray(found)
        if values.ndim == 2 and values.shape[1] == len(shipped.fields):
            return pd.DataFrame(values, columns=list(shipped.fields))
        raise SchemaError(f"the model does not answer the fields {', '.join(shipped.fields)} of result_type")
    values = found.to_numpy() if isinstance(found, pd.DataFrame | pd.Series) else np.asarray(found)
    if len(values) != rows:
        raise SchemaError(f"the model answered {len(values)} rows, and was asked about {rows}")
    if shipped.kind == "array":
        return pd.Series(list(values if values.ndim > 1 else values[:, None]))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise SchemaError(f"the model answers {values.shape[1]} values a row: say result_type='array<double>'")
    return pd.Series(values)
