"""Whether this machine is like the one that the run was made on, and what of it can be made so."""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .surroundings import (
    BESIDE,
    Environment,
    Here,
    Standing,
    another_platform,
    compare,
    imported_by_run,
    lock_of_run,
    python_of_run,
    this_python,
)

_LOCAL = "Say --env local to use what is installed here"
#: Variables that a rebuild sets as they were; others of the captured ones say where the program ran.
_RESTORED = (
    "OMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "VECLIB_", "KMP_", "GOMP_", "NUMBA_", "PYTHONHASHSEED", "TORCH_",
    "PYTORCH_", "CUBLAS_WORKSPACE_CONFIG", "TF_", "XLA_", "JAX_", "LC_ALL", "LANG", "TZ",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is at hand beside what the run had. ``problems`` keep a rebuild from being made here, whatever is
    installed; ``elsewhere`` says why no environment of the run can be had here, where the machine is another kind."""

    environment: Environment
    problems: tuple[Gap, ...] = ()
    unknown: tuple[Gap, ...] = ()
    elsewhere: str | None = None


def check(story: Story) -> Conditions:
    """How this interpreter and this machine compare with those of the run."""
    part = story.part("environment")
    if part is None:
        gap = Gap("environment", "the environment was not captured", "Record with a current autotrack")
        return Conditions(compare(story, this_python()), unknown=(gap,))
    unknown = () if lock_of_run(story) else (Gap("environment", "the list of packages is not at hand", ""),)
    return Conditions(compare(story, this_python()), tuple(_hardware(part)), unknown, another_platform(story))


def versions_of(story: Story) -> dict[str, str]:
    """Versions of the run's packages by name, those that change nothing left out; empty where they are not known."""
    found = lock_of_run(story) or {}
    return {name: str(record.get("version")) for name, record in found.items() if name.lower() not in BESIDE}


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
    ``environment`` how what is installed for it stands to the run's, where that was asked."""

    python: str
    behind: str | None = None
    environment: Environment | None = None
    unknown: tuple[Gap, ...] = ()


def interpreter_for(
    story: Story, conditions: Conditions, env: str, *, enough: Container[Standing] = (Standing.SAME,)
) -> Interpreter | Gap:
    """This Python where what is installed for it is good ``enough`` (or ``env`` is ``local``), else one with every
    distribution of the run; why there is none, where it cannot be had."""
    here = conditions.environment
    if env == "local" or (env == "auto" and conditions.elsewhere is None and here.standing in enough):
        return Interpreter(sys.executable, environment=here)
    lock = lock_of_run(story)
    if lock is None:
        return Gap("environment", "the list of packages is not at hand", _LOCAL)
    if conditions.elsewhere is not None:
        return _impossible(conditions.elsewhere)
    from autotrack import environments

    wanted = [record for name, record in lock.items() if name.lower() not in BESIDE]
    imported = imported_by_run(story)
    needed = [record for record in wanted if imported is not None and record["name"] in imported]
    built: environments.Environment | None = None
    error: BaseException | None = None
    # What cannot be had any more may be nothing that the run had a part of.
    for records in (wanted, needed) if Standing.EQUIVALENT in enough and needed else (wanted,):
        request, error = attempt(environments.from_distributions, records, python=python_of_run(story))
        built, error = attempt(environments.build, request) if request is not None else (None, error)
        if built is not None:
            break
    if built is None:
        return _impossible(getattr(error, "reason", "") or str(error), here)
    left_out = tuple(Gap("environment", f"left out: {each}", "") for each in built.left_out)
    found = compare(story, Here(built.version or python_of_run(story) or "", built.distributions))
    found = replace(
        found, whole=f"{len(built.distributions)} packages and Python as they were", where=str(built.folder)
    )
    return Interpreter(built.python, str(environments.folder_behind()), found, left_out)


def _impossible(why: str, here: Environment | None = None) -> Gap:
    """``IMPOSSIBLE HERE BECAUSE ...``; ``here``: what is installed instead."""
    instead = f"; what is installed here is {here}" if here is not None else ""
    return Gap("environment", f"{Standing.IMPOSSIBLE} {why}{instead}", _LOCAL)


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
