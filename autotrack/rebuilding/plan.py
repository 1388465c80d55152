"""What is known of how a run was made, as far as it takes to make it again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autotrack.answers.story import Story
from autotrack.core.gaps import Gap

#: The part of the fresh folder in which files stand as they stood on the machine.
_FILES = "files"
#: Python's options that take their value from the next word.
_VALUED = ("-W", "-X", "--check-hash-based-pycs")


@dataclass(frozen=True, slots=True)
class Plan:
    """How the program of a run was started. Paths are those of the machine it ran on.

    ``options`` are Python's own, ``target`` is the script, or a module (``is_module``), ``arguments`` what follows.
    ``root`` is the folder that the code was captured from, ``folder`` the one that the program was started in.
    """

    story: Story
    code: Mapping[str, Any]
    options: tuple[str, ...]
    target: str
    is_module: bool
    arguments: tuple[str, ...]
    root: str
    folder: str
    #: The cells of a notebook in the order in which they ran; then there is no target.
    cells: tuple[str, ...] = ()
    #: What arguments name outside those folders, files and folders, that the program wrote to.
    outputs: tuple[str, ...] = ()

    def place(self, path: str, fresh: Path) -> Path | None:
        """Where a file of the program's own folders, or that an argument had it write, is in the fresh one; None for a
        file elsewhere."""
        return self.mirrored(path, fresh) if self.owns(path) else None

    def owns(self, path: str) -> bool:
        """Whether a file lies in the program's own folders, or where an argument had it write."""
        return any(_inside(path, folder) for folder in (self.root, self.folder, *self.outputs))

    def mirrored(self, path: str, fresh: Path) -> Path:
        """Where a file stands in the fresh folder: as far from all others as it was, so that relative names lead on."""
        return fresh / _FILES / os.path.normpath(path).lstrip("/")

    def originals(self, fresh: Path) -> dict[str, str]:
        """The fresh folder with what it stands for."""
        return {str(fresh / _FILES): ""}

    def named(self, word: str) -> str:
        """The absolute path that an argument (``rows.csv``, ``--data=../rows.csv``) stands for, if it is one."""
        value = word.partition("=")[2] if word.startswith("-") else word
        return os.path.normpath(os.path.join(self.folder, value))  # noqa: PTH118 - texts of another machine


def plan_of(story: Story, cells: Sequence[str] = ()) -> Plan | Gap:
    """The plan, or why there can be none. ``cells``: those of a notebook that ran (``notebooks`` finds them)."""
    if story.session is None:
        return Gap("session", "nothing is known of the program that made this run", "Record with a current autotrack")
    if story.run.tags.get("autotrack.grid") == "true":
        what = "this run holds those of a grid together, and made nothing itself"
        return Gap("code", what, "Rebuild one of them: `autotrack runs show` lists them")
    code = story.part("code")
    if code is None or code.get("kind") == "none":
        return Gap("code", "the program's code was not captured", "Keep the code in files, and code capture on")
    argv = [str(word) for word in (story.part("arguments") or story.session.data).get("argv") or ()]
    is_notebook = isinstance(code.get("cells"), Mapping)
    if is_notebook and not cells:
        return Gap("code", "this run was made in a notebook whose cells are not at hand", "")
    options, at = _options(argv)
    is_module = at < len(argv) and argv[at] == "-m"
    at += is_module
    if not is_notebook and (at >= len(argv) or argv[at] in ("-c", "-")):
        return Gap("code", "this run was made by a program without a file", "Keep the code in a file")
    folder = str(story.session.data.get("cwd") or "")
    root = str(code.get("root") or folder)
    if not os.path.isabs(folder) or not os.path.isabs(root):  # noqa: PTH117 - texts of another machine
        return Gap("session", "the folder that the program was started in is not known", "")
    if is_notebook:
        return Plan(story, code, (), "", False, (), root, folder, tuple(cells))
    plan = Plan(story, code, tuple(options), argv[at], is_module, tuple(argv[at + 1 :]), root, folder)
    return replace(plan, outputs=_outputs(plan))


def _outputs(plan: Plan) -> tuple[str, ...]:
    """The arguments that name a file which the program wrote outside its folders, or a folder of such files."""
    written = [file.path for file in plan.story.files if file.role == "written"]
    outside = [path for path in written if not (_inside(path, plan.root) or _inside(path, plan.folder))]
    names = dict.fromkeys(plan.named(word) for word in plan.arguments) if outside else {}
    return tuple(name for name in names if name != "/" and any(_inside(path, name) for path in outside))


def _options(argv: list[str]) -> tuple[list[str], int]:
    """Python's own options, and where they end."""
    at = 1
    found: list[str] = []
    while at < len(argv) and argv[at].startswith("-") and argv[at] not in ("-m", "-c", "-"):
        size = 2 if argv[at] in _VALUED else 1
        found += argv[at : at + size]
        at += size
    return found, at


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
