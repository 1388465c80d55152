"""``diff`` names what differs between two runs, and nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from told import COMMIT, Told, patch

from autotrack.answers.diff import compare_runs
from autotrack.answers.difference import Diff
from autotrack.core.gaps import Gap

D1, D2, F1, F2 = "d1" * 32, "d2" * 32, "f1" * 32, "f2" * 32
STATE = "5e" * 32


def diff(store, a: str, b: str) -> Diff:
    return compare_runs(store, store.run(a), store.run(b))


def told_fully(program: Told, number: int, *, line: str = "C = 1.0", label: str = D1, file: str = F1, **more) -> str:
    """A program of which everything was captured, and its one run."""
    change = patch("train.py", 3, [" import autotrack", "-C = 0.5"], [f"+{line}", " fit(C)"])
    other = patch("model.py", 10, [" x", "-y"], ["+z"])
    program.git(other + change)
    program.environment({"numpy": "2.0", "scikit-learn": "1.6"})
    program.part("arguments", argv=["train.py"], parsed={})
    program.part("seeds", seeded={"numpy": "0"})
    program.file(f"{program.root}/data/labels.csv", file)
    program.file(f"{program.root}/data/features.csv", "fe" * 32)
    program.file(f"{program.root}/train.py", D1 if line == "C = 1.0" else D2)
    run = program.run(number, random_state=STATE, **more)
    program.dataset(run, "X", "0" * 64)
    program.dataset(run, "y", label)
    return run


def test_one_label_and_one_line_are_exactly_what_differs(store, tell) -> None:
    a = told_fully(tell(1), 1, metrics={"accuracy": 0.92})
    b = told_fully(tell(2), 2, line="C = 2.0", label=D2, file=F2, metrics={"accuracy": 0.90})
    found = diff(store, a, b)
    assert [fact.what for fact in found.causes] == ["train.py", "y (train)"]
    assert [section.name for section in found.sections if section.is_cause] == ["code", "data"]
    assert found["code"][0].lines == ("@@ -3,3 +3,3 @@", " import autotrack", "-C = 1.0", "+C = 2.0", " fit(C)")
    assert "read from data/labels.csv, whose content changed" in found["data"][0].text
    assert [(fact.what, fact.text) for fact in found["metrics"]] == [("accuracy", "0.92 → 0.9   -0.02 (-2.17 %)")]
    assert found and found.equal == ("status", "files", "arguments", "params", "seeds", "environment", "hardware")
    assert not found.unknown


def test_a_param_that_a_changed_line_sets_follows_from_the_code(store, tell) -> None:
    a = told_fully(tell(1), 1, params={"C": "1.0", "depth": "3", "C1": "1.0"})
    b = told_fully(tell(2), 2, line="C = 2.0", params={"C": "2.0", "depth": "4", "C1": "2.0"})
    found = diff(store, a, b)
    assert [(fact.what, fact.follows) for fact in found["params"]] == [("C", "code"), ("C1", None), ("depth", None)]
    assert [fact.what for fact in found.causes] == ["train.py", "C1", "depth"]
    assert found["params"][0].text == "1.0 → 2.0   as train.py says"


def test_a_param_follows_from_the_code_only_where_both_values_stand_in_it(store, tell) -> None:
    made = []
    for n, (line, value) in enumerate((("C = 1.0", "1.0"), ("C = 2.0", "3.0")), 1):
        program = tell(n)
        program.git(patch("train.py", 3, ["-C = 0.5"], [f"+{line}"]))
        made.append(program.run(n, params={"C": value}))
    assert [(fact.what, fact.follows) for fact in diff(store, *made)["params"]] == [("C", None)]
    assert [(fact.what, fact.follows) for fact in diff(store, *made[::-1])["params"]] == [("C", None)]


def test_a_data_file_in_the_repository_is_data_with_its_lines(store, tell) -> None:
    made = []
    for n, (label, content) in enumerate((("0", F1), ("1", F2)), 1):
        program = tell(n)
        program.git(patch("data/labels.csv", 5, [" a,0", "-b,0"], [f"+b,{label}", " c,1"]))
        program.file(f"{program.root}/data/labels.csv", content)
        run = program.run(n)
        program.dataset(run, "y", content)
        made.append(run)
    found = diff(store, *made)
    assert found["code"] == () and found["files"] == ()
    (fact,) = found["data"]
    assert [line for line in fact.lines if line[0] in "+-"] == ["-b,0", "+b,1"]
    assert "data/labels.csv" in fact.text


def test_a_file_of_the_repository_that_was_read_and_may_be_code_is_code(store, tell) -> None:
    made = []
    for n, content in enumerate((F1, F2), 1):
        program = tell(n)
        program.git(patch("config.py", 1, ["-rate = 0"], [f"+rate = {n}"]))
        program.file(f"{program.root}/config.py", content)
        made.append(program.run(n))
    found = diff(store, *made)
    assert found["files"] == ()
    (fact,) = found["code"]
    assert (fact.what, fact.lines[-2:]) == ("config.py", ("-rate = 1", "+rate = 2"))


def test_code_that_a_program_opened_and_ran_itself_is_a_cause(store, tell) -> None:
    made = []
    for n, (loss, content) in enumerate(((0.6, F1), (1.4, F2)), 1):
        program = tell(n)
        program.snapshot({"train.py": "exec(open('config.py').read())\n", "shaping.py": "1\n"})
        program.part("seeds", python={"seeds": [], "seeded": None})
        for name in ("config.py", "weights.pth", "fast.so", "train.py", "shaping.py"):
            program.file(f"{program.root}/{name}", content)
        made.append(program.run(n, random_state=state(program, python=n), metrics={"loss": loss}))
    found = diff(store, *made)
    assert [fact.what for fact in found.causes] == ["config.py", "fast.so", "weights.pth"]


def test_equal_runs_say_what_was_compared(store, tell) -> None:
    a, b = told_fully(tell(1), 1), told_fully(tell(2), 2)
    found = diff(store, a, b)
    assert not found and found.sections == () and found["code"] == ()
    assert "code" in found.equal and "data" in found.equal
    assert "no difference found; the same in both: status, code, data" in str(found)
    with pytest.raises(KeyError):
        found["weather"]


def test_the_document_and_the_page_have_the_same_facts(store, tell) -> None:
    a, b = told_fully(tell(1), 1), told_fully(tell(2), 2, line="C = 3", params={"C": "3"})
    found = diff(store, a, b)
    document = json.loads(json.dumps(found.document()))
    assert document["diff"] == 1 and document["differs"] and document["a"]["id"] == a
    assert [(section["name"], section["role"]) for section in document["sections"]] == [
        ("code", "cause"),
        ("params", "cause"),
    ]
    for section in document["sections"]:
        for fact in section["facts"]:
            assert fact["what"] in str(found)
            assert all(line in str(found) for line in fact.get("lines", ()))
    assert found.only(["params"]).document()["sections"] == document["sections"][1:]


def test_long_diffs_are_cut_where_not_all_is_asked_for(store, tell) -> None:
    a = tell(1).run(1, params={f"p{n}": "1" for n in range(40)})
    b = tell(2).run(2, params={f"p{n}": "2" for n in range(40)})
    found = diff(store, a, b)
    short = [line.text for line in found.lines()]
    assert "  and 28 more (--full)" in short and len([line for line in short if "1 → 2" in line]) == 12
    assert str(found).count("1 → 2") == 40


# Code.


def test_a_change_that_both_have_is_no_difference(store, tell) -> None:
    one, other = tell(1), tell(2)
    both = patch("model.py", 10, [" x", "-y"], ["+z"])
    one.git(both)
    other.git(both + patch("train.py", 1, ["-a"], ["+b"]))
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.lines) for fact in found["code"]] == [("train.py", ("@@ -1 +1 @@", "-a", "+b"))]


def binary(path: str, new: str, old: str = "0a" * 20, mode: str = "") -> str:
    """What git says of a changed file that is no text."""
    head = f"diff --git a/{path} b/{path}\n{mode}index {old}..{new}{'' if mode else ' 100644'}\n"
    return f"{head}Binary files a/{path} and b/{path} differ\n"


B1, B2 = "b1" * 20, "b2" * 20
MODE = "old mode 100644\nnew mode 100755\n"


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (binary("fast.so", B1), binary("fast.so", B2), "differs (no text)"),
        (binary("fast.so", B1), binary("fast.so", B1), None),
        (binary("fast.so", B1), binary("fast.so", B1, mode=MODE), "its mode differs"),
        (binary("fast.so", B1), "", "differs (no text)"),
    ],
)
def test_files_that_are_no_text_are_compared_by_their_blobs(store, tell, a, b, said) -> None:
    one, other = tell(1), tell(2)
    for program, changes in ((one, a), (other, b)):
        program.git(changes + patch("train.py", 1, ["-1"], ["+2"]))
    found = diff(store, one.run(1), other.run(2))
    assert [fact.text for fact in found["code"]] == ([said] if said else [])
    assert ("code" in found.equal) is (said is None)


@pytest.mark.parametrize("new", ["b1b1b1b", "0" * 40, "é"])
@pytest.mark.parametrize("commit", [COMMIT, "2e" * 20])
def test_files_that_are_no_text_and_whose_blobs_are_not_known_are_not_the_same(store, tell, new, commit) -> None:
    one, other = tell(1), tell(2)
    one.git(binary("fast.so", new))
    other.git(binary("fast.so", new), commit=commit)
    found = diff(store, one.run(1), other.run(2))
    assert "code" not in found.equal
    assert [gap.what for gap in found.unknown if "fast.so" in gap.what] == [
        "fast.so: it is no text, and which content it had is not known for both"
    ]


def test_of_two_commits_files_that_are_no_text_are_compared_by_their_blobs(store, tell, clone) -> None:
    made = []
    for n in (1, 2):
        for name in ("fast.so", "slow.so", "same.so", "mended.so"):
            (clone / name).write_bytes(b"\0" + (b"same" if name == "same.so" else b"%d" % n))
        (clone / f"only{n}.so").write_bytes(b"\0")
        if n == 2:
            (clone / "only1.so").unlink()
        made.append(commit(clone, readme=str(n)))
    mended = git(clone, "rev-parse", f"{made[1]}:mended.so")
    one, other = tell(1, root=str(clone)), tell(2, root=str(clone))
    one.git(binary("slow.so", B1) + binary("mended.so", mended), commit=made[0])
    other.git(binary("slow.so", B2), commit=made[1])
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.text) for fact in found["code"][1:-1]] == [
        ("fast.so", "differs (it is no text)"),
        ("only1.so", "not in b"),
        ("only2.so", "not in a"),
        ("slow.so", "differs (it is no text)"),
    ]


def test_large_files_of_one_size_are_not_the_same(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program in (one, other):
        program.git(large={"same.bin": 8_500_000})
    found = diff(store, one.run(1), other.run(2))
    assert not found["code"] and "code" not in found.equal


def test_sources_that_git_does_not_know_are_compared_by_their_text(store, tell) -> None:
    one, other = tell(1), tell(2)
    one.git(sources={"train.py": "a\nb\n", "same.py": "s\n", "old.py": "o\n"})
    other.git(sources={"train.py": "a\nc\n", "same.py": "s\n", "new.py": "n"})
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.text) for fact in found["code"]] == [
        ("train.py", ""),
        ("new.py", "not in a"),
        ("old.py", "not in b"),
    ]
    assert found["code"][0].lines == ("@@ -1,2 +1,2 @@", " a", "-b", "+c")
    assert found["code"][1].lines == ("@@ -0,0 +1 @@", "+n", "\\ No newline at end of file")


def test_snapshots_are_compared_by_their_text_and_large_files_by_their_digest(store, tell) -> None:
    one, other = tell(1), tell(2)
    one.snapshot({"train.py": "1\n"})
    large = {"sha256": "ab" * 32, "size": 2 << 20}, {"sha256": "cd" * 32, "size": 2 << 20}
    one.part("code", kind="snapshot", root="/x", sources={"train.py": {"sha256": one.put("1\n")}, "big.py": large[0]})
    other.part("code", kind="snapshot", root="/y", sources={"train.py": {"sha256": one.put("2\n")}, "big.py": large[1]})
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.text) for fact in found["code"]] == [
        ("big.py", "differs (its text was not kept)"),
        ("train.py", ""),
    ]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return git(folder, "rev-parse", "HEAD")


def test_a_clone_at_hand_gives_the_lines_between_two_commits(store, tell, clone) -> None:
    first = commit(clone, train="a\nb\n", other="1\n")
    second = commit(clone, train="a\nc\n", readme="hello\n")
    one, other = tell(1, root=str(clone)), tell(2, root="/gone")
    one.git(commit=first)
    other.git(patch("other.py", 1, ["-1"], ["+2"]), commit=second)
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.text) for fact in found["code"]] == [
        ("train.py", ""),
        ("other.py", ""),
        ("readme.py", "not in a"),
        ("commit", f"{first[:9]} (main) → {second[:9]} (main) with changes"),
    ]
    assert found["code"][0].lines == ("@@ -1,2 +1,2 @@", " a", "-b", "+c")
    assert found["code"][1].lines == ("@@ -1 +1 @@", "-1", "+2")
    assert not [gap for gap in found.unknown if gap.part == "code"]


def test_a_change_that_was_committed_in_between_is_no_difference(store, tell, clone) -> None:
    first = commit(clone, train="a\nb\n")
    second = commit(clone, train="a\nc\n")
    one, other = tell(1, root=str(clone)), tell(2, root=str(clone))
    one.git(patch("train.py", 1, [" a", "-b"], ["+c"]), commit=first)
    other.git(commit=second)
    found = diff(store, one.run(1), other.run(2))
    assert found["code"] == () and "code" in found.equal


def test_without_a_clone_two_commits_are_named_and_their_lines_are_not_known(store, tell) -> None:
    one, other = tell(1), tell(2)
    same = patch("model.py", 1, ["-1"], ["+2"])
    one.git(same, commit="1" * 40)
    other.git(same + patch("train.py", 1, ["-1"], ["+2"]), commit="2" * 40, branch=None)
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.text) for fact in found["code"]] == [
        ("train.py", "only b has this change"),
        ("commit", "111111111 (main) with changes → 222222222 with changes"),
    ]
    assert Gap(
        "code", "which lines differ between the two commits", "run this inside a clone that has both commits"
    ) in (found.unknown)


@pytest.mark.parametrize("hostile", ["--upload-pack=touch x", "HEAD", "", "1" * 39])
def test_a_commit_that_is_no_digest_is_never_given_to_git(store, tell, clone, hostile) -> None:
    commit(clone, train="a\n")
    one, other = tell(1, root=str(clone)), tell(2, root=str(clone))
    one.git(commit=hostile)
    other.git(commit=COMMIT)
    assert [gap.what for gap in diff(store, one.run(1), other.run(2)).unknown if gap.part == "code"]


def test_a_repository_that_names_programs_to_run_runs_none(store, tell, clone) -> None:
    first, second = commit(clone, train="a\n"), commit(clone, train="b\n")
    trap = clone / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {clone}/sprung\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "diff.x.textconv", "core.pager", "core.sshCommand"):
        git(clone, "config", name, str(trap))
    (clone / ".gitattributes").write_text("*.py diff=x\n")
    one, other = tell(1, root=str(clone)), tell(2, root=str(clone))
    one.git(commit=first)
    other.git(commit=second)
    assert diff(store, one.run(1), other.run(2))["code"][0].lines == ("@@ -1 +1 @@", "-a", "+b")
    assert not (clone / "sprung").exists()


def test_what_was_not_captured_is_said(store, tell) -> None:
    one, other = tell(1), tell(2)
    one.git()
    one.part("files", gaps=[{"part": "files", "what": "/d/x was gone", "close": "keep it"}])
    found = diff(store, one.run(1), other.run(2))
    assert not found and "code" not in found.equal
    said = {(gap.part, gap.what) for gap in found.unknown}
    assert {("code", f"no code was captured for {other.id[:0]}00000000"), ("files", "/d/x was gone")} <= said
    assert "not compared" in str(found)


# Conditions.


def test_arguments_params_packages_hardware_and_seeds(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, rate, version, cpu in ((one, "0.1", "1.6", "Z80"), (other, "0.2", "1.7", "6502")):
        packages = {"numpy": "2.0", "scikit-learn": version, **({"pandas": "2.2"} if program is other else {})}
        program.environment(packages, cpu={"model": cpu}, variables={"OMP_NUM_THREADS": rate[-1]})
        program.part("arguments", argv=["train.py", "--lr", rate], parsed={"lr": rate})
        program.part("seeds", numpy={"seeds": [int(rate[-1])], "seeded": True})
    a = one.run(1, params={"lr": "0.1", "depth": "3"})
    b = other.run(2, params={"lr": "0.2", "depth": "4"})
    found = diff(store, a, b)
    said = {section.name: [(fact.what, fact.text) for fact in section.facts] for section in found.sections}
    assert said == {
        "arguments": [("lr", "0.1 → 0.2")],
        "params": [("depth", "3 → 4")],
        "seeds": [("numpy.seeds", "1 → 2")],
        "environment": [
            ("pandas", "only in b: 2.2"),
            ("scikit-learn", "1.6 → 1.7"),
            ("variables.OMP_NUM_THREADS", "1 → 2"),
        ],
        "hardware": [("cpu.model", "Z80 → 6502")],
    }


def test_packages_that_the_program_imports_come_first(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, version in ((one, "1"), (other, "2")):
        program.snapshot({"train.py": "import yaml\n", "net.py": "from torch import nn\n"})
        program.environment(dict.fromkeys(("aaa", "pyyaml", "torch", "zzz"), version))
    facts = diff(store, one.run(1), other.run(2))["environment"]
    assert [(fact.what, fact.text) for fact in facts] == [
        ("pyyaml", "1 → 2   which the program imports"),
        ("torch", "1 → 2   which the program imports"),
        ("aaa", "1 → 2"),
        ("zzz", "1 → 2"),
    ]


def test_libraries_of_linear_algebra_and_cards_are_told_apart_by_what_changed(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, threads, version, cards, driver in ((one, 2, "0.3.30", 2, "535.1"), (other, 1, "0.3.31", 1, "550.2")):
        library = {"user_api": "blas", "internal_api": "openblas", "num_threads": threads}
        named = {"user_api": "openmp", "internal_api": "openmp", "num_threads": 4}
        gpus = [{"name": "H100", "uuid": f"{driver}-{at}", "memory_bytes": 80} for at in range(cards)]
        blas = [{**library, "version": version}, {**library, "version": version}, named]
        program.environment({"numpy": "2.0"}, blas=blas, gpus=gpus, gpu_driver=driver, cuda="12")
    found = diff(store, one.run(1), other.run(2))
    said = {section.name: [(fact.what, fact.text) for fact in section.facts] for section in found.sections}
    assert said == {
        "environment": [("blas openblas", "threads 2 → 1, version 0.3.30 → 0.3.31")],
        "hardware": [("gpus H100", "2 → 1"), ("gpu_driver", "535.1 → 550.2")],
    }


def test_a_param_that_changed_as_an_argument_did_follows_from_it(store, tell) -> None:
    made = []
    for n, (depth, rate) in enumerate((("3", "1"), ("4", "1")), 1):
        program = tell(n)
        program.part("arguments", argv=["train.py"], parsed={"depth": depth})
        made.append(program.run(n, params={"max_depth": depth, "rate": rate, "n": str(n)}))
    found = diff(store, *made)
    assert [fact.what for fact in found.causes] == ["depth", "n"]
    assert [(fact.text, fact.follows) for fact in found["params"]] == [
        ("3 → 4   as the argument depth", "arguments"),
        ("1 → 2", None),
    ]


@pytest.mark.parametrize(
    ("param", "argument", "follows"),
    [
        ("forest__max_depth", "max_depth", True),
        ("model.max-depth", "max_depth", True),
        ("depth", "max_depth", True),
        ("num_layers", "workers", False),
        ("max_depth", "pth", False),
        ("depth_max", "depth", False),
        ("depth", "_", False),
    ],
)
def test_a_param_follows_from_an_argument_of_its_name_alone(store, tell, param, argument, follows) -> None:
    made = []
    for n, value in enumerate(("4", "8"), 1):
        program = tell(n)
        program.part("arguments", argv=["train.py"], parsed={argument: value})
        made.append(program.run(n, params={param: value}))
    found = diff(store, *made)
    assert [fact.follows for fact in found["params"]] == ["arguments" if follows else None]
    assert (param in {fact.what for fact in found.causes}) is not follows


@pytest.mark.parametrize(
    "words", [("--max-depth", "{}"), ("--depth={}",), ("model.depth={}",), ("-x", "--depth", "{}")]
)
def test_a_param_follows_from_a_word_that_the_command_line_gives_its_name(store, tell, words) -> None:
    made = []
    for n, value in enumerate(("4", "8"), 1):
        program = tell(n)
        argv = ["train.py", *(word.format(value) for word in words), *(["-v"] if n == 2 else [])]
        program.part("arguments", argv=argv, parsed={})
        made.append(program.run(n, params={"depth": value, "layers": value}))
    said = {fact.what: fact.text for fact in diff(store, *made)["params"]}
    assert said == {"depth": "4 → 8   as the command line", "layers": "4 → 8"}


def test_a_command_line_that_nobody_parsed_is_compared_as_words(store, tell) -> None:
    one, other = tell(1), tell(2)
    one.part("arguments", argv=["train.py", "1"], parsed={})
    other.part("arguments", argv=["train.py", "2"], parsed={})
    found = diff(store, one.run(1, params={"n": "1"}), other.run(2, params={"n": "2"}))
    (fact,) = found["arguments"]
    assert (fact.what, fact.text) == ("command line", "train.py 1 → train.py 2")
    assert [fact.follows for fact in found["params"]] == [None]  # no word says that it is n


def test_what_a_kernel_is_started_by_is_no_difference(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, name in ((one, "a"), (other, "b")):
        program.part("arguments", argv=["python", "-m", "ipykernel_launcher", "-f", f"/tmp/{name}.json"], parsed={})
    assert not diff(store, one.run(1), other.run(2))["arguments"]


def test_of_a_command_line_what_comes_before_the_difference_is_left_out(store, tell) -> None:
    one, other, longer = tell(1), tell(2), tell(3)
    for program, words in ((one, ["1"]), (other, ["2"]), (longer, ["1", "-v"])):
        program.part("arguments", argv=["/usr/bin/python", "-O", "train.py", *words], parsed={})
    a, b, c = one.run(1), other.run(2), longer.run(3)
    assert [fact.text for fact in diff(store, a, b)["arguments"]] == ["train.py 1 → train.py 2"]
    assert [fact.text for fact in diff(store, a, c)["arguments"]] == ["1 → 1 -v"]


def test_a_file_that_is_missing_is_named_once_with_its_lines(store, tell) -> None:
    one, other = tell(1), tell(2)
    one.git()
    one.file(f"{one.root}/start.txt", F1)
    other.git(patch("start.txt", 1, ["-0.5"], []).replace("index 1", "deleted file mode 100644\nindex 1"))
    found = diff(store, one.run(1), other.run(2))
    assert found["code"] == ()
    (fact,) = found["files"]
    assert (fact.what, fact.text) == ("start.txt", "read by a only; it is not in b")
    assert "-0.5" in fact.lines


def test_another_seed_is_one_difference(store, tell) -> None:
    one, other = tell(1), tell(2)
    for n, program in enumerate((one, other), 1):
        program.part("seeds", python={"seeds": [n], "seeded": True})
    a, b = (program.run(n, random_state=state(program, python=n)) for n, program in enumerate((one, other), 1))
    assert [(fact.what, fact.text) for fact in diff(store, a, b)["seeds"]] == [("python.seeds", "1 → 2")]


def state(program: Told, **words: int) -> str:
    """The states of generators as they are kept, each of one word that is repeated."""
    heads = {name: {"bytes": 2500, "gauss": None} for name in words}
    bodies = b"".join(word.to_bytes(4, "little") * 625 for word in words.values())
    return program.store.objects.put(b"autotrack-random 1\n" + json.dumps(heads).encode() + b"\n" + bodies)


def test_a_generator_that_was_seeded_and_stood_elsewhere_is_a_cause(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program in (one, other):
        program.part("seeds", numpy={"seeds": [0], "seeded": True}, python={"seeds": [], "seeded": None})
    a = one.run(1, random_state=state(one, python=1, numpy=2))
    b = other.run(2, random_state=state(other, python=7, numpy=3))
    found = diff(store, a, b)
    assert [fact.what for fact in found["seeds"]] == ["numpy generator"]
    assert "python generator was not seeded" in " ".join(gap.what for gap in found.unknown)


def test_a_generator_that_nobody_seeded_is_a_cause_only_where_there_is_no_other(store, tell) -> None:
    made = []
    for n, (score, rate) in enumerate([(0.5, "1"), (0.6, "1"), (0.7, "2")], 1):
        program = tell(n)
        program.part("seeds", python={"seeds": [], "seeded": None})
        metrics, params = {"accuracy": score}, {"rate": rate}
        made.append(program.run(n, random_state=state(program, python=n), metrics=metrics, params=params))
    (fact,) = diff(store, made[0], made[1])["seeds"]
    assert (fact.what, fact.text) == (
        "python generator",
        "was not seeded: what is drawn from it differs in every process",
    )
    explained = diff(store, made[0], made[2])
    assert explained["seeds"] == () and explained["params"] and "seeds" in {gap.part for gap in explained.unknown}


def test_generators_that_nobody_seeded_are_not_mentioned_where_the_same_came_out(store, tell) -> None:
    made = []
    for n, score in enumerate((0.5, 0.5, 0.6), 1):
        program = tell(n)
        program.part("seeds", python={"seeds": [], "seeded": None}, numpy={"seeds": [], "seeded": False})
        states = state(program, python=n, numpy=n)
        made.append(program.run(n, random_state=states, metrics={"accuracy": score}, params={"p": str(n // 3)}))
    assert not [gap for gap in diff(store, *made[:2]).unknown if gap.part == "seeds"]
    (gap,) = [gap for gap in diff(store, *made[1:]).unknown if gap.part == "seeds"]
    assert gap.what.startswith("the numpy and python generators were not seeded")


def test_cells_of_a_notebook_are_compared_line_by_line(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, cell in ((one, "C = 1"), (other, "C = 2")):
        kept = program.put(json.dumps(["import x", cell]))
        program.part("code", kind="snapshot", entry="notebook", sources={}, cells={"sha256": kept, "count": 2})
    (fact,) = diff(store, one.run(1), other.run(2))["code"]
    assert fact.what == "the notebook's cells"
    assert [line for line in fact.lines if line[0] in "+-"] == ["-C = 1", "+C = 2"]


def test_large_files_that_no_diff_holds_are_named_with_their_sizes(store, tell) -> None:
    one, other = tell(1), tell(2)
    one.git(large={"data/big.csv": 9_000_000, "same.bin": 8_500_000})
    other.git(large={"data/big.csv": 9_000_001, "same.bin": 8_500_000})
    (fact,) = diff(store, one.run(1), other.run(2))["code"]
    assert fact.what == "data/big.csv" and "too large for a diff" in fact.text


# Data and files.


def test_fingerprints_name_the_row_that_changed(store, tell) -> None:
    import numpy as np

    from autotrack.core.fingerprint import fingerprint

    labels = np.arange(150) % 3
    flipped = labels.copy()
    flipped[17] = 2 - labels[17] if labels[17] != 1 else 0
    made = []
    for n, values in enumerate((labels, flipped), 1):
        program = tell(n)
        found = fingerprint(values)
        run = program.run(n)
        kept = program.put(json.dumps(found.document()))
        program.dataset(run, "y", found.digest, fingerprint=kept, columns={})
        made.append(run)
    (fact,) = diff(store, *made)["data"]
    assert fact.what == "y (train)" and fact.text.startswith("row 17 changed")
    assert fact.detail["difference"]["changed"][0]["rows"] == [[17, 18]]


def test_a_fingerprint_that_is_none_costs_its_sentences_only(store, tell) -> None:
    made = []
    for n, digest in enumerate((D1, D2), 1):
        program = tell(n)
        run = program.run(n)
        program.dataset(run, "y", digest, fingerprint=program.put(json.dumps({"fingerprint": 1, "columns": n})))
        made.append(run)
    (fact,) = diff(store, *made)["data"]
    assert fact.text == "its values differ, and which ones is not known"


def test_tables_without_fingerprints_are_told_apart_by_what_is_known(store, tell) -> None:
    one, other = tell(1), tell(2)
    a, b = one.run(1), other.run(2)
    one.dataset(a, "X", D1)
    other.dataset(b, "X", D2, rows=151, columns={"a": "float32", "b": "int64"}, kind="pandas.DataFrame")
    other.dataset(b, "V", F1, context="eval")
    facts = diff(store, a, b)["data"]
    assert [(fact.what, fact.text) for fact in facts] == [
        ("X (train)", "numpy.ndarray → pandas.DataFrame; 150 → 151 rows; column b added, column a: float64 → float32"),
        ("V (eval)", "read by b only"),
    ]


def test_files_that_changed_appeared_or_went(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, content in ((one, F1), (other, F2)):
        program.file("/home/ada/churn/data/a.csv", content)
        program.file("/home/ada/churn/data/b.csv", content)
        program.file("/home/ada/churn/data/same.csv", D1)
        program.file("/home/ada/churn/unknown.bin", None, partial="it was a pipe")
        program.file("/home/ada/churn/out.json", content)
        program.file("/home/ada/churn/out.json", content, "written")
    one.file("/home/ada/old.csv", "01" * 32)
    other.file("/home/ada/new.csv", "02" * 32)
    other.file("/home/ada/copy.csv", D1)  # another name for what a has too
    other.file("/home/ada/late.csv", "03" * 32, first=other.started + 10**12)
    found = diff(store, one.run(1), other.run(2))
    assert [(fact.what, fact.text) for fact in found["files"]] == [
        ("data/a.csv", "its content changed"),
        ("data/b.csv", "its content changed"),
        ("/home/ada/new.csv", "read by b only"),
        ("/home/ada/old.csv", "read by a only"),
    ]
    assert any("unknown.bin" in gap.what for gap in found.unknown)


def test_several_changed_files_leave_a_table_without_a_guess_unless_it_names_one(store, tell) -> None:
    one, other = tell(1), tell(2)
    for program, content in ((one, F1), (other, F2)):
        program.file("/home/ada/churn/data/a.csv", content)
        program.file("/home/ada/churn/data/b.csv", content)
    a, b = one.run(1), other.run(2)
    for program, run, digest in ((one, a, D1), (other, b, D2)):
        program.dataset(run, "X", digest)
        program.dataset(run, "y", digest, source="data/b.csv")
    found = diff(store, a, b)
    assert "read from" not in found["data"][0].text
    assert "read from data/b.csv, whose content changed" in found["data"][1].text
    assert [fact.what for fact in found["files"]] == ["data/a.csv"]


def test_a_table_of_which_much_differs_is_told_column_by_column_the_most_moved_first(store, tell) -> None:
    import numpy as np
    import pandas as pd

    from autotrack.core.fingerprint import fingerprint

    numbers = np.random.default_rng(0)
    before = pd.DataFrame({name: numbers.normal(size=2000) for name in ("calm", "wild", "same")})
    after = before.assign(calm=before.calm + 0.01, wild=before.wild + 1, extra=1.0)
    made = []
    for n, frame in enumerate((before, after), 1):
        program, found = tell(n), fingerprint(frame)
        program.git(patch("rows.csv", 1, [f"-{n}"] * 100 + [" end"], [f"+{n * 7}"] * 50 * n))
        program.file(f"{program.root}/rows.csv", found.digest * 2)
        run = program.run(n)
        kept = program.put(json.dumps(found.document()))
        for name in ("X", "Z"):
            program.dataset(run, name, found.digest, fingerprint=kept, source="rows.csv")
        made.append(run)
    found = diff(store, *made)
    one, other = found["data"]
    assert one.text == "column added: extra; 2 columns changed; read from rows.csv, whose content changed"
    wild, calm, lines = one.more
    assert wild.startswith("wild: changed everywhere, min -") and "the distribution moved (KS about 0.3" in wild
    assert calm.startswith("calm: changed everywhere, ") and "distribution" not in calm
    assert lines == "of the file, 50 lines became 100 others" and one.lines == ()
    assert other.more == (wild, calm)
    assert f"\n    {wild}\n" in str(found) and found.document()["sections"][0]["facts"][0]["more"] == list(one.more)
    moved = {each["name"]: each["moved"] for each in one.detail["difference"]["changed"]}
    assert moved["wild"] == pytest.approx(0.38, abs=0.05) and moved["calm"] < 0.02  # 2 Phi(1/2) - 1 = 0.383


# What came out.


def test_metrics_models_artifacts_and_errors(store, tell) -> None:
    one, other = tell(1), tell(2)
    a = one.run(1, metrics={"same": 0.1, "fit_seconds": 3, "nan": float("nan"), "loss": 0.5, "zero": 0.0, "old": 1.0})
    b = other.run(2, metrics={"same": 0.1, "nan": float("nan"), "loss": 0.25, "zero": -0.0}, status="FAILED")
    for program, run, content in ((one, a, F1), (other, b, F2)):
        program.event("model", run, path="model", flavor="sklearn", class_name="Forest", size=9, digest=content)
        program.event("artifact", run, path="model/MLmodel", size=1, sha256=content)
        program.event("artifact", run, path="model/model.skops", size=1, sha256=content)
        program.event("artifact", run, path="plot.png", size=1, sha256=content)
    found = diff(store, a, b)
    said = {section.name: [(fact.what, fact.text) for fact in section.facts] for section in found.sections}
    assert said == {
        "status": [("status", "finished → failed")],
        "metrics": [
            ("old", "only in a: 1"),
            ("loss", "0.5 → 0.25   -0.25 (-50 %)"),
            ("zero", "0 → -0   -0"),
        ],
        "models": [("model", "Forest: model.skops differs")],
        "artifacts": [("plot.png", "its content differs")],
    }


def test_a_model_that_differs_in_its_papers_alone_is_the_same(store, tell) -> None:
    one, other = tell(1), tell(2)
    a, b = one.run(1), other.run(2)
    for program, run, content in ((one, a, F1), (other, b, F2)):
        program.event("model", run, path="model", flavor="sklearn", class_name="Forest", size=9, digest=content)
        program.event("artifact", run, path="model/MLmodel", size=1, sha256=content)
        program.event("artifact", run, path="model/model.skops", size=1, sha256=D1)
    assert not diff(store, a, b)["models"]
