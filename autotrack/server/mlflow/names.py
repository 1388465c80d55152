"""What MLflow lets through as a key, a value or a name, and what it cuts.

Its clients count on both: a key that the server refuses is an error in their program, a value that is too long is cut.
The store keeps long values whole; they are cut where they are answered (``render``).
"""

from __future__ import annotations

import json
import posixpath
import re

from autotrack.core.keys import check_text

from ..errors import ApiError, invalid

KEY = 250
PARAM_VALUE = 6000
TAG_VALUE = 8000
EXPERIMENT_NAME = 500
EXPERIMENT_TAG_VALUE = 20_000
METRICS, PARAMS, TAGS, ALTOGETHER = 1000, 100, 100, 1000
DATASETS = 1000

_KEY = re.compile(r"[/\w.\- :]*")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_]{1,250}")
_RUN = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_EXPERIMENT = re.compile(r"[a-zA-Z0-9][\w\-]{0,63}")
_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and "
    "slashes (/)."
)


def wrong(path: str, value: object, why: str = "") -> ApiError:
    """The error about a value, in the words that clients look for: where it is, what it is, why it is refused."""
    shown = json.dumps(value)
    shown = shown if len(shown) <= 1000 else f"{shown[:1000]}..."
    return invalid(f"Invalid value {shown} for parameter '{path}' supplied{': ' + why if why else '.'}")


def key_of(value: str | None, path: str) -> str:
    """A key of a metric, param or tag (ApiError 400)."""
    if value is None:
        raise invalid(f"Missing value for required parameter '{path}'.")
    if _PLAIN_KEY.fullmatch(value):
        return value
    if len(value) > KEY:
        raise invalid(f"'{path}' exceeds the maximum length of {KEY} characters")
    if not _KEY.fullmatch(value):
        raise wrong(path, value, _CHARACTERS)
    normal = posixpath.normpath(value)
    if normal != value or normal in (".", "") or normal.startswith(("..", "/")):
        raise wrong(
            path,
            value,
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. "
            f"This name would resolve to {normal!r}",
        )
    return check_text(value, path)


def run_id(value: str | None) -> str:
    """A run's id (ApiError 400)."""
    if not value:
        raise invalid("Missing value for required parameter 'run_id'.")
    if not _RUN.fullmatch(value):
        raise wrong("run_id", value)
    return value


def experiment_id(value: str | None) -> str:
    """An experiment's id (ApiError 400)."""
    if not value:
        raise invalid("Missing value for required parameter 'experiment_id'.")
    if not _EXPERIMENT.fullmatch(value):
        raise wrong("experiment_id", value)
    return value


def experiment_name(value: str | None, path: str) -> str:
    """An experiment's name (ApiError 400)."""
    if value is None:
        raise invalid(f"Missing value for required parameter '{path}'.")
    if not value.strip():
        raise wrong(path, value, "An experiment name cannot be empty.")
    if len(value) > EXPERIMENT_NAME:
        raise invalid(f"'{path}' exceeds the maximum length of {EXPERIMENT_NAME} characters")
    return check_text(value, path)


def experiment_tag(key: str | None, value: str | None) -> tuple[str, str]:
    """A tag of an experiment (ApiError 400)."""
    key, value = key_of(key, "key"), value or ""
    if len(value) > EXPERIMENT_TAG_VALUE:
        raise invalid(f"'value' exceeds the maximum length of {EXPERIMENT_TAG_VALUE} characters")
    return key, check_text(value, "value")
