"""The bodies of MLflow's requests (https://mlflow.org/docs/latest/rest-api.html), as its three clients write them.

R writes every leaf as a string and an empty list as ``{}``, Java writes int64 as strings: they are decoded laxly.
``run_uuid`` stands in for ``run_id``, an enumeration's number for its name. Fields that are not known are ignored.
"""

from __future__ import annotations

import base64
import json
import math
from typing import Any, TypeVar

from msgspec import Struct

from ..errors import invalid

INT64 = 2**63
#: Milliseconds that still fit into 64 bits as nanoseconds: up to the year 2262.
LATEST = INT64 // 1_000_000

T = TypeVar("T")
Text = str | None
#: An int64 that R writes as ``"1.59e+12"`` and Java as ``"1590000000000"``.
Whole = int | float | str | None
Number = float | int | str
Enumerated = str | int | None


class Tag(Struct):
    key: Text = None
    value: Text = None


Tags = list[Tag] | dict[str, Any] | None
Texts = list[str] | dict[str, Any] | None


class ById(Struct):
    run_id: Text = None
    run_uuid: Text = None


class ExperimentById(Struct):
    experiment_id: Text = None


class ExperimentByName(Struct):
    experiment_name: Text = None


class CreateExperiment(Struct):
    name: Text = None
    artifact_location: Text = None
    tags: Tags = None


class UpdateExperiment(ExperimentById):
    new_name: Text = None


class ExperimentTag(ExperimentById):
    key: Text = None
    value: Text = None


class SearchExperiments(Struct):
    max_results: Whole = None
    page_token: Text = None
    filter: Text = None
    order_by: Texts = None
    view_type: Enumerated = None


class CreateRun(Struct):
    experiment_id: Text = None
    user_id: Text = None
    run_name: Text = None
    start_time: Whole = None
    tags: Tags = None


class UpdateRun(ById):
    status: Enumerated = None
    end_time: Whole = None
    run_name: Text = None


class SearchRuns(Struct):
    experiment_ids: Texts = None
    filter: Text = None
    run_view_type: Enumerated = None
    max_results: Whole = None
    order_by: Texts = None
    page_token: Text = None


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


class KeyValue(ById):
    key: Text = None
    value: Text = None


class LogBatch(ById):
    metrics: list[Metric] | dict[str, Any] | None = None
    params: Tags = None
    tags: Tags = None


class LogModel(ById):
    model_json: Text = None


class Dataset(Struct):
    name: Text = None
    digest: Text = None
    source_type: Text = None
    source: Text = None
    schema: Text = None
    profile: Text = None


class DatasetInput(Struct):
    tags: Tags = None
    dataset: Dataset | None = None


class ModelAt(Struct):
    model_id: Text = None
    step: Whole = None


class LogInputs(ById):
    datasets: list[DatasetInput] | dict[str, Any] | None = None
    models: list[ModelAt] | dict[str, Any] | None = None


class LogOutputs(ById):
    models: list[ModelAt] | dict[str, Any] | None = None


class SearchDatasets(Struct):
    experiment_ids: Texts = None


class GetHistory(ById):
    metric_key: Text = None
    page_token: Text = None
    max_results: Whole = None


class GetHistories(Struct):
    """Histories of one metric in several runs; ``run_id`` is what MLflow's page calls ``run_ids``."""

    run_ids: list[str] | None = None
    run_id: list[str] | None = None
    metric_key: Text = None
    start_step: Whole = None
    end_step: Whole = None
    max_results: Whole = None


class ListArtifacts(ById):
    path: Text = None
    page_token: Text = None


class Path(Struct):
    path: Text = None


class PathOfRun(ById):
    path: Text = None


def needed(value: str | None, name: str) -> str:
    """A field that must be there (ApiError 400)."""
    if value is None or value == "":
        raise invalid(f"Missing value for required parameter '{name}'.")
    return value


def run_of(body: ById | LogMetric) -> str:
    """The run that a request is about (ApiError 400)."""
    from .names import run_id

    return run_id(body.run_id or body.run_uuid)


def items(value: list[T] | dict[str, Any] | None, name: str) -> list[T]:
    """A list; R writes an empty one as an object (ApiError 400)."""
    if not value:
        return []
    if isinstance(value, dict):
        raise invalid(f"Invalid value for parameter '{name}' supplied: a list is wanted.")
    return value


def whole(value: Whole, name: str, default: int | None = None) -> int:
    """An int64, however it is written (ApiError 400)."""
    if value.__class__ is int and -INT64 <= value < INT64:
        return value
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
            raise invalid(f"Parameter '{name}' must be an integer, got {value!r:.60}.") from None
    if not -INT64 <= found < INT64:
        raise invalid(f"Invalid value {value!r:.60} for parameter '{name}' supplied: it does not fit into 64 bits.")
    return found


def moment(value: Whole, name: str, default: int | None = None) -> int:
    """Milliseconds since the epoch as nanoseconds (ApiError 400)."""
    found = whole(value, name, default)
    if not -LATEST < found < LATEST:
        raise invalid(
            f"Invalid value {value!r:.60} for parameter '{name}' supplied: it is to be in milliseconds, before the "
            "year 2262."
        )
    return found * 1_000_000


_WORDS = {"nan": math.nan, "infinity": math.inf, "-infinity": -math.inf, "inf": math.inf, "-inf": -math.inf}


def number(value: Number | None, name: str) -> float:
    """A double, however it is written (ApiError 400)."""
    if value.__class__ is float:
        return value
    if value is None:
        raise invalid(f"Missing value for required parameter '{name}'.")
    if isinstance(value, str):
        word = _WORDS.get(value.strip().lower())
        if word is not None:
            return word
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise invalid(
            f"Invalid value {json.dumps(value):.60} for parameter '{name}' supplied: Please specify value as a valid "
            "double (64-bit floating point)"
        ) from None


_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_VIEWS: dict[object, str] = {1: "active", 2: "deleted", 3: "all"}
_VIEWS |= {"ACTIVE_ONLY": "active", "DELETED_ONLY": "deleted", "ALL": "all"}


def status(value: Enumerated) -> str | None:
    """A run's status, None where none is given (ApiError 400)."""
    if value is None or value == "":
        return None
    found = _STATUS.get(int(value)) if str(value).isdigit() else value
    if found not in _STATUS.values():
        raise invalid(f"Invalid value {value!r:.60} for parameter 'status' supplied: there are {[*_STATUS.values()]}.")
    return str(found)


def lifecycle(value: Enumerated, name: str) -> str:
    """Which lifecycle a view asks for (ApiError 400)."""
    if value is None or value == "":
        return "active"
    found = _VIEWS.get(int(value) if str(value).isdigit() else value)
    if found is None:
        raise invalid(f"Invalid value {value!r:.60} for parameter '{name}' supplied.")
    return found


def page_size(value: Whole, name: str, default: int | None, largest: int) -> int:
    """How many results a page may have (ApiError 400)."""
    found = whole(value, name, default)
    if not 1 <= found <= largest:
        what = "a positive integer" if found < 1 else f"at most {largest}"
        raise invalid(f"Invalid value {found} for parameter '{name}' supplied: It must be {what}")
    return found


def offset_of(token: str | None) -> int:
    """Where the page begins that a token stands for (ApiError 400)."""
    if not token:
        return 0
    try:
        found = json.loads(base64.b64decode(token, validate=True))["offset"]
    except (ValueError, TypeError, LookupError):
        found = None
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < INT64:
        raise invalid("Invalid page token, decoded value is not an offset")
    return found


def token_of(offset: int) -> str:
    """The token of the page that begins there."""
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()
