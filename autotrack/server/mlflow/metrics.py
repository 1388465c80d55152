"""Histories of metrics in MLflow's API."""

from __future__ import annotations

from typing import Any

from ..calls import Call
from . import render, wire
from .table import READ_RUN, table

ROUTES = table()


@ROUTES.get("/metrics/get-history", READ_RUN, body=wire.GetHistory)
def get_history(call: Call) -> dict[str, Any]:
    """All points of one metric."""
    body: wire.GetHistory = call.body
    key = wire.needed(body.metric_key, "metric_key")
    columns = call.services.store.metric_history(wire.run_of(body), key)
    rows = zip(columns.steps.tolist(), columns.timestamps.tolist(), columns.values.tolist(), strict=True)
    return {
        "metrics": [
            {"key": key, "value": render.value_of(value), "timestamp": time // 1_000_000, "step": step}
            for step, time, value in rows
        ]
    }
