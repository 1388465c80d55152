"""Submodules of a stranger's run: no address starts a program, and none is put outside of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrack.answers.story import Story
from autotrack.core.entities import RunRecord, SessionRecord, Status
from autotrack.core.objects import Objects
from autotrack.rebuilding.plan import Plan
from autotrack.rebuilding.submodules import address_of, put_submodules


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.git", "ssh://git@example.org:22/a.git", "git@example.org:a/b.git", "git://example.org/a",
        "file:///srv/a.git", "/srv/a.git",
    ],
)  # fmt: skip
def test_addresses_of_repositories_are_taken(url: str) -> None:
    assert address_of(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "ext::sh -c touch% /tmp/x", "fd::17", "--upload-pack=touch x", "ssh://-oProxyCommand=touch/x",
        "-oProxyCommand=x:a",
        "git@-oProxyCommand=x:a", "file://host\n", "ftp://example.org/a", "https://a b", "relative/path", "../up",
        "http+x::y",
        "ssh://git@-oProxyCommand=touch/x", "transport::https://example.org",
    ],
)  # fmt: skip
def test_what_could_start_a_program_is_none(url: str) -> None:
    assert address_of(url) is None


@pytest.mark.parametrize("path", ["../out", "/out", "a/../../out", ".git/x", "link/x", "", ".."])
def test_none_is_put_outside(tmp_path: Path, path: str) -> None:
    target = tmp_path / "fresh" / "target"
    target.mkdir(parents=True)
    (target / "link").symlink_to(tmp_path)
    (target / ".git").mkdir()
    before = sorted(tmp_path.rglob("*"))
    run = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, session="5" * 32)
    story = Story(run, SessionRecord("5" * 32, 0, {}, {}), (), Objects(tmp_path / "objects"))
    code = {"kind": "git", "commit": "c" * 40, "submodules": {path: {"commit": "a" * 40, "url": "/nothing"}}}
    placed, missing = put_submodules(Plan(story, code, (), "train.py", False, (), "/there", "/there"), target)
    assert placed == [] and "leads out of the folder" in missing[0].what
    assert sorted(tmp_path.rglob("*")) == before
