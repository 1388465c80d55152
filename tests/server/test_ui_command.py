"""``autotrack ui``: the pages with one command, of what is named, in the user's browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

import pytest

import autotrack

AUTOTRACK = [sys.executable, "-m", "autotrack"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store with a run, and a browser that writes down what it is to open."""
    code = "import autotrack\nwith autotrack.start_run('first', 'some experiment') as run: run.log_param('a', 1)\n"
    where = {**os.environ, "AUTOTRACK_TRACKING_URI": str(tmp_path / "store")}
    subprocess.run([sys.executable, "-c", code], env=where, check=True, capture_output=True)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/asked.part && mv {tmp_path}/asked.part {tmp_path}/asked\n')
    browser.chmod(0o755)
    return tmp_path


def ui(place: Path, *arguments: str) -> subprocess.Popen[str]:
    where = {**os.environ, "BROWSER": f"{place}/browser %s"}
    command = [*AUTOTRACK, "--store", str(place / "store"), "ui", "--port", "0", *arguments]
    return subprocess.Popen(command, env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("what", "path"),
    [((), "/"), (("some experiment",), "/e/some%20experiment"), (("models:/m@live",), "/models/m/@live")],
)
def test_the_page_of_what_is_named_is_opened(place: Path, what: tuple[str, ...], path: str) -> None:
    process = ui(place, *what)
    assert process.stderr is not None
    said = process.stderr.readline()
    try:
        url = re.search(r"at (http://127\.0\.0\.1:\d+\S*) ", said)
        assert url is not None, said
        asked = place / "asked"
        for _ in range(200):
            if asked.exists():
                break
            with urllib.request.urlopen(urljoin(url[1], "/health"), timeout=10):
                pass
        assert asked.read_text().strip() == url[1]
        assert url[1].endswith(path)
        with urllib.request.urlopen(url[1], timeout=10) as answer:
            assert b'<div id="app">' in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
    assert "Traceback" not in rest


def test_a_run_by_the_beginning_of_its_id_and_what_is_not_there(place: Path) -> None:
    (run,) = autotrack.Client(place / "store").search_runs()
    process = ui(place, run.id[:6], "--no-browser")
    assert process.stderr is not None
    said = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert f"/r/{run.id[:12]} " in said
    assert not (place / "asked").exists()
    process = ui(place, "nothing")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "'nothing' is no experiment, and no run" in said
