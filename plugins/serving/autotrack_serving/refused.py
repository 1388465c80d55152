"""What is answered instead of predictions: a status, a code that MLflow's clients know, and a sentence."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import msgspec

BAD_REQUEST = "BAD_REQUEST"
INVALID = "INVALID_PARAMETER_VALUE"
NOT_FOUND = "RESOURCE_DOES_NOT_EXIST"
TOO_LARGE = "REQUEST_LIMIT_EXCEEDED"
UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
FAILED = "INTERNAL_ERROR"
LATE = "DEADLINE_EXCEEDED"
#: The SQLSTATE that MLflow 3 puts beside a code.
_STATES = {BAD_REQUEST: "22023", INVALID: "22023"}


class Refused(Exception):
    """A request that is answered with an error. ``plain`` are answered as text, as MLflow answers them."""

    def __init__(self, status: int, code: str, message: str, *, kind: str | None = None, plain: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.kind = kind
        self.plain = plain

    @property
    def content_type(self) -> bytes:
        return b"text/plain; charset=utf-8" if self.plain else b"application/json"

    def body(self) -> bytes:
        """The body of the answer: never a traceback, never a path of this machine."""
        if self.plain:
            return str(self).encode(errors="replace")
        document: dict[str, Any] = {"error_code": self.code, "message": str(self)}
        if self.code in _STATES:
            document["sqlstate"] = _STATES[self.code]
        if self.kind is not None:
            document["error_class"] = self.kind
        return msgspec.json.encode(document)


def bad(message: str) -> Refused:
    """A request that cannot be read."""
    return Refused(400, BAD_REQUEST, message)


def unfit(message: str) -> Refused:
    """Data that can be read and do not fit the model's signature."""
    return Refused(400, INVALID, f"Failed to enforce schema: {message}", kind="SCHEMA_ENFORCEMENT_FAILED")


def failed(error: BaseException) -> Refused:
    """What a request is told whose prediction raised: 400 where the model refuses its values, else 500.

    scikit-learn and its like look at what they are given before they compute, and say by ValueError or TypeError that
    they take no NaN, or no text: that is the client's mistake, not the model's.
    """
    if isinstance(error, Refused):
        return error
    kind = type(error).__name__.lstrip("_")
    if isinstance(error, (ValueError, TypeError)) and _is_checking(error.__traceback__):
        return Refused(400, BAD_REQUEST, f"the model does not take these values: {str(error)[:300]}")
    return Refused(500, FAILED, f"the model raised {kind}: {str(error)[:300]}")


def _is_checking(trace: TracebackType | None) -> bool:
    """True where the innermost frames are of a library's module that validates input."""
    modules: list[str] = []
    while trace is not None:
        modules.append(str(trace.tb_frame.f_globals.get("__name__", "")))
        trace = trace.tb_next
    return any(name.rpartition(".")[2] in ("validation", "_validation") for name in modules[-6:])


def unknown_type(message: str) -> Refused:
    """A content type that is not taken."""
    return Refused(415, BAD_REQUEST, message, plain=True)
