"""Capture of code and environment where everything is against it: huge, broken, vanished, hostile. Always an answer."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from autotrack.core.session.changes import LARGEST_DIFF
from autotrack.core.session.git import ask_git
from tests.unit.session.conftest import Project, make_project, project

__all__ = ["make_project", "project"]


def test_a_repository_of_a_hundred_thousand_files(project: Project) -> None:
    """Against the time that git itself takes to look at them."""
    project.program()
    project.git("init", "-q", "-b", "main")
    blob = project.git("hash-object", "-w", "train.py")
    lines = "".join(f"100644 {blob}\td{i // 1000}/f{i}.py\n" for i in range(100_000))
    subprocess.run(["git", "update-index", "--index-info"], input=lines, text=True, cwd=project.root, check=True)
    project.git("add", "train.py")
    project.git("commit", "-q", "-m", "many")
    project.git("checkout", "-q", "--", ".")
    project.write("d3/f3000.py", "changed = 1\n")
    began = time.perf_counter()
    project.git("-c", "diff.autoRefreshIndex=false", "diff", "HEAD", "--stat")
    alone = time.perf_counter() - began
    document, gaps = project.capture()
    assert document["diff_stat"]["files"] == 1 and document["sources"] == {} and gaps == []
    assert project.took < 5 * alone + 0.5, (project.took, alone)


def test_every_file_of_a_large_repository_changed(project: Project) -> None:
    project.program()
    project.write(".gitattributes", "*.txt text\n")
    for number in range(40):
        project.write(f"data/{number}.txt", "a line of text\n" * 20_000)
    project.commit()
    for number in range(40):
        project.write(f"data/{number}.txt", "another line of text\n" * 20_000)
    document, gaps = project.capture()
    assert document["partial"] is True and document["dirty"] is True
    diff = project.kept(document["diff"])
    assert LARGEST_DIFF - 200 < len(diff) <= LARGEST_DIFF and diff.endswith(b"\n")
    assert gaps == [f"the uncommitted diff is over {LARGEST_DIFF >> 20} MiB: only its beginning is kept"]


def test_a_changed_file_of_five_gigabytes(project: Project) -> None:
    """Bounded in memory and time, and the small changes beside it are kept."""
    project.write("weights.bin", b"\0\1")
    project.write("model.py", "a = 1\n")
    project.program(imports="import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))")
    project.commit()
    with (project.root / "weights.bin").open("r+b") as file:
        file.truncate(5 << 30)
    project.write("model.py", "a = 2\n")
    document, gaps = project.capture()
    assert document["large"] == {"weights.bin": 5 << 30} and document["dirty"] is True
    assert b"+a = 2" in project.kept(document["diff"]) and document["diff_stat"]["files"] == 1
    assert len(gaps) == 1 and "weights.bin" in gaps[0]
    assert project.took < 5


def test_a_git_that_never_ends_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\necho begun\nexec sleep 1000\n")
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    began = time.monotonic()
    answer = ask_git(tmp_path, "diff", limit=1000, seconds=0.5)
    assert (answer.output, answer.failure) == (b"begun\n", "time") and time.monotonic() - began < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    (tools / "git").write_text('#!/bin/sh\ncase "$*" in *get-regexp*) exit 1;; esac\nexec yes\n')
    answer = ask_git(tmp_path, "diff", limit=1000, seconds=20)
    assert len(answer.output) == 1000 and answer.failure == "limit"


def test_pipes_links_and_huge_files_where_sources_should_be(project: Project) -> None:
    project.program(
        """
        os.mkfifo("pipe.py"); os.symlink("loop.py", "loop.py"); os.mkdir("folder.py")
        os.symlink("nowhere.py", "broken.py")
        with open("sparse.py", "wb") as file:
            file.truncate(5 << 30)
        with open("big.py", "wb") as file:
            file.write(b"#" * (2 << 20))
        with open("other.so", "wb") as file:
            file.write(b"ELF")
        for name in ("pipe.py", "loop.py", "folder.py", "broken.py", "sparse.py", "big.py", "other.so", "/dev/zero"):
            module = types.ModuleType(name)
            module.__file__ = os.path.abspath(name)
            sys.modules[f"odd {name}"] = module
        sys.modules["none"] = None
        sys.modules["number"] = types.ModuleType("number"); sys.modules["number"].__file__ = 3
        document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started)
        tell()
        """,
        imports="import types",
    )
    document, gaps = project.capture()
    assert sorted(document["sources"]) == ["big.py", "other.so", "sparse.py", "train.py"]
    assert document["sources"]["sparse.py"] == {"sha256": None, "size": 5 << 30}
    assert document["sources"]["big.py"]["size"] == 2 << 20
    assert not project.objects.has(document["sources"]["big.py"]["sha256"])
    assert [gap.partition(" is not kept")[0] for gap in gaps[:-1]] == [
        *("/dev/zero", "broken.py", "folder.py", "loop.py", "pipe.py")
    ]
    assert gaps[-1].startswith("big.py, other.so, sparse.py: known by hash only")


def test_a_lazy_module_is_not_loaded(project: Project) -> None:
    project.write("lazy.py", "raise SystemExit('loaded')\n")
    project.program(
        """
        import importlib.util
        spec = importlib.util.find_spec("lazy")
        loader = importlib.util.LazyLoader(spec.loader)
        spec.loader = loader
        module = importlib.util.module_from_spec(spec)
        sys.modules["lazy"] = module
        loader.exec_module(module)
        document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started)
        tell()
        """
    )
    assert sorted(project.capture()[0]["sources"]) == ["lazy.py", "train.py"]


@pytest.mark.parametrize("committed", [True, False])
def test_a_working_directory_that_is_gone(project: Project, tmp_path: Path, committed: bool) -> None:
    project.program(
        """
        import shutil
        shutil.rmtree(os.environ["HINT"])
        document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started)
        tell()
        """
    )
    if committed:
        project.commit()
    gone = tmp_path / "gone"
    gone.mkdir()
    document, gaps = project.capture(str(project.root / "train.py"), cwd=gone)
    assert document["kind"] == ("git" if committed else "snapshot") and gaps == []
    document, gaps = project.capture()  # its own folder this time
    assert document["sources"] == {} and any("train.py is not kept" in gap or "no file" in gap for gap in gaps)


def test_a_working_directory_that_cannot_be_written(project: Project) -> None:
    project.program()
    commit = project.commit()
    for folder, _, _ in os.walk(project.root):
        os.chmod(folder, 0o555)
    try:
        document, gaps = project.capture()
    finally:
        for folder, _, _ in os.walk(project.root):
            os.chmod(folder, 0o755)
    assert (document["commit"], document["dirty"], gaps) == (commit, False, [])


def test_names_that_are_no_text(project: Project) -> None:
    odd = os.fsdecode(b"odd\xff\xfename.py")
    project.write(odd, "o = 1\n")
    project.program(
        """
        import importlib.util
        spec = importlib.util.spec_from_file_location("odd", os.path.abspath(os.fsdecode(b"odd\\xff\\xfename.py")))
        module = importlib.util.module_from_spec(spec); sys.modules["odd"] = module; spec.loader.exec_module(module)
        document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started)
        tell()
        """
    )
    document, gaps = project.capture()
    assert sorted(document["sources"]) == [r"odd\udcff\udcfename.py", "train.py"] and gaps == []
    project.commit()
    project.write(odd, "o = 2\n")
    document, gaps = project.capture()
    assert document["sources"] == {} and b"+o = 2" in project.kept(document["diff"]) and gaps == []


def test_the_training_thread_goes_on_meanwhile(project: Project) -> None:
    """Collected on another thread: working directory, signals, children and random numbers are as they were."""
    project.program(
        """
        import random, signal, threading
        from autotrack.core.session.environment import collect_environment
        from autotrack.core.session.seeds import seeded
        random.seed(1)
        def look():
            return [os.getcwd(), str(signal.getsignal(signal.SIGCHLD)), random.getstate()[1][:3], dict(os.environ),
                    len(os.listdir("/proc/self/fd")), threading.active_count()]
        before = look()
        answers = []
        def work():
            answers.append(collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started))
            answers.append(collect_environment(objects))
            answers.append(seeded())
        thread = threading.Thread(target=work)
        thread.start(); thread.join()
        assert look() == before and len(answers) == 3
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass
        else:
            raise SystemExit("a child is left")
        tell()
        """
    )
    project.commit()
    project.write("train.py", (project.root / "train.py").read_bytes() + b"#\n")
    assert project.capture()[0]["dirty"] is True


def test_a_program_that_waits_for_any_child_does_not_disturb_git(project: Project) -> None:
    project.program(
        """
        import signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        document, gaps = collect_code(objects, root_hint=Path(os.environ["HINT"]), started=started)
        tell()
        """
    )
    project.commit()
    document, gaps = project.capture()
    assert document["dirty"] is False and gaps == []
