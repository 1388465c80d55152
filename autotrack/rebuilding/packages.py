"""Environments of which some packages are those of one run, and the rest those of another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .conditions import Interpreter, versions_of


def records_of(story: Story) -> dict[str, Mapping[str, Any]]:
    """The distributions of a run by name, as its lock has them; those that change nothing are left out."""
    lock = story.document((story.part("environment") or {}).get("lock")) or {}
    found = lock.get("distributions")
    records = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    named = {str(each.get("name")): each for each in records if each.get("version") is not None}
    return {name: named[name] for name in versions_of(story) if name in named}


def version_of(record: Mapping[str, Any] | None) -> str | None:
    """A version, with the commit where it came from a repository; what lies in a folder is compared as code."""
    if record is None or record.get("editable"):
        return None
    commit = str(record.get("commit") or "")
    return f"{record['version']}{f' at {commit[:12]}' if commit else ''}"


def mixed_interpreter(a: Story, b: Story, swapped: Collection[str], python: str | None) -> Interpreter | Gap:
    """The Python of an environment like that of ``a``, with these distributions as ``b`` has them; why there is none
    where it cannot be built. ``python`` is the version of Python."""
    from autotrack import environments

    ours, theirs = records_of(a), records_of(b)
    chosen = {name: theirs.get(name) if name in swapped else ours.get(name) for name in sorted({**ours, **theirs})}
    records = [record for record in chosen.values() if record is not None]
    request, error = attempt(environments.from_distributions, records, python=python)
    built, error = attempt(environments.build, request) if request is not None else (None, error)
    if built is None:
        return Gap("environment", f"with {', '.join(sorted(swapped))} swapped it cannot be built: {error}", "")
    return Interpreter(built.python, str(environments.folder_behind()))
