"""Rows of the model registry as what they stand for (``core.registered``)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from autotrack.core.errors import NotFoundError
from autotrack.core.registered import ModelVersion, RegisteredModel

from ..schema import model_tables as tables

models, versions = tables.registered_models, tables.model_versions
model_tags, version_tags = tables.registered_model_tags, tables.model_version_tags
aliases = tables.model_aliases

LARGEST = 2**31 - 1


def number_of(connection: Connection, name: str) -> int:
    """The row of a registered model (NotFoundError)."""
    found = None
    if isinstance(name, str) and "\0" not in name:
        found = connection.execute(select(models.c.n).where(models.c.name == name)).scalar()
    if found is None:
        raise NotFoundError(f"Registered Model with name={str(name)[:200]} not found")
    return int(found)


def models_of(connection: Connection, numbers: Sequence[int]) -> list[RegisteredModel]:
    """Models with all that belongs to them, in that order."""
    found = {row.n: row for row in connection.execute(select(models).where(models.c.n.in_(numbers)))}
    tags: dict[int, dict[str, str]] = {}
    for model, key, value in connection.execute(select(model_tags).where(model_tags.c.model.in_(numbers))):
        tags.setdefault(model, {})[key] = value
    named: dict[int, dict[str, int]] = {}
    for model, alias, version in connection.execute(select(aliases).where(aliases.c.model.in_(numbers))):
        named.setdefault(model, {})[alias] = version
    newest = select(versions.c.model, func.max(versions.c.version)).where(versions.c.model.in_(numbers))
    newest = newest.group_by(versions.c.model, versions.c.stage)
    latest: dict[str, list[ModelVersion]] = {}
    for version in versions_of(connection, [(row[0], row[1]) for row in connection.execute(newest)]):
        latest.setdefault(version.name, []).append(version)
    return [
        RegisteredModel(
            row.name,
            row.description,
            row.created,
            row.updated,
            row.user,
            tags.get(number, {}),
            dict(sorted(named.get(number, {}).items())),
            tuple(sorted(latest.get(row.name, []), key=lambda version: version.version)),
        )
        for number in numbers
        if (row := found.get(number)) is not None
    ]


def version_of(connection: Connection, number: int, version: int) -> ModelVersion:
    """A version of the model in a row (NotFoundError)."""
    if not isinstance(version, int) or not 0 < version <= LARGEST:
        raise NotFoundError(f"Model Version {str(version)[:40]} is no version: they are 1 and up")
    found = versions_of(connection, [(number, version)])
    if not found:
        name = connection.execute(select(models.c.name).where(models.c.n == number)).scalar()
        raise NotFoundError(f"Model Version (name={name}, version={version}) not found")
    return found[0]


def versions_of(connection: Connection, addresses: Sequence[tuple[int, int]]) -> list[ModelVersion]:
    """Versions with all that belongs to them, in that order."""
    numbers = sorted({model for model, _ in addresses})
    only = {version for _, version in addresses}
    query = select(versions, models.c.name).join(models, models.c.n == versions.c.model)
    these = (versions.c.model.in_(numbers), versions.c.version.between(min(only, default=0), max(only, default=0)))
    found = {(row["model"], row["version"]): row for row in connection.execute(query.where(*these)).mappings()}
    tags: dict[tuple[int, int], dict[str, str]] = {}
    for model, version, key, value in connection.execute(select(version_tags).where(version_tags.c.model.in_(numbers))):
        tags.setdefault((model, version), {})[key] = value
    named: dict[tuple[int, int], list[str]] = {}
    for model, alias, version in connection.execute(select(aliases).where(aliases.c.model.in_(numbers))):
        named.setdefault((model, version), []).append(alias)
    fields = (
        "name version source artifact_uri run logged_model digest description stage status status_message run_link "
        "created updated user"
    ).split()
    return [
        ModelVersion(
            **{name: row[name] for name in fields},
            tags=tags.get(address, {}),
            aliases=tuple(sorted(named.get(address, []))),
        )
        for address in addresses
        if (row := found.get(address)) is not None
    ]
