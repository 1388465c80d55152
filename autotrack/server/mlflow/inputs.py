"""What went into runs and what came out, in MLflow's API: data sets and logged models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from autotrack.store import schema
from autotrack.store.engines.dialect import among, upsert
from autotrack.store.intake.direct import Change, Standing
from autotrack.store.schema import model_tables as schema_models

from .. import limits
from ..calls import Call
from ..errors import invalid
from . import names, render, wire
from .runs import Record, active
from .table import READ_EXPERIMENTS, WRITE_RUN, table

ROUTES = table()

#: Characters that MLflow lets each field of a data set have.
_LONGEST = {"name": 500, "digest": 36, "schema": 1_048_575, "source": 65_535, "profile": 16_777_215}
_TAG_KEY, _TAG_VALUE = 255, 500
SUMMARIES = 1000


@ROUTES.post("/runs/log-inputs", WRITE_RUN, body=wire.LogInputs, limit=limits.BATCH)
async def log_inputs(call: Call) -> None:
    """Notes data sets and models that a run took in."""
    body: wire.LogInputs = call.body
    run = wire.run_of(body)
    given = wire.items(body.datasets, "datasets")
    if len(given) > names.DATASETS:
        raise invalid(f"A logging request can contain at most {names.DATASETS} datasets. Got {len(given)}.")
    datasets: dict[tuple[str, str], dict[str, Any]] = {}
    for at, item in enumerate(given):
        row = _dataset(item, f"datasets[{at}]")
        datasets.setdefault((row["name"], row["digest"]), row)
    models = [wire.needed(model.model_id, "model_id") for model in wire.items(body.models, "models")]

    def also(connection: Connection, number: int) -> None:
        table = schema.datasets
        known = select(table.c.name, table.c.digest).where(table.c.run == number)
        there = {(name, digest) for name, digest in connection.execute(known)} if datasets else set()
        rows = [{**row, "run": number} for address, row in datasets.items() if address not in there]
        if rows:
            connection.execute(upsert(table), rows)
        _relate(connection, number, "input", [(model, 0) for model in models])

    await call.services.write(Change(run, _checking(run), also=also))


@ROUTES.post("/runs/outputs", WRITE_RUN, body=wire.LogOutputs)
async def log_outputs(call: Call) -> None:
    """Notes models that a run brought out."""
    body: wire.LogOutputs = call.body
    run = wire.run_of(body)
    models = [
        (wire.needed(model.model_id, "model_id"), wire.whole(model.step, "step", 0))
        for model in wire.items(body.models, "models")
    ]

    def also(connection: Connection, number: int) -> None:
        _relate(connection, number, "output", models)

    await call.services.write(Change(run, _checking(run), also=also))


class _checking:
    """A change without records of its own, to a run that is active."""

    def __init__(self, run: str) -> None:
        self._run = run

    def __call__(self, standing: Standing) -> Sequence[Record]:
        active(standing, self._run)
        return []


def _relate(connection: Connection, number: int, role: str, models: Sequence[tuple[str, int]]) -> None:
    rows = [{"run": number, "role": role, "model": model, "step": step} for model, step in models]
    if rows:
        connection.execute(upsert(schema_models.run_models), rows)


def _dataset(item: wire.DatasetInput, where: str) -> dict[str, Any]:
    """A row of ``datasets`` (ApiError 400)."""
    said = item.dataset
    if said is None:
        raise invalid(f"Missing value for required parameter '{where}.dataset'.")
    for name, longest in _LONGEST.items():
        if len(getattr(said, name) or "") > longest:
            raise invalid(f"'{where}.dataset.{name}' exceeds the maximum length of {longest} characters")
    tags: dict[str, str] = {}
    for at, tag in enumerate(wire.items(item.tags, f"{where}.tags")):
        key, value = wire.needed(tag.key, f"{where}.tags[{at}].key"), tag.value or ""
        if len(key) > _TAG_KEY or len(value) > _TAG_VALUE:
            raise invalid(f"'{where}.tags[{at}]' exceeds the maximum length of {_TAG_KEY} or {_TAG_VALUE} characters")
        tags[key] = value
    told = {name: getattr(said, name) for name in ("source_type", "source", "schema", "profile")}
    told = {name: value for name, value in told.items() if value is not None}
    digest = wire.needed(said.digest, f"{where}.dataset.digest")
    return {
        "name": wire.needed(said.name, f"{where}.dataset.name"),
        "digest": digest,
        "context": tags.get(render.CONTEXT_TAG, ""),
        "rows": _rows(said.profile),
        "columns": None,
        "source": said.source,
        "kind": None,
        "bytes": None,
        "fingerprint": None,
        "mlflow_digest": digest,
        "partial": None,
        "mlflow": json.dumps(
            {**told, "tags": [{"key": key, "value": value} for key, value in tags.items()]}, ensure_ascii=False
        ),
    }


def _rows(profile: str | None) -> int | None:
    """How many rows a profile speaks of, where it does."""
    try:
        found = json.loads(profile or "{}")
        rows = found.get("num_rows") if isinstance(found, dict) else None
    except ValueError:
        return None
    return rows if isinstance(rows, int) and 0 <= rows < wire.INT64 else None


@ROUTES.post("/experiments/search-datasets", READ_EXPERIMENTS, body=wire.SearchDatasets)
def search_datasets(call: Call) -> dict[str, Any]:
    """The data sets of experiments, each once."""
    body: wire.SearchDatasets = call.body
    wanted = wire.items(body.experiment_ids, "experiment_ids")
    if not wanted:
        raise invalid("SearchDatasets request must specify at least one experiment_id.")
    if len(wanted) > 20:
        raise invalid(f"SearchDatasets request cannot specify more than 20 experiment_ids. Received {len(wanted)}.")
    table, runs = schema.datasets, schema.runs
    query = (
        select(runs.c.experiment_id, table.c.name, table.c.digest, table.c.mlflow_digest, table.c.context)
        .join(runs, runs.c.n == table.c.run)
        .where(among(runs.c.experiment_id, wanted))
        .distinct()
        .order_by(runs.c.experiment_id, table.c.name, table.c.digest, table.c.context)
        .limit(SUMMARIES)
    )
    with call.services.store.reading() as connection:
        found = [
            render.without_empty(
                {
                    "experiment_id": experiment,
                    "name": name,
                    "digest": short or digest[:36],
                    "context": context or None,
                }
            )
            for experiment, name, digest, short, context in connection.execute(query)
        ]
    return {"dataset_summaries": found} if found else {}
