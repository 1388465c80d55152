"""A chart in the terminal: curves of dots, bars, tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .plot import Series, draw
from .screen import Cell, Column, Screen

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red")
#: Rows of a table and bars that are shown; the rest is counted.
MOST_ROWS = 60
BAR = 40


def print_chart(screen: Screen, document: Mapping[str, Any]) -> None:
    """Prints any chart that ``autotrack.figures.validate`` lets pass."""
    if document.get("title"):
        screen.line(Cell(document["title"], "bold"))
    {
        "lines": _curves,
        "points": _curves,
        "bars": _bars,
        "matrix": _matrix,
        "table": _table,
        "tree": _tree,
    }[document["kind"]](screen, document)
    if document.get("note"):
        screen.line(Cell(document["note"], "dim"))


def _curves(screen: Screen, document: Mapping[str, Any]) -> None:
    series = [
        Series(one.get("name") or label(document, "y"), _array(one["x"]), _array(one["y"]))
        for one in document["series"]
        if document["kind"] == "lines" or one.get("style") != "dashed"
    ]
    lines = draw(
        series,
        width=min(screen.width, 120) if screen.terminal else 100,
        height=16,
        unit=label(document, "x"),
        dots=screen.terminal or len(series) == 1,
    )
    for line in lines:
        screen.line(*(Cell(text, "" if which is None else _COLOURS[which % len(_COLOURS)]) for text, which in line))


def _bars(screen: Screen, document: Mapping[str, Any]) -> None:
    series = document["series"]
    values = [value for one in series for value in one["y"] if value is not None]
    most = max((abs(value) for value in values), default=0) or 1
    rows: list[list[Cell | str]] = []
    for at, one in enumerate(series):
        for place, value in zip(one["x"], one["y"], strict=True):
            bar = (
                ""
                if value is None
                else ("━" if value >= 0 else "╌") * max(1 if value else 0, round(BAR * abs(value) / most))
            )
            name = f"{one['name']}: {_text(place)}" if one.get("name") else _text(place)
            rows.append([name, _text(value), Cell(bar, _COLOURS[at % len(_COLOURS)])])
    screen.table([Column(""), Column("", right=True), Column("")], rows[:MOST_ROWS])
    _more(screen, len(rows))


def _matrix(screen: Screen, document: Mapping[str, Any]) -> None:
    if label(document, "y") and label(document, "x"):
        screen.line(Cell(f"rows: {label(document, 'y')}, columns: {label(document, 'x')}", "dim"))
    columns = [Column(""), *(Column(name, right=True) for name in document["columns"])]
    rows: list[list[Cell | str]] = [
        [Cell(name, "bold"), *(_text(value) for value in row)]
        for name, row in zip(document["rows"], document["values"], strict=True)
    ]
    screen.table(columns, rows[:MOST_ROWS])
    _more(screen, len(rows))


def _table(screen: Screen, document: Mapping[str, Any]) -> None:
    rows = document["rows"]
    numeric = [all(row[at] is None or _is_number(row[at]) for row in rows) for at in range(len(document["columns"]))]
    columns = [Column(name, right=right) for name, right in zip(document["columns"], numeric, strict=True)]
    screen.table(columns, [[_text(value) for value in row] for row in rows[:MOST_ROWS]])
    _more(screen, len(rows))


def _tree(screen: Screen, document: Mapping[str, Any]) -> None:
    waiting = [(document["root"], 0)]
    while waiting:
        node, depth = waiting.pop()
        screen.line("  " * depth, Cell(node["name"], "bold"), Cell(f"  {node.get('detail', '')}", "dim"))
        waiting += [(child, depth + 1) for child in reversed(node.get("children", []))]


def label(document: Mapping[str, Any], axis: str) -> str:
    """What is written at an axis, empty where nothing is."""
    return str(document.get(axis, {}).get("label", ""))


def _more(screen: Screen, count: int) -> None:
    if count > MOST_ROWS:
        screen.line(Cell(f"… {count - MOST_ROWS:,} more", "dim"))


def _array(values: list[Any]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if _is_number(value) else str(value)
