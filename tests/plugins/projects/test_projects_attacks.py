"""The family ``projects``: nothing of a value, key, name, address or image is run, and values arrive byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from autotrack_projects.commandline import command_line, with_path
from autotrack_projects.containers import container_command, variables_of
from autotrack_projects.grammar import read_project
from autotrack_projects.parameters import values_for
from autotrack_projects.places import opened
from autotrack_projects.repositories import check_out

from autotrack.core.errors import AutotrackError, ProjectError, UsageError
from tests.attacks.runner import Canary, Payload, canary, cases

__all__ = ["canary"]  # a fixture

SHOW = "import json, os, sys; json.dump([os.fsencode(a).hex() for a in sys.argv[1:]], open('argv.json', 'w'))\n"


def a_project(folder: Path, command: str, *, declared: bool = True, **more: Any) -> Path:
    """A project whose entry point has the command; its program writes down what it was given."""
    point: dict[str, Any] = {"command": command, "parameters": {"x": "string"} if declared else {}}
    (folder / "MLproject").write_text(json.dumps({"name": "p", "entry_points": {"main": point}, **more}))
    (folder / "show.py").write_text(SHOW)
    for name in ("go.sh", "own.sh"):
        (folder / name).write_text('#!/bin/sh\nexec python show.py "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def text_of(payload: Payload) -> str:
    return os.fsdecode(payload.input) if isinstance(payload.input, bytes) else payload.input


def run_value(folder: Path, command: str, value: str) -> list[bytes] | None:
    """What the program was given; UsageError where nothing was started."""
    project = read_project(a_project(folder, command, declared="{" in command))
    entry = project.entry_point("main")
    values = values_for(entry.parameters, {"x": value}, entry_point="main", project=folder)
    line = command_line(entry, values)
    environment = with_path(
        {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **line.variables}, str(Path(sys.executable).parent)
    )
    before = {path.name for path in folder.iterdir()} | {"argv.json", "out.txt"}
    subprocess.run(line.argv, cwd=folder, env=environment, check=True, capture_output=True, timeout=30)
    assert {path.name for path in folder.iterdir()} <= before
    return [bytes.fromhex(text) for text in json.loads((folder / "argv.json").read_text())]


@cases("projects")
def test_injections(payload: Payload, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(canary.root)
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(canary.root / "cache" / "environments"))
    kind = payload.more["kind"]
    with canary.untouched():
        if payload.refused:
            with pytest.raises(AutotrackError) as refusal:
                CHECKS[kind](canary.root, payload)
            assert not canary.leaked(str(refusal.value))
        else:
            CHECKS[kind](canary.root, payload)
    assert not list(canary.root.rglob("pwned*"))


def value(folder: Path, payload: Payload) -> None:
    text, command = text_of(payload), payload.more["command"]
    found = run_value(folder, command, text)
    said = os.fsencode(text)
    prefix, suffix = (b"--opt=", b"") if "--opt=" in command else (b'"', b'"') if '\\"{' in command else (b"", b"")
    assert found == ([prefix + said + suffix] if "{" in command else [b"--x", said])


def key(folder: Path, payload: Payload) -> None:
    project = read_project(a_project(folder, "python show.py"))
    values = values_for({}, {payload.input: "1"}, entry_point="main", project=folder)
    assert command_line(project.entry_point("main"), values).argv[-2:] == (f"--{payload.input}", "1")


def entry(folder: Path, payload: Payload) -> None:
    (folder / "link.py").symlink_to(folder.parent / "secret.txt")
    read_project(a_project(folder, "python show.py")).entry_point(payload.input)


def url(folder: Path, payload: Payload) -> None:
    check_out(payload.input, None, folder / "target", folder, print)


def ref(folder: Path, payload: Payload) -> None:
    check_out(f"file://{folder}/nothing.git", payload.input, folder / "target", folder, print)


def subfolder(folder: Path, payload: Payload) -> None:
    project = folder / "project"
    project.mkdir()
    (project / "link").symlink_to(folder.parent)
    with opened(f"{project}#{payload.input}", None, print):
        pass


def docker(folder: Path, payload: Payload) -> None:
    os.environ["--privileged"] = "1"  # noqa: SIM112 - no name of a variable
    tools = folder / "tools"
    tools.mkdir()
    (tools / "docker").write_text("")
    (tools / "docker").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tools))
        found = read_project(a_project(folder, "python show.py", docker_env=payload.input)).docker
        assert found is not None
        variables = variables_of(found)
        words = container_command(found, ("python", "{$(touch pwned)}"), variables, folder, "0" * 32)
    del os.environ["--privileged"]  # noqa: SIM112
    assert words[words.index("--") + 1 :] == ("python:3.11", "python", "{$(touch pwned)}")
    assert words[words.index("--env") : words.index("--env") + 2] == ("--env", "A")  # and no value of it anywhere
    assert variables == {"A": "$(touch pwned)"} and "$(touch pwned)" not in words


CHECKS = {
    "value": value,
    "key": key,
    "entry": entry,
    "url": url,
    "ref": ref,
    "subfolder": subfolder,
    "docker": docker,
}


def test_a_refusal_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"python -c runs what follows; write it so that the value is an argument"):
        run_value(tmp_path, "python -c '{x}'", "1")
    with pytest.raises(ProjectError):
        check_out(f"file://{tmp_path}/nothing.git", "main", tmp_path / "target", tmp_path, print)
