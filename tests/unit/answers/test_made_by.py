"""What a run was made by, as `runs show` tells it."""

from __future__ import annotations

from typing import Any

import pytest
from told import COMMIT, patch

from autotrack.answers.story import Story
from autotrack.answers.story import tell as story_of
from autotrack.cli.making import making_document, making_lines


def told(store: Any, run: str) -> Story:
    return story_of(store, store.run(run))


def test_everything(store, tell) -> None:
    program = tell(1)
    program.git(
        patch("train.py", 3, ["-C = 0.5"], ["+C = 1"]),
        sources={"notes.py": "x = 1"},
        diff_stat={"files": 1, "insertions": 1, "deletions": 1},
        remote="https://example.org/churn.git",
        gaps=[{"part": "code", "what": "a submodule", "close": "commit it"}],
    )
    program.part("arguments", argv=["/opt/bin/python", "train.py", "--name", "a b", "--C=1"], parsed={})
    program.environment(
        {"numpy": "2.0", "scikit-learn": "1.6", "six": "1.0"},
        os={"system": "Linux", "distribution": "Debian 12"},
        memory_bytes=2 << 30,
        gpus=[{"name": "H100"}],
    )
    program.part(
        "seeds",
        PYTHONHASHSEED=None,
        python={"seeds": [7], "seeded": True},
        numpy={"seeds": [], "seeded": False},
        torch={"seeds": [2**60], "seeded": None},
    )
    program.file(f"{program.root}/data/train.csv", "ab" * 32)
    program.file("/big.bin", "partial:" + "cd" * 32, partial="only its ends")
    run = program.run(1)
    program.file(f"{program.root}/out.csv", None, role="written", first=program.started + 1)
    story = told(store, run)
    assert making_lines(story, full=False) == [
        ("code", f"train.py   commit {COMMIT[:12]} on main"),
        ("", "https://example.org/churn.git"),
        ("", "1 file changed since (+1 -1), 1 file outside the commit kept"),
        ("command", 'python train.py --name "a b" --C=1'),
        ("read", "/big.bin   10 B   cdcdcdcdcdcd   (in part)"),
        ("", "data/train.csv   10 B   abababababab"),
        ("wrote", "out.csv   10 B   not hashed"),
        ("packages", "Python 3.11.4, scikit-learn 1.6, numpy 2.0, 3 distributions in all"),
        ("machine", "Debian 12 · Z80, 2 cores · 2.0 GiB · H100"),
        ("random", f"python seeded 7; numpy not seeded; torch drew its seed {2**60} from the system"),
        ("rebuild", "75 % of what it takes is known (code in part, data in part)"),
    ]
    assert making_document(story)["rebuildability"]["score"] == 75
    document = making_document(story)
    assert document["code"]["commit"] == COMMIT and document["program"]["host"] == "lab"
    paths = [file["path"].removeprefix(f"{program.root}/") for file in document["files"]]
    assert paths == ["/big.bin", "data/train.csv", "out.csv"]
    assert document["not_captured"][0] == {"part": "code", "what": "a submodule", "close": "commit it"}


def test_many_files_are_cut_unless_asked_for(store, tell) -> None:
    program = tell(1)
    for number in range(9):
        program.file(f"/data/{number}.csv", "ab" * 32)
    story = told(store, program.run(1))
    *_, (_, last), (label, _) = making_lines(story, full=False)
    assert last == "and 3 more (--full)" and label == "rebuild"
    assert len([said for _, said in making_lines(story, full=True) if "/data/" in said]) == 9


def test_without_git(store, tell) -> None:
    program = tell(1)
    program.snapshot({"train.py": "x"})
    assert making_lines(told(store, program.run(1)), full=False)[0] == ("code", "train.py   1 source file kept, no git")


@pytest.mark.parametrize("said", [[], "x", {"kind": "git", "diff_stat": 3, "sources": 4, "commit": {}}, {"argv": 3}])
def test_what_an_imported_run_says_of_itself_need_not_make_sense(store, tell, said: object) -> None:
    program = tell(1)
    for part in ("code", "arguments", "environment", "seeds"):
        program.event("part", session=program.id, part=part, data=said)
    story = told(store, program.run(1))
    assert isinstance(making_lines(story, full=True), list)
