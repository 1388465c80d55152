"""The packages and the Python of a run, beside those at hand: the same, as good as the same, or others.

As good as the same (EQUIVALENT) is what differs only in packages that the run imported nothing of, in which build of a
version it is, where it was installed from, or in a bugfix release of Python. All of it is named.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from autotrack.answers.story import Story

#: Distributions that change nothing of what a program computes.
BESIDE = frozenset({"autotrack", "pip", "setuptools", "wheel", "uv"})
#: Packages that are named where many differ.
_FEW = 5


class Standing(StrEnum):
    """How an environment stands to that of the run."""

    SAME = "SAME"
    EQUIVALENT = "EQUIVALENT"
    OTHER = "NOT THE SAME"
    IMPOSSIBLE = "IMPOSSIBLE HERE BECAUSE"
    UNKNOWN = "NOT KNOWN"


@dataclass(frozen=True, slots=True)
class Here:
    """A Python and what is installed for it."""

    python: str
    distributions: Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment beside that of the run. ``differs`` may change what comes out; ``beside`` differs too, and does
    not. ``whole`` is said where nothing differs, or why there is none that could be compared; ``where`` is the folder
    of one that was built."""

    standing: Standing
    differs: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    whole: str = "every package and Python as they were"
    where: str | None = None

    def __str__(self) -> str:
        where = f", built in {self.where}" if self.where else ""
        return f"{self.standing}{'' if self.standing is Standing.IMPOSSIBLE else ':'} {self.what}{where}"

    @property
    def what(self) -> str:
        """What differs, in one line."""
        found = self.differs or self.beside
        if not found:
            return self.whole
        more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
        return f"{', '.join(found[:_FEW])}{more}"

    def document(self) -> dict[str, Any]:
        return {"standing": str(self.standing), "differs": list(self.differs), "beside": list(self.beside)}


def this_python() -> Here:
    """The interpreter that runs, with what is installed for it."""
    from autotrack.core.session.distributions import distributions

    return Here(platform.python_version(), distributions())


def compare(story: Story, here: Here) -> Environment:
    """How an environment compares with that of the run."""
    part = story.part("environment")
    then = lock_of_run(story)
    if part is None or then is None:
        return Environment(Standing.UNKNOWN, whole="it was not captured" if part is None else "its list is not at hand")
    differs: list[str] = []
    beside: list[str] = []
    _python(part, here, differs, beside)
    imported = imported_by_run(story)
    now = {str(each["name"]): each for each in here.distributions}
    for name in sorted(then):
        if name.lower() in BESIDE:
            continue
        found = _difference(name, then[name], now.get(name))
        if found is None:
            continue
        text, matters = found
        if matters and imported is not None and name not in imported:
            beside.append(f"{text} (not imported)")
        else:
            (differs if matters else beside).append(text)
    standing = Standing.OTHER if differs else Standing.EQUIVALENT if beside else Standing.SAME
    return Environment(standing, tuple(differs), tuple(beside))


def another_platform(story: Story) -> str | None:
    """What keeps any environment of the run from being had on this machine; None where nothing does."""
    was = str(story.session.data.get("platform") or "") if story.session is not None else ""
    cpu = (story.part("environment") or {}).get("cpu")
    machine = str(cpu.get("machine") or "") if isinstance(cpu, Mapping) else ""
    if (was and was != sys.platform) or (machine and machine != platform.machine()):
        return f"it ran on {was} {machine}".rstrip() + f", and this is {sys.platform} {platform.machine()}"
    return None


def lock_of_run(story: Story) -> dict[str, Mapping[str, Any]] | None:
    """What was installed for the run, by name; None where that is not known."""
    found = story.document((story.part("environment") or {}).get("lock"))
    records = found.get("distributions") if found is not None else None
    if not isinstance(records, list):
        return None
    return {str(each["name"]): each for each in records if isinstance(each, Mapping) and "name" in each}


def python_of_run(story: Story) -> str | None:
    """The version of Python that the run had."""
    python = (story.part("environment") or {}).get("python")
    return str(python["version"]) if isinstance(python, Mapping) and python.get("version") else None


def imported_by_run(story: Story) -> frozenset[str] | None:
    """The distributions that the program of the run imported something of; None where that is not known."""
    found = (story.part("imports") or {}).get("distributions")
    return frozenset(map(str, found)) if isinstance(found, list) else None


def _python(part: Mapping[str, Any], here: Here, differs: list[str], beside: list[str]) -> None:
    python, system = part.get("python"), part.get("os")
    was = str(python.get("version") or "") if isinstance(python, Mapping) else ""
    if was and was != here.python:
        text = f"Python {was} → {here.python}"
        if _minor(was) == _minor(here.python):
            beside.append(f"{text} (a bugfix release)")
        else:
            differs.append(text)
    from autotrack.core.session.environment import libc

    library, now = (system.get("libc") if isinstance(system, Mapping) else None), libc()
    if library and now and library != now:
        beside.append(f"{library} → {now.removeprefix(library.partition(' ')[0]).strip()}")


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _difference(name: str, then: Mapping[str, Any], now: Mapping[str, Any] | None) -> tuple[str, bool] | None:
    """How a distribution differs, and whether that may matter; None where it does not differ."""
    was = str(then.get("version"))
    if now is None:
        if _of_a_folder(then):
            return f"{name} {was} → none (it was installed from a folder, whose code is captured)", False
        return f"{name} {was} → none", True
    version = str(now.get("version"))
    if version != was:
        if version.partition("+")[0] == was.partition("+")[0]:
            return f"{name} {was} → {version} (another build)", False
        return f"{name} {was} → {version}", True
    commits = [str(each.get("commit") or "")[:12] for each in (then, now)]
    if all(commits) and commits[0] != commits[1]:
        return f"{name} {was} of commit {commits[0]} → {commits[1]}", True
    if bool(then.get("url")) != bool(now.get("url")):
        places = ["an index" if not each.get("url") else "elsewhere" for each in (then, now)]
        return f"{name} {was} (installed from {places[0]}, now from {places[1]})", False
    return None


def _of_a_folder(record: Mapping[str, Any]) -> bool:
    url = str(record.get("url") or "")
    return bool(record.get("editable")) or (url.startswith("file:") and not url.endswith((".whl", ".tar.gz", ".zip")))
