"""Projects as jobs of a real Ray on this machine; and what Ray's shell never sees."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autotrack_ray import options as ray_options
from autotrack_ray.rayjob import ENTRYPOINT

import autotrack
from autotrack.plugin import ProjectError, UsageError

PROJECT = {
    "name": "wine $(touch pwned)",
    "entry_points": {
        "main": {"parameters": {"data": "path", "said": "string"}, "command": "python train.py {data} {said}"},
        "shell": {"parameters": {"said": "string"}, "command": "true && python train.py data.csv {said} | cat"},
        "ends": {"parameters": {"how": "string"}, "command": "python ends.py {how}"},
        "forever": {"command": "python forever.py"},
    },
}
TRAIN = """
import os, sys
import autotrack
assert open(sys.argv[1]).read() == "1,2"
print("trained", os.fsencode(sys.argv[2]).hex(), flush=True)
autotrack.log_metric("rmse", 0.5)
"""
ENDS = "import os, signal, sys\nsys.exit(7) if sys.argv[1] == 'code' else os.kill(os.getpid(), signal.SIGKILL)\n"
FOREVER = "import time\nprint('started', flush=True)\ntime.sleep(600)\n"
VALUES = ["$(touch pwned)", "`touch pwned`; touch pwned", "'\"\n&& touch pwned\n", "", "--help", "é\udcff"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Ray of one node. Skips where Ray is not installed."""
    pytest.importorskip("ray.job_submission", reason="Ray is not installed here: pip install 'ray[default]'")
    import sys

    folder = tmp_path_factory.mktemp("r", numbered=True)
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        port, dashboard = one.getsockname()[1], other.getsockname()[1]
    environment = {
        **os.environ,
        "RAY_USAGE_STATS_ENABLED": "0",
        "AUTOTRACK_TRACKING_URI": str(folder / ".autotrack"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    line = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=4"]
    line += [f"--port={port}", f"--dashboard-port={dashboard}", "--node-ip-address=127.0.0.1", "--disable-usage-stats"]
    line += ["--object-store-memory=100000000", "--include-dashboard=true", f"--temp-dir=/tmp/ray-{os.getpid()}"]
    with open(folder / "log", "wb") as log:
        head = subprocess.Popen(line, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", dashboard), 1).close()
                break
            except OSError:
                assert head.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{dashboard}"
    finally:
        head.terminate()
        try:
            head.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(head.pid, 9)
            head.wait(30)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    folder = tmp_path / "a $(touch pwned) project"
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "large").write_bytes(bytes(1 << 20))
    (folder / "MLproject").write_text(json.dumps(PROJECT))
    (folder / "data.csv").write_text("1,2")
    for name, text in (("train", TRAIN), ("ends", ENDS), ("forever", FOREVER)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    return folder


def options(address: str, **more: Any) -> dict[str, Any]:
    config = {"address": address, "poll": 0.2, "num_cpus": 0.5, **more}
    return {"backend": "ray", "backend_config": config, "env": "local", "synchronous": False}


def console(started: Any) -> str:
    return Path(started.run.artifact_uri, "project/console.txt").read_text()


def test_the_run_is_the_jobs_and_values_arrive(cluster: str, project: Path) -> None:
    submitted = []
    for at, said in enumerate(VALUES):
        entry, given = ("shell", {"said": said}) if at % 2 else ("main", {"data": "data.csv", "said": said})
        submitted.append(autotrack.run_project(".", entry, given, **options(cluster)))
    for started, said in zip(submitted, VALUES, strict=True):
        assert started.wait(), (started.standing(), console(started))
        run = autotrack.get_run(started.run_id)
        assert run.tags["autotrack.project.job"] == started.job == f"autotrack-{run.id}"
        assert run.metrics["rmse"] == 0.5
        assert f"trained {os.fsencode(said).hex()}\n" in console(started)
    assert not list(project.parent.rglob("pwned*"))


def test_how_a_job_ends_is_how_its_run_ends(cluster: str, project: Path) -> None:
    cases = (("code", 7, "FAILED"), ("signal", -9, "KILLED"))
    submitted = [autotrack.run_project(".", "ends", {"how": how}, **options(cluster)) for how, _, _ in cases]
    for started, (how, code, status) in zip(submitted, cases, strict=True):
        started.wait()
        assert (started.exit_code, started.get_status()) == (code, status), how


def test_a_job_that_is_cancelled(cluster: str, project: Path) -> None:
    started = autotrack.run_project(".", "forever", **options(cluster))
    deadline = time.monotonic() + 60
    while not started.standing().startswith("RUNNING"):
        assert time.monotonic() < deadline, started.standing()
        time.sleep(0.05)
    started.cancel()
    assert started.get_status() == "KILLED"


def test_a_ray_that_is_not_there(project: Path) -> None:
    pytest.importorskip("ray.job_submission", reason="Ray is not installed here: pip install 'ray[default]'")
    with pytest.raises(ProjectError, match=r"ray at http://127\.0\.0\.1:9 did not take wine"):
        autotrack.run_project(".", "forever", **options("http://127.0.0.1:9"))


def test_what_ray_is_never_told() -> None:
    good = {"address": "http://h:8265"}
    for name, value in (
        *(("address", value) for value in ("", "h", "file:///x", "http://h/$(x)", "http://h\n", None, 7, "http://a b")),
        *(
            (name, value)
            for name in ("num_cpus", "num_gpus", "memory", "poll")
            for value in ("$(x)", -1, True, [], "nan")
        ),
        *(("resources", value) for value in ("{", "[]", {"$(x)": 1}, {"a": "$(x)"}, {"a\n": 1}, 7)),
        *(("pip", value) for value in ("--index-url=x", "a\n--x", ["-r x"], [7], "", 7)),
        *((name, "x") for name in ("entrypoint", "env_vars", "runtime_env", "working_dir", "", "address ")),
    ):
        with pytest.raises(UsageError, match="ray"):
            ray_options.read({**good, name: value}, None)
    with pytest.raises(UsageError, match="RAY_API_SERVER_ADDRESS"):
        ray_options.read({}, None)
    said = ray_options.read({"num_gpus": "0.5", "resources": '{"tpu": 1}', "pip": "a==1,b>2"}, "http://h:8265")
    assert (said.num_gpus, said.resources, said.pip) == (0.5, {"tpu": 1.0}, ("a==1", "b>2"))
    assert ENTRYPOINT == "python start.py"
