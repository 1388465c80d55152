"""The page of a notebook: readable, and harmless whatever the cells hold."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from autotrack_notebook.ansi import coloured
from autotrack_notebook.page import page
from hypothesis import given
from hypothesis import strategies as st

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</iframe><script>alert(1)</script>",
    '"></iframe><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</pre></div><iframe src=http://evil.example></iframe>",
    "</style><script>alert(1)</script><!--",
    "<!-- --!><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) <javascript:alert(1)>",
    "[x](&#106;avascript:alert(1)) [y](data:text/html;base64,PHNjcmlwdD4=) [z](vbscript:x)",
    '![x](http://evil.example/pixel.png) ![y](//evil.example/p.png) ![z]("onerror="alert(1))',
    '![a](data:image/svg+xml;base64,PHN2Zz4=) ![b](data:image/png,"onerror="x)',
    '![" onerror="alert(1)](data:image/png;base64,AA==)',
    '<a href="http://x" onclick="alert(1)">x</a> <http://evil.example/"onmouseover="alert(1)>',
    "\x1b[31m<b>\x1b[0m\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07",
    "\x1b[38;2;1;1;1;url(http://evil.example)m x",
    "&lt;script&gt;&#60;script&#62;",
    "\ufeff\u202e\x00<\x00script>",
    "<meta http-equiv=refresh content='0;url=http://evil.example'><base href=http://evil.example>",
)
VOID = {"meta", "img", "br", "hr"}


class Checked(HTMLParser):
    """Reads a page as a browser does, and refuses whatever could run, load or lead away."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.frames: list[str] = []
        self.text: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open, f"{self.open} are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs)
        self.tags.add(tag)
        assert tag not in (
            "script",
            "object",
            "embed",
            "link",
            "base",
            "form",
            "svg",
            "math",
            "input",
            "video",
            "audio",
        )
        assert not [name for name in given if name.startswith("on")], given
        if tag == "iframe":
            assert set(given) == {"sandbox", "style", "srcdoc"} and given["sandbox"] == ""
            self.frames.append(given["srcdoc"] or "")
        if tag == "img":
            assert set(given) == {"alt", "src"} and (given["src"] or "").startswith("data:image/"), given
        if tag == "a":
            assert set(given) == {"rel", "href"} and (given["href"] or "").startswith(
                ("http://", "https://", "#", "mailto:")
            )
        if tag == "meta":
            assert given.get("http-equiv") in (None, "Content-Security-Policy")
        style = given.get("style") or ""
        assert "url(" not in style and "expression" not in style
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}>"

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    made = [
        {"id": str(number), "metadata": {}, "execution_count": 1, "outputs": [], **cell}
        for number, cell in enumerate(cells)
    ]
    return {"cells": made, "metadata": {}}


def code(source: str = "", *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def shows(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def with_everywhere(text: str) -> str:
    """A page with the text in every place that a notebook has."""
    mimes = (
        "text/html text/plain text/markdown text/latex image/svg+xml image/png image/jpeg application/json "
        "application/javascript application/vnd.x+json"
    ).split()
    return page(
        notebook(
            {"cell_type": "markdown", "source": text, "attachments": {"a": {"image/png": text}, text: {text: text}}},
            {"cell_type": "markdown", "source": f"# {text}\n\n|{text}|b|\n|-|-|\n|{text}|![](attachment:a)|"},
            {"cell_type": "raw", "source": text},
            code(
                text,
                {"output_type": "stream", "name": text, "text": text},
                {"output_type": "stream", "name": "stderr", "text": text},
                {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]},
                {"output_type": "error", "ename": text, "evalue": text, "traceback": []},
                *(shows(**{mime: text}) for mime in mimes),
                shows(**{text: text}),
                shows(),
                shows(**{"text/html": text, "image/png": "AA==", "text/plain": text}),
                {"output_type": "execute_result", "data": {"application/json": {text: [text]}}, "metadata": {}},
            )
            | {"metadata": {"autotrack": {"ran": text, "seconds": 1.5}}},
        ),
        text,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_cells_and_outputs_stay_text(text: str) -> None:
    checked = Checked(with_everywhere(text))
    assert checked.frames == [text] * len(checked.frames) and checked.frames


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)), max_size=4).map("".join))
def test_no_text_breaks_out(text: str) -> None:
    Checked(with_everywhere(text))


def test_the_page_allows_nothing_but_what_is_in_it() -> None:
    text = page(notebook(), "n")
    policy = text.index("Content-Security-Policy")
    assert text.index("<meta charset") < policy < text.index("<style>")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert "http://" not in text and "https://" not in text and "url(" not in text


def test_pictures_tables_and_prose_are_shown() -> None:
    text = page(
        notebook(
            {"cell_type": "markdown", "source": "## Title\n\n|a|\n|-|\n|1|\n\n[link](https://example.org)"},
            {
                "cell_type": "markdown",
                "source": "![p](attachment:p.png)",
                "attachments": {"p.png": {"image/png": "QUI="}},
            },
            code("x = 1 < 2", shows(**{"image/png": "QU\nI=", "text/plain": "<Figure>"})),
            code("", shows(**{"image/svg+xml": "<svg/>"})),
            code("", shows(**{"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"})),
        ),
        "n",
    )
    checked = Checked(text)
    assert {"h2", "table", "td", "a", "img", "iframe"} <= checked.tags
    assert text.count('src="data:image/png;base64,QUI="') == 2 and "data:image/svg+xml;base64,PHN2Zy8+" in text
    assert "x = 1 &lt; 2" in text and "&lt;Figure&gt;" not in text


def test_a_huge_output_is_a_page_in_linear_time() -> None:
    hostile = "<" * 300_000 + "\x1b[31m" * 60_000 + "&" * 300_000
    text = page(notebook(code("", {"output_type": "stream", "name": "stdout", "text": hostile})), "n")
    assert text.count("&lt;") == 300_000 and text.count("&amp;") == 300_000


def test_colours_of_a_terminal_become_styles() -> None:
    assert coloured("a\x1b[1;31mb\x1b[0mc") == 'a<span style="color:var(--c1);font-weight:bold">b</span>c'
    assert coloured("\x1b[38;5;196mx\x1b[48;2;1;2;999my") == (
        '<span style="color:rgb(255,0,0)">x</span><span style="color:rgb(255,0,0);background:rgb(1,2,255)">y</span>'
    )
    assert coloured("\x1b[7mx") == '<span style="color:var(--page);background:var(--ink)">x</span>'
    assert coloured("\x1b[2K\x1b]0;title\x07plain\x1b[") == "plain["


@given(st.text(alphabet="éü\x1b[;0123456789m", max_size=60))
def test_colours_take_no_character_away(text: str) -> None:
    checked = Checked(coloured(text))
    assert "\x1b" not in "".join(checked.text)
    assert [c for c in "".join(checked.text) if c in "éü"] == [c for c in text if c in "éü"]
