"""Projects as Jobs, through the real client; and what the API server is never told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autotrack_kubernetes import options as kubernetes_options

import autotrack
from autotrack.plugin import ProjectError, UsageError

pytest.importorskip("kubernetes", reason="the client is not installed here: pip install kubernetes")

from cluster import Cluster, until

PROJECT = {
    "name": "wine $(touch pwned)\n",
    "docker_env": {"image": "team/train:3", "environment": [["TOKEN", "t0p-s3cret"]]},
    "entry_points": {
        "main": {"parameters": {"data": "path", "said": "string"}, "command": "python train.py {data} {said}"},
        "shell": {"parameters": {"said": "string"}, "command": "true && python3 train.py data.csv {said} | cat"},
        "ends": {"parameters": {"how": "string"}, "command": "python ends.py {how}"},
        "forever": {"command": "python forever.py"},
    },
}
TRAIN = """
import os, sys
import autotrack
assert open(sys.argv[1]).read() == "1,2" and os.environ["TOKEN"] == "t0p-s3cret"
print("trained", os.fsencode(sys.argv[2]).hex(), flush=True)
autotrack.log_metric("rmse", 0.5)
"""
ENDS = "import os, signal, sys\nsys.exit(7) if sys.argv[1] == 'code' else os.kill(os.getpid(), signal.SIGKILL)\n"
FOREVER = "import time\nprint('started', flush=True)\ntime.sleep(600)\n"
VALUES = [
    "$(touch pwned)",
    "$(TOKEN) $$(TOKEN)",
    "`touch pwned`; touch pwned",
    "'\"\n- image: x\n",
    "",
    "{{x}} é\udcff",
]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    context = {"cluster": "c", "user": "u", "namespace": "ml"}
    said = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": found.address}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": context}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(said))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    folder = tmp_path / "a $(touch pwned) project"
    folder.mkdir()
    (folder / "MLproject").write_text(json.dumps(PROJECT))
    (folder / "data.csv").write_text("1,2")
    for name, text in (("train", TRAIN), ("ends", ENDS), ("forever", FOREVER)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    return folder


def options(project: Path, **more: Any) -> dict[str, Any]:
    store = os.environ["AUTOTRACK_TRACKING_URI"]
    config = {"tracking_uri": store, "poll": 0.1, "kubeconfig": str(project.parent / "kubeconfig"), **more}
    return {"backend": "kubernetes", "backend_config": config, "synchronous": False}


def console(started: Any) -> str:
    return Path(started.run.artifact_uri, "project/console.txt").read_text()


def test_the_run_is_the_jobs_and_values_arrive(cluster: Cluster, project: Path) -> None:
    for at, said in enumerate(VALUES):
        entry, given = ("shell", {"said": said}) if at % 2 else ("main", {"data": "data.csv", "said": said})
        started = autotrack.run_project(".", entry, given, **options(project, cpu="500m", memory="1Gi", gpus=1))
        assert started.wait(), (started.standing(), console(started))
        run = autotrack.get_run(started.run_id)
        assert run.tags["autotrack.project.job"] == started.job == f"ml/autotrack-{run.id}"
        assert run.metrics["rmse"] == 0.5 and run.tags["mlflow.project.env"] == "docker"
        assert f"trained {os.fsencode(said).hex()}\n" in console(started)
        assert list(cluster.posted[-1]["data"]) == ["start.py", "job.json", "project.zip"]
    assert not list(project.parent.rglob("pwned*"))
    jobs = [body for body in cluster.posted if body["kind"] == "Job"]
    # Every Job is the same but for its name and labels: no value, variable or secret is in it.
    assert len({json.dumps(job["spec"]["template"]["spec"]).replace(job["metadata"]["name"], "") for job in jobs}) == 1
    assert "t0p-s3cret" not in json.dumps(jobs) and "TOKEN" not in json.dumps(jobs)
    (container,) = jobs[0]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "team/train:3" and container["command"] == ["python", "/autotrack/start.py"]
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "1"}
    assert jobs[0]["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_how_a_job_ends_is_how_its_run_ends(cluster: Cluster, project: Path) -> None:
    for how, code, status in (("code", 7, "FAILED"), ("signal", -9, "KILLED")):
        started = autotrack.run_project(".", "ends", {"how": how}, **options(project))
        started.wait()
        assert (started.exit_code, started.get_status()) == (code, status), how


@pytest.mark.parametrize("how", ["cancel", "deleted"])
def test_a_job_that_is_ended(cluster: Cluster, project: Path, how: str) -> None:
    started = autotrack.run_project(".", "forever", **options(project))
    until(lambda: started.standing() == "Running")
    name = f"autotrack-{started.run_id}"
    if how == "cancel":
        started.cancel()
        assert cluster.deleted == [(name, "propagationPolicy=Foreground")]
    else:
        cluster.remove(f"/apis/batch/v1/namespaces/ml/jobs/{name}")
    assert not started.wait() and started.get_status() == "KILLED"
    assert cluster.processes[name].poll() is not None


def test_what_is_not_taken_says_why(cluster: Cluster, project: Path) -> None:
    with pytest.raises(ProjectError, match=r"namespace forbidden: jobs\.batch is forbidden"):
        autotrack.run_project(".", "forever", **options(project, namespace="forbidden"))
    (project / "large").write_bytes(os.urandom(1_100_000))
    with pytest.raises(ProjectError, match="bytes when packed"):
        autotrack.run_project(".", "forever", **options(project))
    assert not cluster.processes and cluster.deleted  # the Job went with its files
    with pytest.raises(ProjectError, match="no cluster is known here"):
        autotrack.run_project(".", "forever", **options(project, kubeconfig="/nowhere"))
    with pytest.raises(UsageError, match="a pod cannot record into"):
        autotrack.run_project(".", "forever", backend="kubernetes")


def test_what_kubernetes_is_never_told() -> None:
    evil = ("$(touch pwned)", "a\nb", "", "--x", "a b", "é", "{}", "\0", True, None, [], {"a": 1}, "x" * 2000)
    for name in ("image", "namespace", "cpu", "memory", "gpus", "service_account", "pull_secret", "keep", "poll"):
        for value in evil:
            with pytest.raises(UsageError, match="kubernetes"):
                kubernetes_options.read({name: value}, "team/train")
    for name in ("context", "kubeconfig", "tracking_uri"):
        for value in ("a\nb", "", "\0", None, True, [], "x" * 2000):
            with pytest.raises(UsageError, match="kubernetes"):
                kubernetes_options.read({name: value}, "team/train")
    for value in ("{", "[]", {"a b": "c"}, {"a": "$(x)"}, {"a": 1}, {1: "a"}, {"a": "b\n"}):
        with pytest.raises(UsageError, match="node_selector"):
            kubernetes_options.read({"node_selector": value}, "team/train")
    for name in ("command", "args", "env", "volumes", "privileged", "hostNetwork", "", "image "):
        with pytest.raises(UsageError, match="takes no option"):
            kubernetes_options.read({name: "x"}, "team/train")
    with pytest.raises(UsageError, match="needs an image"):
        kubernetes_options.read({}, None)
    said = kubernetes_options.read({"node_selector": '{"pool": "gpu"}', "gpus": 2, "keep": "60"}, "a/b@sha256:0")
    assert (said.node_selector, said.gpus, said.keep, said.image) == ({"pool": "gpu"}, "2", 60, "a/b@sha256:0")
