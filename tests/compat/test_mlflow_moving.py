"""Moving in from MLflow: what its own client wrote into a folder, a database and a server is here afterwards.

One MLflow process writes the same things into the three and says what it answers of each; that is the truth that
``autotrack import mlflow`` is held against.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from autotrack_mlflow.wire import Wire
from mlflow_environment import clean_environment, mlflow_python
from mlflow_serving import mlflow_server

from autotrack.core.artifact_paths import TEMPORARY
from autotrack.core.entities import RunRecord
from autotrack.core.registered import ModelVersion
from autotrack.store.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
Told = dict[str, Any]


def ask_mlflow(folder: Path, *words: str) -> Told:
    command = [str(mlflow_python()), str(HERE / "mlflow_moving.py"), *words]
    done = subprocess.run(command, env=clean_environment(), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, Told]]]:
    """Where MLflow keeps things, by kind: the URI, and what MLflow's client answers."""
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder) as server:
        uris = {"folder": str(folder / "mlruns"), "database": f"sqlite:///{folder}/mlflow.db", "server": server}
        told = ask_mlflow(folder, "write", *uris.values())
        yield {kind: (uri, told[uri]) for kind, uri in uris.items()}


def take(store: Path, source: str, *more: str) -> Told:
    """What the command says; it may exit with 1 for what it lists."""
    command = [sys.executable, "-m", "autotrack", "--store", str(store), "import", "mlflow", source, "--json", *more]
    done = subprocess.run(command, env=clean_environment(), cwd=store.parent, capture_output=True, text=True)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def everything(store: Path) -> list[Any]:
    """Every row that an import leaves, without what is of the way there: cursors, numbers, how points are packed."""
    opened = Store.open(store)
    runs = sorted(opened.runs(lifecycle="all", max_results=10**6), key=lambda run: run.id)
    points = [
        (run.id, key, [list(map(repr, column.tolist())) for column in (found.steps, found.timestamps, found.values)])
        for run in runs
        for key in sorted(run.metrics)
        for found in [opened.metric_history(run.id, key)]
    ]
    experiments = sorted(opened.experiments("all"), key=lambda each: each.id)
    # What a kill left half written is nobody's file: no list has it.
    stored = (path for path in (store / "artifacts").rglob("*") if path.is_file())
    files = sorted(str(path.relative_to(store)) for path in stored if not path.name.startswith(TEMPORARY))
    links = opened.logged_models.links([run.id for run in runs])
    registered = [[named.name, named.description, named.tags, named.aliases] for named in opened.registry.search()]
    versions = [repr(replace(each, created=0, updated=0)) for each in opened.registry.versions()]
    logged = opened.logged_models.search([each.id for each in experiments], max_results=1000)
    models = [repr(replace(each, updated=0)) for each in sorted(logged, key=lambda each: each.id)]
    opened.close()
    return [repr(runs), points, repr(experiments), files, sorted(links.items()), registered, versions, models]


@pytest.mark.parametrize("kind", ["folder", "database", "server"])
def test_everything_that_mlflow_answers_is_here(kind: str, places: dict[str, Any], tmp_path: Path) -> None:
    source, told = places[kind]
    said = take(tmp_path / "store", source)
    store = Store.open(tmp_path / "store")

    found = {each.name: each for each in store.experiments("all")}
    assert set(found) == set(told["experiments"])
    for name, theirs in told["experiments"].items():
        ours = found[name]
        assert (ours.id, ours.lifecycle, ours.tags) == (theirs["id"], theirs["stage"], theirs["tags"])
        assert ours.created == theirs["created"] * 10**6

    runs = {run.id: run for run in store.runs(lifecycle="all", max_results=1000)}
    assert set(runs) == set(told["runs"]) and said["runs"]["new"] == len(runs)
    for run_id, theirs in told["runs"].items():
        check_run(store, runs[run_id], theirs, [model for model in told["models"].values() if model["run"] == run_id])
    parent = next(run for run in runs.values() if run.name == "parent")
    assert [run.parent for run in runs.values() if run.name == "child"] == [parent.id]
    assert [run.name for run in store.runs(children_of=parent.id)] == ["child"]

    check_models(store, told, {each.name: each.id for each in found.values()})
    assert said["not_taken"] == []

    before = everything(tmp_path / "store")
    again = take(tmp_path / "store", source)
    # A server does not say whether points came to a run that has not ended: those are compared.
    assert (again["runs"]["new"], again["runs"]["more"], again["points"]) == (0, 0, 0)
    assert everything(tmp_path / "store") == before


def check_run(store: Store, run: RunRecord, theirs: Told, models: list[Told]) -> None:
    status = "CRASHED" if theirs["name"] == "stuck" else theirs["status"]
    assert (run.experiment, run.name, run.status) == (theirs["experiment"], theirs["name"], status)
    assert (run.lifecycle, run.user or "") == (theirs["stage"], theirs["user"] or "")
    assert run.started == theirs["started"] * 10**6
    assert status == "CRASHED" or run.ended == (theirs["ended"] and theirs["ended"] * 10**6)
    assert (run.params, run.tags) == (theirs["params"], theirs["tags"])
    history = {key: store.metric_history(run.id, key) for key in run.metrics}
    ours = {
        key: sorted(
            [step, when // 10**6, repr(value)]
            for step, when, value in zip(
                found.steps.tolist(), found.timestamps.tolist(), found.values.tolist(), strict=True
            )
        )
        for key, found in history.items()
    }
    if theirs["stage"] == "active":  # of a deleted run MLflow's client answers no points
        if "acc" in ours:
            # MLflow's file store answers step 0 of a point that names a data set; its file has the step.
            theirs["metrics"]["acc"][0][0] = 3
        assert ours == theirs["metrics"]
    assert {key: repr(float(value)) for key, value in run.metrics.items()} == theirs["latest"]
    said = [json.loads(each.mlflow or "") for each in run.datasets]
    assert theirs["datasets"] == sorted(
        [each.name, each.digest, *(doc[key] for key in ("source_type", "source", "schema", "profile")),
         sorted([key, value] for key, value in doc["tags"].items())]
        for each, doc in zip(run.datasets, said, strict=True)
    )  # fmt: skip
    contexts = [tag for row in theirs["datasets"] for key, tag in row[-1] if key == "mlflow.data.context"]
    assert sorted(each.context for each in run.datasets) == sorted(contexts)
    files = dict(theirs["artifacts"])
    for model in models:
        files |= {f"{model['name']}/{path}": digest for path, digest in model["artifacts"].items()}
    assert {file.path: file.sha256 for file in run.artifacts} == files
    assert {model.path: model.flavor for model in run.models} == {model["name"]: "sklearn" for model in models}


def check_models(store: Store, told: Told, experiments: dict[str, str]) -> None:
    for model_id, theirs in told["models"].items():
        ours = store.logged_models.get(model_id)
        assert (ours.name, ours.run, ours.status) == (theirs["name"], theirs["run"] or None, theirs["status"])
        assert (ours.params, ours.tags) == (theirs["params"], theirs["tags"])
        # MLflow's client answers of each metric on each data set the latest points; all of them are here.
        found = {(each.key, repr(each.value), each.step, each.dataset_name) for each in ours.metrics}
        assert {(key, repr(value), step, data) for key, value, step, data in theirs["metrics"]} <= found
        folder = store.root / "artifacts" / ours.experiment_id / "models" / model_id
        files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        assert files == theirs["artifacts"]
    links = store.logged_models.links(list(told["runs"]))
    for run_id, theirs in told["runs"].items():
        assert sorted([model, step] for _, model, step in links.get(run_id, ())) == theirs["outputs"]
    assert [model.name for model in store.registry.search()] == list(told["registry"]) == ["reg"]
    ours, theirs = store.registry.get("reg"), told["registry"]["reg"]
    assert (ours.description, ours.tags, ours.aliases) == (theirs["description"], theirs["tags"], theirs["aliases"])
    assert [moment // 10**6 for moment in (ours.created, ours.updated)] == theirs["times"]
    versions = {str(each.version): each for each in store.registry.versions()}
    assert set(versions) == set(theirs["versions"]) == {"1", "2", "4"}
    for number, version in theirs["versions"].items():
        mine = versions[number]
        assert (mine.source, mine.run, mine.stage) == (version["source"], version["run"] or None, version["stage"])
        assert (mine.description or "", mine.tags, mine.status) == (
            version["description"],
            version["tags"],
            version["status"],
        )
        assert [moment // 10**6 for moment in (mine.created, mine.updated)] == version["times"]
        assert (store.root / "artifacts" / (mine.artifact_uri or "") / "MLmodel").is_file()


def test_a_run_that_went_on_is_topped_up(places: dict[str, Any], tmp_path: Path) -> None:
    source, _ = places["folder"]
    moving = tmp_path / "mlruns"
    shutil.copytree(f"{source}-before", moving)
    first = take(tmp_path / "store", str(moving))
    live = [run for run in Store.open(tmp_path / "store").runs() if run.name == "live"]
    assert [(run.status, run.ended) for run in live] == [("RUNNING", None)]
    shutil.rmtree(moving)
    shutil.copytree(source, moving)
    second = take(tmp_path / "store", str(moving))
    assert first["runs"]["new"] > 2 and (second["runs"]["new"], second["runs"]["more"]) == (0, 2)
    assert second["points"] == 3 and second["artifacts"]["files"] == 1
    take(tmp_path / "whole", str(moving))
    assert everything(tmp_path / "store") == everything(tmp_path / "whole")


DYING = """
import os, signal, sys
from sqlalchemy import Engine, event
from autotrack.cli.main import main
left = int(sys.argv.pop(1))
def spend(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
event.listen(Engine, "before_cursor_execute", spend)
sys.addaudithook(lambda name, _: spend() if name == "os.rename" else None)
try:
    main()
finally:
    print(left)
"""


def test_killed_anywhere_and_done_again_it_comes_to_the_same(places: dict[str, Any], tmp_path: Path) -> None:
    source, _ = places["folder"]

    def dying(store: Path, left: int) -> subprocess.CompletedProcess[str]:
        words = [str(left), "--store", str(store), "import", "mlflow", source]
        command = [sys.executable, "-c", DYING, *words]
        return subprocess.run(command, env=clean_environment(), cwd=tmp_path, capture_output=True, text=True)

    whole = dying(tmp_path / "whole", 10**6)
    steps = 10**6 - int(whole.stdout.splitlines()[-1])
    expected = everything(tmp_path / "whole")
    store, died = tmp_path / "store", 0
    for part in range(1, 9):  # each time a little further: what one attempt left, the next one finds
        done = dying(store, steps * part // 9)
        died += done.returncode == -signal.SIGKILL
        database = store / "autotrack.db"
        if database.exists():
            assert sqlite3.connect(database).execute("pragma integrity_check").fetchone() == ("ok",)
    assert died >= 4
    take(store, source)
    assert everything(store) == expected


OWN = """
import autotrack
with autotrack.start_run(name="own", experiment="moving/in ü", tags={"t@": "1", "mlflow.note.content": "mine"}) as run:
    run.log_params({"lr": 0.5, "a[0]": "bracket", "a_0_": "underlines", "wide": "y" * 7000})
    for step in range(2500):
        run.log_metrics({"f1@k": step / 3, "deep": 1.0, "deep/er": 2.0}, step=step)
    run.log_metric("nan", float("nan"))
    run.log_metric("wide", 2**60 + 1)
    run.log_text("own text", "notes/own.txt")
    with autotrack.start_run(name="own child", experiment="moving/in ü"):
        autotrack.log_metric("m", 2)
"""


@pytest.mark.parametrize("kind", ["folder", "server"])
def test_mlflow_answers_what_was_exported(kind: str, places: dict[str, Any], tmp_path: Path) -> None:
    store = tmp_path / "store"
    source, told = places["database"]
    take(store, source)
    env = clean_environment(AUTOTRACK_TRACKING_URI=str(store))
    subprocess.run([sys.executable, "-c", OWN], env=env, cwd=tmp_path, check=True)
    with closing(Store.open(store)) as opened:
        (own_run,) = opened.runs("attributes.run_name = 'own'")
        registry = opened.registry
        registry.create("ours", description="of ours", tags={"team": "ä"})
        place = f"{own_run.files}/notes"
        for number in range(1, 4):
            tags = {"a": "1"} if number == 1 else {}
            registry.create_version(ModelVersion("ours", 0, place, place, run=own_run.id, tags=tags))
        registry.delete_version("ours", 2)
        registry.set_stage("ours", 1, "Production")
        registry.set_alias("ours", "champion", 3)
    destination = str(tmp_path / "out") if kind == "folder" else places["server"][0]
    words = ["export", "--to", "mlflow", destination, "--json", "-e", "moving/in ü", "-e", "Default"]
    said, registered = [], []
    for _ in range(2):
        command = [sys.executable, "-m", "autotrack", "--store", str(store), *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        document = json.loads(done.stdout)
        said.append(document["runs"])
        registered.append(document["registered_models"])
    count = sum(run["experiment"] != "gone" for run in told["runs"].values()) + 2
    assert said == [{"new": count, "more": 0, "same": 0}, {"new": 0, "more": 0, "same": count}]
    assert registered[0] >= 1 and registered[1] == 0, document

    all_told = ask_mlflow(tmp_path, "tell", destination)[destination]
    answered = all_told["runs"]
    runs = {
        run["tags"].get("autotrack.run", run_id): {**run, "id": run_id}
        for run_id, run in answered.items()
        if "autotrack.sent" in run["tags"]
    }
    ids = {ours: run["id"] for ours, run in runs.items()}
    assert kind == "server" or all(ours == theirs for ours, theirs in ids.items())
    models = {model["run"]: model for model in told["models"].values()}
    for run_id, before in told["runs"].items():
        if before["experiment"] == "gone":
            continue
        after = runs[run_id]
        if before["name"] == "stuck":
            assert (after["status"], after["tags"]["autotrack.status"]) == ("FAILED", "CRASHED")
        else:
            assert (after["status"], after["ended"]) == (before["status"], before["ended"])
        same = ("experiment", "name", "started", "stage", "params", "metrics", "latest", "datasets")
        assert {key: after[key] for key in same} == {key: before[key] for key in same}
        parent = before["tags"].get("mlflow.parentRunId")
        tags = {"mlflow.user": "unknown", **before["tags"], **({"mlflow.parentRunId": ids[parent]} if parent else {})}
        ours = ("autotrack.sent", "autotrack.run", "autotrack.status")
        assert {key: value for key, value in after["tags"].items() if key not in ours} == tags
        files = dict(before["artifacts"])
        if run_id in models:
            model = models[run_id]
            files |= {f"{model['name']}/{path}": digest for path, digest in model["artifacts"].items()}
        assert after["artifacts"] == files

    own = next(run for run in runs.values() if run["name"] == "own")
    assert own["tags"]["t_"] == "1" and own["tags"]["mlflow.note.content"] == "mine"
    assert own["params"]["a_0_"] == "underlines" and "bracket" in own["params"].values()
    assert len(own["params"]["wide"]) == (6000 if kind == "server" else 7000)
    assert [row[2] for row in own["metrics"]["f1_k"]] == [repr(step / 3) for step in range(2500)]
    assert len(own["metrics"]) == 5 and own["latest"]["nan"] == "nan"
    assert json.loads(own["tags"]["autotrack.keys"])["f1_k"] == "f1@k"
    assert "notes/own.txt" in own["artifacts"]
    (version,) = {each["run"] for each in all_told["registry"]["ours"]["versions"].values()}
    assert version == own["id"]
    theirs = all_told["registry"]["ours"]
    assert (theirs["description"], theirs["tags"], theirs["aliases"]) == ("of ours", {"team": "ä"}, {"champion": 3})
    assert {number: (each["stage"], each["tags"]) for number, each in theirs["versions"].items()} == {
        "1": ("Production", {"a": "1"}),
        "3": ("None", {}),
    }
    assert all(each["source"].endswith("/artifacts/notes") for each in theirs["versions"].values())

    child = next(run for run in runs.values() if run["name"] == "own child")
    assert child["tags"]["mlflow.parentRunId"] == own["id"]


LOGGING = """
import sys, time
import autotrack
from pathlib import Path
with autotrack.start_run(name="to mlflow", experiment="shipped") as run:
    autotrack.log_params({"lr": 0.5})
    print(run.id, flush=True)
    for step in range(3000):
        autotrack.log_metrics({"loss": 1 / (step + 1), "f1@k": float("nan")}, step=step)
        if step == 1500:
            autotrack.log_text("half", "half.txt")
            sys.stdin.readline()
    with autotrack.start_run(name="below", experiment="shipped"):
        autotrack.log_metric("m", 1)
"""


def test_a_program_logs_to_an_mlflow_server(places: dict[str, Any], tmp_path: Path) -> None:
    server = places["server"][0]
    uri = f"mlflow+{server}"
    (tmp_path / ".autotrack").mkdir(mode=0o700)  # where this machine keeps its part
    env = clean_environment(AUTOTRACK_TRACKING_URI=uri, AUTOTRACK_EXIT_TIMEOUT="60", HOME=str(tmp_path / "home"))
    program = subprocess.Popen(
        [sys.executable, "-c", LOGGING], env=env, cwd=tmp_path, stdin=-1, stdout=-1, stderr=-1, text=True
    )
    run_id = program.stdout.readline().strip()
    wire = Wire(server)
    until = time.monotonic() + 60

    def there() -> list[dict[str, Any]]:
        ids = [found["experiment_id"] for found in wire.post("experiments/search", {"max_results": 100})["experiments"]]
        body = {"experiment_ids": ids, "filter": f"tags.`autotrack.run` = '{run_id}'"}
        return list(wire.post("runs/search", body).get("runs", []))

    while not (found := there()) or len(found[0]["data"].get("metrics", [])) < 2:
        assert time.monotonic() < until and program.poll() is None
        time.sleep(0.2)
    assert found[0]["info"]["status"] == "RUNNING"
    _, errors = program.communicate("go\n")
    assert program.returncode == 0 and errors.count("\n") == 1 and "'f1_k'" in errors, errors

    told = ask_mlflow(tmp_path, "tell", server)[server]["runs"]
    runs = {run["tags"].get("autotrack.run"): {**run, "id": key} for key, run in told.items()}
    run = runs[run_id]
    assert (run["status"], run["experiment"], run["params"]) == ("FINISHED", "shipped", {"lr": "0.5"})
    assert [row[2] for row in run["metrics"]["loss"]] == [repr(1 / (step + 1)) for step in range(3000)]
    assert len(run["metrics"]["f1_k"]) == 3000 and set(run["artifacts"]) == {"half.txt"}
    child = next(run for run in runs.values() if run["name"] == "below")
    assert child["tags"]["mlflow.parentRunId"] == run["id"]

    # The same command line reads there, and delivering again brings nothing twice.
    def ask(*words: str) -> Any:
        command = [sys.executable, "-m", "autotrack", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if "--json" in words else done.stdout

    ask("sync")
    assert [run["name"] for run in ask("runs", "search", "metrics.loss < 0.1", "--json")] == ["to mlflow"]
    shown = ask("runs", "show", run_id[:8], "--json")
    assert shown["metrics"]["loss"] == 1 / 3000 and shown["status"] == "FINISHED"
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "runs", "search", "metrics.loss < 1 or params.lr = '1'"],
        env=env, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and "MLflow's language" in done.stderr and "Traceback" not in done.stderr
