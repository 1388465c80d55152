"""MLproject files, and ``[tool.autotrack.project]``, which says the same in a pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.plugin import UsageError

from .parameters import TYPES, Parameter, check_name

#: The largest file of this kind that is read.
LARGEST = 1 << 20
#: What an entry point without a declaration is started with.
INTERPRETERS = {".py": ("python",), ".sh": ("bash",), ".R": ("Rscript",)}
#: Where an environment is described that no MLproject names, in the order of looking.
ENVIRONMENTS = (
    "python_env.yaml",
    "conda.yaml",
    "pylock.toml",
    "requirements.lock",
    "requirements.txt",
    "pyproject.toml",
)


@dataclass(frozen=True, slots=True)
class Docker:
    """The container that a project asks for. ``environment``: pairs, or a name whose value is the caller's."""

    image: str
    volumes: tuple[str, ...] = ()
    environment: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """What can be started: a ``command`` with ``{parameter}`` in it, or a ``script`` that gets all as options."""

    name: str
    command: str | None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    script: Path | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that can be run. ``environment`` is the file that describes one, if there is any."""

    folder: Path
    name: str | None
    entry_points: Mapping[str, EntryPoint]
    environment: Path | None = None
    docker: Docker | None = None

    def entry_point(self, name: str) -> EntryPoint:
        """The entry point of that name: a declared one, or a script in the folder. UsageError where there is none."""
        if name in self.entry_points:
            return self.entry_points[name]
        path = inside(self.folder, name, "entry point")
        if path.suffix in INTERPRETERS and path.is_file():
            return EntryPoint(name, None, script=path)
        scripts = sorted(file.name for file in self.folder.iterdir() if file.suffix in INTERPRETERS and file.is_file())
        have = ", ".join([*self.entry_points, *scripts[:20]])
        said = f"{self.name or self.folder.name} has no entry point {name!r:.100}"
        if not have:
            raise UsageError(f"{said} and no script; declare one in a file MLproject in it, or name another folder")
        named = "" if self.entry_points or not scripts else f"; say which: -e {scripts[0]}"
        raise UsageError(f"{said}; there are: {have}{named}")


def read_project(folder: Path) -> Project:
    """The project in a folder, as its MLproject or pyproject.toml says, or as its files do (UsageError)."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}, and so no project")
    for file in sorted(folder.iterdir()):
        if file.name.lower() == "mlproject" and file.is_file():
            return _project(folder, file.name, _yaml(file))
    pyproject = folder / "pyproject.toml"
    if pyproject.is_file():
        said = _toml(pyproject)
        table = _mapping(_mapping(said.get("tool"), "tool").get("autotrack"), "tool.autotrack").get("project")
        if table is not None:
            table = _mapping(table, "[tool.autotrack.project]")
            name = table.get("name") or _mapping(said.get("project"), "project").get("name")
            return _project(folder, "pyproject.toml", {**table, "name": name})
    return Project(folder, None, {}, _described(folder))


def inside(folder: Path, name: str, what: str) -> Path:
    """A path of the project's own. UsageError where it leads out of its folder."""
    path = folder / name
    if "\0" in name or not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{what} {name!r:.100} is not in the project's folder {folder}")
    return path


def _project(folder: Path, file: str, said: Mapping[str, Any]) -> Project:
    name = said.get("name")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"{file}: name must be text, not {name!r:.100}")
    points = {}
    for key, entry in _mapping(said.get("entry_points"), f"{file}: entry_points").items():
        points[str(key)] = _entry_point(str(key), _mapping(entry, f"{file}: entry point {key}"), file)
    kinds = [kind for kind in ("python_env", "conda_env", "docker_env", "environment") if said.get(kind)]
    if len(kinds) > 1:
        raise UsageError(f"{file} asks for several environments ({', '.join(kinds)}); at most one can be meant")
    docker = _docker(_mapping(said["docker_env"], f"{file}: docker_env"), file) if kinds == ["docker_env"] else None
    if docker is not None or not kinds:
        return Project(folder, name, points, None if docker else _described(folder), docker)
    described = said[kinds[0]]
    if not isinstance(described, str):
        raise UsageError(f"{file}: {kinds[0]} must name a file, not {described!r:.100}")
    path = inside(folder, described, kinds[0])
    if not path.is_file():
        raise UsageError(f"{file} names the environment {described}, and there is no such file in {folder}")
    return Project(folder, name, points, path)


def _described(folder: Path) -> Path | None:
    return next((folder / name for name in ENVIRONMENTS if (folder / name).is_file()), None)


def _entry_point(name: str, said: Mapping[str, Any], file: str) -> EntryPoint:
    command = said.get("command")
    if not isinstance(command, str) or not command.strip():
        raise UsageError(f"{file}: entry point {name} has no command")
    parameters = {}
    for key, declared in _mapping(said.get("parameters"), f"{file}: parameters of {name}").items():
        check_name(str(key))
        parameters[str(key)] = _parameter(str(key), declared, f"{file}: parameter {key} of {name}")
    return EntryPoint(name, command, parameters)


def _parameter(name: str, said: Any, where: str) -> Parameter:
    if isinstance(said, str):
        said = {"type": said}
    details = _mapping(said, where)
    kind = details.get("type", "string")
    if kind not in TYPES:
        raise UsageError(f"{where}: there is no type {kind!r:.100}; there are: {', '.join(TYPES)}")
    default = details.get("default")
    return Parameter(name, kind, None if default is None else str(default))


def _docker(said: Mapping[str, Any], file: str) -> Docker:
    image, volumes, environment = said.get("image"), said.get("volumes") or [], said.get("environment") or []
    if not isinstance(image, str) or not image or image.startswith("-"):
        raise UsageError(f"{file}: docker_env needs an image, found {image!r:.100}")
    if not isinstance(volumes, list) or not isinstance(environment, list):
        raise UsageError(f"{file}: volumes and environment of docker_env are lists")
    pairs: list[tuple[str, str | None]] = []
    for entry in environment:
        if isinstance(entry, str):
            pairs.append((entry, None))
        elif isinstance(entry, list) and len(entry) == 2:
            pairs.append((str(entry[0]), str(entry[1])))
        else:
            raise UsageError(f"{file}: {entry!r:.100} is no variable: a name, or a name and a value")
    return Docker(image, tuple(str(volume) for volume in volumes), tuple(pairs))


def _mapping(said: Any, where: str) -> Mapping[str, Any]:
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise UsageError(f"{where}: a mapping was expected, found {said!r:.100}")
    return said


def _text(file: Path) -> str:
    try:
        with open(file, "rb") as opened:
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UsageError(f"{file} is larger than {LARGEST:,} bytes: that is no description of a project")
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from None


def _yaml(file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        return _mapping(yaml.safe_load(_text(file)), file.name)
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{file} is not valid YAML: {error}") from None


def _toml(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
