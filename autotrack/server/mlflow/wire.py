"""The bodies of MLflow's requests (https://mlflow.org/docs/latest/rest-api.html), as its three clients write them.

R writes every leaf as a string, Java writes int64 as strings: they are decoded laxly. ``run_uuid`` stands in for
``run_id``. Fields that are not known are ignored.
"""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ..errors import invalid

INT64 = 2**63
KEY = 250
EXPERIMENT_NAME = 500
PARAM_VALUE = 6000
TAG_VALUE = 8000

Text = str | None
#: An int64 that R writes as ``"1.59e+12"`` and Java as ``"1590000000000"``.
Whole = int | float | str | None
Number = float | int | str


class Tag(Struct):
    key: Text = None
    value: Text = None


class ById(Struct):
    run_id: Text = None
    run_uuid: Text = None


class CreateExperiment(Struct):
    name: Text = None
    artifact_location: Text = None
    tags: list[Tag] | None = None


class CreateRun(Struct):
    experiment_id: Text = None
    user_id: Text = None
    run_name: Text = None
    start_time: Whole = None
    tags: list[Tag] | None = None


class UpdateRun(ById):
    status: str | int | None = None
    end_time: Whole = None
    run_name: Text = None


class Metric(Struct):
    key: Text = None
    value: Number | None = None
    timestamp: Whole = None
    step: Whole = None
    model_id: Text = None
    dataset_name: Text = None
    dataset_digest: Text = None


class LogMetric(Metric):
    run_id: Text = None
    run_uuid: Text = None


class LogParam(ById):
    key: Text = None
    value: Text = None


class LogBatch(ById):
    metrics: list[Metric] | None = None
    params: list[Tag] | None = None
    tags: list[Tag] | None = None


class GetHistory(ById):
    metric_key: Text = None
    page_token: Text = None
    max_results: Whole = None


def needed(value: str | None, name: str) -> str:
    """A field that must be there (ApiError 400)."""
    if value is None or value == "":
        raise invalid(f"Missing value for required parameter '{name}'.")
    return value


def run_of(body: ById | LogMetric) -> str:
    """The run that a request is about."""
    return needed(body.run_id or body.run_uuid, "run_id")


def whole(value: Whole, name: str, default: int | None = None) -> int:
    """An int64, however it is written (ApiError 400)."""
    if value is None or value == "":
        if default is None:
            raise invalid(f"Missing value for required parameter '{name}'.")
        return default
    try:
        found = int(value)
        if isinstance(value, float) and found != value:
            raise ValueError
    except (ValueError, OverflowError):
        try:
            number = float(value)
            found = int(number)
            if found != number:
                raise ValueError
        except (ValueError, OverflowError):
            raise invalid(f"Invalid value {value!r:.60} for parameter '{name}': an integer is wanted.") from None
    if not -INT64 <= found < INT64:
        raise invalid(f"Invalid value {value!r:.60} for parameter '{name}': it does not fit into 64 bits.")
    return found


_WORDS = {"nan": math.nan, "infinity": math.inf, "-infinity": -math.inf, "inf": math.inf, "-inf": -math.inf}


def number(value: Number | None, name: str) -> float:
    """A double, however it is written (ApiError 400)."""
    if value is None:
        raise invalid(f"Missing value for required parameter '{name}'.")
    if isinstance(value, str):
        word = _WORDS.get(value.strip().lower())
        if word is not None:
            return word
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise invalid(f"Invalid value {value!r:.60} for parameter '{name}': a number is wanted.") from None


Positive = Annotated[int, Meta(gt=0)]
UNSET = msgspec.UNSET
