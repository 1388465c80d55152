"""The variables with which a Python program starts tracked, unedited: our ``sitecustomize`` is first on its path."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from .errors import UsageError

#: Where that ``sitecustomize`` is (autotrack/cli/launch).
INJECTED = Path(__file__).resolve().parents[1] / "cli" / "launch"


def launched_with(
    environment: Mapping[str, str],
    *,
    folder: str,
    settings: Mapping[str, object] | None = None,
    tags: Mapping[str, str] | None = None,
    behind: str | None = None,
    below: str | None = None,
    by_lines: bool = False,
) -> dict[str, str]:
    """These variables, and those that switch autotrack on in the next Python started with them.

    ``folder`` is where the program's modules are; ``settings`` are for ``enable()``, ``tags`` for every run. ``behind``
    is a folder with autotrack, put last on the path: for a Python that has none. ``below`` is the run that the top runs
    of the program are children of. ``by_lines``: it writes each line as it comes, as into a terminal, though its output
    goes through a pipe. UsageError where PYTHONPATH cannot say it.
    """
    injected = str(INJECTED)
    if os.pathsep in injected:
        raise UsageError(
            f"cannot track a program from {injected}: PYTHONPATH cannot name a folder with {os.pathsep!r} in it; "
            "call autotrack.enable() in the program"
        )
    former = environment.get("PYTHONPATH")
    order = {"settings": dict(settings or {}), "tags": dict(tags or {}), "folder": folder, "pythonpath": former}
    if behind is not None:
        order["behind"] = behind
    if below is not None:
        order["below"] = below
    if by_lines:
        order["by_lines"] = True
    # An empty PYTHONPATH is none at all, but an empty entry in it means the working directory.
    path = injected + os.pathsep + former if former else injected
    return {**environment, "PYTHONPATH": path, "AUTOTRACK_LAUNCH": json.dumps(order)}
