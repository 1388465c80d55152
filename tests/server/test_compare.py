"""Runs beside each other: exactly what differs is told, what is equal counted; and the best of many with the rest."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_process import ServerProcess, clean_environment

from autotrack.answers.separating import spearman

NewServer = Callable[..., ServerProcess]

PROGRAM = """\
import sys
import autotrack

lr = float(sys.stdin.read())
with autotrack.start_run("a run", experiment="compared", tags={"kind": "same"}) as run:
    run.log_params({"lr": lr, "epochs": 5})
    run.log_metric("val_loss", lr * 2)
    run.log_metric("seen", 3)
"""


def test_exactly_what_differs(new_server: NewServer, tmp_path: Path) -> None:
    folder, packages = tmp_path / "project", tmp_path / "packages"
    folder.mkdir()
    ids = []
    environment = clean_environment()
    environment |= {"PYTHONPATH": str(packages), "AUTOTRACK_TRACKING_URI": str(tmp_path / "store")}
    for number, (lr, version) in enumerate((("0.1", "1.0"), ("0.25", "2.0"))):
        made = packages / f"somelib-{version}.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: somelib\nVersion: {version}\n")
        (folder / "train.py").write_text(PROGRAM.replace('"seen", 3', f'"seen", {3} + 0 * {number}'))
        done = subprocess.run(
            [sys.executable, "train.py"],
            cwd=folder,
            env=environment,
            input=lr.encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        (made / "METADATA").unlink()
        made.rmdir()
    server = new_server(store=tmp_path / "store")
    table = server.get("/api/v1/table?exp=compared&sort=start").json()
    ids = table["ids"]
    assert len(ids) == 2
    found = server.get(f"/api/v1/compare?runs={ids[0][:12]},{ids[1]}").json()
    assert [run["id"] for run in found["runs"]] == ids
    blocks = {block["name"]: block for block in found["blocks"]}
    told = {(name, row["key"]) for name, block in blocks.items() for row in block["rows"]}
    assert told == {
        ("result", "m.val_loss"),
        ("params", "lr"),
        ("code", "train.py"),
        ("environment", "package somelib"),
    }
    (loss,), (rate,), (package,) = (blocks[name]["rows"] for name in ("result", "params", "environment"))
    assert (loss["values"], loss["goal"]) == ([0.2, 0.5], "min") and loss["delta"] == [0, pytest.approx(0.3)]
    assert rate["values"] == ["0.1", "0.25"] and rate["delta"][1] == pytest.approx(0.15)
    assert (package["values"], package["delta"]) == (["1.0", "2.0"], None)
    # All of it is there, and the count of what was left out is that of what comes then.
    whole = server.get(f"/api/v1/compare?runs={ids[0]},{ids[1]}&same=1").json()["blocks"]
    for block in whole:
        equal = [row for row in block["rows"] if row["same"]]
        assert len(equal) == block["equal"] == blocks[block["name"]]["hidden"] and block["hidden"] == 0
        assert len(block["rows"]) - len(equal) == len(blocks[block["name"]]["rows"])
    assert blocks["environment"]["hidden"] > 20 and blocks["params"]["hidden"] >= 2
    path = blocks["code"]["rows"][0]["path"]
    difference = server.get(f"/api/v1/compare/code?a={ids[0]}&b={ids[1]}&path={path}").json()["files"]
    assert [each["path"] for each in difference] == ["train.py"]
    assert [line for line in difference[0]["lines"] if line[0] in "+-"] == [
        '-    run.log_metric("seen", 3 + 0 * 0)',
        '+    run.log_metric("seen", 3 + 0 * 1)',
    ]
    assert server.get(f"/api/v1/compare?runs={ids[0]}").status == 422


def test_the_best_and_the_rest(server: ServerProcess) -> None:
    pick = random.Random(5)
    for number in range(60):
        rate, kind = pick.uniform(0, 1), pick.choice("ab")
        params = {"lr": str(rate), "kind": kind, "noise": str(pick.randrange(3)), "fixed": "1"}
        run = server.post("/api/v1/runs", {"experiment": "many", "params": params}).json()["id"]
        loss: Any = rate + (0 if kind == "a" else 0.5)
        metrics = [{"key": "val_loss", "values": [loss if number != 7 else "NaN"]}]
        server.post(f"/api/v1/runs/{run}/log", {"metrics": metrics})
    found = server.get("/api/v1/compare?exp=many&top=20").json()
    assert (found["metric"], found["goal"], found["compared"], found["best"]) == ("m.val_loss", "min", 59, 12)
    assert {each["key"] for each in found["params"][:2]} == {"p.lr", "p.kind"}
    assert [each["key"] for each in found["params"][2:]] == ["p.noise"]
    rate, kind = (next(each for each in found["params"] if each["key"] == key) for key in ("p.lr", "p.kind"))
    assert rate["correlation"] > 0.4 and rate["best"]["high"] < rate["rest"]["median"]
    shares = {share["value"]: share for share in kind["values"]}
    assert shares["a"]["best"] > 0.9 > 0.6 > shares["a"]["rest"]
    assert shares["a"]["best"] + shares["b"]["best"] == 1
    assert server.get("/api/v1/compare?exp=many&metric=odd").json()["goal"] is None
    assert server.get("/api/v1/compare?exp=many&where=val_loss%20%3C").status == 400


def test_rank_correlation() -> None:
    assert spearman([1, 2, 3, 4], [10, 20, 30, 1e9]) == pytest.approx(1)
    assert spearman([1, 2, 2, 4], [4, 3, 3, 1]) == pytest.approx(-1)
    assert spearman([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.8)
    assert spearman([1, 1, 1], [1, 2, 3]) is None
