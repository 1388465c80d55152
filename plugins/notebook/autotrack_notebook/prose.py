"""Markdown cells as HTML: CommonMark with tables; HTML in them stays text, pictures come from inside the page only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt

_NESTED = 20
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")


def prose(text: str, attachments: Mapping[str, Any]) -> str:
    """The text as HTML. ``attachments`` are a cell's own: names with their contents by mime type, in base64."""
    # markdown-it itself refuses links to javascript:, vbscript:, file: and data: that is no picture.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _NESTED}).enable("table")
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link)
    html: str = parser.render(text, {"attachments": attachments})
    return html


def _image(self: Any, tokens: Sequence[Any], at: int, options: Any, env: Mapping[str, Any]) -> str:
    token = tokens[at]
    source = str(token.attrGet("src") or "")
    alt = escape(token.content or "")
    if source.startswith("attachment:"):
        bundle = env["attachments"].get(source.removeprefix("attachment:"))
        for mime, content in bundle.items() if isinstance(bundle, Mapping) else ():
            text = "".join(content) if isinstance(content, list) else content
            if mime in _PICTURES and isinstance(text, str):
                return f'<img alt="{alt}" src="data:{mime};base64,{escape("".join(text.split()))}">'
    if source.startswith("data:image/"):
        return f'<img alt="{alt}" src="{escape(source)}">'
    return f"[picture: {alt or escape(source)}]"


def _link(self: Any, tokens: Sequence[Any], at: int, options: Any, env: Mapping[str, Any]) -> str:
    target = str(tokens[at].attrGet("href") or "")
    return f'<a rel="noopener noreferrer" href="{escape(target)}">'
