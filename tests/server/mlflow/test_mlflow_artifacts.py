"""Artifacts through MLflow's API: whole or not there, noted on their run, and never outside the store."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from server_process import ServerProcess

from tests.attacks.runner import Payload, cases

API, PROXY = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def run(server: ServerProcess) -> dict[str, Any]:
    """A run's info."""
    made = server.post(f"{API}/runs/create", {"experiment_id": "0", "run_name": "files"})
    info: dict[str, Any] = made.json()["run"]["info"]
    folder, elsewhere = Path(server.store) / "artifacts" / "0" / info["run_id"], Path(server.store).parent / "canary"
    elsewhere.mkdir()
    (elsewhere / "secret.txt").write_text("secret")
    folder.mkdir(parents=True)
    (folder / "link").symlink_to(elsewhere)  # somebody has planted it
    return info


def root(run: dict[str, Any]) -> str:
    return f"{PROXY}/{run['artifact_uri'].removeprefix('mlflow-artifacts:/')}"


def stored(server: ServerProcess) -> dict[str, bytes]:
    """Every file that there is around the store, but what its database and log hold."""
    base = Path(server.store).parent
    found = (file for file in base.rglob("*") if file.is_file() and "autotrack.db" not in file.name)
    return {str(file.relative_to(base)): file.read_bytes() for file in found if file.name != "server.log"}


def test_a_file_is_kept_as_it_came_and_noted_on_its_run(server: ServerProcess, run: dict[str, Any]) -> None:
    content = bytes(range(256)) * 20_000  # several blocks
    assert server.request("PUT", f"{root(run)}/deep/in/x.bin", content).status == 200
    got = server.get(f"{root(run)}/deep/in/x.bin")
    assert got.content == content and got.headers["content-length"] == str(len(content))
    listed = server.get(f"{PROXY}?path={quote(root(run).removeprefix(f'{PROXY}/'))}/deep/in").json()
    assert listed == {"files": [{"path": "x.bin", "is_dir": False, "file_size": len(content)}]}
    from autotrack.store.store import Store

    store = Store.open(server.store)
    [noted] = [file for file in store.run(run["run_id"]).artifacts if file.path == "deep/in/x.bin"]
    assert (noted.size, noted.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert server.request("DELETE", f"{root(run)}/deep").json() == {}
    assert server.get(f"{root(run)}/deep/in/x.bin").status == 404
    assert not [file for file in store.run(run["run_id"]).artifacts if file.path.startswith("deep")]
    store.close()


def test_an_upload_that_breaks_off_leaves_nothing(server: ServerProcess, run: dict[str, Any]) -> None:
    before = stored(server)
    connection = server.connection()
    connection.putrequest("PUT", f"{root(run)}/half.bin")
    connection.putheader("content-length", str(4 << 20))
    connection.endheaders()
    connection.send(b"x" * (2 << 20))
    connection.close()
    # The next request on the same path is behind it: what was left of the first is gone when it is answered.
    assert server.request("PUT", f"{root(run)}/whole.bin", b"y").status == 200
    assert server.get(f"{root(run)}/half.bin").status == 404
    assert stored(server).keys() - before.keys() <= {key for key in stored(server) if key.endswith("whole.bin")}


def test_a_file_is_never_shown_by_a_browser(server: ServerProcess, run: dict[str, Any]) -> None:
    page, name = b"<script>alert(1)</script>", quote('sei te "1".html')
    assert server.request("PUT", f"{root(run)}/{name}", page).status == 200
    asked = (f"{root(run)}/{name}", f"/get-artifact?run_id={run['run_id']}&path={name}")
    for path in asked:
        got = server.get(path)
        assert got.content == page
        assert got.headers["content-disposition"].startswith('attachment; filename="sei te _1_.html"')
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"].startswith("sandbox;")


@cases("paths")
def test_names(payload: Payload, server: ServerProcess, run: dict[str, Any]) -> None:
    before = stored(server)
    path = f"{root(run)}/{quote(payload.input.encode('utf-8', 'surrogatepass'), safe='')}"
    put = server.request("PUT", path, b"pwned")
    if payload.refused:
        assert put.status in (400, 404, 414), put.text
        for method in ("GET", "DELETE"):
            assert server.request(method, path).status in (400, 404, 414, 405)
        listing = f"?path={quote(payload.input.encode('utf-8', 'surrogatepass'), safe='')}"
        assert server.get(f"{PROXY}{listing}").status in (400, 404, 414)
        assert stored(server) == before
    else:
        assert put.status == 200 and server.get(path).content == b"pwned"
        assert server.request("DELETE", path).status == 200


@cases("locations")
def test_places(payload: Payload, server: ServerProcess, run: dict[str, Any]) -> None:
    place = payload.input
    made = server.post(f"{API}/experiments/create", {"name": f"at {payload.id}", "artifact_location": place})
    assert made.status == 400 and made.json()["error_code"] == "INVALID_PARAMETER_VALUE", made.text
    server.post(f"{API}/registered-models/create", {"name": "M"})
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    for more in ({}, {"run_id": run["run_id"]}, {"tags": tags}):
        version = server.post(f"{API}/model-versions/create", {"name": "M", "source": place, **more})
        assert version.status in (400, 404), version.text


def test_a_chosen_place_is_a_folder_of_the_experiments_own(server: ServerProcess) -> None:
    made = server.post(f"{API}/experiments/create", {"name": "mine", "artifact_location": "mlflow-artifacts:/team/a"})
    experiment = made.json()["experiment_id"]
    info = server.post(f"{API}/runs/create", {"experiment_id": experiment}).json()["run"]["info"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/team/a/{info['run_id']}/artifacts"
    assert server.request("PUT", f"{root(info)}/x", b"1").status == 200
    assert server.get(f"{root(info)}/x").content == b"1"
    # Not at the place that it would have had, nor at another experiment's.
    assert server.get(f"{PROXY}/{experiment}/{info['run_id']}/artifacts/x").status == 404
    assert server.get(f"{PROXY}/0/{info['run_id']}/artifacts/x").status == 404


def test_only_what_belongs_to_something_is_stored(server: ServerProcess, run: dict[str, Any]) -> None:
    before = stored(server)
    for path in ("x", "0/x", "0/artifacts/x", f"0/{'0' * 32}/artifacts/x", f"0/models/m-{'0' * 32}/artifacts/x"):
        assert server.request("PUT", f"{PROXY}/{path}", b"x").status == 404
    assert server.request("PUT", root(run), b"x").status == 400
    server.post(f"{API}/runs/delete", {"run_id": run["run_id"]})
    assert server.request("PUT", f"{root(run)}/late", b"x").status == 400
    server.post(f"{API}/runs/restore", {"run_id": run["run_id"]})
    assert stored(server) == before
    for path in ("mpu/create", "mpu/complete", "mpu/abort", "presigned"):
        method = "GET" if path == "presigned" else "POST"
        answer = server.request(method, f"/api/2.0/mlflow-artifacts/{path}/{root(run).removeprefix(f'{PROXY}/')}/x")
        assert answer.status == 404 and answer.json()["error_code"] == "NOT_IMPLEMENTED"
