"""Models by name, with a real store and a real model: what is registered is what is loaded, as long as a version is."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import autotrack
from autotrack.core.errors import ArtifactError, NotFoundError, UsageError
from autotrack.core.imported import mark_imported
from autotrack.core.model_uris import ModelReference, parse_model_uri
from autotrack.core.registered import LoggedModel
from autotrack.core.runs import trackers
from autotrack.models.finding import locate
from autotrack.store.store import Store

X = np.arange(12.0).reshape(6, 2)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    monkeypatch.chdir(tmp_path)
    trackers.close_all()
    yield tmp_path / ".autotrack"
    trackers.close_all()


def fitted(alpha: float) -> Any:
    return Ridge(alpha=alpha).fit(X, X[:, 0])


def trained(alpha: float = 1.0) -> Any:
    """A finished run with a model."""
    with autotrack.start_run() as run:
        run.log_model(fitted(alpha), example=X)
    return run


def answers(uri: str, alpha: float) -> bool:
    return bool(np.array_equal(autotrack.load_model(uri).predict(X), fitted(alpha).predict(X)))


def test_a_model_is_loaded_by_its_name(root: Path) -> None:
    runs = [trained(alpha) for alpha in (1.0, 100.0)]
    first = autotrack.register_model(f"runs:/{runs[0].id[:8]}/model", "churn", alias="champion", tags={"team": "risk"})
    second = autotrack.register_model(runs[1], "churn", description="flatter")
    assert (first.version, first.aliases, first.tags) == (1, ("champion",), {"team": "risk"})
    assert (second.version, second.run, second.description) == (2, runs[1].id, "flatter")
    assert second.source == f"runs:/{runs[1].id}/model" and second.digest == runs[1].models[0].digest
    assert answers("models:/churn/1", 1.0) and answers("models:/churn/2", 100.0)
    assert answers("models:/churn@champion", 1.0) and answers("models:/churn/latest", 100.0)
    registry = autotrack.Client().registry
    registry.set_alias("churn", "champion", 2)
    registry.set_stage("churn", 1, "Production")
    assert answers("models:/churn@champion", 100.0) and answers("models:/churn/production", 1.0)
    copy = autotrack.register_model("models:/churn@champion", "churn-eu")
    assert copy.source == "models:/churn/2" and answers("models:/churn-eu/1", 100.0)
    assert autotrack.load_pyfunc("models:/churn/1").predict(X[:1]).shape == (1,)
    assert registry.alias_moves("churn")[-1].user, "whoever registers is known"


def test_only_what_was_registered_is_loaded(root: Path) -> None:
    run = trained()
    autotrack.register_model(run, "churn")
    folder = locate(f"runs:/{run.id}/model").folder
    other = autotrack.save_model(fitted(9.0), root.parent / "other", example=X)
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    with pytest.raises(ArtifactError, match="not the one that the model was saved with"):
        autotrack.load_model("models:/churn/1")
    shutil.rmtree(folder)
    with pytest.raises(NotFoundError, match="churn version 1 should be in"):
        autotrack.load_model("models:/churn/1")


def test_a_folder_elsewhere_with_and_without_a_manifest(root: Path, tmp_path: Path) -> None:
    folder = autotrack.save_model(fitted(2.0), tmp_path / "mine", example=X)
    version = autotrack.register_model(folder, "mine")
    assert version.source == version.artifact_uri == str(folder) and version.run is None
    assert answers("models:/mine/1", 2.0) and not locate("models:/mine/1").own
    (folder / "manifest.json").unlink()  # as MLflow's folders are
    assert autotrack.register_model("mine", "mine").digest == version.digest and answers("models:/mine/2", 2.0)
    (folder / "requirements.txt").write_text("numpy\n")
    with pytest.raises(ArtifactError, match=f"not those with the digest {version.digest}"):
        autotrack.load_model("models:/mine/2")
    folder.rename(tmp_path / "moved")
    with pytest.raises(NotFoundError, match="no such folder here"):
        autotrack.load_model("models:/mine/2")


def test_a_folder_of_a_run_is_the_runs_model(root: Path) -> None:
    run = trained()
    version = autotrack.register_model(locate(f"runs:/{run.id}/model").folder, "churn")
    assert version.source == f"runs:/{run.id}/model" and version.run == run.id
    assert locate("models:/churn/1").own
    mark_imported(root, run.id)
    assert not locate("models:/churn/1").own, "a name vouches for nobody's files"


def test_nothing_is_registered_that_could_not_be_loaded(root: Path) -> None:
    run = trained()
    with autotrack.start_run() as bare:
        pass
    for source, name, alias, wrong in (
        (f"runs:/{run.id}/nothing", "a", None, "has no model 'nothing'; its models: model"),
        ("runs:/ffff/model", "a", None, "no run's id"),
        ("models:/nobody/1", "a", None, "nobody"),
        ("models:/m-nothing", "a", None, "m-nothing"),
        ("./nowhere", "a", None, "no model folder"),
        (str(root), "a", None, "no model folder"),
        (bare, "a", None, "has no model; name the one"),
        (run, "a/b", None, "model name"),
        (run, "a", "latest", "alias"),
    ):
        with pytest.raises((NotFoundError, UsageError, ArtifactError), match=wrong):
            autotrack.register_model(source, name, alias=alias)
    assert autotrack.Client().registry.search() == []
    autotrack.register_model(run, "a")
    for uri, wrong in (
        ("models:/a/2", "version=2"),
        ("models:/a@b", "alias b not found"),
        ("models:/a/Staging", "no version in the stage Staging"),
        ("models:/a", "say which version: models:/a/<version>"),
    ):
        with pytest.raises(NotFoundError, match=wrong):
            autotrack.load_model(uri)


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("models:/a b/12", ModelReference("a b", version=12)),
        ("models:/a@b/1", ModelReference("a@b", version=1)),
        ("models:/a@b@c", ModelReference("a@b", alias="c")),
        ("models:/a@LATEST", ModelReference("a", stage="latest")),
        ("models:/a/staging", ModelReference("a", stage="Staging")),
        ("models:/m-0123", ModelReference(id="m-0123")),
    ],
)
def test_what_a_uri_means(uri: str, meant: ModelReference) -> None:
    assert parse_model_uri(uri) == meant


@pytest.mark.parametrize(
    "uri", ["models:/", "models:/a@", "models:/@a", "models:/a/b/1", "models:/a/-1", "models:/a/x"]
)
def test_uris_that_mean_nothing(uri: str) -> None:
    with pytest.raises(UsageError):
        parse_model_uri(uri)


def test_a_logged_model(root: Path) -> None:
    run = trained(5.0)
    sink = autotrack.Client().sink
    made = sink.logged_models.create(LoggedModel("m-1", run.record.experiment_id, "ridge", run=run.id))
    with pytest.raises(UsageError, match="PENDING"):
        autotrack.register_model("models:/m-1", "churn")
    shutil.copytree(locate(f"runs:/{run.id}/model").folder, root / "artifacts" / made.experiment_id / "models" / "m-1")
    sink.logged_models.set_status("m-1", "READY")
    version = autotrack.register_model("models:/m-1", "churn")
    assert (version.run, version.logged_model, version.source) == (run.id, "m-1", "models:/m-1")
    assert answers("models:/m-1", 5.0) and answers("models:/churn/1", 5.0)


def test_gc_keeps_what_a_version_stands_on_as_long_as_it_is_there(root: Path) -> None:
    kept, gone = trained(3.0), trained(4.0)
    with autotrack.start_run(experiment="logged") as elsewhere:
        pass
    experiment = elsewhere.record.experiment_id
    autotrack.register_model(kept, "churn")
    trackers.close_all()
    store = Store.open(root)
    for number in range(3):
        store.logged_models.create(LoggedModel(f"m-{number}", experiment, "x", status="READY"))
        folder = root / "artifacts" / experiment / "models" / f"m-{number}"
        folder.mkdir(parents=True)
        (folder / "MLmodel").write_text("flavors: {}\n")
    autotrack.register_model("models:/m-1", "churn")
    store.logged_models.delete("m-0")
    store.delete_runs([kept.id, gone.id])
    store.delete_experiment("logged")  # with m-1 and m-2
    for digest in store.objects:  # as old as what nobody waits for
        os.utime(store.objects.path(digest), (time.time() - 90_000,) * 2)
    state = store.run(kept.id).random_state
    done = store.collect_garbage()
    assert set(done.runs) == {gone.id, elsewhere.id}
    assert set(done.models) == {"m-0", "m-2"} and done.experiments == ()
    assert f"run {kept.id} is deleted and stays for churn version 1" in done.kept[0] and "m-1" in done.kept[1]
    assert answers("models:/churn/1", 3.0) and state in set(store.objects)
    assert (root / "artifacts" / experiment / "models" / "m-1").is_dir()
    store.registry.delete_version("churn", 1)
    store.registry.delete("churn")
    done = store.collect_garbage()
    assert done.runs == (kept.id,) and done.models == ("m-1",) and done.experiments == (experiment,)
    assert done.kept == () and not [path for path in (root / "artifacts").rglob("*") if path.is_file()]
    assert store.check() == []
    store.close()


def test_a_run_registers_what_it_saves(
    root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "60")
    with autotrack.start_run() as run:
        run.log_model(fitted(1.0), example=X, register="churn")
        autotrack.log_model(fitted(2.0), "other", register="churn")
        run.log_model(fitted(3.0), "third", register="no/name")
    trackers.tracker().catch_up()
    registry = autotrack.Client().registry
    one, two = (registry.version("churn", number) for number in (1, 2))
    assert (one.source, two.source, one.run) == (f"runs:/{run.id}/model", f"runs:/{run.id}/other", run.id)
    assert one.digest and one.digest != two.digest and len(registry.versions()) == 2
    assert answers("models:/churn/1", 1.0) and answers("models:/churn/latest", 2.0)
    assert "no/name" in caplog.text  # and the model is saved all the same
    assert answers(f"runs:/{run.id}/third", 3.0)
