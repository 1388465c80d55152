"""``python -m autotrack.cli.launch.cells ORDER``: runs the cells of a notebook one after another, as its kernel did."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import autotrack
from autotrack.cli.launch_tags import give_tags
from autotrack.core.runs.trackers import tracker


def main(order: str) -> None:
    """Runs the cells in an IPython of this process. One that fails keeps none from running that ran after it."""
    said = json.loads(Path(order).read_text("utf-8"))
    sys.argv = [sys.argv[0], "-f", "kernel.json"]  # as a kernel's: what parses no arguments is no program's own
    sys.path.insert(0, "")  # as a kernel's: the notebook's folder
    shell = _shell()
    give_tags(said["tags"])
    tracker().above = said.get("below")
    if said["enable"]:
        autotrack.enable(**said["settings"])
    for cell in said["cells"]:
        shell.run_cell(cell, store_history=True)


def _shell() -> Any:
    """An IPython like a kernel's: ``%matplotlib inline`` and ``%gui`` ask for an event loop, and nobody sits there."""
    from IPython.core.interactiveshell import InteractiveShell

    class Shell(InteractiveShell):
        def enable_gui(self, gui: str | None = None) -> None:
            pass

    return Shell.instance(colors="NoColor")


if __name__ == "__main__":
    main(sys.argv[1])
