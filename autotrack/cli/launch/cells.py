"""``python -m autotrack.cli.launch.cells ORDER``: runs the cells of a notebook one after another, as its kernel did."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import autotrack
from autotrack.cli.launch_tags import give_tags
from autotrack.core.runs.trackers import tracker


def main(order: str) -> None:
    """Runs the cells in an IPython of this process. One that fails keeps none from running that ran after it."""
    from IPython.core.interactiveshell import InteractiveShell

    said = json.loads(Path(order).read_text("utf-8"))
    sys.argv = sys.argv[:1]
    sys.path.insert(0, "")  # as a kernel's: the notebook's folder
    shell = InteractiveShell.instance()
    give_tags(said["tags"])
    tracker().above = said.get("below")
    if said["enable"]:
        autotrack.enable(**said["settings"])
    for cell in said["cells"]:
        shell.run_cell(cell, store_history=True)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1])
