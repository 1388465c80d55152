"""Every benchmark runs, at a hundredth of its size, and measures what it says. How fast things are is not looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import SUBJECTS

ROOT = Path(__file__).resolve().parents[2]
#: How many promises each subject measures.
PROMISES = {
    "enabling": 2,
    "captured_fit": 4,
    "fingerprints": 7,
    "xgboost_rounds": 3,
    "server_writes": 4,
    "page_data": 4,
    "serving": 6,
}
THREE = ("server_idle", "importing", "log_metric", "kills", "small_fit", "model_folder")
TWO = (
    "server_search",
    "server_lost",
    "server_load",
    "audit_hook",
    "grid_search",
    "quiet_call",
    "loop_of_fits",
    "search",
    "summary_writer",
)


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject(subject: str) -> None:
    command = [sys.executable, "-m", "tests.bench", subject, "--quick", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    document = json.loads(done.stdout)
    assert document["failed"] == {}, document["failed"]
    assert done.returncode == 0
    assert len(document["rows"]) == PROMISES.get(subject, 3 if subject in THREE else 2 if subject in TWO else 1)
    if subject == "kills":
        assert [row["value"] for row in document["rows"]] == [0, 0, 0]
