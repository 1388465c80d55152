"""One run, several processes: it stands as the last of them has said, whichever journal is delivered first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autotrack.store.store import Store

CHILD = "import pickle, sys; pickle.loads(bytes.fromhex(sys.argv[1])).finish('FAILED')"

#: Starts a run, has it finished by a child that gets it pickled, and ends in the way that is asked for.
PARENT = f"""
import os, pickle, signal, subprocess, sys
import autotrack
run = autotrack.start_run("shared", experiment="both")
run.log_param("lr", 0.1)
subprocess.run([sys.executable, "-c", {CHILD!r}, pickle.dumps(run).hex()], check=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "goes on":
    run.log_metric("loss", 0.5)
    run.finish()
if sys.argv[1] == "leaves it":
    os._exit(0)
"""


@pytest.mark.parametrize("first", ["child", "parent", "by age"])
@pytest.mark.parametrize(("how", "status"), [("killed", "FAILED"), ("leaves it", "FAILED"), ("goes on", "FINISHED")])
def test_a_run_that_a_child_finished(tmp_path: Path, how: str, status: str, first: str) -> None:
    root = tmp_path / "store"
    environment = {**os.environ, "AUTOTRACK_TRACKING_URI": str(root)}
    done = subprocess.run([sys.executable, "-c", PARENT, how], env=environment, capture_output=True, text=True)
    assert done.returncode == (-signal.SIGKILL if how == "killed" else 0), done.stderr
    journals = sorted((root / "journal").glob("*.atj"), key=lambda path: b'"run_start"' in path.read_bytes())
    assert len(journals) == 2  # the child's, and the parent's
    store = Store.open(root)
    if first != "by age":
        aside = journals[1] if first == "child" else journals[0]
        aside.rename(tmp_path / aside.name)
        store.deliver(root / "journal")
        (tmp_path / aside.name).rename(aside)
    (run,) = store.runs()
    assert (str(run.status), run.name, run.experiment, run.params) == (status, "shared", "both", {"lr": "0.1"})
    assert not list((root / "journal").glob("*.atj"))
    store.close()
