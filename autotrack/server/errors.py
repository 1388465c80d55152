"""Errors as a client sees them: a status, a stable code, a sentence. No traceback, no SQL, no path of this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from autotrack.core import errors
from autotrack.core.session.masking import mask

log = logging.getLogger("autotrack.server")

INVALID = "INVALID_PARAMETER_VALUE"
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
EXISTS = "RESOURCE_ALREADY_EXISTS"
UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
OUT_OF_STEP = "OUT_OF_STEP"
FILTER = "INVALID_FILTER"
TOO_EXPENSIVE = "TOO_EXPENSIVE"
AMBIGUOUS = "AMBIGUOUS"

#: Seconds after which a client may come again when the store is away or overloaded.
RETRY_AFTER = 2


class ApiError(Exception):
    """What is answered instead of a result."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        #: What a program can do something with: where a filter does not parse, where a batch has to begin.
        self.details = dict(details or {})


def invalid(message: str) -> ApiError:
    """The answer to a request that is understood and cannot be meant, as MLflow gives it."""
    return ApiError(400, INVALID, message)


def api_error(error: BaseException, *, mlflow: bool) -> ApiError:
    """What a client is told of an exception. Routes of MLflow's API answer with MLflow's statuses."""
    match error:
        case ApiError():
            return error
        case errors.NotFoundError():
            return ApiError(404, NOT_FOUND, _said(error))
        case errors.UnavailableError():
            return ApiError(503, UNAVAILABLE, _said(error), {"Retry-After": str(RETRY_AFTER)})
        case errors.ConflictError():
            return ApiError(400 if mlflow else 409, EXISTS, _said(error))
        case errors.OutOfStepError():
            return ApiError(409, OUT_OF_STEP, _said(error), details={"events": error.events, "points": error.points})
        case errors.FilterError() if not mlflow:
            return ApiError(422, FILTER, _said(error), details={"filter": error.text, "position": error.position})
        case errors.AmbiguousError() if not mlflow:
            return ApiError(422, AMBIGUOUS, _said(error))
        case errors.UsageError() | errors.ArtifactError():
            return ApiError(400 if mlflow else 422, INVALID, _said(error))
        case errors.StoreError():
            log.warning("the store could not be used: %s", error)
            return ApiError(503, UNAVAILABLE, "the store cannot be used at the moment", {"Retry-After": "5"})
        case msgspec.ValidationError():
            return ApiError(400 if mlflow else 422, INVALID, _said(error))
        case msgspec.DecodeError() | UnicodeDecodeError() | RecursionError():
            return ApiError(400, "BAD_REQUEST" if not mlflow else INVALID, f"the body is no valid JSON: {_said(error)}")
    log.error("a request failed", exc_info=error)
    return ApiError(500, "INTERNAL_ERROR", "the server has made a mistake; its log says more")


def body_of(error: ApiError) -> dict[str, Any]:
    """The JSON of an error."""
    body: dict[str, Any] = {"error_code": error.code, "message": error.message}
    return {**body, "details": error.details} if error.details else body


def _said(error: BaseException) -> str:
    return mask(str(error))[:4000]
