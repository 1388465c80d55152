"""A program that is started with AUTOTRACK_RUN records into the run that somebody else has opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from autotrack.core.errors import UsageError
from autotrack.plugin import hand_over

LAUNCHED = """
import argparse
from sklearn.linear_model import LinearRegression
LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
print(parser.parse_args())
if {fails}:
    raise SystemExit(7)
"""
WRITTEN = """
import os, subprocess, sys
import autotrack
autotrack.log_metric("first", 1)
with autotrack.start_run("mine", tags={"a": "b"}) as run:
    run.log_metric("loss", 2)
    with autotrack.start_run("inside"):
        pass
with autotrack.start_run("later"):
    pass
subprocess.run([sys.executable, "-c", "import autotrack; autotrack.start_run('apart').finish()"], check=True)
"""


def started(run: autotrack.Run, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **hand_over(run)}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("fails", [False, True])
def test_a_launched_program_joins_with_what_it_trains(store: Path, tmp_path: Path, fails: bool) -> None:
    script = tmp_path / "train.py"
    script.write_text(LAUNCHED.replace("{fails}", str(fails)))
    with autotrack.start_run("handed", experiment="here") as run:
        run.log_param("given", "by the first")
        done = started(run, "-m", "autotrack", "run", str(script), "--lr", "0.5")
        assert done.returncode == (7 if fails else 0), done.stderr
        run.finish("FAILED" if fails else "FINISHED")
    (found,) = autotrack.search_runs()
    assert (found.id, found.name, found.experiment) == (run.id, "handed", "here")
    assert found.status == ("FAILED" if fails else "FINISHED")
    assert found.params["given"] == "by the first" and found.params["fit_intercept"] == "True"
    assert found.params["args.lr"] == "0.5"
    session = found._sink_of().session(found._view().session)
    assert session.data["entry"] == str(script)  # the program's, not that of who started it
    assert "Namespace(lr=0.5)" in "".join(text for _, _, text in found._sink_of().console(session.id))


def test_a_program_that_was_written_for_autotrack(store: Path) -> None:
    with autotrack.start_run("handed", tags={"by": "us"}) as run:
        done = started(run, "-c", WRITTEN)
        assert done.returncode == 0, done.stderr
    runs = {found.name: found for found in autotrack.search_runs()}
    assert sorted(runs) == ["apart", "inside", "later", "mine"]
    assert runs["mine"].id == run.id and dict(runs["mine"].metrics) == {"first": 1, "loss": 2}
    assert {"a": "b", "by": "us"}.items() <= dict(runs["mine"].tags).items()
    assert runs["inside"].parent.id == runs["later"].parent.id == run.id and runs["apart"].parent is None


def test_what_names_no_run_costs_a_warning(store: Path) -> None:
    code = "import autotrack; autotrack.start_run('own').finish()"
    environment = {**os.environ, "AUTOTRACK_RUN": "../../etc/passwd"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "is no run's id" in done.stderr and done.stderr.count("autotrack:") == 1
    with pytest.raises(UsageError, match="does not record it"):
        hand_over(autotrack.last_run())
