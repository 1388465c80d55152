"""Builds Python environments from what asks for them, once for each content, and keeps them for the next.

request = read_requirements(Path("requirements.txt"))
environment = build(request, progress=print)
subprocess.run([environment.python, "train.py"])
"""

from __future__ import annotations

from .behind import folder_behind
from .building import Environment, build, environments_folder
from .reading import (
    from_distributions,
    from_requirements,
    read_conda,
    read_lock,
    read_pyproject,
    read_python_env,
    read_requirements,
)
from .request import Request

__all__ = [
    "Environment",
    "Request",
    "build",
    "environments_folder",
    "folder_behind",
    "from_distributions",
    "from_requirements",
    "read_conda",
    "read_lock",
    "read_pyproject",
    "read_python_env",
    "read_requirements",
]
