"""Files of a demonstration run: a plot, a page, a log, tables. Plots need no library: a PNG is a few numbers."""

from __future__ import annotations

import html
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import autotrack

#: Dark blue to yellow: the ends and the middle of a scale that prints and that everybody can read.
_LOW, _HIGH = (24, 44, 92), (246, 214, 92)


def files(run: autotrack.Run, truth: Any, found: Any, inputs: Sequence[str], model: Any) -> None:
    """Logs a confusion matrix as PNG, CSV, JSON and HTML, weights of the inputs, and a short log."""
    matrix = [[int(((truth == row) & (found == column)).sum()) for column in (0, 1)] for row in (0, 1)]
    run.log_dict({"labels": ["stayed", "left"], "matrix": matrix}, "plots/confusion.json")
    run.log_text(
        f"truth,stayed,left\nstayed,{matrix[0][0]},{matrix[0][1]}\nleft,{matrix[1][0]},{matrix[1][1]}\n",
        "plots/confusion.csv",
    )
    _log_bytes(run, confusion(matrix), "plots/confusion.png")
    weights = getattr(model, "feature_importances_", None)
    weights = abs(model.coef_[0]) if weights is None else weights
    run.log_text(_page(dict(zip(inputs, map(float, weights), strict=True))), "plots/inputs.html")
    lines = [f"epoch {number:3d}  loss {1 / (number + 1):.4f}" for number in range(400)]
    run.log_text("\n".join(lines) + "\n", "train.log")
    run.log_text("# Who leaves?\n\nTrained on **1,000** customers, checked on *500* others.\n", "notes.md")
    run.log_text(_notebook(), "notebook.html")


def confusion(matrix: Sequence[Sequence[int]], cell: int = 120) -> bytes:
    """A matrix as a PNG (https://www.w3.org/TR/png-3/): one square a number, the brighter the more."""
    most = max(max(row) for row in matrix) or 1
    lines = []
    for row in matrix:
        line = b"\0"
        for value in row:
            share = value / most
            colour = bytes(round(low + (high - low) * share) for low, high in zip(_LOW, _HIGH, strict=True))
            line += colour * (cell - 2) + b"\xff\xff\xff" * 2
        lines += [line] * (cell - 2) + [b"\0" + b"\xff\xff\xff" * (cell * len(row))] * 2
    width, height = cell * len(matrix[0]), cell * len(matrix)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _log_bytes(run: autotrack.Run, content: bytes, path: str) -> None:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as place:
        file = Path(place) / "file"
        file.write_bytes(content)
        run.log_artifact(file, path)


def _page(weights: dict[str, float]) -> str:
    most = max(weights.values()) or 1
    bars = "".join(
        f"<tr><td>{html.escape(name)}</td><td><div style='width:{300 * value / most:.0f}px'></div></td></tr>"
        for name, value in sorted(weights.items(), key=lambda item: -item[1])
    )
    style = "body{font:14px sans-serif}td{padding:4px 8px}div{height:12px;background:#3b76c4}"
    return f"<!doctype html><title>Inputs</title><style>{style}</style><h1>What counts</h1><table>{bars}</table>"


def _notebook() -> str:
    cells = (("In [1]", "model.score(test, truth)"), ("Out [1]", json.dumps(0.87)))
    body = "".join(f"<pre><b>{html.escape(mark)}:</b> {html.escape(text)}</pre>" for mark, text in cells)
    return f"<!doctype html><title>churn</title><h1>churn.ipynb</h1>{body}"
