"""Runs the program again, in its fresh folder, tracked into the same store."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.answers.relations import AGAIN_TAG
from autotrack.answers.story import Story
from autotrack.core import family
from autotrack.core.launching import launched_with

from .conditions import Interpreter, variables
from .overwriting import guarded
from .plan import Plan

#: The tag of a rebuilt run: the id of the run that it was made from.
TAG = AGAIN_TAG
#: Bytes of a program's output that are looked at, the last.
_END = 1 << 16
#: What runs the cells of a notebook.
_CELLS = "autotrack.cli.launch.cells"


@dataclass(frozen=True, slots=True)
class Finished:
    """How the program ended."""

    code: int
    output: Path

    def last_lines(self, count: int) -> list[str]:
        """The end of what it printed, however much that was."""
        with self.output.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
            return file.read(_END).decode("utf-8", "replace").splitlines()[-count:]


def run_again(
    plan: Plan,
    interpreter: Interpreter,
    uri: str,
    fresh: Path,
    moved: Mapping[str, str],
    token: str,
    tags: Mapping[str, str] | None = None,
    below: str | None = None,
    overwrite: bool = False,
) -> Finished:
    """Runs the program to its end; ``token`` is the value of its runs' tag, ``tags`` are further ones; its top runs are
    children of the run ``below``. Without ``overwrite`` it is refused to write over what it wrote the first time."""
    environment = variables(plan.story)
    environment["AUTOTRACK_TRACKING_URI"] = uri
    streams = _streams(plan.story, fresh)
    if streams is not None:
        environment["_AUTOTRACK_STREAMS"] = str(streams)
    if not overwrite:
        environment |= guarded(plan, fresh)
    folder = plan.mirrored(plan.folder, fresh)
    folder.mkdir(parents=True, exist_ok=True)
    written = {file.path for file in plan.story.files if file.role == "written"}
    for named in plan.outputs:
        there = plan.mirrored(named, fresh)
        (there.parent if named in written else there).mkdir(parents=True, exist_ok=True)
    tags = {TAG: token, **(tags or {})}
    settings = {"experiment": plan.story.run.experiment} if plan.story.run.experiment else {}
    if plan.cells:
        command = [interpreter.python, "-m", _CELLS, _order(plan, settings, tags, below, fresh)]
        if interpreter.behind is not None:
            environment["PYTHONPATH"] = interpreter.behind
    else:
        target = plan.target if plan.is_module else _moved(plan.target, plan, fresh, moved)
        command = [interpreter.python, *plan.options, *(["-m"] if plan.is_module else []), target]
        command += [_moved(word, plan, fresh, moved) for word in plan.arguments]
        environment = launched_with(
            environment,
            folder=str(folder if plan.is_module else (folder / target).parent),
            settings=settings,
            tags=tags,
            behind=interpreter.behind,
            below=below,
        )
    output = fresh / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=family.marked(environment, token),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait()
        finally:
            family.end(process, token)  # what it left behind, too
    return Finished(process.returncode, output)


def _order(plan: Plan, settings: Mapping[str, str], tags: Mapping[str, str], below: str | None, fresh: Path) -> str:
    """The file that tells what runs cells which ones, and how. A notebook that switches autotrack on does so itself, at
    the place where it did."""
    path = fresh / "cells.json"
    enables = not any("enable(" in cell for cell in plan.cells)
    order = {"cells": plan.cells, "settings": dict(settings), "tags": dict(tags), "enable": enables, "below": below}
    path.write_text(json.dumps(order), "utf-8")
    return str(path)


def _moved(word: str, plan: Plan, fresh: Path, moved: Mapping[str, str]) -> str:
    """An argument, with files named where they are now; ``--data=/old/path`` too."""
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    if value.startswith("/"):
        place = plan.place(value, fresh)
        value = moved.get(os.path.normpath(value), str(place) if place is not None else value)
    elif plan.named(word) in plan.outputs:  # wherever so many .. lead from another folder
        value = str(plan.mirrored(plan.named(word), fresh))
    return f"{option}{equals}{value}"


def _streams(story: Story, fresh: Path) -> Path | None:
    """Where the random generators began, for ``core.session.streams``."""
    part = story.part("seeds") or {}
    streams: dict[str, Any] = {}
    content = story.content(part.get("start"))
    if content is not None:
        start = fresh / "random_state"
        start.write_bytes(content)
        streams["start"] = str(start)
    numpy, torch = part.get("numpy"), part.get("torch")
    if isinstance(numpy, Mapping) and isinstance(numpy.get("entropy"), str):
        streams["numpy"] = numpy["entropy"]
    for name in ("unseeded", "drawn"):  # the later one of older runs
        if isinstance(numpy, Mapping) and numpy.get(name):
            streams[name] = numpy[name]
    if isinstance(torch, Mapping) and torch.get("seeded") is None and torch.get("seeds"):
        streams["torch"] = torch["seeds"][0]
    if not streams:
        return None
    path = fresh / "streams.json"
    path.write_text(json.dumps(streams), "utf-8")
    return path
