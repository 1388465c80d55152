"""The programs that make environments: uv where it is, else venv and pip, and conda for what is conda's."""

from __future__ import annotations

import configparser
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autotrack.core.errors import EnvironmentBuildError

from .request import Request

#: Variables of the calling program's own Python that must not reach the one that is made.
_NOT_THEIRS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__")

#: What pip's configuration calls it, what pip's environment does, and what uv's does.
_PIP_TO_UV = (
    ("index-url", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    ("extra-index-url", "PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    ("find-links", "PIP_FIND_LINKS", "UV_FIND_LINKS"),
    ("trusted-host", "PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    ("cert", "PIP_CERT", "SSL_CERT_FILE"),
    ("no-index", "PIP_NO_INDEX", "UV_NO_INDEX"),
    ("constraint", "PIP_CONSTRAINT", "UV_CONSTRAINT"),
    ("timeout", "PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT"),
)


#: The file that names what is installed before all others.
FIRST = "first.txt"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that environments are made from. ``version`` is None where the installer finds it by itself."""

    asked: str
    version: str | None


def find_uv() -> str | None:
    """The uv of this machine: on the path, or beside this Python."""
    beside = Path(sys.executable).with_name("uv") if sys.executable else None
    return shutil.which("uv") or (str(beside) if beside is not None and os.access(beside, os.X_OK) else None)


def find_conda() -> str | None:
    """A conda, mamba or micromamba; None where there is none."""
    return next(filter(None, map(shutil.which, ("micromamba", "mamba", "conda"))), None)


def interpreter(wanted: str | None, uv: str | None) -> Interpreter:
    """The Python for a request. EnvironmentBuildError where there is none of that version.

    One of the same minor version is taken where the exact one is not here: its packages are the same.
    """
    here = platform.python_version()
    own = Interpreter(getattr(sys, "_base_executable", None) or sys.executable, here)
    if wanted is None or here == wanted or here.startswith(f"{wanted}."):
        return own
    minor = ".".join(wanted.split(".")[:2])
    for name in (f"python{wanted}", f"python{minor}"):
        if found := shutil.which(name):
            return Interpreter(found, None)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for folder in sorted(pyenv.glob(f"{minor}*"), key=lambda path: (path.name != wanted, path.name)):
        if folder.name == wanted or folder.name.startswith(f"{minor}."):
            return Interpreter(str(folder / "bin" / "python"), folder.name)
    if here.startswith(f"{minor}."):
        return own
    if uv:
        return Interpreter(wanted, None)  # it finds or fetches one
    raise EnvironmentBuildError(
        f"Python {wanted} was asked for, and this machine has Python {here} only; install it (`uv python install "
        f"{wanted}` is the shortest way), or ask for another version",
        reason=f"Python {wanted} is not here",
    )


def commands(request: Request, folder: Path, python: Interpreter, uv: str | None, files: Path) -> list[list[str]]:
    """The command lines that make the environment in ``folder``, in order; ``files`` is where their inputs go."""
    target = str(python_of(folder))
    if uv:
        made = [[uv, "venv", "--quiet", "--python", python.asked, str(folder)]]
        install = [uv, "pip", "install", "--python", target]
    elif _has_pip():
        made = [[python.asked, "-m", "venv", "--without-pip", str(folder)]]
        install = [sys.executable, "-m", "pip", "--python", target, "install", "--no-input"]
    else:
        made = [[python.asked, "-m", "venv", str(folder)]]
        install = [target, "-m", "pip", "install", "--no-input"]
    limits = ["-c", str(_written(files / "constraints.txt", request.constraints))] if request.constraints else []
    if request.first:
        made.append([*install, "-r", str(_written(files / FIRST, request.first)), *limits])
    if request.requirements:
        exact = ["--no-deps"] if request.exact else []
        made.append([*install, *exact, "-r", str(_written(files / "requirements.txt", request.requirements)), *limits])
    return made


def conda_commands(request: Request, folder: Path, conda: str, files: Path) -> list[list[str]]:
    """The same for a conda.yaml."""
    file = str(_written(files / "environment.yaml", [request.conda or ""]))
    if Path(conda).name == "micromamba":
        return [[conda, "create", "--yes", "--prefix", str(folder), "--file", file]]
    return [[conda, "env", "create", "--prefix", str(folder), "--file", file]]


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / "bin" / "python"


def surroundings(uv: str | None, given: Mapping[str, str]) -> dict[str, str]:
    """The variables that the installers get: all of the caller's, save those of its own Python.

    uv does not read pip's configuration: what that says is said to uv as well, where the user does not tell it himself.
    """
    found = {name: value for name, value in given.items() if name not in _NOT_THEIRS}
    found.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    if not uv:
        return found
    configured = _pip_configuration(given)
    for option, pip_name, uv_name in _PIP_TO_UV:
        said = given.get(pip_name) or configured.get(option)
        if said and uv_name not in found:
            # pip separates several of them by spaces and lines; uv separates folders of wheels by commas.
            words = said.split()
            found[uv_name] = ("," if uv_name == "UV_FIND_LINKS" else " ").join(words)
    # As pip does: the best version of all indexes, not that of the first which has the name.
    found.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return found


def _pip_configuration(given: Mapping[str, str]) -> dict[str, str]:
    """What pip's configuration files say for all commands and for ``install``; later files win, as with pip."""
    named = given.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return {}
    home = Path.home()
    base = Path(given.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", base / "pip/pip.conf"]
    files += [Path(sys.prefix) / "pip.conf", *([Path(named)] if named else [])]
    found: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue  # pip itself will say so; uv has no use for it
        for section in ("global", "install"):
            if parser.has_section(section):
                found.update({name.replace("_", "-"): value for name, value in parser.items(section)})
    return found


def _has_pip() -> bool:
    return importlib.util.find_spec("pip") is not None


def _written(file: Path, lines: tuple[str, ...] | list[str]) -> Path:
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file
