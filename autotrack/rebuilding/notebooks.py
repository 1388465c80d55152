"""The cells of a notebook that made a run, in the order in which they ran."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.answers.story import LARGEST, Story
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt

from .plan import Plan, plan_of

if TYPE_CHECKING:
    from autotrack.core.sink import Sink

#: The artifact that the notebook plugin keeps with each run: the whole notebook as it ran.
_FILE = "notebook.ipynb"


def plan_in(sink: Sink, story: Story) -> Plan | Gap:
    """How the program of a run was started, or its notebook ran; why that is not known."""
    return plan_of(story, cells_of(sink, story))


def cells_of(sink: Sink, story: Story) -> list[str]:
    """Sources of the cells that ran; empty where the run was made in no notebook.

    The notebook that is kept with the run has all of them; the session has those that ran before its first run began.
    """
    typed = (story.part("code") or {}).get("cells")
    if not isinstance(typed, Mapping):
        return []
    kept = any(file.path == _FILE and file.size <= LARGEST for file in story.run.artifacts)
    opened, _ = attempt(sink.artifacts.open, story.run.files, _FILE) if kept else (None, None)
    if opened is not None:
        with opened:
            found, _ = attempt(_ran, opened.read())
        if found:
            return found
    content = story.content(typed.get("sha256"))
    sources, _ = attempt(json.loads, content) if content is not None else (None, None)
    return [str(source) for source in sources] if isinstance(sources, list) else []


def _ran(content: bytes) -> list[str]:
    notebook = json.loads(content)
    history = _ours(notebook).get("history")
    if isinstance(history, list) and history:
        return [str(source) for source in history]
    numbered = [
        (int(cell["execution_count"]), _source(cell))
        for cell in notebook["cells"]
        if cell.get("cell_type") == "code"
        and cell.get("execution_count") is not None
        and _ours(cell).get("ran") != "not in this kernel"
    ]
    return [source for _, source in sorted(numbered, key=lambda each: each[0])]


def _ours(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the notebook plugin wrote into the metadata of a notebook or of a cell."""
    found = (part.get("metadata") or {}).get("autotrack")
    return found if isinstance(found, Mapping) else {}


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
