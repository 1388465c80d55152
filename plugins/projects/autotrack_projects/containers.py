"""``docker_env``: the argv that runs a project's program in a container."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from autotrack.plugin import ProjectError, UsageError, attempt

from .environment import container_tool
from .grammar import Docker

#: Where the project is in the container, as with MLflow.
FOLDER = "/mlflow/projects/code"
#: Seconds that a call of docker or podman may take.
CALL = 30.0
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VOLUME = re.compile(r"(?P<source>[^:\0]+):(?P<target>/[^:\0]*)(?::(?P<mode>ro|rw|z|Z))?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")


def container_command(
    docker: Docker, argv: tuple[str, ...], variables: Mapping[str, str], folder: Path, run_id: str
) -> tuple[str, ...]:
    """The command line of docker or podman. Values of variables are not in it: those are inherited by name."""
    tool = container_tool()
    if tool is None:
        raise ProjectError(
            f"the project runs in the container {docker.image}, and neither docker nor podman is installed here; "
            "install one, or run it with --env local"
        )
    if not _IMAGE.fullmatch(docker.image):
        raise UsageError(f"{docker.image!r:.100} is no name of an image")
    words = [tool, "run", "--rm", "--name", _name(run_id), "--workdir", FOLDER]
    words += ["--volume", f"{_path(folder)}:{FOLDER}"]
    for volume in docker.volumes:
        parts = _VOLUME.fullmatch(volume)
        if parts is None:
            raise UsageError(f"{volume!r:.100} is no volume; it is /here:/there, or /here:/there:ro")
        source = str(Path(parts["source"]).expanduser())
        source = source if Path(source).is_absolute() else str((folder / source).resolve())
        words += ["--volume", ":".join(filter(None, [source, parts["target"], parts["mode"]]))]
    for name in variables:
        if not _VARIABLE.fullmatch(name):
            raise UsageError(f"{name!r:.100} is no name of a variable")
        words += ["--env", name]
    return (*words, "--", docker.image, *argv)


def end_container(run_id: str) -> None:
    """Ends a run's container, which goes on where its client alone was killed; one that is gone stays gone."""
    tool = container_tool()
    if tool is not None:
        attempt(
            subprocess.run, [tool, "kill", _name(run_id)], stdin=subprocess.DEVNULL, capture_output=True, timeout=CALL
        )


def variables_of(docker: Docker) -> dict[str, str]:
    """The variables that a docker_env sets, and those of the caller that it asks for."""
    said = {name: os.environ.get(name) if value is None else value for name, value in docker.environment}
    return {name: value for name, value in said.items() if value is not None}


def _name(run_id: str) -> str:
    return f"autotrack-{run_id[:16]}"


def _path(folder: Path) -> str:
    if ":" in str(folder):
        raise UsageError(f"{folder} cannot be mounted into a container, because of the colon in its name")
    return str(folder)
