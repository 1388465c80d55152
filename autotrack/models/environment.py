"""What must be installed to load a model, from the metadata of what is installed here: no subprocess, no import."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import re
from collections.abc import Iterable

from autotrack.core.session.distributions import distributions

#: Modules whose distribution has another name.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "skimage": "scikit-image",
}


def _versions() -> dict[str, str]:
    """What the names of metadata folders say: a training process need not parse a long description for a version."""
    return {record["name"]: record["version"] for record in distributions()}


@functools.cache
def version_of(distribution: str) -> str | None:
    """The installed version of a distribution; None where it is not installed."""
    version = _versions().get(re.sub(r"[-_.]+", "-", distribution).lower())
    if version is not None:
        return version
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def distribution_of(module: str) -> str | None:
    """The distribution that a top-level module came with; None for the standard library and the user's own files."""
    guess = _DISTRIBUTIONS.get(module, module)
    if version_of(guess) is not None:
        return guess
    import sys

    if module in sys.stdlib_module_names or module == "__main__":
        return None
    return _all_distributions().get(module)


@functools.cache
def _all_distributions() -> dict[str, str]:
    """Top-level modules to distributions: reads every installed file list, so only where the name does not tell."""
    return {module: names[0] for module, names in importlib.metadata.packages_distributions().items() if names}


@functools.cache
def requirements(distributions: frozenset[str]) -> tuple[str, ...]:
    """``name==version`` lines, sorted, of those that are installed."""
    pinned = ((name, version_of(name)) for name in distributions)
    return tuple(sorted((f"{name}=={version.split('+')[0]}" for name, version in pinned if version), key=str.lower))


def distributions_of(packages: Iterable[str], modules: Iterable[str]) -> frozenset[str]:
    """The distributions named, and those that the modules (dotted names) came with."""
    found = (distribution_of(module) for module in {name.partition(".")[0] for name in modules})
    return frozenset([*packages, *(name for name in found if name)])


def own_modules(modules: Iterable[str]) -> list[str]:
    """Those modules (dotted names) that came with no distribution and no Python: the user's own code, sorted.

    A loader elsewhere needs them on its path, and no list of requirements can say so.
    """
    import sys

    own = (name for name in modules if distribution_of(name.partition(".")[0]) is None)
    return sorted({name for name in own if name.partition(".")[0] not in sys.stdlib_module_names})


@functools.cache
def environment_files(distributions: frozenset[str]) -> dict[str, bytes]:
    """requirements.txt, python_env.yaml and conda.yaml, as MLflow names and writes them."""
    lines = requirements(distributions)
    python = platform.python_version()
    build = [f"{name}=={version}" for name in ("pip", "setuptools", "wheel") if (version := version_of(name))]
    python_env = ["python: " + python, "build_dependencies:", *(f"- {line}" for line in build)]
    python_env += ["dependencies:", "- -r requirements.txt"]
    conda = ["name: autotrack-env", "channels:", "- conda-forge", "dependencies:", f"- python={python}"]
    pip = version_of("pip")
    conda += [f"- pip<={pip}" if pip else "- pip", "- pip:", *(f"  - {line}" for line in lines)]
    return {
        "requirements.txt": _text(lines),
        "python_env.yaml": _text(python_env),
        "conda.yaml": _text(conda),
    }


def _text(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
