"""A notebook as one HTML page that needs nothing else: no script, no network, no file beside it.

What cells hold may be hostile. Text is escaped; HTML of outputs stands in frames that the browser gives no rights
(``sandbox``) and that inherit the page's Content-Security-Policy, which allows pictures and styles inside the page and
nothing else.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from .ansi import coloured

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_ROW = re.compile(r"<(?:tr|p|li|h\d|br)\b", re.IGNORECASE)
_STYLE = """
:root{--page:#fff;--ink:#1b1f24;--dim:#6a737d;--line:#d8dee4;--box:#f6f8fa;--bad:#fff1f0;
--c0:#24292f;--c1:#cf222e;--c2:#116329;--c3:#7d4e00;--c4:#0969da;--c5:#8250df;--c6:#1b7c83;--c7:#6e7781;
--c8:#57606a;--c9:#a40e26;--c10:#1a7f37;--c11:#633c01;--c12:#218bff;--c13:#a475f9;--c14:#3192aa;--c15:#8c959f}
@media (prefers-color-scheme:dark){
:root{--page:#0d1117;--ink:#e6edf3;--dim:#8b949e;--line:#30363d;--box:#161b22;--bad:#2b1618;
--c0:#8b949e;--c1:#ff7b72;--c2:#3fb950;--c3:#d29922;--c4:#58a6ff;--c5:#bc8cff;--c6:#39c5cf;--c7:#b1bac4}}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:62rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
header{color:var(--dim);border-bottom:1px solid var(--line);margin-bottom:1.5rem;font-size:.85rem}
section{margin:0 0 1.2rem}
section.code{display:grid;grid-template-columns:4rem minmax(0,1fr);column-gap:.6rem}
.number{color:var(--dim);font:.8rem/1.9 ui-monospace,monospace;text-align:right}
.about{color:var(--dim);font-size:.75rem;margin:.15rem 0}
pre{margin:0;font:.85rem/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
.source{background:var(--box);border:1px solid var(--line);border-radius:6px;padding:.5rem .7rem}
.output{margin:.4rem 0 0;overflow-x:auto}
.error,.stderr{background:var(--bad);padding:.3rem .6rem;border-radius:6px}
iframe{display:block;box-sizing:border-box;width:100%;border:1px solid var(--line);border-radius:6px;
background:#fff;resize:vertical}
img{max-width:100%;background:#fff}
table{border-collapse:collapse}
td,th{border:1px solid var(--line);padding:.2rem .6rem}
.left-out{color:var(--dim);font-style:italic}
"""


#: What outputs look like, by the cell's id, with the list that they were made from.
Known = dict[str, tuple[list[Any], str]]


def page(notebook: Mapping[str, Any], title: str, known: Known | None = None) -> str:
    """The page of a notebook (nbformat 4.5, as ``document.notebook`` makes it). ``known`` is what earlier pages of it
    were made of: a list of outputs that is the same is not looked at again."""
    seen: Known = {}
    cells = "\n".join(_cell(cell, known or {}, seen) for cell in notebook["cells"])
    if known is not None:
        known.clear()
        known.update(seen)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><header>{escape(title)}</header>\n{cells}\n</body></html>\n"
    )


def _cell(cell: Mapping[str, Any], known: Known, seen: Known) -> str:
    if cell["cell_type"] == "markdown":
        from .prose import prose

        return f"<section>{prose(cell['source'], cell.get('attachments') or {})}</section>"
    if cell["cell_type"] != "code":
        return f"<section><pre>{escape(cell['source'])}</pre></section>"
    number = cell["execution_count"]
    before = known.get(cell["id"])
    if before is not None and before[0] is cell["outputs"]:
        outputs = before[1]
    else:
        outputs = "".join(f'<div class="output">{_output(output)}</div>' for output in cell["outputs"])
    seen[cell["id"]] = cell["outputs"], outputs
    return (
        f'<section class="code"><div class="number">[{" " if number is None else number}]</div><div>'
        f'<pre class="source">{escape(cell["source"])}</pre>{_about(cell)}{outputs}</div></section>'
    )


def _about(cell: Mapping[str, Any]) -> str:
    about = cell["metadata"].get("autotrack") or {}
    words = {"running": "still running", "error": "failed", "unseen": "ran before it was watched"}
    said = [words.get(about.get("ran"), about.get("ran")) if about.get("ran") != "ok" else ""]
    said.append(f"{about['seconds']:.2f} s" if isinstance(about.get("seconds"), float) else "")
    text = ", ".join(part for part in said if part)
    return f'<div class="about">{escape(text)}</div>' if text else ""


def _output(output: Mapping[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        mark = ' class="stderr"' if output["name"] == "stderr" else ""
        return f"<pre{mark}>{coloured(output['text'])}</pre>"
    if kind == "error":
        text = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
        return f'<pre class="error">{coloured(text)}</pre>'
    return next(_shown(output["data"]))


def _shown(data: Mapping[str, Any]) -> Iterator[str]:
    """What a browser can show of an output, the best first."""
    html = data.get("text/html")
    if isinstance(html, str) and not ("<script" in html.lower() and any(mime in data for mime in _PICTURES)):
        yield frame(html) + (_plain(data) if "<script" in html.lower() else "")
    svg = data.get("image/svg+xml")
    if isinstance(svg, str):
        # As a picture: a browser runs no script and loads nothing from inside one.
        yield _picture("image/svg+xml", base64.b64encode(svg.encode("utf-8", "replace")).decode())
    for mime in _PICTURES:
        content = data.get(mime)
        if isinstance(content, str) and _BASE64.fullmatch(content):
            yield _picture(mime, "".join(content.split()))
    if isinstance(data.get("text/markdown"), str):
        from .prose import prose

        yield prose(data["text/markdown"], {})
    if "text/plain" in data:
        yield _plain(data)
    for mime, value in data.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        if mime in ("text/latex", "application/json"):
            yield f"<pre>{escape(text)}</pre>"
    kinds = ", ".join(data)
    yield f'<p class="left-out">an output of the kind {escape(kinds)}: it is in notebook.ipynb</p>'


def _plain(data: Mapping[str, Any]) -> str:
    text = data.get("text/plain")
    return f"<pre>{coloured(text)}</pre>" if isinstance(text, str) else ""


def _picture(mime: str, content: str) -> str:
    return f'<img alt="output" src="data:{mime};base64,{content}">'


def frame(html: str) -> str:
    """Somebody's HTML in a frame without any right: no script, no form, no navigation, no way out of the attribute."""
    height = min(320, max(60, 40 + 28 * sum(1 for _ in _ROW.finditer(html, 0, 100_000))))
    return f'<iframe sandbox="" style="height:{height}px" srcdoc="{escape(html, quote=True)}"></iframe>'
