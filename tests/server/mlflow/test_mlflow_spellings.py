"""Requests as R and Java write them, and runs of autotrack's own as MLflow's clients see them."""

from __future__ import annotations

from typing import Any

from server_process import ServerProcess

from autotrack.store.store import Store

API, R = "/api/2.0/mlflow", "/api/2.0/preview/mlflow"


def run_of(server: ServerProcess, run: str) -> Any:
    return server.get(f"{API}/runs/get?run_id={run}").json()["run"]


def test_r_writes_texts_and_empty_lists_as_objects(server: ServerProcess) -> None:
    experiment = server.post(f"{R}/experiments/create", {"name": "from R", "tags": {}}).json()["experiment_id"]
    body = {"experiment_id": experiment, "start_time": "1.59e+12", "tags": {}}
    made = server.post(f"{R}/runs/create", body).json()["run"]["info"]
    run = made["run_uuid"]
    assert made["start_time"] == 1_590_000_000_000 and made["run_id"] == run
    ids = {"run_id": run, "run_uuid": run}
    for value, step in (("0.5", "1"), ("NaN", "2e0"), ("-Infinity", "3")):
        point = {**ids, "key": "m", "value": value, "timestamp": "1.59e+12", "step": step}
        assert server.post(f"{R}/runs/log-metric", point).json() == {}
    batch = {**ids, "metrics": {}, "params": [{"key": "p", "value": "1"}], "tags": {}}
    assert server.post(f"{R}/runs/log-batch", batch).json() == {}
    history = server.get(f"{R}/metrics/get-history?run_uuid={run}&run_id={run}&metric_key=m").json()["metrics"]
    assert [(point["value"], point["step"]) for point in history] == [(0.5, 1), ("NaN", 2), ("-Infinity", 3)]
    search = {"experiment_ids": [experiment], "filter": None, "order_by": {}, "max_results": "10"}
    assert len(server.post(f"{R}/runs/search", search).json()["runs"]) == 1
    ended = server.post(f"{R}/runs/update", {**ids, "status": "FINISHED", "end_time": "1590000000001"}).json()
    assert ended["run_info"]["run_uuid"] == run and ended["run_info"]["end_time"] == 1_590_000_000_001


def test_java_writes_whole_numbers_as_texts_and_lists_as_repeated_fields(server: ServerProcess) -> None:
    made = server.post(f"{API}/runs/create", {"experiment_id": "0", "start_time": str(2**41)}).json()["run"]["info"]
    point = {"run_id": made["run_id"], "key": "m", "value": 1.5, "timestamp": str(2**41), "step": str(2**53 + 1)}
    assert server.post(f"{API}/runs/log-metric", point).json() == {}
    [latest] = run_of(server, made["run_id"])["data"]["metrics"]
    assert latest == {"key": "m", "value": 1.5, "timestamp": 2**41, "step": 2**53 + 1}
    server.post(f"{API}/registered-models/create", {"name": "J"})
    source = f"{made['artifact_uri']}/model"
    for stage in ("Staging", "Production"):
        version = server.post(f"{API}/model-versions/create", {"name": "J", "source": source, "run_id": made["run_id"]})
        moved = {"name": "J", "version": version.json()["model_version"]["version"], "stage": stage}
        server.post(f"{API}/model-versions/transition-stage", {**moved, "archive_existing_versions": "false"})
    path = f"{API}/registered-models/get-latest-versions?name=J&stages=Staging&stages=Production"
    found = server.get(path).json()["model_versions"]
    assert sorted(version["current_stage"] for version in found) == ["Production", "Staging"]


def test_a_run_of_ours_is_told_in_mlflows_words(server: ServerProcess) -> None:
    run, child = "a" * 32, "b" * 32
    start = {"k": "run_start", "t": 10**15, "experiment": "ours", "user": "me", "tags": {"k": "v"}}
    store = Store.open(server.store)
    from autotrack.store.intake.direct import Change, DirectWrites

    dataset = {"name": "d", "context": "train", "digest": "e" * 64, "rows": 3, "source": "x.csv", "columns": {}}
    records = [
        {**start, "r": run, "name": "one", "session": "c" * 32},
        {"k": "dataset", "t": 10**15, "r": run, **dataset, "mlflow_digest": "1234abcd"},
        {"k": "run_end", "t": 10**15 + 10**9, "r": run, "status": "CRASHED"},
        {**start, "r": child, "name": "two", "session": "c" * 32, "parent": run},
    ]
    writes = DirectWrites(store.writing)
    writes.write(Change(run, lambda standing: records[:3]))
    writes.write(Change(child, lambda standing: records[3:]))
    writes.close()
    store.close()
    told = run_of(server, run)
    assert told["info"]["status"] == "FAILED" and told["info"]["end_time"] == 10**9 + 1000
    assert told["inputs"]["dataset_inputs"] == [
        {
            "tags": [{"key": "mlflow.data.context", "value": "train"}],
            "dataset": {
                "name": "d",
                "digest": "1234abcd",
                "source_type": "local",
                "source": '{"uri": "x.csv"}',
                "profile": '{"num_rows": 3}',
            },
        }
    ]
    tags = {tag["key"]: tag["value"] for tag in run_of(server, child)["data"]["tags"]}
    assert tags == {"k": "v", "mlflow.runName": "two", "mlflow.user": "me", "mlflow.parentRunId": run}
    experiment = told["info"]["experiment_id"]
    for filter, names in (
        (f"tags.mlflow.parentRunId = '{run}'", ["two"]),
        ("status = 'FAILED'", ["one"]),
        ("status != 'FAILED'", ["two"]),
        ("datasets.context = 'train'", ["one"]),
    ):
        found = server.post(f"{API}/runs/search", {"experiment_ids": [experiment], "filter": filter}).json()["runs"]
        assert [each["info"]["run_name"] for each in found] == names, filter
