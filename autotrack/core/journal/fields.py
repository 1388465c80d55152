"""The fields of a journal's records: each reader answers the value, or says in a UsageError what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .. import keys
from ..artifact_paths import check_artifact_path
from ..entities import ENDINGS
from ..errors import ArtifactError, UsageError

#: How deep a JSON value may be nested: what is deeper could be written and not be read again.
DEEPEST = 64
#: Bits of an integer in a JSON value: Python reads no number of more than 4,300 digits.
LONGEST_INTEGER = 8192
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EXIT_CODE = 1 << 31

Fields = Mapping[str, Any]


def shown(value: object) -> str:
    """A value as an error names it: the beginning of a text, the type of anything else."""
    return repr(keys.printable(value[:40])) if isinstance(value, str) else f"a value of type {type(value).__name__}"


def text(record: Fields, field: str) -> str:
    """A text that a database and a JSON reader take."""
    value = record.get(field)
    if not isinstance(value, str):
        raise UsageError(f"{field} is no text")
    return keys.check_text(value, field)


def optional_text(record: Fields, field: str) -> str | None:
    """``text``, where there is one."""
    return None if record.get(field) is None else text(record, field)


def spelled(record: Fields, field: str) -> str:
    """A text that nobody can correct (what was printed, a traceback, a path): what cannot be kept is spelled out."""
    value = record.get(field)
    if not isinstance(value, str):
        raise UsageError(f"{field} is no text")
    return value if value.isascii() and "\x00" not in value else keys.printable(value)


def optional_spelled(record: Fields, field: str) -> str | None:
    """``spelled``, where there is one."""
    return None if record.get(field) is None else spelled(record, field)


def identity(record: Fields, field: str) -> str:
    """An id: 32 hexadecimal digits, so that it may stand in a path and a URL."""
    value = record.get(field)
    if not isinstance(value, str) or not keys.is_run_id(value):
        raise UsageError(f"{field} is {shown(value)}, which is no id")
    return value


def optional_id(record: Fields, field: str) -> str | None:
    """``identity``, where there is one."""
    return None if record.get(field) is None else identity(record, field)


def optional_digest(record: Fields, field: str) -> str | None:
    """A sha256 as 64 hexadecimal digits, where there is one."""
    value = record.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise UsageError(f"{field} is {shown(value)}, which is no sha256")
    return value


def artifact_path(record: Fields, field: str) -> str:
    """A path of an artifact: one that stays below its folder on every system."""
    value = text(record, field)
    try:
        check_artifact_path(value)
    except ArtifactError as error:
        raise UsageError(str(error)) from error
    return value


def integer(record: Fields, field: str) -> int:
    """An integer of 64 bits."""
    value = record.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not -keys.INT64 <= value < keys.INT64:
        raise UsageError(f"{field} is no integer of 64 bits")
    return value


def optional_integer(record: Fields, field: str) -> int | None:
    """``integer``, where there is one."""
    return None if record.get(field) is None else integer(record, field)


def size(record: Fields, field: str) -> int:
    """An integer of 64 bits that is not negative."""
    value = integer(record, field)
    if value < 0:
        raise UsageError(f"{field} is negative")
    return value


def exit_code(record: Fields) -> int | None:
    """What a program ended with: an integer of 32 bits."""
    value = optional_integer(record, "exit_code")
    if value is not None and not -_EXIT_CODE <= value < _EXIT_CODE:
        raise UsageError(f"exit_code is {value}, which no program ends with")
    return value


def status(record: Fields) -> str:
    """How a run ended."""
    value = record.get("status")
    if value not in ENDINGS:
        raise UsageError(f"status is {shown(value)}, which is not how a run ends")
    return str(value)


def items(record: Fields, field: str) -> Sequence[Any]:
    """A list, of whatever."""
    value = record.get(field)
    if not isinstance(value, list | tuple):
        raise UsageError(f"{field} is no list")
    return value


def texts(record: Fields, field: str, *, needed: bool = False) -> dict[str, str]:
    """Texts by keys of 1 to 1,000 characters; none where the field is missing and not ``needed``."""
    if needed and record.get(field) is None:
        raise UsageError(f"{field} is missing")
    found = _mapping(record, field)
    what = f"key of {field}"
    for key, value in found.items():
        keys.check_key(key, what)
        if not isinstance(value, str):
            raise UsageError(f"{field} {key[:40]!r} is no text")
        if not value.isascii() or "\x00" in value:  # a search begins with thousands of params: no words for each
            keys.check_text(value, f"{field} {key[:40]!r}")
    return dict(found)


def columns(record: Fields, field: str) -> dict[str, str]:
    """Names of columns, which may be any text, with their types; none where the field is missing."""
    found = dict(_mapping(record, field))
    check_document(found)
    if not all(isinstance(value, str) for value in found.values()):
        raise UsageError(f"{field} holds something that is no text")
    return found


def numbers(record: Fields, field: str) -> dict[str, float | int]:
    """Floats and integers of 64 bits by keys of metrics; none where the field is missing."""
    found = _mapping(record, field)
    for key, value in found.items():
        keys.check_key(key, "metric's key")
        whole = isinstance(value, int) and not isinstance(value, bool) and -keys.INT64 <= value < keys.INT64
        if not whole and not isinstance(value, float):
            raise UsageError(f"{field} {key[:40]!r} is no number of 64 bits")
    return dict(found)


def document(record: Fields, field: str) -> dict[str, Any]:
    """A JSON object."""
    value = record.get(field)
    if not isinstance(value, dict):
        raise UsageError(f"{field} is no mapping")
    check_document(value)
    return value


def check_document(value: object) -> None:
    """UsageError where a value is not JSON, or nothing that can be written as JSON and read again.

    NUL may stand in it, for JSON spells it out.
    """
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if depth > DEEPEST:
            raise UsageError(f"a value is nested more than {DEEPEST} levels deep")
        if isinstance(each, str):
            keys.check_text(each.replace("\x00", ""), "text in a record")
        elif isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                raise UsageError("a mapping has a key that is no text")
            waiting += [(inner, depth + 1) for pair in each.items() for inner in pair]
        elif isinstance(each, list | tuple):
            waiting += [(inner, depth + 1) for inner in each]
        elif isinstance(each, int):
            if each.bit_length() > LONGEST_INTEGER:
                raise UsageError(f"an integer has more than {LONGEST_INTEGER} bits")
        elif each is not None and not isinstance(each, float):
            raise UsageError(f"{shown(each)} is nothing that JSON has")


def _mapping(record: Fields, field: str) -> Mapping[Any, Any]:
    value = record.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{field} is no mapping")
    return value
