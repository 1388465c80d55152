"""What was typed in and stands in no file, cells of a notebook or what ``-c`` was given; and the commands in cells."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from ..gaps import Gap
from ..keys import printable

_QUOTED = r"""(?:'(?P<one>(?:\\.|[^'\\])*)'|"(?P<two>(?:\\.|[^"\\])*)")"""
#: What IPython makes of ``!command``, ``x = !command``, ``!!command`` and ``%sx command``.
_LINES = re.compile(rf"get_ipython\(\)\.(?:system|getoutput|run_line_magic\('(?:sx|system)',) ?\(?{_QUOTED}")
#: Of ``%%bash`` and its like; the cell is the last of what it is called with.
_MAGICS = re.compile(r"get_ipython\(\)\.run_cell_magic\('(bash|sh|script|sx|system|perl|ruby|cmd)',")
#: Of cells that hold others: ``%%capture``, ``%%time``.
_WITHIN = re.compile(r"get_ipython\(\)\.run_cell_magic\('(?:capture|time|timeit|prun)',.*")
_INNER = re.compile(r"(?:, ['\"]|\\n)[ \t]*+(?:\w++ = )?!++((?:\\.|[^\\'\"])+?)(?=\\n|['\"])")
#: Commands whose outcome is known otherwise, or is nothing.
_HARMLESS = ("pip", "pip3", "conda", "mamba", "uv", "echo", "nvidia-smi")
_MOST, _LONGEST = 3, 60


def cells_that_ran() -> list[str] | None:
    """The cells that were run in this IPython, in order, as it understood them; None where it is no IPython."""
    interactive = sys.modules.get("IPython.core.interactiveshell")
    shell = getattr(getattr(interactive, "InteractiveShell", None), "_instance", None)
    cells = getattr(shell, "user_ns", {}).get("In") if shell is not None else None
    return [str(cell) for cell in list(cells)[1:]] if isinstance(cells, list) else None


def typed() -> list[str]:
    """The cells, or what ``-c`` was given."""
    arguments = getattr(sys, "orig_argv", [])
    at = arguments.index("-c") if "-c" in arguments[:-1] else -1
    return cells_that_ran() or ([arguments[at + 1]] if at > 0 else [])


def commands_as_gap(cells: Iterable[str]) -> list[Gap]:
    """One gap that names the commands of a shell in cells; none where there are none."""
    found = list(dict.fromkeys(command for cell in cells for command in _commands(cell)))
    if not found:
        return []
    named = ", ".join(command[:_LONGEST] for command in found[:_MOST])
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    what = f"what commands in cells read and write is not seen: {printable(named)}{more}"
    return [Gap("files", what, "Read and write files in Python")]


def _commands(cell: str) -> Iterator[str]:
    for magic in _MAGICS.finditer(cell):
        yield f"%%{magic[1]}"
    lines = [line["one"] or line["two"] or "" for line in _LINES.finditer(cell)]
    for outer in _WITHIN.finditer(cell):
        lines += [inner[1] for inner in _INNER.finditer(outer[0])]
    for line in lines:
        words = line.split()
        if words and words[0] not in _HARMLESS and "pip" not in words[1:3]:
            yield line.strip()
