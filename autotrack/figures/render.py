"""A chart as PNG or SVG, through matplotlib's figures alone.

pyplot is not imported: no window, no backend, no current figure and no setting of the user's takes part or changes.
"""

from __future__ import annotations

import io
import logging
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from autotrack.core.errors import ArtifactError, UsageError

from .charts import Document, validate

FORMATS = ("png", "svg")
#: Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design", 2008), darkest first
#: where two series meet most often.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
INK, FAINT = "#333333", "#DDDDDD"
#: Settings that hold while we draw, on top of matplotlib's own defaults (a user's style does not change our pictures).
_STYLE = {
    "font.size": 10.0,
    "font.family": ["sans-serif"],
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 11.0,
    "axes.unicode_minus": False,
    "svg.hashsalt": "autotrack",
    "svg.fonttype": "path",
}
MOST_ROWS = 60
MOST_LABELS = 40
LONGEST_LABEL = 40

_lock = threading.Lock()


def render(document: Document, format: str = "png") -> bytes:
    """The picture's file; the same document gives the same bytes with the same matplotlib.

    UsageError for another format, ArtifactError for a document that is no chart or where matplotlib is not installed.
    """
    if format not in FORMATS:
        raise UsageError(f"a chart is drawn as {' or '.join(FORMATS)}, not as {format!r}")
    validate(document)
    if document["kind"] not in _DRAW:
        raise UsageError("this document holds several charts; draw them one by one (autotrack.figures.several)")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ArtifactError(
            f"drawing a chart needs matplotlib, which cannot be imported ({error}); `pip install matplotlib`"
        ) from error
    with _lock, _own_style():
        figure = Figure(figsize=_size(document), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _DRAW[document["kind"]](axes, document)
        if document.get("title"):
            axes.set_title(_short(document["title"], 90), loc="left", pad=10)
        if document.get("note"):
            figure.supxlabel(_short(document["note"], 140), fontsize=8, color="#666666", ha="left", x=0.01)
        buffer = io.BytesIO()
        metadata = {"Date": None, "Creator": "autotrack"} if format == "svg" else {"Software": "autotrack"}
        figure.savefig(buffer, format=format, metadata=metadata, facecolor="white")
    return buffer.getvalue()


@contextmanager
def _own_style() -> Iterator[None]:
    """matplotlib's defaults with ours on top; the user's settings come back unchanged, and its log keeps quiet.

    (A title in a script that the default font lacks is a debug line of the font manager's, not a warning of ours.)
    """
    import warnings

    import matplotlib

    log = logging.getLogger("matplotlib.font_manager")
    # Past rcParams' own methods: reading "backend" there imports pyplot and chooses one.
    settings: Any = matplotlib.rcParams
    quiet = log.disabled
    before = _raw(settings)
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dict.update(settings, _raw(matplotlib.rcParamsDefault) | _STYLE | {"backend": before["backend"]})
            yield
    finally:
        dict.update(settings, before)
        log.disabled = quiet


def _raw(settings: Any) -> dict[str, Any]:
    return {key: dict.__getitem__(settings, key) for key in dict.keys(settings)}


def _size(document: Document) -> tuple[float, float]:
    kind = document["kind"]
    if kind == "matrix":
        rows, columns = len(document["rows"]), len(document["columns"])
        side = min(12.0, max(4.2, 0.45 * max(rows, columns) + 2.2))
        return min(12.0, side * max(0.6, columns / max(rows, columns)) + 1.0), side
    if kind == "table":
        widths = _table_widths(document)
        return min(16.0, max(4.0, 0.085 * sum(widths) + 0.6)), min(20.0, 0.28 * (_shown_rows(document) + 1) + 0.9)
    if kind == "tree":
        lines = list(_tree_lines(document["root"]))
        longest = max(indent * 3 + len(name) + min(len(detail), 80) for indent, name, detail in lines)
        return min(16.0, max(4.0, 0.09 * longest + 0.8)), min(24.0, 0.3 * len(lines) + 0.9)
    if kind == "bars" and document.get("horizontal"):
        return 7.0, min(16.0, max(2.4, 0.26 * len(document["series"][0]["x"]) + 1.4))
    return 6.4, 4.4


def _lines(axes: Any, document: Document) -> None:
    for at, one in enumerate(document["series"]):
        across, up = _numbers(one["x"]), _numbers(one["y"])
        style = one.get("style", "solid")
        axes.plot(
            across,
            up,
            color=COLOURS[at % len(COLOURS)] if style != "dashed" else "#888888",
            linestyle="--" if style == "dashed" else "-",
            drawstyle="steps-post" if style == "steps" else "default",
            linewidth=1.2 if style == "dashed" else 1.8,
            marker="o" if len(across) == 1 else None,
            label=_label(one),
        )
    _frame(axes, document)


def _points(axes: Any, document: Document) -> None:
    for at, one in enumerate(document["series"]):
        if one.get("style") == "dashed":
            axes.plot(
                _numbers(one["x"]),
                _numbers(one["y"]),
                color="#888888",
                linestyle="--",
                linewidth=1.2,
                label=_label(one),
            )
            continue
        crowded = len(one["x"]) > 500
        axes.scatter(
            _numbers(one["x"]),
            _numbers(one["y"]),
            s=9 if crowded else 20,
            alpha=0.5 if crowded else 0.8,
            linewidths=0,
            color=COLOURS[at % len(COLOURS)],
            label=_label(one),
        )
    _frame(axes, document)


def _bars(axes: Any, document: Document) -> None:
    series = document["series"]
    if len(series) == 1 and len(series[0]["x"]) > 1 and not any(isinstance(place, str) for place in series[0]["x"]):
        _histogram(axes, document)
        return
    names = list(dict.fromkeys(_text(value) for one in series for value in one["x"]))
    place = {name: at for at, name in enumerate(names)}
    room = 0.8 / len(series)
    horizontal = bool(document.get("horizontal"))
    for at, one in enumerate(series):
        middles = [place[_text(value)] - 0.4 + room * (at + 0.5) for value in one["x"]]
        draw, colour = (axes.barh if horizontal else axes.bar), COLOURS[at % len(COLOURS)]
        draw(middles, _numbers(one["y"]), room * 0.94, color=colour, label=_label(one))
    each = max(1, -(-len(names) // MOST_LABELS))
    shown = [_short(name) for name in names[::each]]
    if horizontal:
        axes.set_yticks(range(0, len(names), each), shown)
        axes.invert_yaxis()
    else:
        crowded = sum(len(name) for name in shown) > 60
        axes.set_xticks(
            range(0, len(names), each), shown, rotation=40 if crowded else 0, ha="right" if crowded else "center"
        )
    _frame(axes, document, numbers="x" if horizontal else "y")


def _histogram(axes: Any, document: Document) -> None:
    """Bars at places that are numbers, as wide as the smallest distance between them."""
    places, heights = _numbers(document["series"][0]["x"]), _numbers(document["series"][0]["y"])
    ordered = sorted(place for place in places if math.isfinite(place))
    gaps = [after - before for before, after in pairwise(ordered) if after > before]
    axes.bar(places, heights, min(gaps, default=1.0) * 0.94, color=COLOURS[0], label=_label(document["series"][0]))
    _frame(axes, document)


def _matrix(axes: Any, document: Document) -> None:
    values = [[math.nan if value is None else float(value) for value in row] for row in document["values"]]
    rows, columns = len(values), len(values[0])
    flat = [value for row in values for value in row if math.isfinite(value)]
    high = max(flat, default=0.0)
    axes.imshow(values, cmap="Blues", aspect="auto", vmin=min(0.0, min(flat, default=0.0)), vmax=high or 1.0)
    if rows * columns <= 900:
        digits = all(value == round(value) for value in flat)
        size = 10 if max(rows, columns) <= 10 else 7
        for at, row in enumerate(values):
            for to, value in enumerate(row):
                if math.isfinite(value):
                    text = f"{value:,.0f}" if digits else _number(value)
                    colour = "white" if high and value > 0.6 * high else INK
                    axes.text(to, at, text, ha="center", va="center", color=colour, fontsize=size)
    long = max(len(label) for label in document["columns"]) > 6 or columns > 12
    for ticks, labels, turn in (
        (axes.set_xticks, document["columns"], {"rotation": 40, "ha": "right"} if long else {}),
        (axes.set_yticks, document["rows"], {}),
    ):
        each = max(1, -(-len(labels) // MOST_LABELS))
        ticks(range(0, len(labels), each), [_short(label, 24) for label in labels[::each]], **turn)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    _name_axes(axes, document)


def _table(axes: Any, document: Document) -> None:
    axes.axis("off")
    rows = [[_text(value) for value in row] for row in document["rows"][:MOST_ROWS]]
    if len(document["rows"]) > MOST_ROWS:
        rows.append([f"… {len(document['rows']) - MOST_ROWS:,} more", *[""] * (len(document["columns"]) - 1)])
    widths = _table_widths(document)
    cells = [[_short(text) for text in row] for row in rows] or [[""] * len(widths)]
    table = axes.table(
        cellText=cells,
        colLabels=[_short(name) for name in document["columns"]],
        colWidths=[width / sum(widths) for width in widths],
        cellLoc="left",
        colLoc="left",
        loc="upper center",
        bbox=(0, 0, 1, 1),
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8.5)
    for (row, _), cell in table.get_celld().items():
        cell.set_edgecolor(FAINT)
        cell.visible_edges = "B"
        if row == 0:
            cell.set_text_props(weight="bold")


def _tree(axes: Any, document: Document) -> None:
    axes.axis("off")
    lines = list(_tree_lines(document["root"]))
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    longest = max(indent * 3 + len(name) + min(len(detail), 80) for indent, name, detail in lines)
    last_at: dict[int, int] = {}
    step = 3 / (longest + 4)
    for at, (indent, name, detail) in enumerate(lines):
        left = indent * step
        if indent:
            elbow = left - step * 0.55
            axes.plot(
                [elbow, elbow, left - step * 0.1], [last_at[indent - 1] + 0.3, at, at], color="#999999", linewidth=1
            )
        last_at[indent] = at
        text = axes.text(left, at, _short(name, 60), va="center", weight="bold")
        if detail:
            axes.annotate(
                _short(detail, 80),
                (1, 0.5),
                xycoords=text,
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color="#555555",
            )


def _tree_lines(node: Mapping[str, Any], indent: int = 0) -> Iterator[tuple[int, str, str]]:
    yield indent, node["name"], node.get("detail", "")
    for child in node.get("children", []):
        yield from _tree_lines(child, indent + 1)


def _shown_rows(document: Document) -> int:
    return min(len(document["rows"]), MOST_ROWS + 1)


def _table_widths(document: Document) -> list[int]:
    rows = document["rows"][:MOST_ROWS]
    return [
        2 + min(LONGEST_LABEL, max([len(name), *(len(_text(row[at])) for row in rows)]))
        for at, name in enumerate(document["columns"])
    ]


def _frame(axes: Any, document: Document, numbers: str = "xy") -> None:
    """Axes, a grid behind, and a legend where there are names."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(True, color=FAINT, linewidth=0.8, axis="both" if numbers == "xy" else numbers)
    for name in numbers:
        axis = document.get(name, {})
        if axis.get("scale") == "log":
            from matplotlib.ticker import FuncFormatter, NullFormatter

            getattr(axes, f"set_{name}scale")("log")
            along = getattr(axes, f"{name}axis")
            along.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
            along.set_minor_formatter(NullFormatter())
        if axis.get("range"):
            low, high = axis["range"]
            room = (high - low) * 0.02
            getattr(axes, f"set_{name}lim")(low - room, high + room)
    _name_axes(axes, document)
    names = [one.get("name") for one in document["series"]]
    if any(names):
        many = sum(bool(name) for name in names) > 6
        axes.legend(
            frameon=False, fontsize=8.5, **({"loc": "center left", "bbox_to_anchor": (1.01, 0.5)} if many else {})
        )


def _name_axes(axes: Any, document: Document) -> None:
    axes.set_xlabel(_short(document.get("x", {}).get("label", ""), 80))
    axes.set_ylabel(_short(document.get("y", {}).get("label", ""), 80))


def _label(series: Mapping[str, Any]) -> str | None:
    return _short(series["name"]) if series.get("name") else None


def _numbers(values: list[Any]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _number(value) if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)


def _number(value: float) -> str:
    """A number in four digits: nobody reads more from a picture."""
    return f"{value:.4g}" if value == 0 or 1e-4 <= abs(value) < 1e6 else f"{value:.2e}"


def _short(text: str, most: int = LONGEST_LABEL) -> str:
    """One line of printable text."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= most else text[: most - 1] + "…"


_DRAW = {"lines": _lines, "points": _points, "bars": _bars, "matrix": _matrix, "table": _table, "tree": _tree}
