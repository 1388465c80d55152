"""Writes registered models into a folder as MLflow's file store has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .facts import ModelVersion, RegisteredModel
from .mlruns import read_meta
from .registry_sending import LeftOut
from .yaml_text import yaml_of

Write = Callable[[Path, str], None]


class FolderRegistry:
    """The folder ``models`` in a folder ``mlruns``; ``write`` writes a file, whole or not at all."""

    def __init__(self, root: Path, write: Write) -> None:
        self._root = root / "models"
        self._write = write

    def register(self, model: RegisteredModel, left_out: LeftOut) -> bool:
        """See ``registry_sending.RegistryTarget``."""
        folder = self._root / model.name
        if folder.parent != self._root or model.name in (".", ".."):
            left_out(f"registered model {model.name!r:.120}", "MLflow's folders cannot have that name")
            return False
        new = not (folder / "meta.yaml").exists()
        there = set()
        for version in model.versions:
            place = folder / f"version-{version.version}"
            found = read_meta(place / "meta.yaml")
            if found is not None and found.get("source") != version.source:
                left_out(f"version {version.version} of {model.name!r:.120}", "another model has that number there")
                continue
            there.add(version.version)
            if found is None:
                self._version(place, model.name, version)
                new = True
        for key, value in model.tags.items():
            self._write(folder / "tags" / key, value)
        for alias, number in model.aliases.items():
            if number in there:
                self._write(folder / "aliases" / alias, str(number))
        if there or new:
            self._write(folder / "meta.yaml", yaml_of({
                "creation_timestamp": model.created,
                "description": model.description or "",
                "last_updated_timestamp": model.updated,
                "name": model.name,
            }))  # fmt: skip
        return new

    def _version(self, place: Path, name: str, version: ModelVersion) -> None:
        for key, value in version.tags.items():
            self._write(place / "tags" / key, value)
        self._write(place / "meta.yaml", yaml_of({
            "creation_timestamp": version.created,
            "current_stage": version.stage,
            "description": version.description or "",
            "last_updated_timestamp": version.updated,
            "name": name,
            "run_id": version.run,
            "run_link": version.run_link or "",
            "source": version.source,
            "status": version.status,
            "status_message": version.status_message,
            "storage_location": version.source,
            "user_id": version.user,
            "version": version.version,
        }))  # fmt: skip
