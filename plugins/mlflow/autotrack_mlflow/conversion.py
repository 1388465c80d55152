"""MLflow's things as this store's: runs, their points, and data sets, with what could not be kept as it was."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from autotrack.plugin import Columns, DatasetRecord, ForeignRun, ModelRecord, run_name

from .facts import CONTEXT, ENDED, PARENT, RUN_NAME, USER, Dataset, Points, Run

if TYPE_CHECKING:
    import numpy as np

_ID = re.compile(r"[0-9a-f]{32}")
_MS = 1_000_000
#: The last millisecond whose nanoseconds fit into 64 bits: the year 2262.
_LAST = (2**63 - 1) // _MS
_LONGEST_NAME = 500
#: A run that MLflow takes for running, and that has said nothing for so long, has died.
LOST_AFTER = 24 * 3600 * 10**9
#: The tag of a run whose id in MLflow is none that this store takes.
OWN_ID = "mlflow.runId"


def run_id(text: str) -> str:
    """The id that a run has here: its own, or, where that is no 32 hexadecimal digits, one that is always the same."""
    if _ID.fullmatch(text):
        return text
    return hashlib.blake2b(f"mlflow run {text}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def nanoseconds(moment: int) -> int:
    """Milliseconds as nanoseconds; what does not fit is the last or the first moment that does."""
    return max(-_LAST, min(moment, _LAST)) * _MS


def foreign_run(run: Run, experiment: str, metrics: Mapping[str, Columns]) -> ForeignRun:
    """A run as ``take_in`` wants it, without files. ``metrics``: the points that are to come with it."""
    tags = dict(run.tags)
    notes: list[str] = []
    identity, parent = run_id(run.id), tags.get(PARENT)
    if identity != run.id:
        tags[OWN_ID] = run.id
        notes.append(f"its id in MLflow, {run.id!r}, is no id here; it is kept in the tag {OWN_ID}")
    name = run.tags.get(RUN_NAME) or run.name or run_name(identity)
    if len(name) > _LONGEST_NAME:
        notes.append(f"its name is cut to {_LONGEST_NAME} characters; the tag {RUN_NAME} has all of it")
        name = name[:_LONGEST_NAME]
    started = nanoseconds(run.started)
    heard = max([started, *(int(columns.timestamps.max()) for columns in metrics.values() if len(columns.steps))])
    found = ForeignRun(
        id=identity,
        name=name,
        experiment=experiment,
        started=started,
        ended=None,
        mark=run.state,
        heard=heard,
        parent=run_id(parent) if parent and run_id(parent) != identity else None,
        user=run.tags.get(USER) or run.user,
        deleted=run.deleted,
        params=dict(run.params),
        tags=tags,
        metrics=dict(metrics),
        datasets=[dataset_record(dataset) for dataset in run.datasets],
        notes=notes,
    )
    if run.status in ENDED:
        found.status = run.status
        found.ended = heard if run.ended is None else nanoseconds(run.ended)
        if run.ended is None:
            notes.append("MLflow knows no time at which it ended; its last point stands for it")
    elif time.time_ns() - heard > LOST_AFTER:
        found.ended, found.status = heard, "CRASHED"
        notes.append(f"MLflow has it as {run.status}; nothing was heard of it for more than a day")
    return found


def columns_of(points: Points) -> tuple[Columns, int]:
    """Points in the order in which MLflow ranks them, times in nanoseconds; and how many times had to be changed."""
    import numpy as np

    # MLflow's latest point is the one with the largest step, then time, then value, NaN counting as 0.
    order = np.lexsort(
        (np.nan_to_num(points.values, nan=0.0, posinf=np.inf, neginf=-np.inf), points.times, points.steps)
    )
    times = np.clip(points.times[order], -_LAST, _LAST)
    changed = int((times != points.times[order]).sum())
    return Columns(points.steps[order], times * _MS, points.values[order]), changed


def without(columns: Columns, there: Columns) -> Columns:
    """The points that are not among those that are there. Each of those stands for one, and times count to the
    millisecond: a store may keep more of them than MLflow can say."""
    import numpy as np

    count = len(there.steps)
    # Most often the same ones stand first, and what came since behind them.
    if count <= len(columns.steps) and np.array_equal(_table(columns)[:count], _table(there)):
        return Columns(columns.steps[count:], columns.timestamps[count:], columns.values[count:])
    left: dict[bytes, int] = {}
    for row in _rows(there):
        left[row] = left.get(row, 0) + 1
    wanted = np.ones(len(columns.steps), np.bool_)
    for number, row in enumerate(_rows(columns)):
        if left.get(row, 0):
            left[row] -= 1
            wanted[number] = False
    return Columns(columns.steps[wanted], columns.timestamps[wanted], columns.values[wanted])


def _rows(columns: Columns) -> Iterable[bytes]:
    return (row.tobytes() for row in _table(columns))


def _table(columns: Columns) -> np.ndarray:
    """Points as rows of integers that compare: step, milliseconds, bits of the value."""
    import numpy as np

    values = np.asarray(columns.values, np.float64)
    # Every NaN is one: MLflow keeps no bits of them.
    bits = np.where(np.isnan(values), np.float64(np.nan), values).view(np.int64)
    return np.stack([columns.steps, columns.timestamps // _MS, bits], axis=1)


def dataset_record(dataset: Dataset) -> DatasetRecord:
    """A data set as a run's record has it; all that MLflow said of it is kept beside."""
    said = {
        "source_type": dataset.source_type,
        "source": dataset.source,
        "schema": dataset.schema,
        "profile": dataset.profile,
        "tags": dict(dataset.tags),
    }
    return DatasetRecord(
        name=dataset.name,
        context=dataset.tags.get(CONTEXT, ""),
        digest=dataset.digest,
        rows=_rows_of(dataset.profile),
        columns=_columns_of(dataset.schema),
        source=_place(dataset.source),
        kind=dataset.source_type or None,
        mlflow_digest=dataset.digest,
        partial="the digest is MLflow's, which looks at a part of the data",
        mlflow=json.dumps(said, ensure_ascii=False, sort_keys=True),
    )


def _rows_of(profile: str | None) -> int | None:
    found = _document(profile)
    rows = found.get("num_rows") if isinstance(found, dict) else None
    return rows if isinstance(rows, int) and not isinstance(rows, bool) else None


def _columns_of(schema: str | None) -> dict[str, str]:
    found = _document(schema)
    columns = found.get("mlflow_colspec") if isinstance(found, dict) else None
    if not isinstance(columns, list):
        return {}
    return {
        str(each.get("name", number)): str(each.get("type", ""))
        for number, each in enumerate(columns)
        if isinstance(each, dict)
    }


def _place(source: str) -> str | None:
    found = _document(source)
    if isinstance(found, dict):
        for key in ("uri", "url", "path", "table_name", "delta_table_name"):
            if isinstance(found.get(key), str):
                return str(found[key])
    return source or None


def _document(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def model_record(path: str, mlmodel: bytes, size: int) -> ModelRecord | None:
    """What an MLmodel file says of the model in whose folder it lies; None where it says nothing that can be read."""
    import yaml

    try:
        found = yaml.safe_load(mlmodel)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    flavors = found.get("flavors") if isinstance(found, dict) else None
    if not isinstance(flavors, dict) or not flavors:
        return None
    own = [str(name) for name in flavors if name != "python_function"]
    function = flavors.get("python_function")
    loader = function.get("loader_module", "") if isinstance(function, dict) else ""
    return ModelRecord(path, own[0] if own else "python_function", str(loader), size)
