"""What cells show, from a kernel's messages: put together as front ends do, bounded, and nothing of the user's held."""

from __future__ import annotations

from typing import Any

import nbformat
from autotrack_notebook.cells import History
from autotrack_notebook.outputs import Outputs, Room, Stream
from hypothesis import given
from hypothesis import strategies as st


def shown(*messages: tuple[str, dict[str, Any]], room: int = 10_000) -> list[dict[str, Any]]:
    outputs = Outputs(Room(room))
    for kind, content in messages:
        outputs.take(kind, content)
    return outputs.documents()


def out(text: str, name: str = "stdout") -> tuple[str, dict[str, Any]]:
    return "stream", {"name": name, "text": text}


def display(**data: Any) -> tuple[str, dict[str, Any]]:
    return "display_data", {"data": data, "metadata": {}, "transient": {}}


def test_pieces_of_one_stream_are_one_output() -> None:
    texts = [(each["name"], each["text"]) for each in shown(out("a"), out("b\n"), out("c", "stderr"), out("d"))]
    assert texts == [("stdout", "ab\n"), ("stderr", "c"), ("stdout", "d")]


def test_a_progress_bar_is_kept_as_it_looks_at_the_end() -> None:
    pieces = [out(f"\rstep {number}" + "." * (3 - number)) for number in range(3)]
    assert shown(*pieces, out("\r\n"), out("next\r\nlast"))[0]["text"] == "step 2...\nnext\nlast"


@given(st.lists(st.text(alphabet="ab\r\n", max_size=12)))
def test_the_pieces_in_which_text_comes_make_no_difference(pieces: list[str]) -> None:
    whole, parts = Stream("stdout"), Stream("stdout")
    whole.add("".join(pieces))
    for piece in pieces:
        parts.add(piece)
    text = parts.document()["text"]
    assert text == whole.document()["text"] and "\r" not in text
    assert text.count("\n") == "".join(pieces).count("\n")


def test_cleared_output_is_gone_at_once_or_with_what_comes_next() -> None:
    assert shown(out("a"), ("clear_output", {"wait": False}), out("b"))[0]["text"] == "b"
    assert shown(out("a"), ("clear_output", {"wait": True}))[0]["text"] == "a"
    assert shown(out("a"), ("clear_output", {"wait": True}), out("b"))[0]["text"] == "b"


def test_a_display_is_updated_wherever_it_was_shown() -> None:
    history = History(1000)
    for number in ("1", "2"):
        history.begin(number, None, number)
        history.heard(message("display_data", number, data={"text/plain": "old"}, transient={"display_id": "d"}))
    history.heard(message("update_display_data", "2", data={"text/plain": "new"}, transient={"display_id": "d"}))
    assert [outputs[0]["data"] for _, outputs in history.cells()] == [{"text/plain": "new"}] * 2


def message(kind: str, request: str, **content: Any) -> dict[str, Any]:
    return {"msg_type": kind, "parent_header": {"msg_id": request}, "content": {"metadata": {}, **content}}


def test_nothing_of_the_users_is_held() -> None:
    values = {"rows": [1, 2]}
    outputs = Outputs(Room(1000))
    outputs.take(*display(**{"application/json": values}))
    values["rows"].append(3)
    assert outputs.documents()[0]["data"] == {"application/json": {"rows": [1, 2]}}


def test_what_finds_no_room_is_counted_and_room_comes_back() -> None:
    outputs = Outputs(Room(100))
    outputs.take(*out("x" * 80))
    outputs.take(*display(**{"text/plain": "short", "text/html": "y" * 50}))
    outputs.take(*out("z" * 80))
    stream, short, cut, note = outputs.documents()
    assert len(stream["text"]) == 80 and short["data"] == {"text/plain": "short"}
    assert 0 < len(cut["text"]) < 20 and "more characters" in note["text"]
    outputs.take("clear_output", {"wait": False})
    outputs.take(*out("x" * 100))
    assert outputs.documents() == [{"output_type": "stream", "name": "stdout", "text": "x" * 100}]


def test_the_last_execution_of_a_cell_takes_the_place_and_the_room_of_the_one_before() -> None:
    history = History(100)
    for number in range(5):
        history.begin("run", "same-cell", str(number))
        history.heard(message("stream", str(number), name="stdout", text=str(number) * 90))
    ((ran, (output,)),) = history.cells()
    assert output["text"] == "4" * 90 and ran.message == "4"
    history.heard(message("stream", "3", name="stdout", text="a thread of the one before"))
    assert history.cells()[0][1] == [output]


_TEXT = st.text(max_size=30)
_CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "name": _TEXT,
        "text": _TEXT,
        "data": st.dictionaries(_TEXT.filter(bool), st.one_of(_TEXT, st.integers(), st.lists(_TEXT)), max_size=3),
        "metadata": st.dictionaries(_TEXT, _TEXT, max_size=2),
        "transient": st.dictionaries(st.just("display_id"), _TEXT),
        "ename": _TEXT,
        "evalue": _TEXT,
        "traceback": st.lists(_TEXT, max_size=3),
        "wait": st.booleans(),
        "execution_count": st.one_of(st.none(), st.integers(0, 9)),
    },
)
_KINDS = st.sampled_from(("stream", "display_data", "update_display_data", "execute_result", "error", "clear_output"))


@given(st.lists(st.tuples(_KINDS, _CONTENT), max_size=8), st.integers(0, 300))
def test_whatever_a_kernel_sends_makes_a_valid_notebook_within_the_limit(messages: Any, limit: int) -> None:
    from autotrack_notebook.document import notebook
    from autotrack_notebook.page import page

    history = History(limit)
    history.begin("cell", None, "1", 1)
    for kind, content in messages:
        history.heard({"msg_type": kind, "parent_header": {"msg_id": "1"}, "content": content})
    document = notebook(history.cells(), None)
    nbformat.validate(document)
    assert history.left >= 0
    assert page(document, "x").endswith("</html>\n")
