"""``autotrack report``: what the file holds, from a folder and from a server."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autotrack
from tests.server.server_process import ServerProcess, clean_environment

HELD = re.compile(r'<script type="application/octet-stream" id="held">([^<]*)</script>')
PROGRAM = """
import autotrack
for name, rate in (("first", 0.1), ("second", 0.2)):
    with autotrack.start_run(name, "trial") as run:
        run.log_param("rate", rate)
        for step in range(5000):
            run.log_metric("loss, `mean`", 99.0 if step == 1234 else rate / (step + 1), step=step)
        run.log_text("x" * 50_000, "large/file.txt")
        run.log_text("small", "small.txt")
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server, and in its store two runs."""
    base = tmp_path_factory.mktemp("report")
    where = clean_environment() | {"AUTOTRACK_TRACKING_URI": str(base / "store")}
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=base, env=where, check=True, capture_output=True, timeout=60)
    server = ServerProcess(base, store=base / "store", environment=clean_environment())
    yield server
    server.close()


def report(folder: Path, store: object, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotrack", "--store", str(store), "report", *arguments]
    return subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=60)


def held(file: Path) -> dict[str, Any]:
    """What a report holds."""
    found = HELD.search(file.read_text())
    assert found is not None
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


def test_a_report_of_a_folder_and_of_its_server_are_the_same(served: ServerProcess, tmp_path: Path) -> None:
    ids = [run.id for run in autotrack.Client(served.store).search_runs()]
    assert report(tmp_path, served.store, *ids, "-o", "folder.html").returncode == 0
    assert report(tmp_path, served.url, ids[0][:8], ids[1], "-o", "server.html").returncode == 0
    one, other = (held(tmp_path / name) for name in ("folder.html", "server.html"))
    assert one.pop("made") <= other.pop("made")
    assert one == other
    assert [run["id"] for run in one["runs"]] == ids
    small = one["files"][f"/runs/{ids[0]}/artifacts/small.txt"]
    assert base64.b64decode(small["data"]) == b"small"
    spike = base64.b64decode(next(each["data"] for each in one["curves"] if each["x"] == "step"))
    told = json.loads(spike[4 : 4 + int.from_bytes(spike[:4], "little")])["series"]
    assert [(line["key"], line["total"], line["max"]) for line in told] == [("loss, `mean`", 5000, 99.0)] * 2


def test_what_is_too_large_is_left_out_and_said(served: ServerProcess, tmp_path: Path) -> None:
    run = autotrack.Client(served.store).search_runs()[0].id
    done = report(tmp_path, served.store, run[:8], "--files", "0.01", "--title", "a <b> & c")
    assert done.returncode == 0, done.stderr
    assert "1 files (0.1 MB) are not in it" in done.stderr
    found = held(tmp_path / "report.html")
    assert found["left"] == {f"/runs/{run}/artifacts/large/file.txt": 50_000}
    assert "<title>a &lt;b&gt; &amp; c</title>" in (tmp_path / "report.html").read_text()


def test_nothing_is_written_of_a_run_that_is_not_there(served: ServerProcess, tmp_path: Path) -> None:
    for store in (served.store, served.url):
        done = report(tmp_path, store, "ffffffff")
        assert done.returncode == 1
        assert "ffffffff" in done.stderr
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_report_reaches_nothing_but_itself(served: ServerProcess, tmp_path: Path) -> None:
    run = autotrack.Client(served.store).search_runs()[0].id
    assert report(tmp_path, served.store, run).returncode == 0
    text = (tmp_path / "report.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "connect-src 'none'" in policy[1]
    assert "unsafe-inline" not in policy[1].split("script-src")[1].split(";")[0]
    modules = re.search(r'<script type="importmap">(.*?)</script>', text)
    assert modules is not None
    found = json.loads(modules[1])["imports"]
    for name, url in found.items():
        source = base64.b64decode(url.partition("base64,")[2]).decode()
        asked = set(re.findall(r"""(?:\bfrom |\bimport |=> import\()'([^']+)'""", source))
        assert asked <= set(found), name
