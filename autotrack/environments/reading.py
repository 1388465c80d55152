"""Requests out of what projects and sessions have: requirements, python_env.yaml, conda.yaml, pyproject, locks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autotrack.core.errors import UsageError

from .request import Request
from .requirement_files import add_lines, digest_of_sources, logical_lines, read_lines

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_PYTHON = re.compile(r"(?:==?|>=|~=|\^)?\s*(?P<version>\d+(?:\.\d+){0,2})(?:\.\*)?")
#: What a conda.yaml names beside Python that every environment has in another way.
_TOOLS = frozenset({"pip", "setuptools", "wheel"})


def from_requirements(
    requirements: Sequence[str],
    *,
    constraints: Sequence[str] = (),
    python: str | None = None,
    folder: Path | None = None,
) -> Request:
    """A request for these lines, as pip reads them in a requirements file; ``folder`` is where paths in them begin."""
    found: list[str] = []
    limits: list[str] = []
    here = folder or Path.cwd()
    add_lines(logical_lines("\n".join(requirements)), here, found, limits)
    add_lines(logical_lines("\n".join(constraints)), here, limits, limits)
    return _request("requirements", found, constraints=limits, python=_python(python))


def read_requirements(file: Path, *, python: str | None = None) -> Request:
    """A request for what a requirements.txt, and all that it includes, names."""
    found, limits = read_lines(file)
    return _request("requirements", found, constraints=limits, python=_python(python))


def read_python_env(file: Path) -> Request:
    """A request for what a python_env.yaml (``python``, ``build_dependencies``, ``dependencies``) names."""
    document = _yaml(file)
    first: list[str] = []
    found: list[str] = []
    limits: list[str] = []
    add_lines(_strings(document.get("build_dependencies"), file), file.parent, first, limits)
    add_lines(_strings(document.get("dependencies"), file), file.parent, found, limits)
    return _request("python_env", found, first=first, constraints=limits, python=_python(document.get("python")))


def read_conda(file: Path) -> Request:
    """A request for what a conda.yaml names. Where there is no conda its pip part is what will be installed."""
    text = _text(file)
    document = _yaml(file)
    found: list[str] = []
    limits: list[str] = []
    left_out: list[str] = []
    python = None
    said = document.get("dependencies") or []
    if not isinstance(said, list):
        raise UsageError(f"{file}: dependencies must be a list, not {type(said).__name__}")
    for entry in said:
        if isinstance(entry, dict):
            add_lines(_strings(entry.get("pip"), file), file.parent, found, limits)
            continue
        words = re.split(r"[=<>!~ ]+", str(entry).strip().rpartition("::")[2], maxsplit=1)
        name = words[0].lower()
        if name == "python":
            python = words[1].partition("=")[0] if len(words) > 1 else None
        elif name not in _TOOLS:
            left_out.append(f"{entry} of {file.name}: there is no conda, mamba or micromamba here to install it with")
    return _request("conda", found, constraints=limits, python=_python(python), conda=text, left_out=left_out)


def read_pyproject(file: Path, *, extras: Sequence[str] = ()) -> Request:
    """A request for the dependencies that a pyproject.toml declares, with those of its ``extras``; not for itself."""
    document = _toml(file)
    project = document.get("project") or {}
    optional = project.get("optional-dependencies") or {}
    lines = list(_strings(project.get("dependencies"), file))
    for extra in extras:
        if extra not in optional:
            have = ", ".join(sorted(optional)) or "none"
            raise UsageError(f"{file} has no extra {extra!r}; there are: {have}")
        lines += _strings(optional[extra], file)
    found: list[str] = []
    add_lines(lines, file.parent, found, [])
    return _request("pyproject", found, python=None)


def read_lock(file: Path) -> Request:
    """A request for exactly what a lock names: a pylock.toml, or a requirements file in which all is pinned."""
    if file.suffix == ".toml":
        return _pylock(file)
    found, limits = read_lines(file)
    for line in found:
        if not line.startswith("-") and "==" not in line and " @ " not in line:
            raise UsageError(f"{file} is no lock: {line!r} has no version; pin it, or name the file requirements.txt")
    return _request("lock", found, constraints=limits, exact=True)


def from_distributions(records: Iterable[Mapping[str, Any]], *, python: str | None = None) -> Request:
    """A request for exactly the distributions of a captured session (``core.session.environment``: its lock).

    What was installed from a folder of that machine is left out: its code is captured with the session's sources.
    """
    lines, left_out = [], []
    for record in records:
        name, version = str(record["name"]), str(record["version"])
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise UsageError(f"{name!r} {version!r} is no distribution that could be installed")
        url = str(record.get("url", ""))
        if url.startswith("file:") or record.get("editable"):
            if not url.endswith((".whl", ".tar.gz", ".zip")):
                left_out.append(f"{name} {version}: it was installed from the folder {url.removeprefix('file://')}")
                continue
            lines.append(f"{name}=={version}")  # a wheel of that machine: an index has it, or find-links
        elif url and "commit" in record:
            lines.append(f"{name} @ git+{_one_word(url)}@{_one_word(str(record['commit']))}")
        elif url:
            lines.append(f"{name} @ {_one_word(url)}")
        else:
            lines.append(f"{name}=={version}")
    return _request("distributions", lines, python=_python(python), exact=True, left_out=left_out)


def _request(
    kind: str,
    requirements: Sequence[str],
    *,
    first: Sequence[str] = (),
    constraints: Sequence[str] = (),
    python: str | None = None,
    exact: bool = False,
    conda: str | None = None,
    left_out: Sequence[str] = (),
) -> Request:
    return Request(
        kind,
        tuple(requirements),
        python,
        tuple(first),
        tuple(constraints),
        exact,
        conda,
        tuple(left_out),
        digest_of_sources(requirements),
    )


def _pylock(file: Path) -> Request:
    lines = []
    for package in _toml(file).get("packages") or []:
        name, version = str(package.get("name", "")), str(package.get("version", ""))
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise UsageError(f"{file}: a package {name!r} with the version {version!r} cannot be installed from it")
        hashes = [
            f"--hash={kind}:{value}"
            for place in (*(package.get("wheels") or ()), *filter(None, [package.get("sdist")]))
            for kind, value in sorted((place.get("hashes") or {}).items())
            if kind.isalnum() and str(value).isalnum()
        ]
        marker = f" ; {_one_line(str(package['marker']))}" if package.get("marker") else ""
        lines.append(" ".join([f"{name}=={version}{marker}", *hashes]))
    return _request("lock", lines, exact=True)


def _python(said: object) -> str | None:
    """A version out of what a file says of Python; UsageError where it is none."""
    if said is None or not str(said).strip():
        return None
    match = _PYTHON.fullmatch(str(said).strip())
    if match is None:
        raise UsageError(f"{str(said)!r} is no version of Python; say for example 3.11")
    return match["version"]


def _one_word(text: str) -> str:
    if not text or any(character.isspace() or ord(character) < 32 for character in text) or text.startswith("-"):
        raise UsageError(f"{text!r} is no address that could be installed from")
    return text


def _one_line(text: str) -> str:
    if any(ord(character) < 32 for character in text) or " --" in text:
        raise UsageError(f"{text!r} is no marker of a requirement")
    return text


def _strings(value: object, file: Path) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise UsageError(f"{file}: a list of requirements was expected, found {value!r:.80}")
    return [str(entry).strip() for entry in value]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from None


def _yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(_text(file))
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{file} is not valid YAML: {error}") from None
    if document is not None and not isinstance(document, dict):
        raise UsageError(f"{file} must hold a mapping, not {type(document).__name__}")
    return document or {}


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
