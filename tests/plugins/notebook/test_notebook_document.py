"""A notebook from what ran and from its file: which cell is which, whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from autotrack_notebook.cells import History
from autotrack_notebook.document import notebook
from autotrack_notebook.page import page
from autotrack_notebook.places import Place
from hypothesis import given
from hypothesis import strategies as st


def ran(*cells: str | tuple[str, str]) -> History:
    """Cells that ran, each a source or an id and a source; each printed its number."""
    history = History(10_000)
    for number, cell in enumerate(cells, 1):
        cell_id, source = cell if isinstance(cell, tuple) else (None, cell)
        one = history.begin(source, cell_id, str(number), number)
        content = {"name": "stdout", "text": f"out {number}"}
        history.heard({"msg_type": "stream", "parent_header": {"msg_id": str(number)}, "content": content})
        history.end(one, False, number)
    return history


def file(*cells: str, **fields: Any) -> dict[str, Any]:
    """A file with code cells, whose ids are a, b, c and whose outputs are of another time."""
    old = {"output_type": "stream", "name": "stdout", "text": ["old", " output"]}
    made = [
        {"cell_type": "code", "id": "abcdefgh"[at], "source": [cell], "outputs": [old], "execution_count": 90 + at}
        for at, cell in enumerate(cells)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made, **fields}


def merged(history: History, saved: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Source and first output of each cell."""
    document = notebook(history.cells(), saved)
    nbformat.validate(document)
    return [(cell["source"], "".join(output["text"] for output in cell["outputs"])) for cell in document["cells"]]


def test_cells_that_ran_come_from_the_kernel_and_others_from_the_file() -> None:
    assert merged(ran("one", "three"), file("one", "two", "three")) == [
        ("one", "out 1"),
        ("two", "old output"),
        ("three", "out 2"),
    ]


def test_the_id_says_which_cell_it_is_though_its_source_has_changed() -> None:
    assert merged(ran(("b", "two, changed"), ("a", "two")), file("one", "two")) == [
        ("two", "out 2"),
        ("two, changed", "out 1"),
    ]


def test_of_cells_with_the_same_source_the_last_executions_count_in_order() -> None:
    assert merged(ran("same", "same"), file("same", "x", "same")) == [
        ("same", "out 1"),
        ("x", "old output"),
        ("same", "out 2"),
    ]
    assert merged(ran("same", "same", "same"), file("same", "same")) == [("same", "out 2"), ("same", "out 3")]
    assert merged(ran("same"), file("same", "same")) == [("same", "out 1"), ("same", "old output")]


def test_what_ran_and_is_in_no_file_stands_behind_what_ran_before_it() -> None:
    assert [source for source, _ in merged(ran("first", "one", "new", "newer"), file("one", "two"))] == [
        "first",
        "one",
        "new",
        "newer",
        "two",
    ]


def test_line_ends_make_no_other_cell() -> None:
    assert merged(ran("a\r\nb\n"), file("a\nb")) == [("a\r\nb\n", "out 1")]


def test_outputs_of_the_file_are_bounded_too() -> None:
    document = notebook(ran("one").cells(), file("one", "two", "three"), room=80)
    assert "more characters" in document["cells"][-1]["outputs"][0]["text"]
    assert document["cells"][1]["outputs"][0]["text"] == "old output"


def test_ids_that_nbformat_does_not_take_are_replaced() -> None:
    document = notebook(ran(("vscode-notebook-cell:/a.ipynb#W0s", "x"), ("ok", "y"), ("a" * 65, "z")).cells(), None)
    nbformat.validate(document)
    assert [cell["id"] for cell in document["cells"]] == ["cell-0", "ok", "cell-2"]


_LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats(allow_nan=False))
_ANY = st.recursive(
    _LEAF,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
_SOURCE = st.one_of(st.sampled_from(["one", "two", ["o", "ne"]]), _ANY)
_OUTPUT = st.fixed_dictionaries(
    {"output_type": st.one_of(st.sampled_from(["stream", "error", "display_data", "execute_result"]), _ANY)},
    optional={
        "name": _ANY,
        "text": _ANY,
        "data": st.one_of(
            st.dictionaries(st.sampled_from(["text/plain", "application/json", "image/png"]), _ANY), _ANY
        ),
        "metadata": _ANY,
        "traceback": _ANY,
        "execution_count": _ANY,
    },
)
_CELL = st.fixed_dictionaries(
    {"cell_type": st.one_of(st.sampled_from(["code", "markdown", "raw"]), _ANY)},
    optional={
        "id": st.one_of(st.sampled_from(["a", "b"]), _ANY),
        "source": _SOURCE,
        "outputs": st.one_of(st.lists(_OUTPUT, max_size=3), _ANY),
        "metadata": _ANY,
        "execution_count": _ANY,
        "attachments": _ANY,
    },
)
_FILE = st.fixed_dictionaries(
    {"nbformat": st.just(4)},
    optional={"cells": st.one_of(st.lists(st.one_of(_CELL, _ANY), max_size=4), _ANY), "metadata": _ANY},
)


@given(st.one_of(_FILE, st.dictionaries(st.text(max_size=5), _ANY, max_size=3)))
def test_whatever_a_file_holds_what_ran_is_in_a_valid_notebook(content: dict[str, Any]) -> None:
    content = json.loads(json.dumps(content))
    document = notebook(ran("one", ("b", "two"), "three").cells(), content, "n.ipynb")
    nbformat.validate(document)
    outputs = [output.get("text") for cell in document["cells"] for output in cell.get("outputs", ())]
    assert {"out 1", "out 2", "out 3"} <= {text for text in outputs if isinstance(text, str)}
    assert page(document, "n").endswith("</html>\n")


def place(folder: Path, history: History, **names: str) -> str | None:
    found = Place(folder)
    found.read([one for one, _ in history.cells()], names)
    return found.name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name, cells in {"mine": ("one", "two", "three"), "other": ("one", "four"), "half": ("one",)}.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(file(*cells)))
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "folder.ipynb").mkdir()
    return tmp_path


def test_a_file_is_found_by_what_ran(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place(folder, ran("one", "three")) == "mine.ipynb"
    assert place(folder, ran("one", "three", "unsaved")) is None
    assert place(folder, ran("one", "one")) is None  # three files have it
    (folder / "copy.ipynb").write_text((folder / "mine.ipynb").read_text())
    assert place(folder, ran("one", "three")) is None


def test_a_file_that_the_front_end_names_is_taken_if_it_is_the_notebook(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place(folder, ran("one", "unsaved"), __vsc_ipynb_file__=str(folder / "other.ipynb")) == "other.ipynb"
    assert place(folder, ran("x", "unsaved"), __vsc_ipynb_file__=str(folder / "other.ipynb")) is None
    assert place(folder, ran("one"), PAPERMILL_OUTPUT_PATH="half.ipynb") == "half.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "mine.ipynb"))
    assert place(folder, ran("two")) == "mine.ipynb"
    # It is inherited by whatever a notebook starts: the one that has more of what ran is it.
    assert place(folder, ran("one", "four"), PAPERMILL_OUTPUT_PATH="other.ipynb") == "other.ipynb"
    assert place(folder, ran("one", "two"), PAPERMILL_OUTPUT_PATH="other.ipynb") == "mine.ipynb"
