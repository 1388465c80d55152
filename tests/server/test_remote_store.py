"""A program whose store is a server: what it writes and reads is what it would be with a folder."""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from server_process import ServerProcess

import autotrack
from autotrack.cli.main import main
from autotrack.client.remote.sink import RemoteSink
from autotrack.core.config import find_store
from autotrack.core.errors import (
    ArtifactError,
    ConflictError,
    FilterError,
    NotFoundError,
    UntrustedModelError,
    UsageError,
)
from autotrack.core.registered import LoggedMetric, LoggedModel, ModelVersion
from autotrack.core.runs import trackers
from autotrack.store.store import Store


@pytest.fixture
def home(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine of its own: an empty folder to work in, with an .autotrack folder for what waits."""
    place = tmp_path / "machine"
    (place / ".autotrack").mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # what waits there is delivered, too
    yield place


@pytest.fixture
def remote(server: ServerProcess, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteSink]:
    """The server's store, in force."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    trackers.close_all()
    sink = RemoteSink(server.url)
    yield sink
    trackers.close_all()
    sink.close()


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def content(sink: Any, folder: str, path: str) -> bytes:
    with sink.artifacts.open(folder, path) as file:
        return bytes(file.read())


VALUES: list[Any] = [0.1, math.inf, -math.inf, -0.0, 5e-324, 1.797e308, 2**53 + 1, -(2**63), np.float32(0.1)]


def test_values_come_back_as_they_were(remote: RemoteSink) -> None:
    """R15, R16, R17 through a server: bits of numbers, every letter of texts."""
    texts = {"empty": "", "long": "x" * 70_000, "letters": "𝄞 é e\u0301 \u202e ' \" % = \n a/b", "größe": "1"}
    with autotrack.start_run("values", tags=texts) as run:
        for number, value in enumerate(VALUES):
            run.log_metric(f"v{number}", value, step=-1)
        run.log_metric("nan", math.nan)
        run.log_params(texts)
        for step in range(5000):
            run.log_metric("many", step / 7, step=step)
    found = autotrack.get_run(run.id)
    assert found.params == texts and {key: found.tags[key] for key in texts} == texts
    for number, value in enumerate(VALUES):
        kept = found.metrics[f"v{number}"]
        if isinstance(value, int):
            assert type(kept) is int and kept == value
        else:
            assert bits(kept) == bits(float(value))
    assert math.isnan(found.metrics["nan"])
    history = found.metric_history("many")
    assert history.steps.tolist() == list(range(5000)) and history.values.tolist() == [n / 7 for n in range(5000)]
    assert found.metric_history("v6").values.tolist() == [2**53 + 1]
    assert found.status == "FINISHED" and found.health == {}


def test_a_server_answers_as_its_folder_does(server: ServerProcess, remote: RemoteSink) -> None:
    """Every reading method of a sink, over HTTP and from the folder that is served."""
    with autotrack.start_run("parent", experiment="compared") as run:
        run.log_params({"lr": 0.1})
        run.log_dataset({"a": [1, 2, 3]}, name="table")
        run.log_text("words", "notes/words.txt")
        run.log_metric("loss", 0.5, step=3)
        with autotrack.start_run("child"):
            autotrack.log_metric("loss", 0.25)
    run_id, session = run.id, run.session
    trackers.close_all()
    assert session is not None
    local = Store.open(server.store)
    for ask in (
        lambda sink: sink.run(run_id[:20]),
        lambda sink: sink.runs("metrics.loss < 1 and params.lr = '0.1'", experiments=["compared"]),
        lambda sink: sink.runs(children_of=run_id, order_by=["metrics.loss DESC"]),
        lambda sink: sink.runs(max_results=1, offset=1),
        lambda sink: sink.metric_summaries(run_id),
        lambda sink: sink.session(session),
        lambda sink: sink.files(sessions=[session]),
        lambda sink: sink.console(session),
        lambda sink: sink.runs_with(sessions=[session]),
        lambda sink: sink.runs_with(datasets=[run.record.datasets[0].digest]),
        lambda sink: sink.experiments("all"),
        lambda sink: sink.artifacts.list(run.record.files),
        lambda sink: content(sink, run.record.files, "notes/words.txt"),
        lambda sink: sink.objects.get(run.record.datasets[0].fingerprint),
        lambda sink: sink.metric_history(run_id, "loss").values.tolist(),
    ):
        assert ask(remote) == ask(local)
    local.close()
    with pytest.raises(FilterError) as wrong:
        remote.runs("metrics.loss <")
    assert wrong.value.position == 14 and str(wrong.value).count("at character") == 1
    with pytest.raises(NotFoundError, match="no metric"):
        remote.metric_history(run_id, "nothing")
    for run, key in ((run_id, "\ud800"), ("\ud800", "loss"), ("f" * 32, "loss")):
        with pytest.raises(NotFoundError):
            remote.metric_history(run, key)
    remote.create_experiment("made", {"team": "risk"})
    with pytest.raises(UsageError, match="'made' already"):
        remote.create_experiment("made")
    remote.rename_experiment("made", "renamed")
    remote.delete_experiment("renamed")
    assert "renamed" not in [each.name for each in remote.experiments()]
    remote.restore_experiment("renamed")
    assert remote.delete_runs([run_id]) == 2 and remote.restore_runs([run_id]) == 2


def test_models_diffs_lineage_and_archives_work_with_a_url(
    remote: RemoteSink, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who trained loads his own files; somebody on another machine fetches them, and vouches for nothing."""
    from sklearn.linear_model import Ridge

    table = np.arange(20.0).reshape(10, 2)
    fitted = Ridge().fit(table, table.sum(1))
    (home / "data.csv").write_text("a\n1\n")
    with autotrack.start_run("a") as run:
        run.log_model(fitted, example=table)
        run.log_artifact(home / "data.csv")
        run.log_param("alpha", 1)
    with autotrack.start_run("b") as other:
        other.log_param("alpha", 2)
    assert autotrack.load_model(f"runs:/{run.id}/model").predict(table).tolist() == fitted.predict(table).tolist()
    assert "alpha" in str(autotrack.diff(run, other))
    assert run.id in str(autotrack.lineage(run.id).nodes)
    done = autotrack.export_runs([run], tmp_path / "a.atrun")
    taken = autotrack.Client(tmp_path / "elsewhere").import_runs(done.path)
    assert taken.runs == (run.id,) and taken.artifacts == len(run.artifacts)
    trackers.close_all()

    far = tmp_path / "far"
    (far / ".autotrack").mkdir(parents=True)
    monkeypatch.chdir(far)
    loaded = autotrack.load_model(f"runs:/{run.id}/model")
    assert loaded.predict(table).tolist() == fitted.predict(table).tolist()
    place = find_store(remote.uri).place
    assert place.is_relative_to(far)
    kept = list((place / "cache").iterdir())
    assert kept and all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in kept)
    assert stat.S_IMODE((place / "cache").stat().st_mode) == 0o700
    kept[0].write_bytes(b"rotten")  # a cache that changed is not believed
    assert autotrack.load_model(f"runs:/{run.id}/model").predict(table).tolist() == loaded.predict(table).tolist()


def test_a_place_for_artifacts_is_no_affair_of_a_servers_client(
    remote: RemoteSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``AUTOTRACK_ARTIFACTS`` says where a database's files are. The files of a server's runs are sent to it."""
    monkeypatch.setenv("AUTOTRACK_ARTIFACTS", str(tmp_path / "elsewhere"))
    with autotrack.start_run() as run:
        run.log_text("sent", "note.txt")
    trackers.close_all()
    assert content(remote, remote.run(run.id).files, "note.txt") == b"sent"
    assert not (tmp_path / "elsewhere").exists()


def test_a_model_whose_files_are_not_beside_the_database_is_found(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.linear_model import Ridge

    monkeypatch.setenv("AUTOTRACK_ARTIFACTS", str(tmp_path / "elsewhere"))
    with autotrack.start_run() as run:
        run.log_model(Ridge().fit([[1.0], [2.0]], [1.0, 2.0]))
    assert list((tmp_path / "elsewhere").rglob("MLmodel"))
    assert autotrack.load_model(f"runs:/{run.id}/model").coef_.shape == (1,)


def test_a_model_that_runs_code_is_nobodys_own_on_another_machine(
    remote: RemoteSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.preprocessing import FunctionTransformer

    (tmp_path / "mine.py").write_text("def double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine  # type: ignore[import-not-found]

    with autotrack.start_run() as run:
        run.log_model(FunctionTransformer(mine.double).fit([[1.0]]))
    if not run.models:
        pytest.fail(f"the model was not saved: {run.health}")
    trackers.close_all()
    far = tmp_path / "far"
    (far / ".autotrack").mkdir(parents=True)
    monkeypatch.chdir(far)
    with pytest.raises(UntrustedModelError, match="runs:/"):
        autotrack.load_model(f"runs:/{run.id}/model")


def test_registered_models_are_the_same_over_http(server: ServerProcess, remote: RemoteSink) -> None:
    registry = remote.registry
    made = registry.create("churn", description="who leaves", tags={"team": "risk"}, user="ada")
    assert made.description == "who leaves" and registry.get("churn") == made
    with pytest.raises(ConflictError):
        registry.create("churn")
    first = registry.create_version(ModelVersion("churn", 0, "runs:/1/model", digest="d" * 64, tags={"a": "b"}))
    second = registry.create_version(ModelVersion("churn", 0, "runs:/2/model", user="ada"))
    assert (first.version, second.version, first.tags) == (1, 2, {"a": "b"})
    registry.set_alias("churn", "champion", 1, user="ada")
    registry.set_alias("churn", "champion", 2, user="eve")
    assert registry.at_alias("churn", "champion").version == 2
    assert [(move.version, move.user) for move in registry.alias_moves("churn")] == [(2, "eve"), (1, "ada")]
    registry.set_stage("churn", 1, "Production")
    assert registry.set_stage("churn", 2, "production", archive_others=True).stage == "Production"
    assert [each.version for each in registry.latest("churn", ["Archived"])] == [1]
    registry.set_tag("churn", "a/b", "1")
    registry.set_version_tag("churn", 1, "k", "v")
    registry.set_version_tag("churn", 1, "..", "dots")
    registry.describe_version("churn", 1, "old")
    assert [each.version for each in registry.versions("name = 'churn'")] == [2, 1]
    with closing(Store.open(server.store)) as local:
        for ask in (
            lambda store: store.registry.get("churn"),
            lambda store: store.registry.search("tags.`a/b` = '1'"),
            lambda store: store.registry.versions(order_by=["version_number"]),
            lambda store: store.registry.version("churn", 1),
        ):
            assert ask(remote) == ask(local)
    registry.delete_alias("churn", "champion")
    registry.delete_version("churn", 1)
    registry.delete_version_tag("churn", 2, "k")
    assert registry.rename("churn", "left").name == "left" and registry.describe("left", None).description is None
    registry.delete_tag("left", "a/b")
    registry.delete("left")
    for gone in (lambda: registry.get("left"), lambda: registry.version("left", 2), lambda: registry.delete("left")):
        with pytest.raises(NotFoundError):
            gone()


def test_doctor_and_sync_say_what_there_is(
    remote: RemoteSink, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with autotrack.start_run():
        autotrack.log_metric("loss", 1.0)
    trackers.close_all()
    with pytest.raises(SystemExit) as ended:
        main(["sync", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0 and document["left"] == 0 and document["stores"][0]["store"] == server.url
    with pytest.raises(SystemExit):
        main(["doctor", "--json"])
    checks = {check["check"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["connection"]["found"].startswith(f"autotrack {autotrack.__version__} answers")


def test_a_changed_file_is_not_passed_off_as_the_one_that_was_logged(remote: RemoteSink, home: Path) -> None:
    with autotrack.start_run() as run:
        run.log_text("as it was", "note.txt")
        Path(run.artifact_uri, "note.txt").write_text("as it is!")
    with pytest.raises((NotFoundError, ArtifactError)):
        remote.artifacts.open(run.record.files, "note.txt")
    trackers.close_all()
    assert os.listdir(find_store(remote.uri).journal) in ([], ["delivering.lock"])


def test_runs_are_imported_into_a_server(remote: RemoteSink, home: Path, tmp_path: Path) -> None:
    from autotrack.answers.archive.packing import pack

    with closing(Store.open(tmp_path / "laptop")) as laptop, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / "laptop"))
        trackers.close_all()
        with autotrack.start_run("travels") as run:
            run.log_param("a", 1)
            for step in range(50):
                run.log_metric("loss", step / 2, step)
            run.log_text("hello", "notes/a.txt")
            (home / "large.bin").write_bytes(os.urandom(9 << 20))
            run.log_artifact(home / "large.bin")
        trackers.close_all()
        there = laptop.run(run.id)
        archive = pack(laptop, [there], tmp_path / "one.atrun").path
    for again in (False, True):
        with pytest.raises(SystemExit) as ended:
            main(["runs", "import", str(archive), "--json"])
        assert ended.value.code == 0
    found = remote.run(run.id)
    assert (found.status, found.params, found.started, found.ended) == (
        "FINISHED",
        {"a": "1"},
        there.started,
        there.ended,
    )
    assert found.artifacts == there.artifacts and again
    assert remote.metric_history(run.id, "loss").values.tolist() == [step / 2 for step in range(50)]
    with remote.artifacts.open(found.files, "large.bin") as file:
        assert file.read() == (home / "large.bin").read_bytes()


def test_a_training_registers_its_model_on_a_server(
    remote: RemoteSink, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.linear_model import Ridge

    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "60")
    trackers.close_all()
    with autotrack.start_run() as run:
        run.log_model(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), register="by the way")
    assert trackers.tracker().drain(60)
    assert server.get(f"/api/v1/runs/{run.id}").status == 200  # never a version of a run that is not there
    trackers.close_all()
    (version,) = remote.registry.versions("name = 'by the way'")
    assert version.run == run.id and version.digest
    assert autotrack.load_model("models:/by the way/1").predict([[0.5]]).tolist() == [0.5]


def test_logged_models_of_a_server(remote: RemoteSink, server: ServerProcess) -> None:
    """What is said of them over our API is what MLflow's clients find, by the data sets that they were measured on."""
    with autotrack.start_run(experiment="logged") as run:
        pass
    trackers.close_all()
    experiment, models = remote.run(run.id).experiment_id, remote.logged_models
    for n in range(2):
        made = models.create(
            LoggedModel(f"m-{run.id[:8]}{n}", experiment, f"m{n}", run=run.id, params={"depth": str(n)})
        )
        assert made.status == "PENDING" and made.created > 0
        models.measured(
            made.id, [LoggedMetric("auc", n / 2, 1, 10, run.id, f"d{n}", "abc"), LoggedMetric("auc", 1, 2, 20, run.id)]
        )
        models.link(run.id, "output", [(made.id, n)])
    one, two = (f"m-{run.id[:8]}{n}" for n in range(2))
    assert models.set_status(one, "READY", "done").status == "READY"
    assert (
        models.set_tags(one, {"a/b": "1"}).tags == {"a/b": "1"}
        and models.set_params(one, {"x": "y"}).params["x"] == "y"
    )
    models.delete_tag(one, "a/b")
    found = models.get(one)
    assert (found.tags, found.params, found.status_message) == ({}, {"depth": "0", "x": "y"}, "done")
    assert found.metrics[0] == LoggedMetric("auc", 0.0, 1, 10, run.id, "d0", "abc")
    assert models.links([run.id]) == {run.id: [("output", one, 0), ("output", two, 1)]}
    assert [each.id for each in models.search([experiment], order_by=[("name", True)])] == [one, two]
    assert [each.id for each in models.search([experiment], "metrics.auc >= 0.5", datasets=[("d1", None)])] == [two]
    assert not models.search([experiment], "metrics.auc >= 0.75", datasets=[("d1", None)])
    body = {"experiment_ids": [experiment], "datasets": [{"dataset_name": "d0", "dataset_digest": "abc"}]}
    answer = server.post("/api/2.0/mlflow/logged-models/search", body).json()
    assert [each["info"]["model_id"] for each in answer["models"]] == [one]
    models.delete(two)
    with pytest.raises(NotFoundError):
        models.get(two)
    with pytest.raises(ConflictError):
        models.create(LoggedModel(one, experiment, "again"))


def test_a_logged_model_of_a_server_loads(remote: RemoteSink, server: ServerProcess, tmp_path: Path) -> None:
    """Its files came by MLflow's API; they are somebody's, and load as any that do not run code."""
    from sklearn.linear_model import Ridge

    with autotrack.start_run(experiment="logged") as run:
        pass
    trackers.close_all()
    experiment, model = remote.run(run.id).experiment_id, f"m-{run.id}"
    remote.logged_models.create(LoggedModel(model, experiment, "ridge", run=run.id))
    folder = tmp_path / "ridge"
    autotrack.save_model(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), folder)
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        place = f"{experiment}/models/{model}/artifacts/{file.relative_to(folder).as_posix()}"
        answer = server.request("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{place}", body=file.read_bytes())
        assert answer.status == 200
    assert autotrack.load_model(f"models:/{model}").predict([[0.5]]).tolist() == [0.5]
    with remote.artifacts.open(f"{experiment}/models/{model}", "MLmodel") as stored:
        assert stored.read() == (folder / "MLmodel").read_bytes()
    version = remote.registry.create_version(
        ModelVersion(remote.registry.create("logged").name, 0, f"models:/{model}", f"{experiment}/models/{model}")
    )
    assert autotrack.load_model(f"models:/logged/{version.version}").predict([[0.5]]).tolist() == [0.5]
    with pytest.raises(NotFoundError):
        autotrack.load_model("models:/m-nothing")


@pytest.mark.parametrize(("code", "status"), [(3, "FAILED"), (0, "FINISHED")])
def test_a_program_that_leaves_with_an_exit_code(
    code: int, status: str, remote: RemoteSink, home: Path, script
) -> None:
    """The server hears of the likely end at once, and of the exit code by whoever delivers next, as a folder does."""
    lines = (
        f"import os; os.chdir({str(home)!r})",
        "import autotrack, sys",
        "run = autotrack.start_run()",
        "print(run.id)",
        f"sys.exit({code})",
    )
    done = script("\n".join(lines))
    assert (done.returncode, done.stderr) == (code, "")
    run = done.stdout.strip()
    there = remote._connection.get("api", "v1", "runs", run)
    assert there["status"] == "FINISHED"
    found = autotrack.get_run(run)
    assert (found.status, found.record.exit_code) == (status, code)
    assert found.record.ended == there["ended"]
    assert not list(find_store(remote.uri).journal.glob("*.atj*"))
