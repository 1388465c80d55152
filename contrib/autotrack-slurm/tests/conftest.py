"""A real Slurm cluster of one node, in a temporary folder."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NEEDED = ("sbatch", "scancel", "slurmctld", "slurmd", "munged")
CONFIGURATION = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge
SlurmctldPort={first}
SlurmdPort={second}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=sched_interval=1
ReturnToService=2
KillWait=5
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=500 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES State=UP
"""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cluster's folder; ``SLURM_CONF`` points at it. Skips where Slurm is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"Slurm is not here (no {', '.join(missing)}): apt-get install slurmctld slurmd slurm-client munge")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o600)
    first, second = _ports()
    said = CONFIGURATION.format(
        host=socket.gethostname().partition(".")[0],
        user=getpass.getuser(),
        folder=folder,
        first=first,
        second=second,
        cpus=os.cpu_count(),
    )
    (folder / "slurm.conf").write_text(said)
    munge = [
        *("munged", "--foreground", "--force", f"--key-file={folder}/key", f"--socket={folder}/munge"),
        *(f"--pid-file={folder}/pid", f"--log-file={folder}/log", f"--seed-file={folder}/seed"),
    ]
    former = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    started = []
    environment = {**os.environ, "PATH": path}
    try:
        for words in (munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D"]):
            started.append(
                subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            if words is munge:
                _until(lambda: (folder / "munge").exists())
        _until(lambda: "idle" in subprocess.run(["sinfo"], capture_output=True, text=True).stdout)
        yield folder
    finally:
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
        os.environ.pop("SLURM_CONF") if former is None else os.environ.__setitem__("SLURM_CONF", former)


def _ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _until(true: object) -> None:
    deadline = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, "the cluster did not start"
        time.sleep(0.05)
