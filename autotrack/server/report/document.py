"""The HTML of a report: modules, styles and data in one file, with a policy that lets it reach nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from autotrack.core.version import __version__

from ..pages.assets import bare_names, sources

#: Where a report begins, and what its modules are called, which have no address of their own.
ENTRY, PREFIX = "report.js", "autotrack/"
_IMPORT = re.compile(r"""(\bfrom|\bimport\(?)'(\.{1,2}/[^']+)'""")


def page(title: str, held: dict[str, Any]) -> str:
    """The whole file."""
    data = base64.b64encode(gzip.compress(json.dumps(held, allow_nan=False).encode(), 6, mtime=0)).decode()
    boot = json.dumps({"version": __version__, "auth": False, "status": 200})
    modules = json.dumps({"imports": _modules()})
    start = f"import '{PREFIX}{ENTRY}'"
    scripts = (_inline("early.js"), modules, _inline("vendor/uplot.js"), start)
    return "".join(
        (
            '<!doctype html><html lang="en" data-alone><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">',
            f"<title>{html.escape(title)}</title>",
            f'<link rel="icon" href="data:image/svg+xml;base64,{_base64(sources()["icon.svg"].plain)}">',
            f"<style>{_styles()}</style>",
            f"<script>{scripts[0]}</script>",
            f'<script type="importmap">{scripts[1]}</script>',
            '</head><body><div id="app"></div>',
            "<noscript>A report of autotrack's needs JavaScript, which its own file has; it asks no server.</noscript>",
            f'<script type="application/json" id="boot">{boot}</script>',
            f'<script type="application/octet-stream" id="held">{data}</script>',
            f"<script>{scripts[2]}</script>",
            f'<script type="module">{scripts[3]}</script></body></html>\n',
        )
    )


def _policy(scripts: tuple[str, ...]) -> str:
    """Only the scripts that stand in the file, and its modules, which are ``data:``; nothing is fetched."""
    digests = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    return (
        f"default-src 'none'; script-src {digests} data:; style-src 'unsafe-inline'; img-src data: blob:; "
        "media-src data: blob:; frame-src blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


@cache
def _modules() -> dict[str, str]:
    """The import map: every module that the entry leads to, under a name, as a ``data:`` URL."""
    found: dict[str, str] = {}
    waiting = [ENTRY]
    while waiting:
        path = waiting.pop()
        if PREFIX + path in found:
            continue
        text = _text(path)
        found[PREFIX + path] = _as_url(_named(text, path))
        waiting += _imports(text, path)
    return found | {name: _as_url(_text(path)) for name, path in bare_names().items()}


def _imports(text: str, path: str) -> Iterator[str]:
    for match in _IMPORT.finditer(text):
        yield _resolved(match[2], path)


def _named(text: str, path: str) -> str:
    """A module with what it imports by the names of the import map."""
    return _IMPORT.sub(lambda match: f"{match[1]}'{PREFIX}{_resolved(match[2], path)}'", text)


def _resolved(relative: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))


def _styles() -> str:
    sheets = ["theme.css", "vendor/uplot.css", *(path for path in sources() if path.startswith("styles/"))]
    return "\n".join(map(_inline, [*sheets, "report/report.css"]))


def _text(path: str) -> str:
    return sources()[path].plain.decode()


def _inline(path: str) -> str:
    """A script or a style sheet as it can stand in an element of a page."""
    text = _text(path)
    if re.search("</(script|style)|<!--", text, re.IGNORECASE):
        raise ValueError(f"{path} would end the element that it stands in")
    return text


def _as_url(text: str) -> str:
    return f"data:text/javascript;base64,{_base64(text.encode())}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
