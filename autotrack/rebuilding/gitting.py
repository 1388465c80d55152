"""git as a rebuild uses it: for one commit in a folder of its own, with nothing that a repository could have run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: No hook, filter or helper of a repository's own runs; nothing is fetched by a protocol that is not allowed by name.
_SAFE = (
    "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never",
    "-c", "protocol.file.allow=always", "-c", "core.autocrlf=false", "-c", "advice.detachedHead=false",
    "-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false", "-c", "core.symlinks=true",
)  # fmt: skip
_SECONDS = 600.0


def run_git(folder: Path, *arguments: str, given: bytes | None = None, protocols: Sequence[str] = ()) -> str:
    """What git complains of; empty where it did what it was told. ``protocols`` may be fetched by, besides files."""
    allowed = [part for name in protocols for part in ("-c", f"protocol.{name}.allow=always")]
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1", "GIT_LFS_SKIP_SMUDGE": "1"}
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)  # what lies above is another repository
    if protocols:  # how a user reaches his servers is his own; nobody is there to be asked for a password
        environment["GIT_SSH_COMMAND"] = os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    try:
        done = subprocess.run(
            ["git", *_SAFE, *allowed, *arguments],
            cwd=folder,
            env=environment,
            input=given if given is not None else b"",
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)[:300]
    said = done.stderr.decode("utf-8", "replace").strip()
    return "" if done.returncode == 0 else (said or f"git ended with {done.returncode}")[:300]
