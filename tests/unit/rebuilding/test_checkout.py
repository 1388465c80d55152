"""The files of a commit that an archive brought: put where they belong, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autotrack.answers.story import Story
from autotrack.core.entities import RunRecord, SessionRecord, Status
from autotrack.core.objects import Objects
from autotrack.rebuilding.checkout import check_out
from autotrack.rebuilding.plan import Plan


def plan_with(objects: Objects, tree: dict[str, Any]) -> Plan:
    session = SessionRecord("5" * 32, 0, {}, {"capsule": {"tree": tree}})
    run = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, session=session.id)
    code = {"kind": "git", "commit": "c" * 40}
    return Plan(Story(run, session, (), objects), code, (), "train.py", False, (), "/there/project", "/there/project")


def test_files_modes_and_links_are_as_they_were(tmp_path: Path) -> None:
    objects = Objects(tmp_path / "objects")
    tree = {
        "a/train.py": ["100644", objects.put(b"print(1)\n")],
        "run.sh": ["100755", objects.put(b"#!/bin/sh\n")],
        "a/link": ["120000", objects.put(b"../run.sh")],
    }
    assert check_out(plan_with(objects, tree), tmp_path / "fresh") == []
    root = tmp_path / "fresh" / "files" / "there" / "project"
    assert (root / "a/train.py").read_bytes() == b"print(1)\n" and (root / "a/link").read_bytes() == b"#!/bin/sh\n"
    assert (root / "run.sh").stat().st_mode & 0o111 and not (root / "a/train.py").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("path", "mode", "content"),
    [
        ("../../../../out.py", "100644", b"x"),
        ("/out.py", "100644", b"x"),
        ("a/../../out.py", "100644", b"x"),
        (".git/hooks/post-checkout", "100755", b"#!/bin/sh\n"),
        ("link", "120000", b"../../../../../../etc"),
        ("link", "120000", b"/etc/passwd"),
        ("link", "120000", b".."),
    ],
)
def test_nothing_leads_out(tmp_path: Path, path: str, mode: str, content: bytes) -> None:
    objects = Objects(tmp_path / "objects")
    fresh = tmp_path / "fresh"
    before = {each for each in tmp_path.rglob("*") if "objects" not in each.parts}
    problems = check_out(plan_with(objects, {path: [mode, objects.put(content)]}), fresh)
    assert [problem.what for problem in problems] == [f"{path} leads out of the folder"]
    made = {each for each in tmp_path.rglob("*") if "objects" not in each.parts} - before
    assert all(each.is_dir() and each.is_relative_to(fresh) and not each.is_symlink() for each in made)
    assert not (tmp_path / "out.py").exists() and not Path("/out.py").exists()


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    """Links are made last, so what would be written below one has a folder of its own there, and the link fails."""
    objects = Objects(tmp_path / "objects")
    tree = {
        "a": ["120000", objects.put(b"b")],
        "a/x.py": ["100644", objects.put(b"x")],
        "b/y": ["100644", objects.put(b"y")],
    }
    problems = check_out(plan_with(objects, tree), tmp_path / "fresh")
    assert [problem.part for problem in problems] == ["code"]
    assert not (tmp_path / "fresh/files/there/project/b/x.py").exists()


@pytest.mark.parametrize("order", [("d/d/d/x", "y", "y/evil"), ("y", "d/d/d/x", "y/evil"), ("y", "y/evil", "d/d/d/x")])
def test_nothing_leads_out_through_two_links(tmp_path: Path, order: tuple[str, ...]) -> None:
    """By its words ``y`` is ``d/d/d/x/../..``, a folder inside; but ``x`` is the root, of which that is far above."""
    objects = Objects(tmp_path / "objects")
    fresh = tmp_path / "fresh"
    leads = {"d/d/d/x": b"../../..", "y": b"d/d/d/x/../..", "y/evil": b"train.py"}
    tree = {
        "train.py": ["100644", objects.put(b"print(1)\n")],
        **{path: ["120000", objects.put(leads[path])] for path in order},
    }
    plan = plan_with(objects, tree)
    plan.code["sources"] = {"y/made/own.py": {"sha256": objects.put(b"print(2)\n")}}
    assert any("leads out" in problem.what for problem in check_out(plan, fresh))
    target = fresh / "files" / "there" / "project"
    outside = [each for each in fresh.rglob("*") if not each.is_relative_to(target) and not target.is_relative_to(each)]
    assert outside == []
    assert all(each.resolve().is_relative_to(target) for each in target.rglob("*") if each.is_symlink())
