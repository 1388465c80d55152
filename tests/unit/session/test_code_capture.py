"""The code that ran is known: commit, diff and sources with git, the imported files without it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.core.session.repository import find_repository, head_of, remote_of, without_credentials

from .conftest import Project


def test_a_clean_working_tree_is_its_commit(project: Project) -> None:
    project.write("model.py")
    project.program(imports="import model")
    commit = project.commit()
    project.git("remote", "add", "origin", "https://anna:hunter2@example.org/org/repo.git?x=1")
    document, gaps = project.capture()
    assert document == {
        "kind": "git",
        "entry": "train.py",
        "root": str(project.root),
        "dirty": False,
        "commit": commit,
        "branch": "main",
        "remote": "https://example.org/org/repo.git",
        "diff": None,
        "diff_stat": None,
        "sources": {},
    }
    assert gaps == []


def test_changes_untracked_and_ignored_sources_are_kept(project: Project) -> None:
    project.write("model.py", "a = 1\nb = 2\n")
    project.write("gone.py")
    project.write(".gitignore", "local.py\n")
    project.program(imports="import model, fresh, local")
    project.commit()
    project.write("model.py", "a = 1\nb = 3\nc = 4\n")
    (project.root / "gone.py").unlink()
    project.write("fresh.py", "f = 1\n")
    project.write("local.py", "l = 1\n")
    project.write("unused.py")
    document, gaps = project.capture()
    assert document["dirty"] is True and gaps == []
    diff = project.kept(document["diff"])
    assert b"-b = 2\n+b = 3\n+c = 4\n" in diff and b"deleted file mode" in diff
    assert document["diff_stat"] == {"files": 2, "insertions": 2, "deletions": 2}
    assert sorted(document["sources"]) == ["fresh.py", "local.py"]
    assert project.kept(document["sources"]["local.py"]) == b"l = 1\n"


def test_equal_changes_give_equal_documents_and_touched_files_none(make_project: Callable[[str], Project]) -> None:
    documents = []
    for name in ("one", "two"):
        project = make_project(name)
        project.write("model.py", "a = 1\n")
        project.program(imports="import model, fresh")
        project.git("init", "-q", "-b", "main")
        project.git("config", "diff.noprefix", "true")
        project.git("config", "diff.external", "/bin/false")
        project.git("config", "diff.context", str(len(documents)))
        spied = project.root.parent / "spied"
        spy = project.write(".git/spy.sh", f"#!/bin/sh\ntouch {spied}\n")
        spy.chmod(0o755)
        project.git("config", "core.fsmonitor", str(spy))
        project.commit()
        spied.unlink()  # it works
        project.write("model.py", "a = 2\n")
        project.write("fresh.py")
        os.utime(project.root / "train.py", (1, 1))  # touched, not changed: the index does not know it
        index = (project.root / ".git/index").stat()
        documents.append(project.capture()[0])
        assert (project.root / ".git/index").stat().st_mtime_ns == index.st_mtime_ns
        assert not spied.exists()
    for document in documents:
        del document["root"], document["commit"]
    assert documents[0] == documents[1] and documents[0]["diff_stat"]["files"] == 1


def test_without_git_the_imported_files_are_kept(project: Project) -> None:
    project.write("package/__init__.py", "")
    project.write("package/model.py", "m = 1\n")
    project.write("package/unused.py")
    project.program(imports="import package.model, json, click")
    document, gaps = project.capture()
    assert (document["kind"], document["commit"], document["dirty"], gaps) == ("snapshot", None, None, [])
    assert sorted(document["sources"]) == ["package/__init__.py", "package/model.py", "train.py"]
    assert document["sources"]["package/__init__.py"]["size"] == 0
    assert project.kept(document["sources"]["package/model.py"]) == b"m = 1\n"


def test_a_script_elsewhere_a_module_and_a_command(project: Project, tmp_path: Path) -> None:
    project.write("package/__init__.py", "")
    project.program(name="package/train.py")
    document, _ = project.capture("-m", "package.train")
    assert (document["entry"], document["root"]) == ("-m package.train", str(project.root))
    assert sorted(document["sources"]) == ["package/__init__.py", "package/train.py"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    document, _ = project.capture(str(project.root / "package/train.py"), cwd=elsewhere)
    assert (document["entry"], document["root"]) == ("train.py", str(project.root / "package"))
    source = (project.root / "package/train.py").read_text()
    document, _ = project.capture("-c", source)
    assert document["entry"] == "-c" and project.kept(document["command"]).decode() == source


def test_what_is_imported_later_is_picked_up_once(project: Project) -> None:
    project.write("early.py")
    project.write("late.py", "l = 1\n")
    project.write("later.py", "untracked = 1\n")
    project.write("helper.txt")
    project.program(
        """
        nothing = collect_imported(objects, document, known, started=started)
        import late, later
        first = collect_imported(objects, document, known, started=started)
        again = collect_imported(objects, document, known, started=started)
        tell([nothing[0], sorted(first[0]), again[0]])
        """,
        imports="import early",
    )
    project.capture()
    assert project.more == [{}, ["late.py", "later.py"], {}]
    (project.root / "later.py").rename(project.root / "aside")
    project.commit()
    (project.root / "aside").rename(project.root / "later.py")
    project.capture()
    assert project.more == [{}, ["later.py"], {}]


def test_secrets_in_diffs_and_sources_are_masked_and_a_gap_says_so(project: Project) -> None:
    token = "hf_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF"
    project.write("model.py", "a = 1\n")
    project.program(imports="import model, fresh")
    project.commit()
    project.write("model.py", f"a = 1\npassword = 'swordfish-9'\nlogin = '{token}'\n")
    project.write("fresh.py", f"TOKEN = '{token}'\n")
    document, gaps = project.capture("train.py")
    everything = b"".join(project.objects.get(digest) for digest in project.objects) + repr((document, gaps)).encode()
    assert token.encode() not in everything and b"swordfish" not in everything
    assert b"+password = '***'" in project.kept(document["diff"]) and document["masked"] == 2
    assert sum("masked" in gap for gap in gaps) == 2


def test_a_source_changed_after_the_start_is_a_gap(project: Project) -> None:
    project.write("model.py")
    project.program(imports="import model")
    project.environment["STARTED"] = "1000000000"
    _, gaps = project.capture()
    assert gaps == ["model.py, train.py changed after the program started: what is kept may not be what ran"]
    project.commit()
    _, gaps = project.capture()
    assert gaps == ["model.py, train.py changed after the program started: what is kept may not be what ran"]


def test_detached_unborn_worktree_and_packed(project: Project, tmp_path: Path) -> None:
    project.program()
    project.git("init", "-q", "-b", "main")
    document, gaps = project.capture()
    assert (document["kind"], document["commit"], document["branch"]) == ("git", None, "main")
    assert list(document["sources"]) == ["train.py"] and "no commit" in gaps[0]
    commit = project.commit()
    project.git("pack-refs", "--all")
    assert head_of(find_repository(project.root)) == head_of(find_repository(project.root / ".git/..")), "packed"  # type: ignore[arg-type]
    assert project.capture()[0]["commit"] == commit
    project.git("worktree", "add", "-q", "-b", "side/branch", str(tmp_path / "side"))
    side = Project(tmp_path / "side", tmp_path / "objects")
    document, _ = side.capture()
    assert (document["commit"], document["branch"], document["root"]) == (commit, "side/branch", str(side.root))
    project.git("checkout", "-q", "--detach")
    document, gaps = project.capture()
    assert (document["commit"], document["branch"], document["dirty"], gaps) == (commit, None, False, [])


def test_a_submodule_is_its_own_and_its_sources_are_kept_above(
    project: Project, make_project: Callable[[str], Project]
) -> None:
    library = make_project("library")
    library.write("inner.py", "i = 1\n")
    library.commit()
    project.program(imports="import sys; sys.path.insert(0, 'sub'); import inner")
    project.git("init", "-q", "-b", "main")
    project.git("submodule", "add", "-q", str(library.root), "sub")
    commit = project.commit()
    project.write("sub/inner.py", "i = 2\n")
    document, gaps = project.capture()
    assert document["commit"] == commit and list(document["sources"]) == ["sub/inner.py"]
    assert project.kept(document["sources"]["sub/inner.py"]) == b"i = 2\n"
    assert any("submodules" in gap for gap in gaps)
    inside = find_repository(project.root / "sub")
    assert inside is not None and inside.root == project.root / "sub" and head_of(inside).commit is not None


def test_a_submodule_is_a_gap_only_where_its_commit_cannot_be_had_again(
    project: Project, make_project: Callable[[str], Project]
) -> None:
    """One within another, of which each is what its remote has; then changed, committed, pushed, and never fetched."""
    deep, library = make_project("deep"), make_project("library")
    deep.write("deep.py")
    inner = deep.commit()
    library.write("inner.py", "i = 1\n")
    library.git("init", "-q", "-b", "main")
    library.git("submodule", "add", "-q", str(deep.root), "more/deep")
    outer = library.commit()
    project.program()
    project.git("init", "-q", "-b", "main")
    project.git("submodule", "add", "-q", str(library.root), "sub")
    project.git("submodule", "update", "-q", "--init", "--recursive")
    project.commit()
    document, gaps = project.capture()
    assert gaps == [] and document["dirty"] is False
    assert document["submodules"] == {
        "sub": {"commit": outer, "url": str(library.root)},
        "sub/more/deep": {"commit": inner, "url": str(deep.root)},
    }
    project.write("sub/more/deep/deep.py", "changed = 1\n")
    assert "(sub/more/deep)" in project.capture()[1][0]
    inside = project.root / "sub" / "more" / "deep"
    project.git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-aqm", "mine", cwd=inside)
    [gap] = project.capture()[1]
    assert "the submodule sub/more/deep is on no branch of its remote" in gap
    project.git("push", "-q", "origin", "HEAD:refs/heads/mine", cwd=inside)
    assert project.capture()[1] == []
    project.git("remote", "remove", "origin", cwd=inside)
    assert "has no remote" in project.capture()[1][0]
    shutil.rmtree(project.root / "sub")
    (project.root / "sub").mkdir()
    document, gaps = project.capture()
    assert gaps == [] and "submodules" not in document


def test_a_path_of_a_submodule_leads_nowhere_else(project: Project, make_project: Callable[[str], Project]) -> None:
    other = make_project("other")
    other.write("x.py")
    other.commit()
    project.program()
    paths = [f"../{other.root.name}", str(other.root), "link", "."]
    (project.root / "link").symlink_to(other.root)
    project.write(".gitmodules", "".join(f'[submodule "{path}"]\npath = {path}\nurl = x\n' for path in paths))
    project.commit()
    document, gaps = project.capture()
    assert gaps == [] and "submodules" not in document


def test_the_remote_that_the_branch_follows(project: Project) -> None:
    project.program()
    project.commit()
    for name, url in (("origin", "git@host:a.git"), ("fork", "ssh://git@host:22/b.git")):
        project.git("remote", "add", name, url)
    repository = find_repository(project.root)
    assert repository is not None
    assert remote_of(repository, "main") == "git@host:a.git"
    project.git("config", "branch.main.remote", "fork")
    assert remote_of(repository, "main") == "ssh://git@host:22/b.git"
    assert without_credentials("https://ghp_token@host/x?token=1#2") == "https://host/x"
    assert without_credentials("ssh://anna:pw@host/x") == "ssh://host/x"
    assert without_credentials("/srv/git/x.git") == "/srv/git/x.git"


@pytest.mark.parametrize("said", ["", "ref: refs/heads/.invalid", "ref: ../../../etc/passwd", "zz", "\xff\xfe", "ref:"])
def test_a_head_that_makes_no_sense_is_an_unknown_commit(project: Project, said: str) -> None:
    project.program()
    project.commit()
    (project.root / ".git/HEAD").write_bytes(said.encode("latin-1"))
    document, gaps = project.capture()
    assert document["kind"] == "git" and document["commit"] is None and list(document["sources"]) == ["train.py"]
    assert any("no commit" in gap for gap in gaps)


def test_notebook_cells_are_kept(project: Project) -> None:
    """IPython's own shell object is all that is looked at."""
    project.program(
        """
        import types
        shell = types.SimpleNamespace(user_ns={"In": ["", "a = 1", "password = 'swordfish-9'"]})
        module = types.ModuleType("IPython.core.interactiveshell")
        module.InteractiveShell = types.SimpleNamespace(_instance=shell)
        sys.modules["IPython.core.interactiveshell"] = module
        document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started)
        tell()
        """
    )
    document, _ = project.capture()
    assert document["cells"]["count"] == 2
    assert project.kept(document["cells"]) == b'["a = 1", "password = \'***\'"]'


def test_git_is_asked_without_its_variables_and_its_hooks(project: Project, tmp_path: Path) -> None:
    project.program()
    commit = project.commit()
    project.write("train.py", (project.root / "train.py").read_bytes() + b"# changed\n")
    project.environment |= {"GIT_DIR": str(tmp_path / "nowhere"), "GIT_INDEX_FILE": "/nowhere", "GIT_WORK_TREE": "/"}
    project.environment |= {"GIT_EXTERNAL_DIFF": "/bin/false", "GIT_TRACE": "1"}
    document, gaps = project.capture()
    assert (document["commit"], document["dirty"], gaps) == (commit, True, [])
    assert document["diff_stat"] == {"files": 1, "insertions": 1, "deletions": 0}


def test_without_the_git_command_commit_and_all_sources_are_known(project: Project, tmp_path: Path) -> None:
    project.write("model.py")
    project.program(imports="import model")
    commit = project.commit()
    project.environment["PATH"] = str(tmp_path)
    document, gaps = project.capture()
    assert (document["commit"], document["branch"], document["dirty"]) == (commit, "main", None)
    assert sorted(document["sources"]) == ["model.py", "train.py"]
    assert gaps == ["uncommitted changes are not known: there is no git command on the PATH"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_user_is_read_by_hand(project: Project) -> None:
    project.program()
    commit = project.commit()
    subprocess.run(["chown", "-R", "12345", str(project.root)], check=True)
    project.environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent", "SUDO_UID": "0"}
    document, gaps = project.capture()
    assert (document["commit"], document["dirty"]) == (commit, None)
    assert list(document["sources"]) == ["train.py"]
    assert len(gaps) == 1 and "belongs to another user" in gaps[0]


def test_the_program_that_stands_in_for_git_cannot_hold_us(project: Project, tmp_path: Path) -> None:
    project.program()
    project.commit()
    tools = tmp_path / "tools"
    tools.mkdir()
    fake = tools / "git"
    fake.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    fake.chmod(0o755)
    project.environment["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    document, gaps = project.capture()
    assert document["dirty"] is None and gaps == ["uncommitted changes are not known: git says 'broken'"]
    assert shutil.which("git") is not None
