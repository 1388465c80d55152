"""The chart format: what is let through, what is refused and how, and that whatever is let through can be drawn."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrack.core.errors import ArtifactError, UsageError
from autotrack.figures import KINDS, read, render, several, validate

LINE = {"name": "a", "x": [0, 1, 2.5], "y": [1, None, 3]}
GOOD: dict[str, dict[str, Any]] = {
    "lines": {
        "kind": "lines",
        "x": {"label": "x", "range": [0, 1]},
        "y": {"scale": "log"},
        "series": [LINE, {**LINE, "style": "dashed"}],
    },
    "points": {"kind": "points", "title": "$x_1$ \ud800\x00 title", "series": [LINE]},
    "bars": {
        "kind": "bars",
        "series": [{"x": ["a", "b"], "y": [1, -2]}, {"name": "n", "x": ["b", "c"], "y": [3, None]}],
    },
    "horizontal": {
        "kind": "bars",
        "horizontal": True,
        "series": [{"x": ["a" * 99, "b"], "y": [1, 2]}],
        "note": "small print",
    },
    "histogram": {"kind": "bars", "series": [{"x": [0.5, 1.5, 3], "y": [1, 2, 0]}]},
    "matrix": {"kind": "matrix", "rows": ["a", "b"], "columns": ["c"], "values": [[1], [None]]},
    "table": {"kind": "table", "columns": ["a", "b"], "rows": [["x", 1.23456789], [True, None]]},
    "no rows": {"kind": "table", "columns": ["a"], "rows": []},
    "tree": {"kind": "tree", "root": {"name": "a", "children": [{"name": "b", "detail": "c=1"}]}},
    "nothing to see": {"kind": "lines", "series": [{"x": [], "y": []}, {"x": [0], "y": [None]}]},
}
BAD = [
    ([], "a JSON object"),
    ({"kind": "lines"}, "format None"),
    ({"chart": 2, "kind": "lines"}, "format 2"),
    ({"chart": True, "kind": "lines"}, "format True"),
    ({"chart": 1, "kind": "html", "html": "<script>"}, "no kind of chart 'html'"),
    ({"chart": 1, "kind": ["lines"]}, "no kind of chart"),
    ({"chart": 1, "kind": "lines", "series": []}, "series"),
    ({"chart": 1, "kind": "lines", "series": [{"x": [1], "y": []}]}, "one length"),
    ({"chart": 1, "kind": "lines", "series": [{"x": [1], "y": ["1"]}]}, "numbers or null"),
    ({"chart": 1, "kind": "lines", "series": [{"x": ["a"], "y": [1]}]}, "numbers or null"),
    ({"chart": 1, "kind": "lines", "series": [{"x": [1], "y": [10**400]}]}, "numbers or null"),
    ({"chart": 1, "kind": "lines", "series": [{"x": [1], "y": [float("nan")]}]}, "numbers or null"),
    ({"chart": 1, "kind": "lines", "series": [{**LINE, "style": "wavy"}]}, "style"),
    ({"chart": 1, "kind": "lines", "series": [LINE], "x": {"scale": "cubic"}}, "x.scale"),
    ({"chart": 1, "kind": "lines", "series": [LINE], "y": {"range": [1]}}, "y.range"),
    ({"chart": 1, "kind": "lines", "series": [LINE], "title": 3}, "title"),
    ({"chart": 1, "kind": "matrix", "rows": ["a"], "columns": ["b"], "values": [[1, 2]]}, "each column"),
    ({"chart": 1, "kind": "table", "columns": ["a"], "rows": [[{}]]}, "text, numbers"),
    ({"chart": 1, "kind": "tree", "root": {"name": 1}}, "root"),
    ({"chart": 1, "kind": "several", "charts": {"a": {"chart": 1, "kind": "several", "charts": {}}}}, "other kinds"),
    ({"chart": 1, "kind": "several", "charts": {"a": {"chart": 1, "kind": "lines"}}}, "series"),
]


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_is_drawn_as_both_formats(name: str) -> None:
    document = {"chart": 1, **GOOD[name]}
    png, svg = render(document, "png"), render(document, "svg")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert 300 < width < 3000 and 100 < height < 4000
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert render(document, "png") == png and render(document, "svg") == svg


def test_every_kind_is_among_them() -> None:
    assert {document["kind"] for document in GOOD.values()} | {"several"} == set(KINDS)


@pytest.mark.parametrize(("document", "says"), BAD, ids=range(len(BAD)))
def test_what_is_no_chart_is_refused_with_its_place(document: Any, says: str) -> None:
    with pytest.raises(ArtifactError, match=says):
        validate(document)
    with pytest.raises(ArtifactError):
        render(document)


def test_files() -> None:
    document = {"chart": 1, "kind": "several", "charts": {"a": {"chart": 1, **GOOD["tree"]}}}
    assert list(several(read(json.dumps(document)))) == ["a"]
    assert several(read(json.dumps({"chart": 1, **GOOD["tree"]}))).keys() == {""}
    for content in (b"{", b"\xff", "[" * 100_000, '{"chart": 1, "kind": "lines", "series": [{"x": [1], "y": [NaN]}]}'):
        with pytest.raises(ArtifactError):
            read(content)
    with pytest.raises(UsageError, match="one by one"):
        render(document)
    with pytest.raises(UsageError, match="png or svg"):
        render({"chart": 1, **GOOD["tree"]}, "pdf")


def test_a_deep_tree_is_refused() -> None:
    node: dict[str, Any] = {"name": "leaf"}
    for _ in range(60):
        node = {"name": "a", "children": [node]}
    with pytest.raises(ArtifactError, match="deeper"):
        validate({"chart": 1, "kind": "tree", "root": node})


numbers = st.none() | st.floats(-1e299, 1e299) | st.integers(-(10**20), 10**20)
texts = st.text(max_size=12)


@st.composite
def charts(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["lines", "points", "bars", "matrix", "table", "tree"]))
    document: dict[str, Any] = {"chart": 1, "kind": kind, "title": draw(texts), "note": draw(texts)}
    if kind in ("lines", "points", "bars"):
        places = st.one_of(numbers, texts) if kind == "bars" else numbers
        pairs = draw(st.lists(st.lists(st.tuples(places, numbers), max_size=6), min_size=1, max_size=3))
        document["series"] = [
            {"name": draw(texts), "x": [x for x, _ in each], "y": [y for _, y in each]} for each in pairs
        ]
        document["x"] = {"label": draw(texts), "scale": draw(st.sampled_from(["linear", "log"]))}
    elif kind == "tree":
        tree = st.fixed_dictionaries({"name": texts}, optional={"detail": texts})
        document["root"] = {"name": draw(texts), "children": draw(st.lists(tree, max_size=3))}
    else:
        rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        cells = numbers if kind == "matrix" else st.one_of(numbers, texts, st.booleans())
        grid = [[draw(cells) for _ in range(columns)] for _ in range(rows)]
        document["columns"] = [draw(texts) for _ in range(columns)]
        document |= {"rows": grid} if kind == "table" else {"rows": [draw(texts) for _ in range(rows)], "values": grid}
    return document


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(charts())
def test_whatever_is_let_through_is_drawn_and_printed(document: dict[str, Any]) -> None:
    from autotrack.cli.chart_text import print_chart
    from autotrack.cli.screen import Screen

    document = json.loads(json.dumps(document))
    validate(document)
    assert ElementTree.fromstring(render(document, "svg")) is not None
    print_chart(Screen(), document)


def test_the_users_matplotlib_is_as_it_was() -> None:
    source = f"""
import sys, matplotlib
from autotrack.figures import render
document = {{"chart": 1, **{GOOD["lines"]!r}}}
first = render(document)
assert "matplotlib.pyplot" not in sys.modules
matplotlib.use("svg")
import matplotlib.pyplot as plt
plt.rcParams["font.size"] = 33
plt.style.use("dark_background")
figure = plt.figure()
before = {{key: repr(value) for key, value in matplotlib.rcParams.items()}}, plt.get_fignums(), plt.get_backend()
assert render(document) == first
after = {{key: repr(value) for key, value in matplotlib.rcParams.items()}}, plt.get_fignums(), plt.get_backend()
assert after == before
assert plt.gcf() is figure
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_matplotlib_it_says_what_to_install() -> None:
    source = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from autotrack.figures import render\n"
        f"try:\n    render({{'chart': 1, **{GOOD['tree']!r}}})\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("ArtifactError drawing a chart needs matplotlib") and "pip install" in done.stdout
