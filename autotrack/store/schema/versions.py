"""Which schema a database has, and which code may use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from autotrack.core.errors import SchemaVersionError, StoreError

from .. import schema
from . import access_tables as schema_access
from . import model_tables as schema_models

#: Imported so that ``schema.metadata`` knows every table.
TABLES = (schema, schema_models, schema_access)


@dataclass(frozen=True, slots=True)
class Found:
    """What a database says of its schema. ``schema`` is 0 where there is none yet."""

    schema: int
    min_reader: int = 0
    min_writer: int = 0
    written_by: str = ""


def our_version() -> str:
    """The version of autotrack that is installed, or "0" in a bare checkout."""
    try:
        return version("autotrack")
    except PackageNotFoundError:
        return "0"


def found_in(rows: Mapping[str, str], where: object) -> Found:
    """What the rows of ``meta`` say (StoreError where they say nothing)."""
    try:
        return Found(int(rows["schema"]), int(rows["min_reader"]), int(rows["min_writer"]), rows.get("written_by", ""))
    except (KeyError, ValueError) as error:
        raise StoreError(f"{where} does not say which schema it has ({error}); it was not made by autotrack") from error


def head_rows(
    number: int = schema.VERSION, reader: int = schema.MIN_READER, writer: int = schema.MIN_WRITER
) -> dict[str, str]:
    """The rows of ``meta`` that say which schema a database has."""
    return {"schema": str(number), "min_reader": str(reader), "min_writer": str(writer), "written_by": our_version()}


def check(found: Found, where: object, head: int = schema.VERSION) -> bool:
    """Whether a database may be written (True) or only read (False) by code of schema ``head``."""
    if found.schema < head:
        raise SchemaVersionError(
            f"{where} has schema {found.schema} (autotrack {found.written_by}); autotrack {our_version()} needs {head}:"
            f" run `autotrack db upgrade` (it makes a backup first), or install autotrack=={found.written_by}"
        )
    if head < found.min_reader:
        raise SchemaVersionError(
            f"{where} has schema {found.schema}, which autotrack {our_version()} cannot read: "
            f"pip install 'autotrack>={found.written_by}'"
        )
    return head >= found.min_writer


def refused(found: Found, where: object) -> SchemaVersionError:
    """The error for writing to a database of a schema that this code may only read."""
    return SchemaVersionError(
        f"{where} has schema {found.schema}, which autotrack {our_version()} can read but must not write: "
        f"pip install 'autotrack>={found.written_by}'"
    )
