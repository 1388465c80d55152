"""The environment that a project asks for, and the variables with which its programs find it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.plugin import UsageError

from .commandline import with_path
from .grammar import Project

#: What --env may say. ``auto``: what the project asks for, else this Python.
MANAGERS = ("auto", "venv", "conda", "local", "docker")
_NAMES = {"virtualenv": "venv", "uv": "venv"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a project's program runs. ``kind`` is one of ``MANAGERS``; ``built`` is None in this Python."""

    kind: str
    python: str
    variables: Mapping[str, str] = field(repr=False, default_factory=dict)
    built: Any = None

    @property
    def is_own(self) -> bool:
        """True for the Python that autotrack itself runs in."""
        return self.built is None


def surroundings_for(project: Project, manager: str, progress: Callable[[str], None]) -> Surroundings:
    """Builds (or finds) the environment; EnvironmentBuildError, or UsageError where nothing asks for one."""
    manager = _NAMES.get(manager, manager)
    if manager not in MANAGERS:
        raise UsageError(f"there is no environment manager {manager!r}; there are: {', '.join(MANAGERS)}")
    file = project.environment
    if manager == "local" or (file is None and manager == "auto"):
        return Surroundings("local", sys.executable, _with_bin(Path(sys.executable).parent))
    if file is None:
        raise UsageError(
            f"--env {manager} was asked for, and {project.folder} has no python_env.yaml, conda.yaml, "
            "requirements.txt or pyproject.toml; add one, or use --env local"
        )
    from autotrack.plugin import environments

    built = environments.build(_request(file), progress=progress)
    variables = _with_bin(built.folder / "bin")
    variables["VIRTUAL_ENV"] = str(built.folder)
    source = project.folder / "src"
    if file.name == "pyproject.toml" and source.is_dir():
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(source), variables.get("PYTHONPATH")]))
    return Surroundings("conda" if file.name.startswith("conda") else "venv", built.python, variables, built)


def _request(file: Path) -> Any:
    from autotrack.plugin import environments

    name = file.name.lower()
    if name == "pyproject.toml":
        return environments.read_pyproject(file)
    if name.endswith((".lock", "pylock.toml")):
        return environments.read_lock(file)
    if name.endswith((".yaml", ".yml")):
        said = file.read_text("utf-8", "replace")
        is_conda = "conda" in name or "channels:" in said
        return environments.read_conda(file) if is_conda else environments.read_python_env(file)
    return environments.read_requirements(file)


def _with_bin(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}
    return with_path(kept, str(folder))


def container_tool() -> str | None:
    """docker or podman; None where there is neither."""
    return shutil.which("docker") or shutil.which("podman")
