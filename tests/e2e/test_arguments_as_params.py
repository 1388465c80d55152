"""What a program was told on its command line stands among the params of its runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import autotrack

PROGRAM = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--password", default="")
parser.add_argument("--layers", type=int, nargs="*", default=[2])
options = parser.parse_args()
import autotrack
with autotrack.start_run("outer") as outer:
    autotrack.log_param("lr", options.lr)
    autotrack.start_run("inner", parent=outer).finish()
"""


def test_argparse(store: Path, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    command = [sys.executable, "-m", "autotrack", "run", str(script), "--lr", "0.5", "--password", "hunter2hunter2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    outer, inner = sorted(autotrack.search_runs(), key=lambda run: run.name, reverse=True)
    assert outer.params == {"args.lr": "0.5", "args.password": "***", "args.layers": "[2]", "lr": "0.5"}
    assert inner.params == {}
    assert not any(b"hunter2" in path.read_bytes() for path in store.rglob("*") if path.is_file())
