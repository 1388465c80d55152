"""``autotrack models verify --on``: a model asked on each platform for what it answered where it was saved."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autotrack.models.exact import decode, encode


def verified(folder: Path, *platforms: str) -> tuple[int, dict[str, Any]]:
    options = [word for name in platforms for word in ("--on", name)]
    command = [sys.executable, "-m", "autotrack", "models", "verify", str(folder), "--trust", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    return done.returncode, json.loads(done.stdout)


def test_a_table_is_answered_alike_over_http(table_model: Any) -> None:
    """Numbers, whole numbers, texts and a column that may be missing."""
    code, found = verified(table_model.folder, "pyfunc", "serve")
    assert {name: each["verdict"] for name, each in found["platforms"].items()} == {"pyfunc": "equal", "serve": "equal"}
    assert code == 0 and found["verified"] is True


def test_another_answer_is_named_with_its_size(array_model: Any, tmp_path: Path) -> None:
    """The kept answer is made another: every platform is off by as much."""
    folder = tmp_path / "model"
    shutil.copytree(array_model.folder, folder)
    (folder / "manifest.json").unlink()  # whoever changes a file makes no manifest for it
    golden = json.loads((folder / "golden.json").read_text())
    golden["answers"]["predict"] = encode(decode(golden["answers"]["predict"]) + 0.25)
    (folder / "golden.json").write_text(json.dumps(golden))
    code, found = verified(folder, "serve", "nowhere")
    assert code == 1 and found["verified"] is False
    assert found["platforms"]["nowhere"]["verdict"] == "failed"
    assert "no plugin asks models on nowhere" in found["platforms"]["nowhere"]["reason"]
    # A server does not even start with a model that answers otherwise.
    assert found["platforms"]["serve"]["verdict"] == "failed" and "differ" in found["platforms"]["serve"]["reason"]


def test_what_docker_said_stands_in_its_lines(
    array_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nprintf 'no daemon\\n\\nis \\033[1mit\\033[0m running?\\n' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    command = [sys.executable, "-m", "autotrack", "models", "verify", str(array_model.folder), "--trust"]
    done = subprocess.run([*command, "--on", "docker"], capture_output=True, text=True, timeout=110)
    assert done.returncode == 1 and done.stdout.splitlines()[-3:] == [
        "docker   failed     docker build failed: no daemon",
        "",
        " " * 20 + "is \\x1b[1mit\\x1b[0m running?",
    ]
