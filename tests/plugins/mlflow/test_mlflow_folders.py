"""Folders of MLflow's that came from anywhere: old, broken or hostile ones. Written by hand, without MLflow."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from autotrack_mlflow.exporting import open_target
from autotrack_mlflow.opening import open_source
from autotrack_mlflow.sending import Sending
from autotrack_mlflow.taking import Taken, Taking
from autotrack_mlflow.telling import fitting

from autotrack.core.errors import UsageError
from autotrack.store.store import Store

RUN = "0123456789abcdef0123456789abcdef"


def a_folder(root: Path, **meta: Any) -> Path:
    """A folder with one experiment of one run; its run's folder."""
    run = root / "mlruns" / "7" / meta.pop("id", RUN)
    for part in ("metrics", "params", "tags", "artifacts"):
        (run / part).mkdir(parents=True)
    (run.parent / "meta.yaml").write_text("experiment_id: '7'\nname: old\nlifecycle_stage: active\n")
    known = {"run_id": run.name, "status": 3, "start_time": 1_600_000_000_000, "end_time": 1_600_000_001_000}
    (run / "meta.yaml").write_text(json.dumps({**known, "artifact_uri": str(run / "artifacts"), **meta}))
    return run


def take(source: str, store: Path, **options: Any) -> Taken:
    opened, into = (
        open_source(source, options.pop("artifacts", None)),
        Store.open(store, artifacts=options.pop("to", None)),
    )
    try:
        return Taking(opened, into, **options).go()
    finally:
        into.close()
        opened.close()


def only_run(store: Path) -> Any:
    (run,) = Store.open(store).runs(lifecycle="all")
    return run


def test_what_the_first_versions_wrote(tmp_path: Path) -> None:
    run = a_folder(tmp_path, run_id=None, run_uuid=RUN, name="first", source_type=4)
    (run / "metrics" / "m").write_text("1600000000000 0.5\n1600000000500 nan\n")
    (run / "params" / "p").write_text("v\n")
    assert take(str(tmp_path), tmp_path / "s").left_out == []  # the folder that holds mlruns will do
    found = only_run(tmp_path / "s")
    assert (found.id, found.name, found.status, found.params) == (RUN, "first", "FINISHED", {"p": "v\n"})
    history = Store.open(tmp_path / "s").metric_history(RUN, "m")
    assert history.steps.tolist() == [0, 0] and sorted(map(repr, history.values.tolist())) == ["0.5", "nan"]


def test_nothing_is_read_from_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "1" / "x" / "artifacts" / "secret.txt"
    secret.parent.mkdir(parents=True)
    secret.write_text("CANARY")
    run = a_folder(tmp_path)
    (run / "artifacts" / "fine.txt").write_text("fine")
    (run / "artifacts" / "link.txt").symlink_to(secret)
    (run / "artifacts" / "folder").symlink_to(secret.parent)
    (run / "params" / "p").symlink_to(secret)
    os.mkfifo(run / "artifacts" / "pipe")
    (run / "artifacts" / "back\\slash").write_text("")
    (run.parent / "linked").symlink_to(secret.parent.parent)
    taken = take(str(tmp_path / "mlruns"), tmp_path / "s")
    found = only_run(tmp_path / "s")
    assert [file.path for file in found.artifacts] == ["fine.txt"] and found.params == {}
    assert len(taken.left_out) == 4
    for word in ("link.txt", "folder", "pipe", "slash"):
        assert any(word in what and why for what, why in taken.left_out), word

    for uri in (f"{secret.parent}", f"file://{secret.parent}", f"{run}/../../../elsewhere/1/x/artifacts"):
        other = a_folder(tmp_path / str(len(uri)), artifact_uri=uri)
        other.joinpath("artifacts").rmdir()
        store = tmp_path / f"s{len(uri)}"
        taken = take(str(other.parents[1]), store)
        assert only_run(store).artifacts == () and "outside of what was named" in taken.left_out[0][1]
    # Allowed afterwards, they come: the run was not taken for whole.
    taken = take(str(other.parents[1]), store, artifacts=str(tmp_path / "elsewhere"))
    assert [file.path for file in only_run(store).artifacts] == ["secret.txt"] and taken.more == 1
    assert take(str(other.parents[1]), store, artifacts=str(tmp_path / "elsewhere")).same == 1


def test_what_cannot_be_taken_is_said_and_the_rest_is_taken(tmp_path: Path) -> None:
    run = a_folder(tmp_path)
    (run / "metrics" / "good").write_text("1600000000000 1.0 0\nwhat?\n99999999999999999 2.0 1\n")
    broken = run.parent / ("f" * 32)
    broken.mkdir()
    (broken / "meta.yaml").write_text("a: [1")
    (run.parent / "nothing").mkdir()
    taken = take(str(tmp_path / "mlruns"), tmp_path / "s")
    assert taken.new == 1 and taken.points == 2
    assert sorted(why.split(" ")[0] for _, why in taken.left_out) == ["it", "the"]
    assert "2262" in only_run(tmp_path / "s").health["notes"][0]
    with pytest.raises(UsageError, match="nothing of MLflow's"):
        open_source(str(tmp_path / "s"))
    with pytest.raises(UsageError, match="no experiment 'x'"):
        take(str(tmp_path / "mlruns"), tmp_path / "s", only=["x"])


def test_files_go_where_the_store_keeps_them_and_come_from_there(tmp_path: Path) -> None:
    run = a_folder(tmp_path)
    (run / "artifacts" / "a").mkdir()
    (run / "artifacts" / "a" / "b.txt").write_text("content")
    model = run.parent / "models" / "m-1"
    (model / "artifacts").mkdir(parents=True)
    (model / "artifacts" / "MLmodel").write_text("flavors: {python_function: {loader_module: m}}")
    (model / "meta.yaml").write_text(f"model_id: m-1\nname: model\nsource_run_id: {RUN}\nstatus: 2\n")
    for elsewhere in (f"{tmp_path}/near", "memory://of-a-test-of-moving"):
        store = tmp_path / f"s{len(elsewhere)}"
        assert take(str(tmp_path / "mlruns"), store, to=elsewhere).left_out == []
        opened = Store.open(store, artifacts=elsewhere)
        found = opened.run(RUN)
        with opened.artifacts.open(found.files, "a/b.txt") as file:
            assert file.read() == b"content"
        with opened.artifacts.open("7/models/m-1", "MLmodel") as file:
            assert b"flavors" in file.read()
        assert not any((store / "artifacts").rglob("*.txt"))
        target = open_target(str(tmp_path / f"out{len(elsewhere)}"))
        sent = Sending(opened, opened.artifacts, target).go(opened.experiments(), lambda _: [found])
        target.close()
        opened.close()
        assert (sent.new, sent.failed) == (1, [])
        copy = Path(target.shown) / "7" / RUN / "artifacts"
        assert (copy / "a" / "b.txt").read_text() == "content" and (copy / "model" / "MLmodel").is_file()


def test_a_foreign_id_and_a_dry_run(tmp_path: Path) -> None:
    a_folder(tmp_path, id="my-run_1", run_id="my-run_1")
    dry = take(str(tmp_path / "mlruns"), tmp_path / "s", dry=True)
    assert dry.new == 1 and Store.open(tmp_path / "s").experiments("all") == []
    for _ in range(2):
        take(str(tmp_path / "mlruns"), tmp_path / "s")
    found = only_run(tmp_path / "s")
    assert found.tags == {"mlflow.runId": "my-run_1"} and len(found.id) == 32


@pytest.mark.parametrize(
    ("key", "there"),
    [
        ("a/b.c d-e:f", "a/b.c d-e:f"),
        ("f1@k", "f1_k"),
        ("a//b", "a/b"),
        ("../x", "__/x"),
        ("/", "_"),
        (".", "_"),
        ("ü", "ü"),
    ],
)
def test_keys_that_mlflow_refuses_are_spelled(key: str, there: str) -> None:
    assert fitting(key) == there
    assert len(fitting(key * 300)) <= 250
