"""Trainings on a graphics card: the same numbers, nobody waits for the card, and what it was is known.

Skipped where there is none. Each program is run twice as users run it, plain and tracked, in processes of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import autotrack

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card that torch can use"),
    pytest.mark.slow,
]

#: What the programs share: a small network, its data on the card, and the numbers that must not change.
START = """
import hashlib, json, sys, time
import torch
from torch import nn
import torch.nn.functional as F

torch.backends.cuda.matmul.allow_tf32 = False
torch.manual_seed(7)
net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1)).to("cuda")
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
x, y = torch.randn(512, 32, device="cuda"), torch.randn(512, 1, device="cuda")

def digest(*tensors):
    return hashlib.sha256(b"".join(each.detach().cpu().numpy().tobytes() for each in tensors)).hexdigest()

def outcome():
    states = {"cuda": digest(torch.cuda.get_rng_state()), "cpu": digest(torch.get_rng_state())}
    return {"weights": digest(*net.parameters()), **states}
"""

PLAIN_LOOP = """
for step in range(300):
    optimizer.zero_grad()
    F.mse_loss(net(x), y).backward()
    optimizer.step()
"""

MIXED = """
scaler = torch.amp.GradScaler("cuda")
for step in range(200):
    optimizer.zero_grad()
    with torch.autocast("cuda", dtype=torch.float16):
        loss = F.mse_loss(net(x), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
"""

GRAPH = """
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, capturable=True)
side = torch.cuda.Stream()
side.wait_stream(torch.cuda.current_stream())
with torch.cuda.stream(side):
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        F.mse_loss(net(x), y).backward()
        optimizer.step()
torch.cuda.current_stream().wait_stream(side)
graph = torch.cuda.CUDAGraph()
optimizer.zero_grad(set_to_none=True)
with torch.cuda.graph(graph):
    loss = F.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
for step in range(100):
    graph.replay()
torch.cuda.synchronize()
"""

COMPILED = """
fast = torch.compile(net)
for step in range(50):
    optimizer.zero_grad()
    F.mse_loss(fast(x), y).backward()
    optimizer.step()
"""


def program(tmp_path: Path, body: str, *, tracked: bool, end: str = "") -> tuple[dict[str, Any], str]:
    """What a program printed as its outcome, and its standard error."""
    script = tmp_path / "train.py"
    script.write_text(START + textwrap.dedent(body) + end + '\nprint("OUTCOME", json.dumps(outcome()))\n')
    head = [sys.executable, "-m", "autotrack", "run"] if tracked else [sys.executable]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}
    environment["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    done = subprocess.run(
        [*head, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("OUTCOME"))
    return json.loads(line.partition(" ")[2]), done.stderr


@pytest.mark.parametrize("body", [PLAIN_LOOP, MIXED, GRAPH, COMPILED], ids=["loop", "mixed", "graph", "compiled"])
def test_the_numbers_are_the_same(tmp_path: Path, body: str) -> None:
    assert program(tmp_path, body, tracked=True)[0] == program(tmp_path, body, tracked=False)[0]
    runs = autotrack.Client(tmp_path / ".autotrack").search_runs()
    assert [run.status for run in runs] == ["FINISHED"]
    assert "autotrack.errors" not in runs[0].tags


@pytest.mark.parametrize("body", [PLAIN_LOOP, MIXED], ids=["loop", "mixed"])
def test_no_step_waits_for_the_card(tmp_path: Path, body: str) -> None:
    """torch raises where anything in the loop makes the processor wait for the card.

    The scaler of mixed precision does so by itself: there every wait is a warning, counted with and without us.
    """
    mode = "error" if body is PLAIN_LOOP else "warn"
    watched = f'torch.cuda.synchronize(); torch.cuda.set_sync_debug_mode("{mode}")\n{textwrap.dedent(body)}'
    end = '\ntorch.cuda.set_sync_debug_mode("default")\n'
    _, plain = program(tmp_path, watched, tracked=False, end=end)
    _, tracked = program(tmp_path, watched, tracked=True, end=end)
    assert tracked.count("synchroniz") == plain.count("synchroniz")
    (run,) = autotrack.Client(tmp_path / ".autotrack").search_runs()
    assert "autotrack.errors" not in run.tags
    assert len(run.metric_history("loss").steps) == (300 if body is PLAIN_LOOP else 200)


def test_the_card_is_known_and_its_model_loads_without_one(tmp_path: Path) -> None:
    program(tmp_path, PLAIN_LOOP, tracked=True)
    client = autotrack.Client(tmp_path / ".autotrack")
    (run,) = client.search_runs()
    assert torch.cuda.get_device_name(0) in json.dumps(client.sink.session(run.session).parts)
    (model,) = run.models
    code = (
        "import sys, torch, autotrack\n"
        "model = autotrack.load_model(sys.argv[1], trust=True)\n"
        "print({str(each.device) for each in model.parameters()}, model(torch.zeros(2, 32)).shape)\n"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, f"runs:/{run.id}/{model.path}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    assert "{'cpu'} torch.Size([2, 1])" in done.stdout


def test_a_step_costs_little(tmp_path: Path) -> None:
    """Wall time of a step, tracked against plain, in turns in one process; a small network keeps the card busy."""
    body = """
    import statistics
    import autotrack
    def stretch():
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(300):
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            optimizer.step()
        torch.cuda.synchronize()
        return (time.perf_counter() - began) / 300
    ratios, added = [], []
    stretch()
    for _ in range(12):
        autotrack.disable(); stretch(); plain = stretch()
        autotrack.enable(models=False); stretch(); tracked = stretch()
        ratios.append(tracked / plain); added.append(tracked - plain)
    more = f"{statistics.median(added) * 1e6:.1f} us more"
    print(f"MEASURED {statistics.median(ratios):.3f} of a plain step, {more}", file=sys.stderr)
    """
    _, said = program(tmp_path, body, tracked=False)
    line = next(line for line in said.splitlines() if line.startswith("MEASURED"))
    print(line)
    assert float(line.split()[1]) < 1.25
