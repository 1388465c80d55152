"""Runs travel as one file: all that was known of them arrives, once, with the same ids."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autotrack.answers.archive import unpacking
from autotrack.answers.archive.packing import pack
from autotrack.answers.archive.unpacking import unpack
from autotrack.core.errors import AmbiguousError, ArchiveError, ArtifactError, NotFoundError, UsageError
from autotrack.core.runs.names import experiment_id
from autotrack.store.files.local import LocalArtifacts
from autotrack.store.store import Store

VALUES = [0.1, math.nan, math.inf, -0.0, 5e-324, 1e308]


@pytest.fixture
def other(tmp_path: Path):
    opened = Store.open(tmp_path / "other")
    yield opened
    opened.close()


@pytest.fixture
def runs(store, tell) -> list[str]:
    """A run with something of everything, and a child."""
    program = tell(1)
    program.git("diff --git a/x b/x\n", sources={"own.py": "print(1)\n"})
    program.environment({"numpy": "2.0"})
    program.file("/data/a.csv", "a1" * 32)
    program.file("/data/b.csv", None, partial="it was a pipe")
    program.file("/out/c.csv", "c1" * 32, "written")
    program.event("console", session=program.id, at=0, stream="stdout", text="héllo\n")
    state, fingerprint = program.put("state of things"), program.put('{"fingerprint": 1}')
    run = program.run(1, params={"C": "1", "größe": "∞"}, random_state=state, tags={"team": "risk"})
    for step, value in enumerate(VALUES):
        program.point(run, "loss", value, step // 2)
    big = program.writer.series(run, "count", "i8")
    program.writer.point_i8(big, 3, 2**60)
    mixed = [program.writer.series(run, "mixed", kind) for kind in ("f8", "i8")]
    for n in range(6):
        if n % 2:
            program.writer.point_i8(mixed[1], 1, 2**60 + n)
        else:
            program.writer.point(mixed[0], 1, n)
        store.deliver(store.root / "journal")  # each by itself: points of one delivery are in order of their types
    program.dataset(run, "X", "d1" * 32, fingerprint=fingerprint, bytes=9, partial="half", mlflow_digest="1234")
    program.event("model", run, path="model", flavor="sklearn", class_name="a.B", size=9, digest="9a" * 32)
    storage = LocalArtifacts(store.root / "artifacts" / "e")
    for path, content in (("model/a.bin", b"a" * 3000), ("plots/p.png", b"a" * 3000), ("empty", b"")):
        kept = storage.put_bytes(run, path, content)
        program.event("artifact", run, path=path, size=kept.size, sha256=kept.sha256)
    program.event("health", run, health={"lost_points": 3, "errors": [{"site": "x"}]})
    child = program.run(2, name="candidate", parent=run, status="KILLED", params={"n": "1"})
    return [run, child]


def exported(store, runs, path: Path) -> Path:
    return pack(store, [store.run(run) for run in runs], path).path


def content_of(store: Store, run: str) -> dict[str, bytes]:
    record = store.run(run)
    storage = LocalArtifacts(store.root / "artifacts" / experiment_id(record.experiment))
    found = {}
    for file in record.artifacts:
        with storage.open(run, file.path) as stream:
            found[file.path] = stream.read()
    return found


def test_everything_arrives_as_it_was(store, runs, other, tmp_path) -> None:
    path = exported(store, runs[:1], tmp_path / "a.atrun")
    done = unpack(other, path)
    assert sorted(done.runs) == sorted(runs) and done.there == () and done.artifacts == 3
    for run in runs:
        before, after = store.run(run), other.run(run)
        assert after.artifact_uri == f"artifacts/{experiment_id('churn')}/{run}"
        for record in (before, after):
            assert math.isnan(record.metrics.get("loss", math.nan)) or record.metrics["loss"] == 1e308
        assert repr(replace(after, artifact_uri=None)) == repr(replace(before, artifact_uri=None))
        assert repr(other.metric_summaries(run)) == repr(store.metric_summaries(run))
        for summary in store.metric_summaries(run):
            old, new = store.metric_history(run, summary.key), other.metric_history(run, summary.key)
            assert old.values.dtype == new.values.dtype
            for a, b in ((old.steps, new.steps), (old.timestamps, new.timestamps)):
                np.testing.assert_array_equal(a, b)
            assert repr(old.values.tolist()) == repr(new.values.tolist())
    session = store.run(runs[0]).session
    assert other.session(session) == store.session(session)
    assert other.files(sessions=[session]) == store.files(sessions=[session])
    assert other.console(session) == store.console(session)
    assert set(store.objects) == set(other.objects) and len(set(other.objects)) == 5
    assert content_of(other, runs[0]) == {"model/a.bin": b"a" * 3000, "plots/p.png": b"a" * 3000, "empty": b""}
    assert other.check() == []


def test_the_same_runs_give_the_same_bytes_here_and_where_they_arrived(store, runs, other, tmp_path) -> None:
    first = exported(store, runs, tmp_path / "1.atrun").read_bytes()
    assert exported(store, runs, tmp_path / "2.atrun").read_bytes() == first
    unpack(other, tmp_path / "1.atrun")
    exported(other, runs, tmp_path / "3.atrun")
    with zipfile.ZipFile(tmp_path / "1.atrun") as a, zipfile.ZipFile(tmp_path / "3.atrun") as b:
        for name in a.namelist():
            assert a.read(name) == b.read(name), name
    assert (tmp_path / "3.atrun").read_bytes() == first
    assert (tmp_path / "1.atrun").stat().st_mode & 0o777 == 0o600


def test_a_second_import_changes_nothing(store, runs, other, tmp_path) -> None:
    path = exported(store, runs, tmp_path / "a.atrun")
    unpack(other, path)
    before = [repr(other.run(run)) for run in runs]
    again = unpack(other, path)
    assert again.runs == () and sorted(again.there) == sorted(runs) and again.artifacts == again.objects == 0
    assert [repr(other.run(run)) for run in runs] == before
    assert unpack(store, path).runs == ()


def test_a_run_that_is_there_is_left_alone_with_its_session(store, runs, other, tmp_path, tell) -> None:
    path = exported(store, runs, tmp_path / "a.atrun")
    unpack(other, path)
    other.delete_runs([runs[1]])
    changed = tmp_path / "b.atrun"
    rewrite(path, changed, lambda name, text: text.replace(b'"team":"risk"', b'"team":"else"'))
    done = unpack(other, changed)
    assert done.runs == () and other.run(runs[0]).tags["team"] == "risk"
    assert other.run(runs[1]).lifecycle == "deleted"


def test_a_run_that_was_removed_for_good_comes_back(store, runs, other, tmp_path) -> None:
    path = exported(store, runs, tmp_path / "a.atrun")
    for _ in range(3):
        assert len(unpack(other, path).runs) == 2
        other.delete_runs([runs[0]])
        other.collect_garbage()
        with pytest.raises(NotFoundError):
            other.run(runs[0])


def test_an_import_that_is_cut_off_goes_on_where_it_was(store, runs, tmp_path, monkeypatch) -> None:
    """Every transaction in turn is the one that fails: afterwards each point is there once."""
    path = exported(store, runs, tmp_path / "a.atrun")
    monkeypatch.setattr(unpacking, "_MOST_POINTS", 4)
    wanted = [told(store, run) for run in runs]
    stops = 0
    while True:
        other = Store.open(tmp_path / f"other{stops}")
        apply, left = other.apply, [stops]

        def failing(*arguments, apply=apply, left=left, **more):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return apply(*arguments, **more)

        monkeypatch.setattr(other, "apply", failing)
        try:
            assert len(unpack(other, path).runs) == 2
        except KeyboardInterrupt:
            monkeypatch.setattr(other, "apply", apply)
            unpack(other, path)
        assert [told(other, run) for run in runs] == wanted
        assert unpack(other, path).runs == ()
        other.close()
        if left[0]:
            break
        stops += 1
    assert stops > 8


def told(store: Store, run: str) -> list[str]:
    """Everything of a run that must arrive, as text: NaN is equal to itself there."""
    histories = [store.metric_history(run, summary.key) for summary in store.metric_summaries(run)]
    return [
        repr(replace(store.run(run), artifact_uri=None)),
        *(repr([each.steps.tolist(), each.timestamps.tolist(), each.values.tolist()]) for each in histories),
    ]


def test_what_cannot_be_exported_is_said_and_leaves_no_file(store, runs, tell, tmp_path) -> None:
    program = tell(5)
    program.event("run_start", "b" * 32, name="n", experiment="e", parent=None, session=None, tags={})
    path = tmp_path / "a.atrun"
    with pytest.raises(UsageError, match="bbbbbbbb has not ended"):
        exported(store, ["b" * 32], path)
    with pytest.raises(UsageError, match="no run"):
        pack(store, [], path)
    path.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        exported(store, runs, path)
    assert path.read_text() == "mine"
    path.unlink()
    kept = store.root / "artifacts" / "e" / runs[0] / "model" / "a.bin"
    kept.write_bytes(b"b" * 3000)
    with pytest.raises(ArtifactError, match=r"'model/a.bin' .* bytes have changed"):
        exported(store, runs, path)
    kept.unlink()
    with pytest.raises(NotFoundError, match="there is no artifact"):
        exported(store, runs, path)
    with pytest.raises(ArchiveError, match="could not write"):
        exported(store, [runs[1]], tmp_path / "no" / "such" / "folder.atrun")
    assert [file.name for file in tmp_path.iterdir() if "atrun" in file.name] == []
    pack(store, [store.run(runs[1])], path)
    assert pack(store, [store.run(runs[1])], path, replace=True).runs == (runs[1],)


def test_a_disk_that_is_too_small_is_seen_before_anything_is_written(store, runs, other, tmp_path, monkeypatch) -> None:
    path = exported(store, runs, tmp_path / "a.atrun")
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda where: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(ArchiveError, match="has 5 left"):
        unpack(other, path)
    assert other.runs() == [] and not list(other.objects)


def test_a_store_that_takes_no_records_is_refused(store, runs, tmp_path) -> None:
    class Remote:
        uri = "https://example.org"

    with pytest.raises(UsageError, match="cannot take runs into https"):
        unpack(Remote(), exported(store, runs, tmp_path / "a.atrun"))  # type: ignore[arg-type]


def test_large_content_that_packs_too_well_is_kept_as_it_is(store, tell, tmp_path, monkeypatch, other) -> None:
    monkeypatch.setattr("autotrack.answers.archive.layout.LARGE", 1 << 20)
    program = tell(1)
    run = program.run(1)
    kept = LocalArtifacts(store.root / "artifacts" / "e").put_bytes(run, "zeros.bin", bytes(2 << 20))
    program.event("artifact", run, path="zeros.bin", size=kept.size, sha256=kept.sha256)
    path = exported(store, [run], tmp_path / "a.atrun")
    with zipfile.ZipFile(path) as archive:
        (info,) = [info for info in archive.infolist() if info.filename.startswith("artifacts/")]
        assert info.compress_type == zipfile.ZIP_STORED
    assert unpack(other, path).artifacts == 1


@pytest.mark.parametrize("steep", [True, False], ids=["packs later", "packs at first"])
def test_the_whole_content_says_how_well_it_packs(store, tell, tmp_path, other, steep: bool) -> None:
    """And not its first MiB: what is written is taken in."""
    chance = np.random.default_rng(0).bytes(1 << 20)
    content = chance[: 1 << 16] + bytes(60 << 20) if steep else bytes(1 << 20) + chance * 3
    program = tell(1)
    run = program.run(1)
    kept = LocalArtifacts(store.root / "artifacts" / "e").put_bytes(run, "rows.bin", content)
    program.event("artifact", run, path="rows.bin", size=kept.size, sha256=kept.sha256)
    path = exported(store, [run], tmp_path / "a.atrun")
    with zipfile.ZipFile(path) as archive:
        (info,) = [info for info in archive.infolist() if info.filename.startswith("artifacts/")]
        assert info.compress_type == (zipfile.ZIP_STORED if steep else zipfile.ZIP_DEFLATED)
    assert unpack(other, path).artifacts == 1 and content_of(other, run) == {"rows.bin": content}


def test_progress_is_told_to_the_end(store, runs, tmp_path, other) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "a.atrun"
    pack(store, [store.run(run) for run in runs], path, progress=lambda *both: told.append(both))
    assert told[-1][0] == told[-1][1] == 6000
    unpack(other, path, progress=lambda *both: told.append(both))
    assert told[-1][0] == told[-1][1] > 6000


def rewrite(path: Path, target: Path, change: Callable[[str, bytes], bytes]) -> None:
    """The archive with members changed, and a manifest that says so."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            changed = change(name, content)
            manifest["members"][name] = {"sha256": hashlib.sha256(changed).hexdigest(), "size": len(changed)}
            archive.writestr(name, changed)
        archive.writestr("manifest.json", json.dumps(manifest))
    os.utime(target)


def test_ids_keep_being_found_by_their_beginning(store, runs, other, tmp_path) -> None:
    unpack(other, exported(store, runs, tmp_path / "a.atrun"))
    with pytest.raises(AmbiguousError):
        other.run("0" * 8)
