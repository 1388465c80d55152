"""Repositories: any commit of them, and nothing in them runs or leads out of the tree (R42). Archives alike."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from autotrack_projects.places import opened

from autotrack.core.errors import ProjectError, UsageError
from autotrack.core.plugins.registry import forget_plugins
from tests.attacks.runner import SECRET, Canary, canary

__all__ = ["canary"]  # a fixture

IDENTITY = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=trunk"]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository with three commits: a tag on the first, a branch at the second, and the newest one."""
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path / "cache" / "environments"))
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    for number, name in ((1, "tag"), (2, "branch"), (3, "")):
        (work / "sub").mkdir(exist_ok=True)
        (work / "sub" / "train.py").write_text(f"print({number})\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", str(number))
        if name:
            git(work, name, f"a-{name}")
    return work


def served(work: Path) -> str:
    """Its address, once everything is pushed."""
    bare = work.with_name("served.git")
    git(work, "clone", "--quiet", "--bare", str(work), str(bare))
    return f"file://{bare}"


def test_any_commit_branch_and_tag(repository: Path) -> None:
    url = served(repository)
    first, second, third = git(repository, "rev-list", "--reverse", "HEAD").split()
    for version, commit, branch in (
        (None, third, None),
        ("a-tag", first, None),
        ("a-branch", second, "a-branch"),
        ("trunk", third, "trunk"),
        (second, second, None),
        (first[:10], first, None),
    ):
        with opened(f"{url}#sub", version, lambda said: None) as place:
            number = {first: 1, second: 2, third: 3}[commit]
            assert (place.folder / "train.py").read_text() == f"print({number})\n"
            assert (place.commit, place.branch, place.repository) == (commit, branch, url)
            assert place.source == f"{url}#sub" and place.title == "sub"
            folder = place.folder
        assert not folder.exists()
    with (
        pytest.raises(ProjectError, match=r"no commit, branch or tag 'nowhere'; check the name"),
        opened(url, "nowhere", lambda said: None),
    ):
        pass
    said: list[str] = []
    with opened(url, first, said.append):
        assert not said  # a commit that is here needs no network


def test_what_a_killed_git_left_is_in_nobodys_way(repository: Path) -> None:
    """Locks, parts of packs, a repository that was only begun; another run that fetches is waited for, and said so."""
    url = served(repository)
    with opened(url, None, print):
        pass
    cache = repository.parent / "cache" / "projects"
    (bare,) = cache.glob("*.git")
    for name in ("shallow.lock", "config.lock", "HEAD.lock", "FETCH_HEAD.lock", "objects/pack/tmp_pack_x"):
        (bare / name).write_text("")
    (bare.with_suffix(".new") / "objects").mkdir(parents=True)
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "newest")
    git(repository, "push", "--quiet", url, "HEAD")
    with opened(url, None, print) as place:
        assert place.commit == git(repository, "rev-parse", "HEAD")
    assert not list(bare.glob("*.lock")) and not list(bare.glob("objects/pack/tmp_*"))
    shutil.rmtree(bare)  # and the one that was only begun is begun anew
    said: list[str] = []
    with ThreadPoolExecutor() as pool, open(bare.with_suffix(".lock"), "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def fetch() -> str | None:
            with opened(url, None, said.append) as place:
                return place.commit

        fetched = pool.submit(fetch)
        deadline = time.monotonic() + 10
        while not said and not fetched.done() and time.monotonic() < deadline:
            time.sleep(0.01)
        fcntl.flock(held, fcntl.LOCK_UN)
        assert said[:1] == [f"another run fetches {url}: waiting for it"]
        assert fetched.result(60) == git(repository, "rev-parse", "HEAD")


def test_copies_that_nobody_uses_are_removed(repository: Path) -> None:
    url = served(repository)
    cache = repository.parent / "cache" / "projects"
    with opened(url, None, print) as used:
        work = used.folder.parent
        for name in ("project-left", "project-recent"):
            (cache / name / "project").mkdir(parents=True)
        for old in (work, cache / "project-left"):
            os.utime(old, (0, 0))
        with opened(url, None, print) as other:
            assert {path.name for path in cache.glob("project-*")} == {
                work.name,
                other.folder.parent.name,
                "project-recent",
            }
    assert [path.name for path in cache.glob("project-*")] == ["project-recent"]


def test_nothing_in_a_repository_runs(repository: Path, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    pwned = canary.root / "pwned"
    script = f"#!/bin/sh\ntouch {pwned}\ncat\n"
    (repository / "hook").write_text(script)
    (repository / ".gitattributes").write_text("*.py filter=evil diff=evil merge=evil\n*.bin filter=lfs\n")
    (repository / ".gitconfig").write_text(f'[filter "evil"]\nsmudge = {repository}/hook\n[core]\nhooksPath = .\n')
    (repository / ".lfsconfig").write_text("[lfs]\nurl = https://127.0.0.1:1/\n")
    (repository / "big.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    module = f'[submodule "m"]\npath = m\nurl = ext::sh -c touch% {pwned}\nupdate = !touch {pwned}\n'
    (repository / ".gitmodules").write_text(module)
    git(repository, "add", ".")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{git(repository, 'rev-parse', 'HEAD')},m")
    git(repository, "commit", "--quiet", "-m", "evil")
    url = served(repository)
    hooks = Path(url.removeprefix("file://")) / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-fetch", "post-merge", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(script)
        (hooks / name).chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(canary.root / "cache" / "environments"))
    with canary.untouched(), opened(url, None, lambda said: None) as place:
        assert (place.folder / "sub" / "train.py").read_text() == "print(3)\n"
        assert not list((place.folder / "m").iterdir())  # submodules are not fetched
        assert (place.folder / "big.bin").read_text().startswith("version")  # nor is what LFS keeps elsewhere
        assert not (place.folder / ".git" / "hooks").exists()
    assert not pwned.exists()


@pytest.mark.parametrize("target", ["../../canary/secret.txt", "/etc/passwd", "../sub/../../x"])
def test_a_link_out_of_the_tree_is_refused(repository: Path, target: str) -> None:
    (repository / "inside").symlink_to("sub/train.py")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "a link inside")
    with opened(served(repository), None, lambda said: None) as place:
        assert (place.folder / "inside").read_text() == "print(3)\n"
    (repository / "sub" / "data.txt").symlink_to(target)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "a link out")
    git(repository, "push", "--quiet", str(repository.with_name("served.git")), "HEAD:trunk")
    with (
        pytest.raises(ProjectError, match=r"sub/data\.txt is a link out of the repository"),
        opened(f"file://{repository.with_name('served.git')}", None, lambda said: None),
    ):
        pass


def test_names_that_differ_by_case_alone(repository: Path) -> None:
    (repository / "Sub").mkdir()
    (repository / "Sub" / "train.py").write_text("print('other')\n")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "cases")
    with opened(served(repository), None, lambda said: None) as place:
        assert (place.folder / "sub" / "train.py").read_text() == "print(3)\n"


def test_what_is_too_large_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_PROJECTS_LARGEST_BYTES", "100000")
    forget_plugins()
    (repository / "zeros.bin").write_bytes(bytes(200_000))  # small while it is packed
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "large")
    with (
        pytest.raises(ProjectError, match=r"larger than 100,000 bytes; AUTOTRACK_PROJECTS_LARGEST_BYTES"),
        opened(served(repository), None, lambda said: None),
    ):
        pass
    archive = repository.with_name("large.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros.bin", bytes(200_000))
    with (
        pytest.raises(ProjectError, match="unpacks to more than it may"),
        opened(str(archive), None, lambda said: None),
    ):
        pass
    forget_plugins()


@pytest.mark.parametrize("name", ["../out.py", "/out.py", "a/../../out.py", "..\\out.py", "link"])
def test_an_archive_that_leads_out(tmp_path: Path, name: str, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(canary.root / "cache" / "environments"))
    archive = canary.root / "p.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = ((stat.S_IFLNK if name == "link" else stat.S_IFREG) | 0o644) << 16
        packed.writestr(entry, str(canary.secret))
    refused = pytest.raises(ProjectError, match=r"leads out of its folder|is no file")
    with canary.untouched(), refused, opened(str(archive), None, lambda said: None):
        pass
    assert SECRET not in os.fspath(archive)


def test_an_archive_is_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path / "cache" / "environments"))
    archive = tmp_path / "p.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("sub/train.py", "print(1)\n")
    with opened(f"{archive}#sub", None, lambda said: None) as place:
        assert (place.folder / "train.py").read_text() == "print(1)\n" and place.commit is None
    with pytest.raises(UsageError, match="has no version v1"), opened(str(archive), "v1", lambda said: None):
        pass
    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(ProjectError, match="cannot be unpacked"), opened(str(archive), None, lambda said: None):
        pass
