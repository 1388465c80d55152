"""How the environment of a run stands to another: the same, as good as the same, or not, each difference named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from autotrack.answers.story import Story
from autotrack.core.entities import RunRecord, SessionRecord, Status
from autotrack.core.objects import Objects
from autotrack.core.session.environment import libc
from autotrack.rebuilding.surroundings import Here, another_platform, compare

LOCK: list[dict[str, Any]] = [
    {"name": "black", "version": "24.1"},
    {"name": "kept", "version": "1.0", "url": "https://example.org/kept", "commit": "a" * 40},
    {"name": "numpy", "version": "2.1+cpu"},
    {"name": "own", "version": "0.1", "url": "file:///home/ada/own", "editable": True},
    {"name": "pip", "version": "20.0"},
]


def story(folder: Path, imported: list[str] | None = None, **session: Any) -> Story:
    objects = Objects(folder / "objects")
    lock = objects.put(json.dumps({"format": 1, "distributions": LOCK}).encode())
    environment = {"lock": lock, "python": {"version": "3.11.7"}, "os": {"libc": libc()}, "cpu": session.pop("cpu", {})}
    parts: dict[str, Any] = {"environment": environment}
    if imported is not None:
        parts["imports"] = {"distributions": imported}
    run = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, session="5" * 32)
    return Story(run, SessionRecord("5" * 32, 0, session, parts), (), objects)


def here(python: str = "3.11.7", **changed: dict[str, Any] | None) -> Here:
    records = [{**record, **(changed.get(record["name"]) or {})} for record in LOCK]
    return Here(python, [record for record in records if changed.get(record["name"], {}) is not None])


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (here(), "SAME: every package and Python as they were"),
        (here(pip=None), "SAME: every package and Python as they were"),
        (here(own={"url": "file:///elsewhere"}), "SAME: every package and Python as they were"),
        (here(black=None), "EQUIVALENT: black 24.1 → none (not imported)"),
        (here(black={"version": "25.1"}), "EQUIVALENT: black 24.1 → 25.1 (not imported)"),
        (here(numpy={"version": "2.1+cu128"}), "EQUIVALENT: numpy 2.1+cpu → 2.1+cu128 (another build)"),
        (here("3.11.9"), "EQUIVALENT: Python 3.11.7 → 3.11.9 (a bugfix release)"),
        (here(own=None), "EQUIVALENT: own 0.1 → none (it was installed from a folder, whose code is captured)"),
        (
            here(kept={"url": None, "commit": None}),
            "EQUIVALENT: kept 1.0 (installed from elsewhere, now from an index)",
        ),
        (here(numpy={"version": "2.2"}, black=None), "NOT THE SAME: numpy 2.1+cpu → 2.2"),
        (here(numpy=None), "NOT THE SAME: numpy 2.1+cpu → none"),
        (here("3.12.0"), "NOT THE SAME: Python 3.11.7 → 3.12.0"),
        (here(kept={"commit": "b" * 40}), "NOT THE SAME: kept 1.0 of commit aaaaaaaaaaaa → bbbbbbbbbbbb"),
    ],
)
def test_each_difference_is_named_and_weighed(tmp_path: Path, there: Here, said: str) -> None:
    assert str(compare(story(tmp_path, ["numpy", "own", "kept"]), there)) == said


def test_where_nobody_knows_what_was_imported_every_package_counts(tmp_path: Path) -> None:
    found = compare(story(tmp_path), here(black=None))
    assert found.document() == {"standing": "NOT THE SAME", "differs": ["black 24.1 → none"], "beside": []}


def test_another_c_library_is_named(tmp_path: Path) -> None:
    told = story(tmp_path)
    told.session.parts["environment"]["os"]["libc"] = "glibc 2.3"  # type: ignore[index,union-attr]
    assert str(compare(told, here())).startswith("EQUIVALENT: glibc 2.3 → 2.") or libc() is None


def test_another_platform_is_told_from_this_one(tmp_path: Path) -> None:
    assert another_platform(story(tmp_path, platform=sys.platform)) is None
    assert str(another_platform(story(tmp_path, platform="plan9"))).startswith("it ran on plan9, and this is ")
    other = another_platform(story(tmp_path, platform=sys.platform, cpu={"machine": "vax"}))
    assert str(other).startswith(f"it ran on {sys.platform} vax, and this is ")
