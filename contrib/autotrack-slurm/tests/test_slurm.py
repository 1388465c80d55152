"""Projects as jobs of a real cluster; and what sbatch is never told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from autotrack_slurm.batch import SCRIPT, exit_code
from autotrack_slurm.options import job_name, words_for

import autotrack
from autotrack.plugin import ProjectError, UsageError

PROJECT = {
    "name": "wine $(touch pwned)",
    "entry_points": {
        "main": {"parameters": {"alpha": "float", "said": "string"}, "command": "python train.py {alpha} {said}"},
        "shell": {"parameters": {"said": "string"}, "command": "true && python train.py 1 {said} | cat"},
        "ends": {"parameters": {"how": "string"}, "command": "python ends.py {how}"},
        "forever": {"command": "python forever.py"},
    },
}
TRAIN = """
import json, os, sys
import autotrack
print("trained", sys.argv[1], flush=True)
autotrack.log_metric("rmse", float(sys.argv[1]))
autotrack.log_param("job", os.environ["SLURM_JOB_ID"])
json.dump([os.fsencode(word).hex() for word in sys.argv[1:]], open("argv.json", "w"))
"""
ENDS = """
import os, signal, sys
how = sys.argv[1]
if how == "output":
    for _ in range(20):
        os.write(1, b"x" * 999_999 + b"\\n")
elif how == "code":
    sys.exit(7)
else:
    os.kill(os.getpid(), signal.SIGKILL)
"""
FOREVER = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("started").write_text(str(child.pid))
time.sleep(600)
"""
#: Values that a shell, sbatch's --export or its patterns would read as something else.
VALUES = [
    "$(touch pwned)",
    "`touch pwned`",
    "a,B=c;%j %x\\",
    "'\"\n#SBATCH --wrap=x\n",
    "--wrap=touch pwned",
    "",
    "é\udcff",
]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    folder = tmp_path / "a $(touch pwned) project"
    folder.mkdir()
    (folder / "MLproject").write_text(json.dumps(PROJECT))
    for name, text in (("train", TRAIN), ("ends", ENDS), ("forever", FOREVER)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    return folder


def options(folder: Path, **more: Any) -> dict[str, Any]:
    config = {"folder": str(folder.parent / "100 % $(touch pwned)"), "poll": 0.1, **more}
    return {"backend": "slurm", "backend_config": config, "synchronous": False}


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.usefixtures("cluster")
def test_the_run_is_the_jobs(project: Path) -> None:
    submitted = []
    for at, said in enumerate(VALUES):
        entry, given = ("shell", {"said": said}) if at % 2 else ("main", {"alpha": 0.5, "said": said})
        submitted.append(autotrack.run_project(".", entry, given, **options(project, time=5, mem=100)))
    for started, said in zip(submitted, VALUES, strict=True):
        assert started.wait(), started.standing()
        run = autotrack.get_run(started.run_id)
        assert run.tags["autotrack.project.job"] == run.params["job"] == started.job
        assert (
            run.metrics["rmse"] in (0.5, 1) and run.params["said"] == said.encode("utf-8", "backslashreplace").decode()
        )
        assert "trained" in Path(run.artifact_uri, "project/console.txt").read_text()
    assert not list(project.parent.rglob("pwned*"))
    assert not list((project.parent / "100 % $(touch pwned)").iterdir())  # no file of a job is left behind


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("said", VALUES)
def test_values_arrive_byte_for_byte(project: Path, said: str) -> None:
    assert autotrack.run_project(".", "main", {"alpha": 1, "said": said}, **options(project)).wait()
    assert bytes.fromhex(json.loads((project / "argv.json").read_text())[1]) == os.fsencode(said)


@pytest.mark.usefixtures("cluster")
def test_how_a_job_ends_is_how_its_run_ends(project: Path) -> None:
    cases = (("code", 7, "FAILED"), ("signal", -9, "KILLED"), ("output", 0, "FINISHED"))
    submitted = [autotrack.run_project(".", "ends", {"how": how}, **options(project)) for how, _, _ in cases]
    for started, (how, code, status) in zip(submitted, cases, strict=True):
        started.wait()
        assert (started.exit_code, started.get_status()) == (code, status), how
    kept = Path(submitted[2].run.artifact_uri, "project/console.txt").read_text()
    assert 2 << 20 <= len(kept) < (2 << 20) + 200 and "bytes left out" in kept


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("how", ["cancel", "timeout", "scancel"])
def test_a_job_that_is_ended(project: Path, how: str) -> None:
    started = autotrack.run_project(".", "forever", timeout=600, **options(project))
    deadline = time.monotonic() + 60
    while not ((project / "started").exists() and (project / "started").read_text()):
        assert time.monotonic() < deadline, started.standing()
        time.sleep(0.05)
    assert started.get_status() == "RUNNING" and started.standing().startswith("RUNNING on ")
    if how == "cancel":
        started.cancel()
    elif how == "timeout":
        started.end_after(0.01)
    else:
        subprocess.run(["scancel", started.job], check=True)
    assert not started.wait()
    assert started.get_status() == "KILLED" and is_gone(int((project / "started").read_text()))


@pytest.mark.usefixtures("cluster")
def test_from_the_command_line(project: Path) -> None:
    (project / "slurm.json").write_text(json.dumps({"partition": "cpu", "poll": 0.1}))
    line = [sys.executable, "-m", "autotrack", "run", ".", "-P", "alpha=2", "-P", "said=x", "-b", "slurm"]
    line += ["-B", f"folder={project.parent}/jobs", "--backend-config", "slurm.json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("trained 2\n") and "of slurm: " in done.stderr
    done = subprocess.run([*line, "-B", "partition=nowhere"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 1 and "sbatch did not take wine" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "touch pwned") for name in ("wrap", "output", "error", "export", "chdir", "array", "input", "bcast")),
        *((name, "x") for name in ("uid", "export-file", "get-user-env", "propagate", "wait", "test-only", "job-name")),
        *(("partition", value) for value in ("", "a\nb", "a\0b", "\x1b[31m", True, None, ["a"], {"a": 1}, "x" * 1001)),
        *((name, "1") for name in ("", "-", "partition=a --wrap", "partition\n", "--wrap", "PARTITION")),
        ("exclusive", "$(touch pwned)\n"),
    ],
)
def test_what_sbatch_is_never_told(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match="slurm"):
        words_for({name: value})


def test_an_option_is_one_word() -> None:
    said = {"partition": "a b; $(touch pwned) --wrap=x", "gpus": 2, "exclusive": "true", "requeue": False}
    assert words_for({**said, "folder": "/x", "poll": 1}) == [
        "--partition=a b; $(touch pwned) --wrap=x",
        "--gpus=2",
        "--exclusive",
    ]
    assert job_name("--wrap=$(touch pwned)\n%j") == "wrap-touch-pwned-j" and job_name("\0") == "project"
    assert "{" not in SCRIPT and "%j" not in SCRIPT
    assert [exit_code(said) for said in ("0:0", "7:0", "0:15", "137:0", "", "x")] == [0, 7, -15, -9, None, None]


def test_without_slurm_the_error_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(ProjectError, match="the backend slurm needs sbatch, which is not on the PATH"):
        autotrack.run_project(".", "forever", env="local", **options(project))
    with pytest.raises(UsageError, match="poll must be seconds"):
        autotrack.run_project(".", "forever", env="local", **options(project, poll="$(x)"))
    assert {str(run.status) for run in autotrack.search_runs(max_results=2)} == {"FAILED"}
