"""How far a run can be made again, from what its session says of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autotrack.answers.rebuildability import WEIGHTS, rebuildability
from autotrack.answers.story import Story
from autotrack.core.entities import DatasetRecord, FileRecord, RunRecord, SessionRecord, Status

RUN = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, session="5" * 32)
PARTS: dict[str, dict[str, Any]] = {
    "code": {"kind": "git", "commit": "c" * 40},
    "arguments": {"argv": ["python", "train.py"]},
    "environment": {"lock": "a" * 64},
    "files": {},
    "seeds": {"start": "b" * 64},
}


class NoObjects:
    def get(self, digest: str) -> bytes:
        raise AssertionError("nothing is read")


def story(run: RunRecord = RUN, opened: tuple[FileRecord, ...] = (), **parts: Any) -> Story:
    found = {name: part for name, part in {**PARTS, **parts}.items() if part is not None}
    return Story(run, SessionRecord("5" * 32, 0, {}, found), opened, NoObjects())  # type: ignore[arg-type]


def test_everything_is_known() -> None:
    assert sum(WEIGHTS.values()) == 100
    found = rebuildability(story())
    assert found.score == 100 and all(check.captured == 1 and not check.holes for check in found.checks)


@pytest.mark.parametrize(
    ("parts", "name", "captured"),
    [
        ({"code": None}, "code", 0),
        ({"code": {"kind": "none"}}, "code", 0),
        ({"code": {"kind": "git", "commit": None}}, "code", 0),
        ({"code": {"kind": "snapshot", "gaps": [{"part": "code", "what": "large.py was too large"}]}}, "code", 0.5),
        ({"arguments": {"argv": ["python", "-c", "..."]}}, "command", 0),
        ({"arguments": {"argv": ["python"]}}, "command", 0),
        ({"environment": None}, "environment", 0),
        ({"environment": {"lock": None}}, "environment", 0),
        ({"files": None}, "data", 0),
        ({"files": {"gaps": [{"part": "network", "what": "the program asked for hub.example"}]}}, "data", 0.5),
        ({"seeds": {"numpy": {"seeded": False}}}, "randomness", 0),
        ({"seeds": {"start": "b" * 64, "gaps": [{"part": "seeds", "what": "drawn before"}]}}, "randomness", 0.5),
    ],
)
def test_a_hole_costs_its_part_and_is_named(parts: Any, name: str, captured: float) -> None:
    found = rebuildability(story(**parts))
    assert {check.name: check.captured for check in found.checks if check.captured < 1} == {name: captured}
    assert found.score == round(100 - WEIGHTS[name] * (1 - captured))
    holes = next(check.holes for check in found.checks if check.name == name)
    assert holes and all(hole.what for hole in holes)


def test_files_and_tables_in_part_are_holes_of_the_data() -> None:
    file = FileRecord("5" * 32, "/rows.csv", "read", 0, 1, 0, None, "the program ended before it was hashed")
    assert rebuildability(story(opened=(file,))).score == 90
    table = DatasetRecord("X", "train", "d" * 16, partial="its rows are a stream")
    assert rebuildability(story(replace(RUN, datasets=(table,)))).score == 90


def test_without_a_session_nothing_is_known() -> None:
    found = rebuildability(Story(replace(RUN, session=None), None, (), NoObjects()))  # type: ignore[arg-type]
    assert found.score == 0 and all(check.holes for check in found.checks)
