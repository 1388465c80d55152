"""Several processes that train one model: one run, the first rank's, with a true status. Real torchrun, over gloo."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import autotrack

pytest.importorskip("torch")

Script = Callable[..., "subprocess.CompletedProcess[str]"]

RANKS = """
import autotrack
autotrack.enable(overhead_allowance=60.0)
import os, signal, sys, time
from pathlib import Path
import torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo")
rank, what = dist.get_rank(), sys.argv[1]
torch.manual_seed(0)
net = torch.nn.Linear(3, 1)
model = DistributedDataParallel(net)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

def costs(key):
    run = autotrack.last_run()
    return run.has_metric(key) and max(run.metric_history(key).values) > 0

def goes_on(step):
    if what != "watch" or step % 70:
        return what == "watch" or step < 70
    # Until each of the others has been seen at work by rank 0, which says so in a file. No tensor of Python's is sent:
    # a thread of gloo's may let go of one when the interpreter is ending, and aborts then (pytorch issue 190489).
    said = Path(f"step{step}")
    if rank == 0:
        others = [f"system/rank.{other}.process_cpu_percent" for other in (1, 2, 3)]
        goes = not (step and all(map(costs, others))) and time.monotonic() < began + 60
        Path("saying").write_text("on" if goes else "end")
        Path("saying").rename(said)
    while not said.exists():
        time.sleep(0.005)
    return said.read_text() == "on"

began, step = time.monotonic(), 0
while goes_on(step):
    optimizer.zero_grad()
    (model(torch.full((2, 3), float(rank))) ** 2).sum().backward()
    optimizer.step()
    if rank == 1 and step == 66 and what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    step += 1
dist.destroy_process_group()
"""


#: Without a process group: torch's own rendezvous over gloo is not always ready for a second attempt.
RESTARTED = """
import autotrack
autotrack.enable(models=False)
import os, time
import torch

first, rank = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0", os.environ["RANK"]
net = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
began, step = time.monotonic(), 0
while step < 70 or (first and time.monotonic() < began + 60):  # the first attempt goes on until it is ended
    optimizer.zero_grad()
    (net(torch.ones(2, 3)) ** 2).sum().backward()
    optimizer.step()
    step += 1
    if first and rank == "1" and step == 66:
        raise ValueError("the first attempt")
"""


def torchrun(folder: Path, ranks: int, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "ranks.py"
    *options, what = arguments
    path.write_text(textwrap.dedent(RESTARTED if what == "fail once" else RANKS))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(
        [*launch, *options, str(path), what], capture_output=True, text=True, timeout=110, env=environment, cwd=folder
    )


@pytest.mark.slow
def test_four_ranks_are_one_run_that_knows_what_each_of_them_costs(store: Path, tmp_path: Path) -> None:
    done = torchrun(tmp_path, 4, "watch", AUTOTRACK_SYSTEM_FIRST="0.1", AUTOTRACK_SYSTEM_INTERVAL="0.2")
    assert done.returncode == 0, done.stderr
    (run,) = autotrack.search_runs()
    assert run.status.value == "FINISHED" and run.name == "Linear" and run.tags["system.rank"] == "0"
    steps = run.metric_history("loss").steps.tolist()
    assert len(steps) >= 70 and steps == list(range(len(steps)))
    assert [model.path for model in run.models] == ["model"]
    for rank in (1, 2, 3):
        assert run.metrics[f"system/rank.{rank}.process_memory_mb"] > 50
        assert max(run.metric_history(f"system/rank.{rank}.process_cpu_percent").values) > 0
    assert "system/rank.0.process_memory_mb" not in run.metrics  # that is the process's own


@pytest.mark.slow
def test_a_rank_that_is_killed_leaves_a_true_status(store: Path, tmp_path: Path) -> None:
    done = torchrun(tmp_path, 2, "die")
    assert done.returncode != 0
    (run,) = autotrack.search_runs()
    assert run.status.value in ("KILLED", "FAILED", "CRASHED")
    assert len(run.metric_history("loss").steps) >= 64


@pytest.mark.slow
def test_a_job_that_is_restarted_is_a_failed_run_and_a_finished_one(store: Path, tmp_path: Path) -> None:
    done = torchrun(tmp_path, 2, "--max-restarts=1", "fail once")
    assert done.returncode == 0, done.stderr
    first, second = sorted(autotrack.search_runs(), key=lambda run: run.started)
    assert first.status.value in ("KILLED", "FAILED", "CRASHED") and "torchrun.restart" not in first.tags
    assert second.status.value == "FINISHED" and second.tags["torchrun.restart"] == "1"
    assert second.metric_history("loss").steps.tolist() == list(range(70))


SPAWNED = """
import sys
import torch, torch.multiprocessing

def rank(number, what):
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for step in range(5):
        optimizer.zero_grad()
        (net(torch.full((2, 3), float(number))) ** 2).sum().backward()
        optimizer.step()
        if step == 3 and what == "fail" and number == 0:  # the other's failure could have this one killed before
            raise ValueError("no more")
    print(number, net.weight.tolist())

if __name__ == "__main__":
    import autotrack
    autotrack.enable(experiment="spawned")
    try:
        torch.multiprocessing.spawn(rank, args=(sys.argv[1],), nprocs=2)
    except torch.multiprocessing.ProcessRaisedException as error:
        assert "no more" in str(error)
"""


@pytest.mark.parametrize(("what", "status"), [("train", "FINISHED"), ("fail", "FAILED")])
@pytest.mark.slow
def test_of_ranks_that_a_program_spawns_the_first_records(store: Path, script: Script, what: str, status: str) -> None:
    done = script(SPAWNED, what, timeout=110)
    assert done.returncode == 0 and "autotrack" not in done.stderr, done.stderr
    (run,) = autotrack.search_runs()
    assert run.status.value == status and run.experiment == "spawned"
    assert len(run.metric_history("loss").steps) == (5 if what == "train" else 4)
