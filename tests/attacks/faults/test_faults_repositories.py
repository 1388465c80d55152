"""Training in repositories that are huge, broken, hostile or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .ring import TRAIN, Ring, ring, store

__all__ = ["ring", "store"]

MINE = "import mine\n" + TRAIN


def begin(ring: Ring) -> None:
    """A repository with one commit, of which one imported module has changed since."""
    (ring.place / "mine.py").write_text("a = 1\n")
    (ring.place / "train.py").write_text("")
    ring.commit()
    (ring.place / "mine.py").write_text("a = 2\n")


def kept(ring: Ring, name: str = "mine.py") -> Callable[..., bool]:
    return lambda outcome: outcome.objects.get(outcome.parts["code"]["sources"][name]["sha256"]) == b"a = 2\n"


def test_a_hundred_thousand_files(ring: Ring) -> None:
    """Committed but not checked out, and a hundred thousand untracked ones beside them."""
    begin(ring)
    blob = ring.git("hash-object", "-w", "mine.py")
    names = "".join(f"100644 {blob}\td{i // 1000}/f{i}.py\n" for i in range(100_000))
    ring.git("update-index", "--index-info", stdin=names.encode())
    ring.git("commit", "-q", "-m", "many")
    outcome = ring.attack(MINE, steady=True)
    code = outcome.parts["code"]
    assert code["diff_stat"]["files"] > 99_000 or code.get("partial"), code
    assert code["dirty"] is True
    outcome.gap("the uncommitted diff")


def test_a_diff_of_five_gigabytes(ring: Ring) -> None:
    (ring.place / "weights.bin").write_bytes(b"\0\1")
    begin(ring)
    with (ring.place / "weights.bin").open("r+b") as file:
        file.truncate(5 << 30)
    outcome = ring.attack(MINE, steady=True)
    assert b"+a = 2" in outcome.objects.get(outcome.parts["code"]["diff"])
    assert "weights.bin" in outcome.gap("known by its size only")


def test_a_dirty_submodule(ring: Ring) -> None:
    library = ring.base / "library"
    library.mkdir()
    (library / "mine.py").write_text("a = 1\n")
    ring.commit(library)
    (ring.place / "train.py").write_text("")
    ring.commit()
    ring.git("submodule", "add", "-q", str(library), "inner")
    ring.git("commit", "-q", "-m", "inner")
    (ring.place / "inner" / "mine.py").write_text("a = 2\n")
    outcome = ring.attack("import inner.mine\n" + TRAIN)
    outcome.gap("inside submodules are not in the diff")
    assert kept(ring, "inner/mine.py")(outcome)


def test_a_linked_worktree_with_a_detached_head(ring: Ring) -> None:
    main = ring.base / "main"
    main.mkdir()
    (main / "mine.py").write_text("a = 1\n")
    ring.commit(main)
    ring.place.rmdir()
    ring.git("worktree", "add", "-q", "--detach", str(ring.place), cwd=main)
    (ring.place / "mine.py").write_text("a = 2\n")
    code = ring.attack(MINE, steady=True).parts["code"]
    assert code["commit"] == ring.git("rev-parse", "HEAD") and code["branch"] is None and code["dirty"] is True


def a_git_file_that_points_nowhere(ring: Ring) -> None:
    shutil.rmtree(ring.place / ".git")
    (ring.place / ".git").write_text("gitdir: /nowhere/at/all\n")


def a_git_file_that_points_at_itself(ring: Ring) -> None:
    shutil.rmtree(ring.place / ".git")
    (ring.place / ".git").write_text("gitdir: .git\n")


def a_head_of_garbage(ring: Ring) -> None:
    (ring.place / ".git" / "HEAD").write_bytes(os.urandom(4096))


def a_head_that_goes_round_in_a_circle(ring: Ring) -> None:
    (ring.place / ".git" / "refs" / "heads" / "main").write_text("ref: refs/heads/main\n")


def packed_refs_of_garbage(ring: Ring) -> None:
    (ring.place / ".git" / "refs" / "heads" / "main").unlink()
    (ring.place / ".git" / "packed-refs").write_bytes(b"\0\xff refs/heads/main\n" * 1000)


def a_truncated_index(ring: Ring) -> None:
    index = ring.place / ".git" / "index"
    index.write_bytes(index.read_bytes()[:20])  # less than its header: of a longer piece git takes what it finds


def a_commit_that_is_gone(ring: Ring) -> None:
    shutil.rmtree(ring.place / ".git" / "objects")
    (ring.place / ".git" / "objects").mkdir()


def a_head_that_is_a_pipe(ring: Ring) -> None:
    (ring.place / ".git" / "HEAD").unlink()
    os.mkfifo(ring.place / ".git" / "HEAD")


def a_config_of_garbage(ring: Ring) -> None:
    (ring.place / ".git" / "config").write_bytes(b"[core\n" + os.urandom(4096))


def no_commit_yet(ring: Ring) -> None:
    shutil.rmtree(ring.place / ".git")
    ring.git("init", "-q")


def a_loop_of_links(ring: Ring) -> None:
    shutil.rmtree(ring.place / ".git")
    (ring.place / ".git").symlink_to(".git")


def no_repository(ring: Ring) -> None:
    shutil.rmtree(ring.place / ".git")


#: What breaks the repository, and what has to be said of it (None: it is no repository any more, nothing is missing).
BROKEN = {
    a_git_file_that_points_nowhere: None,
    a_git_file_that_points_at_itself: None,
    a_head_of_garbage: "no commit that could be read",
    a_head_that_goes_round_in_a_circle: "no commit that could be read",
    packed_refs_of_garbage: "no commit that could be read",
    a_truncated_index: "uncommitted changes are not known",
    a_commit_that_is_gone: "uncommitted changes are not known",
    a_head_that_is_a_pipe: None,
    a_config_of_garbage: "uncommitted changes are not known",
    no_commit_yet: "no commit that could be read",
    a_loop_of_links: None,
    no_repository: None,
}


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda breaks: breaks.__name__)
def test_a_repository_that_is_broken(ring: Ring, breaks: Callable[[Ring], None]) -> None:
    """What ran is kept whole, whatever git knows; what git does not know is said."""
    begin(ring)
    breaks(ring)
    outcome = ring.attack(MINE, steady=True)
    said = BROKEN[breaks]
    if said is not None:
        outcome.gap(said)
    assert outcome.parts["code"]["kind"] == ("snapshot" if said is None else "git")
    assert kept(ring)(outcome)


def test_no_git_command(ring: Ring) -> None:
    begin(ring)
    outcome = ring.attack(MINE, steady=True, PATH=str(ring.base))
    outcome.gap("there is no git command on the PATH")
    assert outcome.parts["code"]["commit"] == ring.git("rev-parse", "HEAD") and kept(ring)(outcome)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_somebody_elses_repository(ring: Ring) -> None:
    begin(ring)
    for folder, folders, files in os.walk(ring.place):
        for name in (".", *folders, *files):
            os.chown(Path(folder, name), 12345, 12345)
    outcome = ring.attack(MINE, steady=True, HOME=str(ring.base))
    outcome.gap("belongs to another user")
    assert kept(ring)(outcome)


def test_a_repository_whose_settings_run_programs(ring: Ring) -> None:
    """Every setting that makes git run something, in the repository's own files: nothing of it runs."""
    begin(ring)
    ran = ring.base / "ran"
    trap = ring.base / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $@" >> {ran}\ncat\n')
    trap.chmod(0o755)
    programs = """core.fsmonitor core.pager pager.diff diff.external core.sshCommand core.askPass core.editor
        credential.helper diff.odd.command diff.odd.textconv filter.odd.clean filter.odd.smudge
        filter.odd.process core.gitProxy core.alternateRefsCommand uploadpack.packObjectsHook
        interactive.diffFilter gpg.program core.attributesFile"""
    for name in programs.split():
        ring.git("config", name, str(trap))
    ring.git("config", "filter.odd.required", "true")
    ring.git("config", "core.untrackedCache", "true")
    ring.git("config", "core.hooksPath", str(ring.base / "hooks"))
    ring.git("config", "alias.diff", f"!{trap}")
    ring.git("config", "include.path", str(ring.base / "included"))
    (ring.base / "included").write_text(f'[core]\n\tfsmonitor = "{trap}"\n')
    (ring.base / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-auto-gc"):
        shutil.copy(trap, ring.base / "hooks" / hook)
        shutil.copy(trap, ring.place / ".git" / "hooks" / hook)
    (ring.place / ".gitattributes").write_text("*.py diff=odd filter=odd\n")
    before = {path: path.stat().st_mtime_ns for path in (ring.place / ".git").rglob("*")}
    outcome = ring.attack(MINE, steady=True)
    assert not ran.exists(), ran.read_text()
    assert {path: path.stat().st_mtime_ns for path in (ring.place / ".git").rglob("*")} == before  # not even the index
    code = outcome.parts["code"]
    assert code["dirty"] is True
    if code["diff"] is None:
        assert kept(ring)(outcome)
    else:
        assert b"+a = 2" in outcome.objects.get(code["diff"])


def test_names_and_settings_that_are_hard_to_read(ring: Ring) -> None:
    """A .gitignore of a hundred thousand lines; loops of links; names with line breaks, no text, 255 bytes."""
    names = [b"two\nlines.py", b"\xff\xfe.py", b"n" * 252 + b".py", b" -rf.py", b"a\tb.py", b":(top)odd.py", b"*.py"]
    for name in names:
        Path(os.fsdecode(os.fsencode(ring.place) + b"/" + name)).write_text("a = 1\n")
    (ring.place / "loop").symlink_to(".")
    (ring.place / "circle").symlink_to("circle")
    begin(ring)
    (ring.place / ".gitignore").write_text("".join(f"/x{i}/**/[a-z]?{i}*\n" for i in range(100_000)))
    body = "import importlib.util, os, sys\n"
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(ring.place) + b"/" + name)).write_text("a = 2\n")
        body += f"spec = importlib.util.spec_from_file_location('m{number}', os.path.abspath(os.fsdecode({name!r})))\n"
        body += f"sys.modules['m{number}'] = importlib.util.module_from_spec(spec)\n"
        body += f"spec.loader.exec_module(sys.modules['m{number}'])\n"
    outcome = ring.attack(body + MINE)
    code = outcome.parts["code"]
    assert not [name for name in code["sources"] if not name.startswith("/")], code["sources"]
    assert code["diff_stat"]["files"] == len(names) + 2  # with mine.py and train.py
    assert outcome.objects.get(code["diff"]).count(b"\n+a = 2") == len(names) + 1
    assert not outcome.gaps or all("train.py" in gap for gap in outcome.gaps), outcome.gaps
