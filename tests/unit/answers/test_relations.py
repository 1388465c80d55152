"""Lineage beyond files and tables: code, steps that stand for others, runs that params name, runs made again."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from told import Told, patch

from autotrack.answers.graph import Lineage
from autotrack.answers.lineage import trace
from autotrack.answers.subjects import find
from autotrack.store.store import Store

RAW, CLEAN, OTHER, WEIGHTS = (f"{n:x}" * 64 for n in range(1, 5))
HOUR = 3600 * 10**9
Tell = Callable[..., Told]


def lineage(store: Store, what: str, folder: Path = Path("/nowhere"), **more: bool) -> Lineage:
    return trace(store, find(store, what, folder), **more)


def edges(found: Lineage) -> set[tuple[str, str, str]]:
    """Edges with every node by its name; of code by its label."""
    short = {}
    for node in found.nodes.values():
        name = node.detail.get("name") or str(node.detail.get("path", "")).rpartition("/")[2]
        short[node.id] = node.label if node.kind == "code" else name or node.kind
    return {(short[edge.source], edge.how, short[edge.target]) for edge in found.edges}


def model(program: Told, run: str) -> None:
    program.event("model", run, path="model", flavor="sklearn", class_name="Forest", size=9, digest="9a" * 32)
    program.event("artifact", run, path="model/model.skops", size=99, sha256=WEIGHTS)


def test_a_model_leads_to_the_code_that_made_it(store: Store, tell: Tell) -> None:
    program, other = tell(1), tell(2)
    program.git(patch("train.py", 1, ["-a"], ["+b"]))
    run = program.run(1, name="train")
    model(program, run)
    other.snapshot({"train.py": "x\n", "more.py": "y\n"})
    assert edges(lineage(store, f"runs:/{run}/model")) == {
        ("train.py  at 1f1f1f1f1 (main) with changes", "ran", "train"),
        ("train", "made", "model"),
    }
    found = lineage(store, other.run(2, name="other"))
    ((code, how, name),) = edges(found)
    assert code.startswith("train.py  2 files  ") and (how, name) == ("ran", "other")
    assert str(found).splitlines()[0].startswith("┌ ran code train.py  2 files")
    assert [node["kind"] for node in found.document()["nodes"]] == ["run", "code"]


def test_equal_code_is_one_thing(store: Store, tell: Tell) -> None:
    runs = []
    for n, role in ((1, "written"), (2, "read")):
        program = tell(n, started=n * HOUR)
        program.git()
        program.file("/d/x.csv", CLEAN, role, first=n * HOUR + 5)
        runs.append(program.run(n, name=f"r{n}"))
    found = lineage(store, runs[1])
    assert {edge for edge in edges(found) if edge[1] == "ran"} == {
        ("train.py  at 1f1f1f1f1 (main)", "ran", "r1"),
        ("train.py  at 1f1f1f1f1 (main)", "ran", "r2"),
    }


@pytest.fixture
def workflow(store: Store, tell: Tell) -> dict[str, str]:
    """prepare -> train (which was handed a copy), and apart (which says by a param alone that it took something); then
    the whole again, its steps reused."""
    whole, steps, again = (
        tell(1, started=HOUR),
        [tell(n, started=n * HOUR) for n in (2, 3, 4)],
        tell(5, started=5 * HOUR),
    )
    runs = {"whole": whole.run(1, name="whole")}
    handed = "/tmp/autotrack-inputs-x1/data/clean.csv"
    whole.file(handed, CLEAN, "written", first=HOUR + 10)
    whole.file("/p/MLproject", OTHER)
    runs["prepare"] = steps[0].run(2, name="prepare", parent=runs["whole"])
    steps[0].event("artifact", runs["prepare"], path="data/clean.csv", size=5, sha256=CLEAN)
    steps[1].file(handed, CLEAN)
    named = {"data": f"runs:/{runs['prepare']}/data", "args.data": handed}
    runs["train"] = steps[1].run(3, name="train", parent=runs["whole"], params=named)
    runs["apart"] = steps[2].run(4, name="apart", parent=runs["whole"], params=named)
    runs["later"] = again.run(5, name="later")
    tags = {"autotrack.reused": runs["train"]}
    again.file("/p/MLproject", OTHER)
    runs["reused"] = again.run(6, name="reused", parent=runs["later"], params=named, tags=tags)
    return runs


def test_steps_hang_together_by_what_they_took(store: Store, workflow: dict[str, str]) -> None:
    found = lineage(store, workflow["train"])
    assert edges(found) == {
        ("prepare", "kept", "clean.csv"),
        ("clean.csv", "read", "train"),
        ("train", "reused", "reused"),
    }
    # The copy that it was handed is called what it is a copy of.
    assert f"read file runs:/{workflow['prepare'][:8]}/data/clean.csv" in str(found)
    assert edges(lineage(store, workflow["apart"])) == {("prepare", "took", "apart")}
    assert edges(lineage(store, workflow["prepare"])) == {
        ("prepare", "kept", "clean.csv"),
        ("clean.csv", "read", "train"),
        ("prepare", "took", "apart"),
        ("train", "reused", "reused"),
    }


def test_a_step_that_did_not_run_stands_for_the_one_that_did(store: Store, workflow: dict[str, str]) -> None:
    found = lineage(store, workflow["reused"])
    assert edges(found) == {
        ("train", "reused", "reused"),
        ("clean.csv", "read", "train"),
        ("prepare", "kept", "clean.csv"),
    }
    assert "stands for run 00000000  train" in str(found)


def test_runs_that_were_made_again_are_left_out_and_said(store: Store, tell: Tell) -> None:
    runs = {}
    for n, name in enumerate(("first", "rebuilt", "tried"), 1):
        program = tell(n, started=n * HOUR)
        program.file("/d/raw.csv", RAW)
        program.file("/d/clean.csv", CLEAN, "written", first=n * HOUR + 5)
        tags = {} if name == "first" else {"autotrack.rebuild_of": "1.2"}
        runs[name] = program.run(n, name=name, tags=tags)
        program.dataset(runs[name], "X", "da" * 32)
    for what in (RAW, CLEAN, "X"):
        found = lineage(store, what)
        assert {edge[2 if edge[1] in ("read", "used") else 0] for edge in edges(found)} == {"first"}, what
        assert "2 runs are left out that are others, made again by rebuild or bisect (--full)" in found.notes
    assert "rebuilt" in {name for edge in edges(lineage(store, RAW, again=True)) for name in edge}
    asked = lineage(store, runs["rebuilt"])
    assert ("raw.csv", "read", "rebuilt") in edges(asked)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_a_file_of_code_leads_to_what_it_has_made(store: Store, tell: Tell, tmp_path: Path) -> None:
    """As it was kept, as a commit has it, or as a commit with uncommitted changes has it."""
    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init", "-q", "-b", "main")
    train = clone / "train.py"
    train.write_text("a\nb\n")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "x")
    first = git(clone, "rev-parse", "HEAD")
    change = patch("train.py", 1, [" a", "-b"], ["+c"])
    for n, (name, diff, sources) in enumerate(
        [("plain", None, {}), ("changed", change, {}), ("beside", None, {"new.py": "n\n"})], 1
    ):
        program = tell(n, root=str(clone))
        program.git(diff, commit=first, sources=sources)
        model(program, program.run(n, name=name))
    gone = tell(4, root="/gone/clone")
    gone.git(commit=first)
    gone.run(4, name="gone")

    def makers(what: str) -> set[str]:
        found = lineage(store, what, clone)
        assert all(("model" in edge[2]) for edge in edges(found) if edge[1] == "made")
        return {edge[2] for edge in edges(found) if edge[1] == "ran"}

    assert makers("train.py") == {"plain", "beside"}
    train.write_text("a\nc\n")
    assert makers("train.py") == {"changed"}
    (clone / "new.py").write_text("n\n")
    assert makers("new.py") == {"beside"}
    train.write_text("never\n")
    found = lineage(store, "train.py", clone)
    digest = hashlib.sha256(b"never\n").hexdigest()
    assert not found.edges and found.notes == (
        f"no run here has read or written train.py as it is now ({digest[:12]})",
    )
