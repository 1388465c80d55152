"""Where output goes: a terminal gets colours and a layout that fits, a pipe gets plain text that is never cut."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from autotrack.core.terminal import clean

from .words import pad, width

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text with a style (``"bold"``, ``"green"``, ``"dim"``); it is cleaned when it is printed."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. ``shrink`` marks the one that gives way where the terminal is too narrow."""

    title: str
    right: bool = False
    shrink: bool = False


class Screen:
    """Standard output, as it is at the time of making."""

    def __init__(self) -> None:
        forced = bool(os.environ.get("FORCE_COLOR"))
        self.terminal = forced or sys.stdout.isatty()
        self.width = shutil.get_terminal_size((80, 24)).columns
        self.height = shutil.get_terminal_size((80, 24)).lines
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """Rich's console, imported only where there is a terminal to draw on."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=sys.stdout, width=self.width, highlight=False, force_terminal=True)
        return self._console

    def line(self, *cells: Cell | str) -> None:
        """Prints the cells on one line; on a terminal a line that is too long wraps."""
        parts = [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells]
        if not self.terminal:
            click.echo("".join(clean(part.text) for part in parts).rstrip())
            return
        from rich.text import Text

        text = Text()
        for part in parts:
            text.append(clean(part.text), style=part.style or None)
        self.console.print(text)

    def note(self, text: str) -> None:
        """A remark for a person: dim on a terminal, nothing in a pipe, where only data belongs."""
        if self.terminal:
            for line in text.split("\n"):
                self.line(Cell(line, "dim"))

    def heading(self, text: str) -> None:
        """An empty line and a section's title."""
        self.line("")
        self.line(Cell(text, "bold"))

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], *, indent: int = 0) -> None:
        """Prints a table; a table whose columns have no titles has no head line."""
        cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
        if self.terminal:
            self._rich_table(columns, cells, indent)
        else:
            self._plain_table(columns, cells, indent)

    def _plain_table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], indent: int) -> None:
        lines = [[clean(cell.text) for cell in row] for row in rows]
        if any(column.title for column in columns):
            lines.insert(0, [column.title for column in columns])
        widths = [max((width(line[at]) for line in lines), default=0) for at in range(len(columns))]
        for line in lines:
            fields = (
                pad(text, room, right=column.right) for text, room, column in zip(line, widths, columns, strict=True)
            )
            click.echo(" " * indent + "  ".join(fields).rstrip())

    def _rich_table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], indent: int) -> None:
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
            show_header=any(column.title for column in columns),
            header_style="bold dim",
        )
        for column, room in zip(columns, self._rooms(columns, rows, indent), strict=True):
            table.add_column(
                Text(column.title, no_wrap=True, overflow="ellipsis"),
                justify="right" if column.right else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=room,
            )
        for row in rows:
            table.add_row(*(Text(clean(cell.text), style=cell.style) for cell in row))
        self.console.print(Padding(table, (0, 0, 0, indent), expand=False))

    def _rooms(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], indent: int) -> list[int]:
        """How wide each column is on a terminal: as wide as what it holds, except for one that may shrink."""
        rooms = [
            max([width(column.title), *(width(clean(row[at].text)) for row in rows)])
            for at, column in enumerate(columns)
        ]
        over = indent + sum(rooms) + 2 * (len(rooms) - 1) - self.width
        for at, column in enumerate(columns):
            if column.shrink and over > 0:
                rooms[at] = max(min(rooms[at], 8), rooms[at] - over)
                break
        return rooms
