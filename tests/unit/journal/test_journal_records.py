"""The grammar of a journal's records: what is right comes back as it is, everything else is a UsageError."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.errors import UsageError
from autotrack.core.journal.records import checked
from tests.unit.record_samples import CHILD, FILE, JSON, OTHER, RUN, WHOLE, places, whole

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("run_start", {"r": "../../x"}, "no id"),
    ("run_start", {"r": RUN.upper()}, "no id"),
    ("run_start", {"parent": RUN}, "own parent"),
    ("run_start", {"session": "s1"}, "no id"),
    ("run_start", {"name": None}, "name is no text"),
    ("run_start", {"user": "\ud800"}, "U\\+D800"),
    ("run_start", {"artifact_uri": "/tmp/x"}, "absolute"),
    ("run_start", {"artifact_uri": f"artifacts/../../{RUN}"}, "part"),
    ("run_start", {"artifact_uri": f"artifacts/x/{OTHER}"}, "not artifacts/<folder>/a1"),
    ("run_start", {"artifact_uri": "artifacts"}, "not artifacts/<folder>/a1"),
    ("run_start", {"artifact_uri": f"s3://bucket/artifacts/{RUN}"}, "part"),
    ("run_start", {"random_state": "../x"}, "no sha256"),
    ("run_start", {"tags": {"a": 1}}, "no text"),
    ("run_start", {"tags": {"a": "\0"}}, "U\\+0000"),
    ("run_start", {"tags": {"": "x"}}, "1 to 1000 characters"),
    ("params", {"params": None}, "missing"),
    ("params", {"params": []}, "no mapping"),
    ("params", {"t": 1.5}, "64 bits"),
    ("params", {"t": True}, "64 bits"),
    ("params", {"t": 2**63}, "64 bits"),
    ("untag", {"keys": "abc"}, "no list"),
    ("series", {"id": 2**70}, "64 bits"),
    ("series", {"id": 2**32}, "32 bits"),
    ("series", {"id": -1}, "32 bits"),
    ("series", {"dtype": "f4"}, "f8 or i8"),
    ("artifact", {"path": "../x"}, "part"),
    ("artifact", {"size": -1}, "negative"),
    ("artifact", {"sha256": None}, "no sha256"),
    ("model", {"path": "/etc"}, "part"),
    ("dataset", {"columns": {"x": 1}}, "no text"),
    ("health", {"health": {"a": {"b": "\udfff"}}}, "U\\+DFFF"),
    ("health", {"health": {"a": {1: 2}}}, "key that is no text"),
    ("health", {"health": {"a": {1, 2}}}, "JSON"),
    ("health", {"health": {"a": 1 << 9000}}, "bits"),
    ("run_end", {"status": "RUNNING"}, "how a run ends"),
    ("run_end", {"status": "LOST"}, "how a run ends"),
    ("run_end", {"exit_code": 2**31}, "no program"),
    ("children", {"runs": [{**CHILD, "metrics": {"m": "x"}}]}, "no number"),
    ("children", {"runs": [{**CHILD, "metrics": {"m": 2**63}}]}, "no number"),
    ("children", {"runs": [{**CHILD, "metrics": {"m": True}}]}, "no number"),
    ("children", {"runs": [{**CHILD, "id": RUN}]}, "own parent"),
    ("children", {"runs": [CHILD, 7]}, "no mapping"),
    ("session", {"id": "s1"}, "no id"),
    ("session", {"argv": "\ud800"}, "U\\+D800"),
    ("part", {"part": "Code!"}, "no name of a part"),
    ("files", {"files": [{**FILE, "role": "eaten"}]}, "not read or written"),
    ("files", {"files": [{**FILE, "sha256": "md5"}]}, "no sha256"),
    ("console", {"at": "later"}, "64 bits"),
    ("console", {"at": -1}, "negative"),
    ("console", {"stream": "stdin"}, "neither stdout nor stderr"),
    ("nonsense", {}, "no kind"),
]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_record_comes_back_as_it_is(kind: str) -> None:
    assert checked(whole(kind)) == whole(kind)


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_not_known_is_left_out(kind: str) -> None:
    found = checked({**whole(kind), "sql": "'; DROP TABLE runs", "r" if kind == "session" else "x": "more"})
    assert found == {**whole(kind), **({"sql": "'; DROP TABLE runs"} if kind == "session" else {})}


@pytest.mark.parametrize(("kind", "change", "why"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_is_said(kind: str, change: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        checked({**whole(kind), **change})
    str(caught.value).encode()  # it is written on the run, whatever it quotes


@given(record=st.dictionaries(st.text(max_size=3), JSON, max_size=4), kind=JSON)
def test_anything_is_a_record_or_an_error_of_ours(record: dict[str, Any], kind: object) -> None:
    with pytest.raises(UsageError) as caught:
        checked({**record, "k": kind})
    str(caught.value).encode()


@given(data=st.data(), kind=st.sampled_from(sorted(WHOLE)), value=JSON)
def test_any_value_in_any_field(data: st.DataObject, kind: str, value: object) -> None:
    """Whatever stands in one place of a record: what is taken can be written as JSON and Unicode, and read again."""
    record = whole(kind)
    place = data.draw(st.sampled_from(places(record)))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    try:
        found = checked(record)
    except UsageError as error:
        str(error).encode()
        return
    text = json.dumps(found, ensure_ascii=False)
    text.encode()
    assert json.dumps(json.loads(text), ensure_ascii=False) == text
    assert json.dumps(checked(found), ensure_ascii=False) == text


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UsageError, match="levels deep"):
        checked({**whole("health"), "health": {"x": deep}})
    while isinstance(deep, list):  # pulled apart by hand: Python would free it by recursion
        deep = deep[0]


def test_numbers_of_children_keep_their_type() -> None:
    found = checked({**whole("children"), "runs": [{**CHILD, "metrics": {"a": 2**60, "b": math.inf, "c": 0.5}}]})
    assert [type(value) for value in found["runs"][0]["metrics"].values()] == [int, float, float]


def test_what_nobody_can_correct_is_spelled_out() -> None:
    """What a program printed, a traceback, a path; and NUL in documents, which JSON spells out."""
    assert checked({**whole("console"), "text": "a\0é\ud800"})["text"] == "a\\x00é\\ud800"
    assert checked({**whole("run_end"), "error": "\0"})["error"] == "\\x00"
    assert checked({**whole("files"), "files": [{**FILE, "path": "/\udcff"}]})["files"][0]["path"] == "/\\udcff"
    assert checked({**whole("dataset"), "columns": {"\0": "f8"}})["columns"] == {"\0": "f8"}
    assert checked({**whole("health"), "health": {"errors": ["\0"]}})["health"] == {"errors": ["\0"]}


@pytest.mark.parametrize("stream", ["stdout", "stderr", "autotrack"])
def test_every_stream_of_a_console(stream: str) -> None:
    record = {"k": "console", **WHOLE["console"], "stream": stream}
    assert checked(record) == record
