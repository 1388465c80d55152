"""What something was made from, and what was made from it: by content, across runs, in both directions."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from autotrack.answers.graph import Lineage
from autotrack.answers.lineage import trace
from autotrack.answers.subjects import find
from autotrack.core.errors import AmbiguousError, NotFoundError, UsageError

RAW, CLEAN, REPORT, WEIGHTS, PAPERS, SHARED = (f"{n:x}" * 64 for n in range(1, 7))
DIGEST, EXAMPLE, HELPING = "da" * 32, "ee" * 32, "e4" * 32
#: What is read of a model that is loaded.
LOADED = (("MLmodel", PAPERS), ("requirements.txt", SHARED), ("model.skops", WEIGHTS), ("helping.py", HELPING))
LOADED += (("serving_input_example.json", EXAMPLE),)
HOUR = 3600 * 10**9


def lineage(store, what: str, folder: Path = Path("/nowhere"), **more) -> Lineage:
    return trace(store, find(store, what, folder), **more)


def edges(found: Lineage) -> set[tuple[str, str, str]]:
    """Edges with every node as kind and a short name."""
    short = {
        node.id: node.detail.get("name") or node.detail.get("path", "").rpartition("/")[2] or node.detail["class_name"]
        for node in found.nodes.values()
    }
    return {(short[edge.source], edge.how, short[edge.target]) for edge in found.edges}


def model(program, run: str, weights: str, papers: str, path: str = "model") -> None:
    program.event("model", run, path=path, flavor="sklearn", class_name="Forest", size=9, digest="9a" * 32)
    files = [("MLmodel", 5, papers), ("requirements.txt", 6, SHARED), ("serving_input_example.json", 999, EXAMPLE)]
    for name, size, content in (*files, ("model.skops", 99, weights), ("code/helping.py", 200, HELPING)):
        program.event("artifact", run, path=f"{path}/{name}", size=size, sha256=content)


@pytest.fixture
def chain(store, tell) -> dict[str, str]:
    """raw.csv -> prepare -> clean.csv -> train -> model -> report -> report.json, and a run with the same table."""
    prepare, train, report, twin = (tell(n, started=n * HOUR) for n in (1, 2, 3, 4))
    prepare.file("/data/raw.csv", RAW)
    prepare.file("/data/clean.csv", CLEAN, "written", first=HOUR + 5)
    runs = {"prepare": prepare.run(1, name="prepare")}
    train.file("/data/clean.csv", CLEAN)
    runs["train"] = train.run(2, name="train")
    train.dataset(runs["train"], "X", DIGEST)
    model(train, runs["train"], WEIGHTS, PAPERS)
    for name, content in LOADED:
        report.file(f"/models/{name}", content)
    report.file("/out/report.json", REPORT, "written", first=3 * HOUR + 5)
    runs["report"] = report.run(3, name="report")
    twin.file("/data/other.csv", "0e" * 32)
    runs["twin"] = twin.run(4, name="twin")
    twin.dataset(runs["twin"], "X", DIGEST)
    model(twin, runs["twin"], "0f" * 32, "1e" * 32)
    return runs


def test_a_run_has_all_that_went_in_and_all_that_came_of_it(store, chain) -> None:
    found = lineage(store, chain["train"])
    assert edges(found) == {
        ("raw.csv", "read", "prepare"),
        ("prepare", "wrote", "clean.csv"),
        ("clean.csv", "read", "train"),
        ("X", "used", "train"),
        ("train", "made", "Forest"),
        ("Forest", "loaded", "report"),
        ("report", "wrote", "report.json"),
    }
    assert found.complete and not found.notes and found.subject == (f"run:{chain['train']}",)
    assert str(found).splitlines() == [
        "┌ used data X  150 x 1  dadadadadada",
        "│   ┌ read file /data/raw.csv  111111111111",
        "│ ┌ written by run 00000000  prepare",
        "├ read file /data/clean.csv  222222222222",
        "run 00000000  train",
        "└ made model runs:/00000000/model  Forest",
        "  └ loaded by run 00000000  report",
        "    └ wrote file /out/report.json  333333333333",
    ]
    assert [line.kind for line in found.lines()].count("title") == 1


def test_a_model_leads_to_its_run_data_and_users(store, chain) -> None:
    found = lineage(store, f"runs:/{chain['train']}/model")
    assert found.subject == (f"model:{chain['train']}/model",)
    assert ("train", "made", "Forest") in edges(found) and ("Forest", "loaded", "report") in edges(found)
    assert ("raw.csv", "read", "prepare") in edges(found)


def test_files_that_models_share_do_not_connect_them(store, chain, tell) -> None:
    other = tell(5, started=2 * HOUR)
    run = other.run(5, name="other")
    model(other, run, "0f" * 32, "1e" * 32)  # trained on the same table: its example is its largest file
    for found in (lineage(store, chain["report"]), lineage(store, chain["train"])):
        assert ("Forest", "loaded", "report") in edges(found)
        assert not any("twin" in edge or "other" in edge for edge in edges(found))
    assert not [edge for edge in edges(lineage(store, run)) if edge[1] == "loaded"]


def test_a_model_is_known_by_its_papers_where_its_weights_were_read_unseen(store, chain, tell) -> None:
    program = tell(5, started=5 * HOUR)
    program.file("/models/MLmodel", PAPERS)
    run = program.run(5, name="native")
    assert ("Forest", "loaded", "native") in edges(lineage(store, run))
    assert ("Forest", "loaded", "native") in edges(lineage(store, chain["train"]))


def test_a_model_that_is_nothing_but_code_is_known_by_it(store, tell) -> None:
    made, used = tell(1, started=HOUR), tell(2, started=2 * HOUR)
    run = made.run(1, name="made")
    made.event("model", run, path="m", flavor="python", class_name="Rule", size=9, digest="9a" * 32)
    for name, size, content in (("code/rule.py", 9, HELPING), ("golden.json", 99, EXAMPLE)):
        made.event("artifact", run, path=f"m/{name}", size=size, sha256=content)
    used.file("/models/rule.py", HELPING)
    assert ("Rule", "loaded", "used") in edges(lineage(store, used.run(2, name="used")))


def test_equal_models_are_told_apart_by_their_papers_where_those_were_read(store, chain, tell) -> None:
    again = tell(5, started=5 * HOUR)
    run = again.run(5, name="again")
    model(again, run, WEIGHTS, "2e" * 32)
    later = tell(7, started=7 * HOUR)
    for name, content in LOADED:
        later.file(f"/models/{name}", content)
    assert not any("again" in edge for edge in edges(lineage(store, later.run(7, name="later"))))
    assert not [edge for edge in edges(lineage(store, run)) if edge[1] == "loaded"]
    blind = tell(6, started=6 * HOUR)
    blind.file("/models/copy.skops", WEIGHTS)
    made_by = {edge[0] for edge in edges(lineage(store, blind.run(6, name="blind"))) if edge[1] == "made"}
    assert made_by == {"train", "again"}


def test_a_table_leads_to_every_run_that_used_it(store, chain) -> None:
    for what in (DIGEST, "dada", "X"):
        found = lineage(store, what, depth=1)
        assert {edge[2] for edge in edges(found) if edge[1] == "used"} == {"train", "twin"}, what


def test_a_file_that_is_there_is_known_by_its_content(store, tell, tmp_path) -> None:
    program = tell(7)
    here = tmp_path / "here.csv"
    here.write_text("a,b\n")
    program.file(str(here), "ab" * 32, first=1)
    program.file("/elsewhere/copy.csv", hashlib.sha256(b"a,b\n").hexdigest())
    program.run(7, name="reader")
    found = lineage(store, "here.csv", tmp_path)
    assert edges(found) == {("here.csv", "read", "reader")}
    assert any(f"autotrack lineage {'ab' * 32}" in note for note in found.notes)
    (tmp_path / "new.csv").write_text("new")
    new = lineage(store, "new.csv", tmp_path)
    assert not new.edges and "no run here has read or written new.csv" in new.notes[0]


def test_a_file_that_is_gone_is_known_by_its_path_and_a_content_by_its_digest(store, chain) -> None:
    for what in ("/data/clean.csv", "clean.csv", CLEAN):
        found = lineage(store, what)
        assert found.subject == (f"file:{CLEAN}",)
        assert ("prepare", "wrote", "clean.csv") in edges(found) and ("clean.csv", "read", "train") in edges(found)


def test_a_model_folder_is_known_by_its_files(store, tell, tmp_path) -> None:
    folder = tmp_path / "mine"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "w.bin").write_bytes(b"weights")
    os.mkfifo(folder / "pipe")
    program = tell(1)
    run = program.run(1)
    digest = hashlib.sha256(b"weights").hexdigest()
    program.event("model", run, path="m", flavor="f", class_name="Net", size=7)
    program.event("artifact", run, path="m/deep/w.bin", size=7, sha256=digest)
    assert lineage(store, "mine", tmp_path).subject == (f"model:{run}/m",)
    with pytest.raises(NotFoundError, match="no run here has made a model"):
        (folder / "deep" / "w.bin").write_bytes(b"other")
        lineage(store, "mine", tmp_path)


def test_what_it_is_not_is_said(store, chain) -> None:
    with pytest.raises(NotFoundError, match="no file that is there"):
        lineage(store, "nothing's here")
    with pytest.raises(NotFoundError, match=r"has no model and no artifact 'x'; it has model"):
        lineage(store, f"runs:/{chain['train']}/x")
    with pytest.raises(AmbiguousError):
        lineage(store, "0000")
    with pytest.raises(UsageError):
        lineage(store, "")


def test_runs_of_one_session_share_what_cannot_be_told_apart(store, tell) -> None:
    program = tell(1, started=HOUR)
    program.file("/data/a.csv", RAW, first=HOUR)
    program.file("/data/b.csv", CLEAN, first=HOUR + 100)
    first = program.run(1, name="first", started=HOUR + 10, ended=HOUR + 20)
    second = program.run(2, name="second", started=HOUR + 90, ended=HOUR + 200)
    program.run(3, name="candidate", parent=second, started=HOUR + 91, ended=HOUR + 92)
    assert edges(lineage(store, first)) == {("a.csv", "read", "first")}
    found = lineage(store, RAW)
    assert edges(found) == {("a.csv", "read", "first"), ("a.csv", "read", "second")}
    assert "share the files" in found.notes[0]
    assert edges(lineage(store, CLEAN)) == {("b.csv", "read", "second")}


def test_a_file_that_a_run_wrote_and_read_again_is_its_output(store, tell) -> None:
    program = tell(1, started=HOUR)
    program.file("/tmp/x", RAW, "written", first=HOUR + 1)
    program.file("/tmp/x", RAW, first=HOUR + 2)
    assert edges(lineage(store, program.run(1, name="r"))) == {("r", "wrote", "x")}


def test_circles_end_and_chains_are_as_long_as_asked_for(store, tell) -> None:
    contents = [f"{n:064x}" for n in range(1, 7)]
    for n in range(6):
        program = tell(n + 1, started=(n + 1) * HOUR)
        program.file(f"/c/{n}", contents[n])
        program.file(f"/c/{(n + 1) % 6}", contents[(n + 1) % 6], "written", first=(n + 1) * HOUR + 5)
        program.run(n + 1, name=f"r{n}")
    found = lineage(store, contents[0], depth=50)
    assert len(found.nodes) == 12 and len(found.edges) == 12
    assert "(its origin is drawn below)" in str(found) and "(what came of it is drawn above)" in str(found)
    names = {node.detail.get("name") for node in lineage(store, f"{2:032x}", depth=1).nodes.values()}
    assert names - {None} == {"r0", "r1", "r2"}
    assert len(lineage(store, f"{1:032x}", depth=0).nodes) == 3


def test_nothing_comes_of_what_came_later(store, tell) -> None:
    """Three programs of one content: one reads it, one writes it (again), one reads it after that."""
    early, maker, late = (tell(n, started=n * HOUR) for n in (1, 2, 3))
    early.file("/old/rows.csv", RAW)
    maker.file("/c/rows.csv", RAW, "written", first=2 * HOUR + 5, mtime=2 * HOUR + 6)
    late.file("/c/rows.csv", RAW, mtime=2 * HOUR + 6)
    runs = [program.run(n, name=name) for n, (program, name) in enumerate(
        ((early, "early"), (maker, "maker"), (late, "late")), 1)]  # fmt: skip
    made, read = ("maker", "wrote", "rows.csv"), ("rows.csv", "read", "late")
    assert edges(lineage(store, runs[0])) == {("rows.csv", "read", "early")}
    assert edges(lineage(store, runs[1])) == {made, read}
    assert edges(lineage(store, runs[2])) == {made, read}
    # Asked about the content itself, all that had it are named.
    assert edges(lineage(store, RAW)) == {made, read, ("rows.csv", "read", "early")}


def test_no_later_run_keeps_or_makes_what_was_read_before(store, tell) -> None:
    early, maker = tell(1, started=HOUR), tell(2, started=2 * HOUR)
    early.file("/c/plot.png", RAW)
    early.file("/c/model.skops", WEIGHTS)
    runs = [early.run(1, name="early"), maker.run(2, name="maker")]
    maker.event("artifact", runs[1], path="plot.png", size=3, sha256=RAW)
    model(maker, runs[1], WEIGHTS, PAPERS)
    assert edges(lineage(store, runs[0])) == {("plot.png", "read", "early"), ("model.skops", "read", "early")}
    assert edges(lineage(store, runs[1])) == {("maker", "made", "Forest")}
    assert edges(lineage(store, f"runs:/{runs[1]}/model")) == {("maker", "made", "Forest")}


def test_of_one_file_the_time_of_its_last_change_tells_who_came_first(store, tell) -> None:
    """A second is what openings are known to; what was changed within it was changed before it was read, or after."""
    begun = HOUR + 10**9 // 2
    reader, before, after, copy = (tell(n, started=HOUR) for n in (1, 2, 3, 4))
    reader.file("/c/rows.csv", RAW, first=begun, mtime=begun - 10**8)
    before.file("/c/rows.csv", RAW, "written", first=begun - 2 * 10**8, mtime=begun - 10**8)
    after.file("/c/rows.csv", RAW, "written", first=begun + 10**8, mtime=begun + 2 * 10**8)
    copy.file("/c/rows.csv", RAW, "written", first=begun - 10**7, mtime=5)  # kept the time of what it copied
    for n, (program, name) in enumerate(((before, "before"), (after, "after"), (copy, "copy")), 2):
        program.run(n, name=name)
    found = lineage(store, reader.run(1, name="reader"))
    assert {edge[0] for edge in edges(found) if edge[1] == "wrote"} == {"before", "copy"}


def test_what_a_program_opened_and_ran_is_read_and_what_it_imported_is_not(store, tell) -> None:
    program = tell(1, started=HOUR)
    program.snapshot({"train.py": "1", "shaping.py": "2"})
    for name in ("train.py", "shaping.py", "config.py", "weights.pth", "fast.so"):
        program.file(f"{program.root}/{name}", hashlib.sha256(name.encode()).hexdigest())
    found = lineage(store, program.run(1, name="r"))
    read = {found.nodes[edge.source].detail["path"].rpartition("/")[2] for edge in found.edges if edge.how == "read"}
    assert read == {"config.py", "weights.pth", "fast.so"}


def test_the_document_has_the_whole_graph(store, chain) -> None:
    found = lineage(store, chain["train"])
    document = json.loads(json.dumps(found.document()))
    assert document["lineage"] == 1 and document["complete"]
    ids = {node["id"] for node in document["nodes"]}
    assert len(ids) == 8 and document["subject"][0] in ids
    assert all({edge["from"], edge["to"]} <= ids for edge in document["edges"])
    assert {node["kind"] for node in document["nodes"]} == {"run", "file", "model", "data"}


def test_very_many_files_are_counted_not_drawn(store, tell) -> None:
    program = tell(1, started=HOUR)
    seen = [
        {"path": f"/i/{n}.png", "role": "read", "first": HOUR, "size": 1, "mtime": 1, "sha256": f"{n + 1:064x}"}
        for n in range(300)
    ]
    program.event("files", session=program.id, files=seen)
    found = lineage(store, program.run(1))
    assert not found.complete and len(found.nodes) == 201
    assert "100 more files" in found.notes[0]
    assert any("and 188 more (--full)" in line.text for line in found.lines())
    assert len(str(found).splitlines()) == 203
