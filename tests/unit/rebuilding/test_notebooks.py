"""Which cells made a run, by the notebook that is kept with it."""

from __future__ import annotations

import json
from typing import Any

from autotrack.rebuilding.notebooks import _ran


def cell(source: Any, number: int | None, ran: str = "ok", kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "execution_count": number, "metadata": {"autotrack": {"ran": ran}}}


def test_the_history_of_a_kernel_comes_before_what_its_cells_became() -> None:
    """A cell that was changed and run again made the earlier run with what it was."""
    cells = [cell("fit(0.5)", 3)]
    kept = {"cells": cells, "metadata": {"autotrack": {"history": ["load()", "fit(0.1)", "fit(0.5)"]}}}
    assert _ran(json.dumps(kept).encode()) == ["load()", "fit(0.1)", "fit(0.5)"]


def test_without_one_cells_count_in_the_order_in_which_they_ran() -> None:
    """Of a notebook that was kept before there was a history: nothing that ran in another kernel."""
    cells = [
        cell("third()", 3),
        cell(["first(\n", ")"], 1),
        cell("of another kernel", 2, "not in this kernel"),
        cell("never ran", None),
        cell("a text", 4, kind="markdown"),
    ]
    assert _ran(json.dumps({"cells": cells, "metadata": {}}).encode()) == ["first(\n)", "third()"]
