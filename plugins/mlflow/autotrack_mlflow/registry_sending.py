"""Brings registered models to MLflow: numbers of versions kept, each with the files of its run there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from autotrack.plugin import AutotrackError

from .facts import ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from autotrack.plugin import ModelVersion as OurVersion
    from autotrack.plugin import Sink

_MS = 1_000_000
_PAGE = 500

LeftOut = Callable[[str, str], None]


class RegistryTarget(Protocol):
    """A place of MLflow's that takes registered models."""

    def source(self, run_id: str, path: str) -> str:
        """Where it keeps a folder of a run's files (the run's id there)."""

    def register(self, model: RegisteredModel, left_out: LeftOut) -> bool:
        """Takes a model with those versions that are not there yet; True where anything of it was new."""


def send_registry(
    store: Sink, target: RegistryTarget, there: Callable[[str], str | None], left_out: LeftOut, failed: LeftOut
) -> int:
    """Brings the models of a store, with the versions whose runs are ``there``; answers how many had something new.

    ``there``: a run's id there, None where it is not. What was left out is told, and what failed, with the reason.
    """
    count = 0
    for model in _models(store):
        try:
            versions = [
                found for each in _versions(store, model) if (found := _version(store, each, target, there, left_out))
            ]
            if versions:
                count += target.register(_model(model, tuple(versions)), left_out)
        except AutotrackError as error:
            failed(f"registered model {model.name!r:.120}", str(error))
    return count


def _models(store: Sink) -> Iterator[Any]:
    offset = 0
    while page := store.registry.search(max_results=_PAGE, offset=offset):
        yield from page
        offset += len(page)


def _versions(store: Sink, model: Any) -> list[OurVersion]:
    quoted = model.name.replace("'", "''")
    found = store.registry.versions(f"name = '{quoted}'")
    return sorted((each for each in found if each.name == model.name), key=lambda each: each.version)


def _model(model: Any, versions: tuple[ModelVersion, ...]) -> RegisteredModel:
    numbers = {each.version for each in versions}
    return RegisteredModel(
        model.name,
        model.description,
        model.created // _MS,
        model.updated // _MS,
        dict(model.tags),
        {alias: number for alias, number in model.aliases.items() if number in numbers},
        versions,
    )


def _version(
    store: Sink, version: OurVersion, target: RegistryTarget, there: Callable[[str], str | None], left_out: LeftOut
) -> ModelVersion | None:
    what = f"version {version.version} of {version.name!r:.120}"
    run, path = _place(store, version)
    if run is None or not path:
        left_out(what, f"its files are no run's ({version.source[:200]})")
        return None
    identity = there(run)
    if identity is None:
        left_out(what, f"its run {run} was not brought")
        return None
    fields: dict[str, Any] = {
        name: getattr(version, name)
        for name in ("description", "stage", "status", "status_message", "run_link", "user")
    }
    return ModelVersion(
        version=version.version,
        source=target.source(identity, path),
        run=identity,
        created=version.created // _MS,
        updated=version.updated // _MS,
        tags=dict(version.tags),
        **fields,
    )


def _place(store: Sink, version: OurVersion) -> tuple[str | None, str]:
    """The run whose files a version stands for, and their folder in it; (None, "") where it stands for others."""
    _, owner, path = (*(version.artifact_uri or "").split("/", 2), "", "")[:3]
    if owner == version.run:
        return version.run, path
    if owner != "models":
        return None, ""
    try:
        model = store.logged_models.get(path)
        files = store.run(model.run or "").artifacts
    except AutotrackError:
        return None, ""
    return (model.run, model.name) if any(file.path.startswith(f"{model.name}/") for file in files) else (None, "")
