"""Whether this machine is like the one that the run was made on, and what of it can be made so."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

#: Distributions that change nothing of what a program computes.
_BESIDE = frozenset({"autotrack", "pip", "setuptools", "wheel", "uv"})
_LOCAL = "Say --env local to use what is installed here"
#: Packages that are named where many differ.
_FEW = 5
#: Variables that a rebuild sets as they were; others of the captured ones say where the program ran.
_RESTORED = (
    "OMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "VECLIB_", "KMP_", "GOMP_", "NUMBA_", "PYTHONHASHSEED", "TORCH_",
    "PYTORCH_", "CUBLAS_WORKSPACE_CONFIG", "TF_", "XLA_", "JAX_", "LC_ALL", "LANG", "TZ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conditions:
    """``same``: every distribution, and Python, are those of the run; ``said`` is that in words. ``problems`` keep a
    rebuild from being made here."""

    same: bool
    said: str
    problems: tuple[Gap, ...] = ()
    unknown: tuple[Gap, ...] = ()


def check(story: Story) -> Conditions:
    """How this interpreter compares with that of the run."""
    part = story.part("environment")
    if part is None:
        gap = Gap("environment", "the environment was not captured", "Record with a current autotrack")
        return Conditions(False, "not known", unknown=(gap,))
    differing, unknown = _packages(story)
    python = part.get("python")
    version = str(python.get("version")) if isinstance(python, Mapping) else ""
    if version and version != platform.python_version():
        differing.insert(0, f"Python {version} → {platform.python_version()}")
    problems = _hardware(part)
    if not differing:
        return Conditions(True, "SAME: every package and Python as they were", tuple(problems), tuple(unknown))
    more = f" and {len(differing) - _FEW} more" if len(differing) > _FEW else ""
    return Conditions(False, f"NOT THE SAME: {', '.join(differing[:_FEW])}{more}", tuple(problems), tuple(unknown))


def _packages(story: Story) -> tuple[list[str], list[Gap]]:
    from autotrack.core.session.distributions import distributions

    was = versions_of(story)
    if not was:
        return [], [Gap("environment", "the list of packages is not at hand", "")]
    now = {str(each["name"]): str(each["version"]) for each in distributions()}
    found = [
        f"{name} {was.get(name, 'none')} → {now.get(name, 'none')}"
        for name in sorted({**was, **now})
        if was.get(name) != now.get(name) and name.lower() not in _BESIDE
    ]
    # What is here besides is not what the program had, but what it had is what it needs.
    return [text for text in found if text.split(" ")[1] != "none"], []


def versions_of(story: Story) -> dict[str, str]:
    """Versions of the run's packages by name, those that change nothing left out; empty where they are not known."""
    from autotrack.core.session.environment import lock_of

    then, _ = attempt(lock_of, story.part("environment") or {}, story.objects)
    found = {name: version.partition(" @ ")[0] for name, version in (then or {}).items()}
    return {name: version for name, version in found.items() if name.lower() not in _BESIDE}


def _hardware(part: Mapping[str, Any]) -> list[Gap]:
    gpus = part.get("gpus")
    if isinstance(gpus, list) and gpus and part.get("cuda") and not _has_gpu():
        return [Gap("hardware", f"the run used {len(gpus)} graphics cards, and there is none here", "")]
    return []


def _has_gpu() -> bool:
    from autotrack.core.session.hardware import gpus

    found, _ = attempt(gpus)
    return bool(found)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python that a program is run again with. ``behind`` is where it finds autotrack, if it has none of its own;
    ``said`` replaces what was said of this environment."""

    python: str
    behind: str | None = None
    said: str = ""
    unknown: tuple[Gap, ...] = ()


def interpreter_for(story: Story, conditions: Conditions, env: str) -> Interpreter | Gap:
    """This Python where it is the same (or ``env`` is ``local``), else one with every distribution of the run; why
    there is none, where it cannot be had."""
    if env == "local" or (env == "auto" and conditions.same):
        return Interpreter(sys.executable)
    part = story.part("environment") or {}
    content = story.document(part.get("lock"))
    python = part.get("python")
    if content is None:
        return Gap(
            "environment", "the list of packages is not at hand", "Say --env local to use what is installed here"
        )
    from autotrack import environments

    request, error = attempt(
        environments.from_distributions,
        [each for each in content.get("distributions") or () if str(each.get("name", "")).lower() not in _BESIDE],
        python=str(python.get("version")) if isinstance(python, Mapping) else None,
    )
    built, error = attempt(environments.build, request) if request is not None else (None, error)
    if built is None:
        return Gap(
            "environment",
            f"this environment is {conditions.said}; and the run's own cannot be built: {error}",
            _LOCAL,
        )
    left_out = tuple(Gap("environment", f"left out: {each}", "") for each in built.left_out)
    said = f"BUILT: {len(built.distributions)} packages as they were, in {built.folder}"
    return Interpreter(built.python, str(environments.folder_behind()), said, left_out)


def was_set(story: Story) -> dict[str, str]:
    """The variables of the program that can change what it computes: threads, seeds of hashing, flags of libraries."""
    captured = (story.part("environment") or {}).get("variables")
    was = {str(k): str(v) for k, v in captured.items()} if isinstance(captured, Mapping) else {}
    found = {name: value for name, value in was.items() if name.startswith(_RESTORED)}
    hashing = (story.part("seeds") or {}).get("PYTHONHASHSEED")
    return found | ({"PYTHONHASHSEED": str(hashing)} if hashing is not None else {})


def variables(story: Story) -> dict[str, str]:
    """The environment of the program: this one, with threads, seeds of hashing and flags as they were."""
    was = was_set(story)
    found = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("_AUTOTRACK", "AUTOTRACK_")) and not (name.startswith(_RESTORED) and name not in was)
    } | was
    threads = threads_of(story)
    if threads is not None and "OMP_NUM_THREADS" not in found and threads != (os.cpu_count() or threads):
        found["OMP_NUM_THREADS"] = str(threads)
    return found


def threads_of(story: Story) -> int | None:
    """How many threads the libraries of linear algebra had; None where it is not known."""
    counts = [
        each["num_threads"]
        for each in (story.part("environment") or {}).get("blas") or ()
        if isinstance(each, Mapping) and isinstance(each.get("num_threads"), int)
    ]
    return max(counts, default=None)
