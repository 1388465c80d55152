"""Artifacts on an object store: S3's own protocol over real HTTP."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from store_program import Program

import autotrack
from autotrack.core.artifact_paths import TEMPORARY, UPLOADS
from autotrack.core.errors import ArtifactError, NotFoundError
from autotrack.core.keys import new_id
from autotrack.core.registered import ModelVersion
from autotrack.core.runs import trackers
from autotrack.core.runs.names import experiment_id
from autotrack.store.files.remote import FsspecArtifacts
from autotrack.store.plugin import open_artifacts
from autotrack.store.store import Store
from autotrack.store.upkeep import gc

RUN = "0123456789abcdef/" + "a" * 32


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server of this module's own."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    kept = dict(os.environ)
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=f"http://{host}:{port}",
    )
    yield f"http://{host}:{port}"
    os.environ.clear()
    os.environ.update(kept)
    server.stop()


@pytest.fixture
def artifacts(s3: str) -> FsspecArtifacts:
    import fsspec

    bucket = f"bucket-{new_id()[:12]}"
    fsspec.filesystem("s3").mkdir(bucket)
    found = open_artifacts(f"s3://{bucket}/team/runs")
    assert isinstance(found, FsspecArtifacts)
    return found


def read(artifacts: FsspecArtifacts, path: str) -> bytes:
    with artifacts.open(RUN, path) as stream:
        return stream.read()


def test_files_come_back(artifacts: FsspecArtifacts, tmp_path: Path) -> None:
    large = os.urandom(1 << 20) * 12  # more than one part of an upload
    source = tmp_path / "large.bin"
    source.write_bytes(large)
    record = artifacts.put_file(RUN, "model/weights.bin", source)
    assert (record.size, record.sha256) == (len(large), hashlib.sha256(large).hexdigest())
    artifacts.put_bytes(RUN, "notes ü & co.txt", b"hello")
    assert read(artifacts, "model/weights.bin") == large and read(artifacts, "notes ü & co.txt") == b"hello"
    listed = {entry.path: (entry.size, entry.is_folder) for entry in artifacts.list(RUN)}
    assert listed == {"model": (0, True), "notes ü & co.txt": (5, False)}
    assert [entry.path for entry in artifacts.list(RUN, "model")] == ["model/weights.bin"]
    with artifacts.open(RUN, "model/weights.bin") as stream:  # a range, not all of it
        stream.seek(5_000_000)
        assert stream.read(10) == large[5_000_000:5_000_010]
    artifacts.put_bytes(RUN, "notes ü & co.txt", b"changed")
    assert read(artifacts, "notes ü & co.txt") == b"changed"
    assert artifacts.delete(RUN, "model") == len(large) and artifacts.list(RUN, "model") == []
    with pytest.raises(NotFoundError):
        read(artifacts, "model/weights.bin")


def test_what_is_cut_or_not_what_was_announced_is_never_seen(artifacts: FsspecArtifacts) -> None:
    artifacts.put_bytes(RUN, "a.txt", b"old")

    def cut() -> Iterator[bytes]:
        yield os.urandom(6 << 20)
        raise ConnectionError("the client is gone")

    with pytest.raises((ConnectionError, ArtifactError)):
        artifacts.put_blocks(RUN, "a.txt", cut())
    with pytest.raises(ArtifactError, match="sha256"):
        artifacts.put_blocks(RUN, "a.txt", iter((b"new",)), sha256="0" * 64)
    assert read(artifacts, "a.txt") == b"old"
    assert [entry.path for entry in artifacts.list(RUN)] == ["a.txt"]
    names: list[Any] = artifacts._fs.find(artifacts._root)
    assert not [name for name in names if TEMPORARY in name]


def test_a_signed_address_reads_and_writes_one_file(artifacts: FsspecArtifacts) -> None:
    artifacts.put_bytes(RUN, "a b.txt", b"hello")
    with urlopen(artifacts.signed_url(RUN, "a b.txt", seconds=60)) as answer:
        assert answer.read() == b"hello"
    address = artifacts.signed_url(RUN, "new.txt", seconds=60, write=True)
    with urlopen(Request(address, b"sent", {"Content-Type": ""}, method="PUT")) as answer:
        assert answer.status == 200
    assert read(artifacts, "new.txt") == b"sent"
    with pytest.raises(ArtifactError, match=r"\.\."):
        artifacts.signed_url(RUN, "../../other", seconds=60)


TRAINING = """
import sys, time
import autotrack
run = autotrack.start_run("r")
run.log_text("hello", "notes/a.txt")
run.log_artifact("large.bin")
begun = time.monotonic()
run.log_text("quick", "b.txt")
print(time.monotonic() - begun)
run.finish()
"""


def _autotrack(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "HOME": str(folder), "AUTOTRACK_EXIT_TIMEOUT": "60", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_files_of_a_database_that_is_everybodys(s3: str, postgresql: str, tmp_path: Path) -> None:
    """One machine trains before anybody says where files go, one while that place is away; a third reads all."""
    import fsspec

    first, second, large = tmp_path / "first", tmp_path / "second", os.urandom(9 << 20)
    for folder in (first, second):
        folder.mkdir()
        (folder / "large.bin").write_bytes(large)
    store = {"AUTOTRACK_TRACKING_URI": postgresql}
    done = _autotrack(first, "-c", TRAINING, **store)
    assert done.returncode == 0 and "autotrack db artifacts" in done.stderr, done.stderr
    bucket = f"bucket-{new_id()[:12]}"
    fsspec.filesystem("s3").mkdir(bucket)
    said = _autotrack(first, "-m", "autotrack", "db", "artifacts", f"s3://{bucket}/runs", "--json", **store)
    assert json.loads(said.stdout) == {"artifacts": f"s3://{bucket}/runs", "everybodys": True, "sent": 3}, said.stderr
    away = _autotrack(second, "-c", TRAINING, **store, AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert away.returncode == 0 and float(away.stdout) < 5.0 and "kept" in away.stderr, away.stderr
    with closing(Store.open(postgresql, root=tmp_path / "third")) as third:
        runs = third.runs()
        assert len(runs) == 2 and all(len(run.artifacts) == 3 for run in runs)
        assert sorted(len(third.artifacts.list(run.files)) for run in runs) == [0, 3]
        synced = _autotrack(second, "-m", "autotrack", "sync", **store)
        assert synced.returncode == 0 and "with 3 files" in synced.stdout, synced.stdout + synced.stderr
        for run in runs:
            for record in run.artifacts:
                with third.artifacts.open(run.files, record.path) as stream:
                    assert hashlib.sha256(stream.read()).hexdigest() == record.sha256


def test_gc_and_archives_go_where_the_artifacts_are(
    s3: str, postgresql: str, artifacts: FsspecArtifacts, tmp_path: Path
) -> None:
    """A run goes to another machine as an archive; deleted, its files are freed in the bucket, and nobody else's."""
    from autotrack.answers.archive.packing import pack
    from autotrack.answers.archive.unpacking import unpack

    with (
        closing(Store.open(tmp_path / "laptop")) as laptop,
        closing(Store.open(postgresql, root=tmp_path / "here", artifacts=artifacts.uri)) as team,
    ):
        program = Program(laptop)
        runs = ["a" * 32, "b" * 32]
        for run in runs:
            folder = f"{experiment_id('e')}/{run}"
            program.made(id=run, experiment="e", artifact_uri=f"artifacts/{folder}")
            for path in ("model/a.bin", "b.txt"):
                kept = laptop.artifacts.put_bytes(folder, path, b"x" * 5000)
                program.event("artifact", run, path=path, size=kept.size, sha256=kept.sha256)
        program.close()
        archive = pack(laptop, [laptop.run(run) for run in runs], tmp_path / "two.atrun").path
        assert unpack(team, archive).artifacts == 4
        assert not list((tmp_path / "here").rglob("b.txt"))
        places = [team.run(run).files for run in runs]
        assert [entry.path for entry in artifacts.list(places[0])] == ["b.txt", "model"]
        team.delete_runs([runs[0]])
        planned = team.garbage()
        assert planned.runs == (runs[0],) and planned.bytes == 10_000
        assert planned.elsewhere == tuple(f"{artifacts.uri}/{places[0]}/{path}" for path in ("b.txt", "model/a.bin"))
        assert artifacts.list(places[0])  # a plan changes nothing
        done = team.collect_garbage(planned)
        assert (done.elsewhere, done.bytes) == (planned.elsewhere, 10_000)
        assert artifacts.list(places[0]) == [] and len(artifacts.list(places[1])) == 2
        assert not team.garbage().elsewhere


MODEL = """
import autotrack, numpy as np
from sklearn.linear_model import LinearRegression
with autotrack.start_run("r") as run:
    model = LinearRegression().fit(np.arange(6.0).reshape(3, 2), [1.0, 2.0, 3.0])
    run.log_model(model, register="churn")
from autotrack.core.runs.trackers import tracker
tracker().catch_up()
registry = autotrack.Client().registry
registry.set_alias("churn", "champion", 1)
print(run.id)
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_models_in_an_object_store_load_by_name(
    engine: str,
    artifacts: FsspecArtifacts,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = request.getfixturevalue("postgresql") if engine == "postgresql" else str(tmp_path / "store")
    store = {"AUTOTRACK_TRACKING_URI": uri}
    made = _autotrack(tmp_path / "one", "-c", MODEL, AUTOTRACK_ARTIFACTS=artifacts.uri, **store)
    assert made.returncode == 0, made.stderr
    run = made.stdout.strip()
    (tmp_path / "two").mkdir()
    for name, value in {**store, "HOME": str(tmp_path / "two")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path / "two")
    trackers.close_all()
    client = autotrack.Client()
    folder = client.sink.run(run).files
    direct = f"{artifacts.uri}/{folder}/model"
    client.registry.create("direct")
    client.registry.create_version(ModelVersion("direct", 0, direct, direct))
    uris = [f"runs:/{run}/model", "models:/churn@champion", "models:/churn/1", "models:/direct/1"]

    def answers(uri: str) -> float:
        return round(float(autotrack.load_model(uri).predict([[2.0, 3.0]])[0]), 6)

    assert [answers(uri) for uri in uris] == [2.0] * 4
    with artifacts.open(folder, "model/MLmodel") as stream:
        whole = stream.read()
    artifacts.put_bytes(folder, "model/MLmodel", whole.replace(b"sklearn", b"sklearm"))
    assert [answers(uri) for uri in uris[:2]] == [2.0] * 2  # from the cache, which is what was kept
    with pytest.raises(ArtifactError, match="changed since the model was saved"):
        answers(uris[3])
    cached = next(path for path in tmp_path.rglob("cache/*") if path.read_bytes() == whole)
    cached.write_bytes(b"planted")
    with pytest.raises(ArtifactError, match="what came has the sha256"):
        answers(uris[1])
    artifacts.put_bytes(folder, "model/MLmodel", whole)
    assert answers(uris[1]) == 2.0 and cached.read_bytes() == whole
    trackers.close_all()


def test_what_another_process_stored_is_there_at_once(artifacts: FsspecArtifacts, tmp_path: Path) -> None:
    """Though its folder was looked at before: the libraries below keep listings."""
    artifacts.put_bytes(RUN, "model/a.txt", b"a")
    assert [entry.path for entry in artifacts.list(RUN, "model")] == ["model/a.txt"]
    source = f"""
from autotrack.store.files.remote import FsspecArtifacts
other = FsspecArtifacts({artifacts.uri!r})
other.put_bytes({RUN!r}, "model/b.txt", b"b")
"""
    done = _autotrack(tmp_path / "other", "-c", source)
    assert done.returncode == 0, done.stderr
    assert read(artifacts, "model/b.txt") == b"b"
    assert artifacts.delete(RUN, "model") == 2


def test_gc_takes_what_was_on_its_way(
    s3: str, artifacts: FsspecArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporary files and parts of uploads that nobody goes on with, once they are old; nothing else of the bucket."""
    root = artifacts._root
    for path in (f"{RUN}/{TEMPORARY}half", f"{UPLOADS}/{'b' * 32}/0", f"{RUN}/whole.txt", f".objects/ab/{TEMPORARY}x"):
        artifacts._fs.pipe_file(f"{root}/{path}", b"12345")
    with closing(Store.open(tmp_path / "team", artifacts=artifacts.uri)) as team:
        assert team.garbage().elsewhere == ()
        monkeypatch.setattr(gc, "ABANDONED_SECONDS", -60)
        assert {each.removeprefix(f"{artifacts.uri}/") for each in team.garbage().elsewhere} == {
            f"{RUN}/{TEMPORARY}half",
            f".objects/ab/{TEMPORARY}x",
        }
        monkeypatch.setattr(gc, "UNFINISHED_SECONDS", -60)
        planned = team.garbage()
        assert (len(planned.elsewhere), planned.bytes) == (3, 15)
        done = team.collect_garbage(planned)
        assert (done.elsewhere, done.bytes) == (planned.elsewhere, 15)
        artifacts._fs.invalidate_cache()
        assert artifacts._fs.find(root) == [f"{root}/{RUN}/whole.txt"]
