"""Sessions, the files they opened, what they printed, and who has the same content."""

from __future__ import annotations

import os
import time

import pytest

from autotrack.core.errors import ArtifactError, NotFoundError

ON_BOTH = True

SESSION = "ab" * 16
CONTENT, OTHER = "1" * 64, "2" * 64


def begin(program, session=SESSION):
    program.event("session", id=session, argv=["train.py"], entry="/home/me/train.py")


def seen(path, role="read", sha256=CONTENT, first=5, **more):
    return {"path": path, "role": role, "sha256": sha256, "first": first, "size": 10, "mtime": 4, **more}


def test_a_session_is_its_beginning_and_what_the_collectors_found_last(store, program):
    begin(program)
    program.event("part", session=SESSION, part="code", data={"kind": "git", "commit": "c1"})
    program.event("part", session=SESSION, part="code", data={"kind": "git", "commit": "c2"})
    program.event("part", session=SESSION, part="seeds", data={"random": "0"})
    found = store.session(SESSION)
    assert found.data["entry"] == "/home/me/train.py" and found.started == found.data["t"]
    assert found.parts == {"code": {"kind": "git", "commit": "c2"}, "seeds": {"random": "0"}}
    with pytest.raises(NotFoundError, match="no session"):
        store.session("cd" * 16)


def test_files_are_found_by_session_content_and_path(store, program):
    begin(program)
    begin(program, "cd" * 16)
    program.event(
        "files", session=SESSION, files=[seen("/data/a.csv"), seen("/data/b.csv", sha256=None, partial="gone")]
    )
    program.event(
        "files", session="cd" * 16, files=[seen("/data/a.csv", "written", first=3), seen("/my/a.csv", sha256=OTHER)]
    )
    assert [file.path for file in store.files(sessions=[SESSION])] == ["/data/a.csv", "/data/b.csv"]
    assert [(file.session[:2], file.role) for file in store.files(contents=[CONTENT])] == [
        ("cd", "written"),
        ("ab", "read"),
    ]
    assert {file.path for file in store.files(path="a.csv")} == {"/data/a.csv", "/my/a.csv"}
    assert len(store.files(path="/data/a.csv")) == 2
    assert store.files(path="%.csv") == []
    unknown = store.files(sessions=[SESSION])[1]
    assert unknown.sha256 is None and unknown.partial == "gone"


def test_a_record_that_makes_no_sense_is_counted_and_keeps_nothing_waiting(store, program):
    begin(program)
    program.event("files", session=SESSION, files=[seen("/a"), seen("/b", role="eaten")])
    program.event("part", session=SESSION, part="code")
    program.event("console", session=SESSION, at="later", stream="stdout", text="x")
    assert store.deliver(store.place.journal).refused == 3
    assert store.files(sessions=[SESSION]) == []


def test_console_comes_back_in_order(store, program):
    begin(program)
    program.event("console", session=SESSION, at=6, stream="stderr", text="world\n")
    program.event("console", session=SESSION, at=0, stream="stdout", text="hello ")
    assert store.console(SESSION) == [(0, "stdout", "hello "), (6, "stderr", "world\n")]


def test_runs_are_found_by_session_data_set_and_artifact(store, program):
    begin(program)
    one = program.made(name="one", session=SESSION)
    two = program.made(name="two")
    program.event("dataset", two, name="X", digest="d1", context="train", rows=3, kind="list", bytes=9, partial="half")
    program.event("artifact", two, path="m.bin", size=3, sha256=OTHER)
    assert [run.id for run in store.runs_with(sessions=[SESSION])] == [one]
    assert [run.id for run in store.runs_with(datasets=["d1"])] == [two]
    assert [run.id for run in store.runs_with(contents=[OTHER])] == [two]
    assert store.runs_with() == [] and store.runs_with(contents=[CONTENT]) == []
    (data,) = store.run(two).datasets
    assert (data.kind, data.bytes, data.partial, data.fingerprint) == ("list", 9, "half", None)


@pytest.mark.sqlite
def test_garbage_takes_what_only_deleted_runs_referred_to(store, program):
    kept, gone, young = (store.objects.put(text * 600) for text in (b"kept", b"gone", b"young"))
    for digest in (kept, gone):
        os.utime(store.objects.path(digest), (time.time() - 90_000,) * 2)
    sessions = ["ab" * 16, "cd" * 16]
    runs = []
    for session, digest in zip(sessions, (kept, gone), strict=True):
        begin(program, session)
        program.event("part", session=session, part="code", data={"diff": digest})
        program.event("files", session=session, files=[seen("/x")])
        runs.append(program.made(session=session))
    store.delete_runs([runs[1]])
    plan = store.garbage()
    assert plan.files == (store.objects.path(gone),)
    store.collect_garbage(plan)
    assert list(store.objects) == sorted([kept, young])
    assert store.session(sessions[0]).parts and len(store.files(contents=[CONTENT])) == 1
    with pytest.raises(NotFoundError):
        store.session(sessions[1])


def test_an_object_comes_back_as_it_was_or_not_at_all(store):
    digest = store.objects.put(b"some content " * 100)
    assert store.objects.put(b"some content " * 100) == digest
    assert store.objects.get(digest) == b"some content " * 100 and store.objects.has(digest)
    path = store.objects.path(digest)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="changed"):
        store.objects.get(digest)
    with pytest.raises(NotFoundError, match="no object"):
        store.objects.get(CONTENT)
    for hostile in ("../../etc/passwd", "", "a" * 63, "A" * 64, "/" * 64):
        with pytest.raises(NotFoundError, match="no sha256"):
            store.objects.get(hostile)
