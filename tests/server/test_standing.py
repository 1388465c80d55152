"""Where a run stands among the others of its experiment."""

from __future__ import annotations

from typing import Any

from server_process import ServerProcess


def made(server: ServerProcess, name: str, loss: Any, **more: Any) -> str:
    run: str = server.post("/api/v1/runs", {"experiment": "placed", "name": name, **more}).json()["id"]
    points = [{"key": "val_loss", "values": [loss], "steps": [0]}, {"key": "oddity", "values": [1.0], "steps": [0]}]
    assert server.post(f"/api/v1/runs/{run}/log", {"metrics": points}).status == 200
    return run


def test_what_is_best_and_what_is_unusual(server: ServerProcess) -> None:
    losses = [0.5, 0.2, "NaN", 0.9, "-Infinity"]
    runs = [
        made(server, f"run {at}", loss, started=at + 1, params={"lr": "0.1" if at else "0.5", "at": str(at)})
        for at, loss in enumerate(losses)
    ]
    made(server, "the best", 0.01, started=9)
    server.request("DELETE", f"/api/v1/runs/{made(server, 'gone', 0.01, started=8)}")
    made_elsewhere = server.post("/api/v1/runs", {"experiment": "elsewhere", "params": {"lr": "7"}}).json()["id"]
    first = server.get(f"/api/v1/runs/{runs[0]}/standing").json()
    assert first["main"] == "val_loss"
    assert first["metrics"]["val_loss"] == {"of": 4, "goal": "min", "best": 0.01, "better": 2}
    assert first["metrics"]["oddity"] == {"of": 6, "goal": None, "best": None, "better": None}
    assert first["best"]["name"] == "the best" and first["previous"] is None
    assert first["unusual"] == {"lr": {"value": "0.1", "runs": 4, "of": 6}}
    third = server.get(f"/api/v1/runs/{runs[2][:12]}/standing").json()
    assert "val_loss" not in third["metrics"] and third["unusual"] == {}
    assert third["previous"] == {"id": runs[1], "name": "run 1"}
    alone = server.get(f"/api/v1/runs/{made_elsewhere}/standing").json()
    assert (alone["main"], alone["metrics"], alone["best"], alone["unusual"]) == (None, {}, None, {})
    assert server.get("/api/v1/runs/0123456789abcdef/standing").status == 404
