"""What is written comes back, live and after closing, in one piece or many."""

from __future__ import annotations

import math
import os
import stat
import struct
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrack.core.errors import JournalError
from autotrack.core.journal import Cursor, JournalReader, JournalWriter, decode_points, read_header
from autotrack.core.journal.slots import whole_runs

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=10,
)
records = st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=6)
int64 = st.integers(-(2**63), 2**63 - 1)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("event"), records),
        st.tuples(st.just("f8"), int64, st.floats()),
        st.tuples(st.just("i8"), int64, int64),
    ),
    max_size=60,
)


@given(actions, st.integers(1, 4000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read(tmp_path_factory, read_all, todo, max_bytes, closed):
    writer = JournalWriter(tmp_path_factory.mktemp("journal"))
    floats, integers = writer.series("r" * 32, "loss", "f8"), writer.series("r" * 32, "count", "i8")
    events, points = [], []
    for kind, *values in todo:
        if kind == "event":
            writer.event(*values)
            events.append(*values)
        else:
            step, value = values
            (writer.point if kind == "f8" else writer.point_i8)(floats if kind == "f8" else integers, step, value)
            bits = struct.pack("<d" if kind == "f8" else "<q", value)
            points.append((step, bits, floats if kind == "f8" else integers))
    if closed:
        writer.close()
    found = read_all(writer.path, final=closed, max_bytes=max_bytes)
    writer.close()
    assert found.events[2:] == events
    assert [(step, struct.pack("<d", value), series) for _, step, value, series in found.points] == points
    assert [slot for slot, *_ in found.points] == list(range(len(points)))
    assert found.damaged == 0


def test_reading_in_pieces_is_reading_at_once(tmp_path, read_all):
    writer = JournalWriter(tmp_path)
    series = writer.series("r" * 32, "loss", "f8")
    for number in range(3000):
        writer.event({"k": "tags", "n": number, "pad": "x" * (number % 300)})
        writer.point(series, number, number / 7)
    writer.event({"k": "params", "big": "y" * 1_000_000})
    writer.close()
    whole, pieces = read_all(writer.path), read_all(writer.path, max_bytes=10_000)
    assert pieces.reads > 50
    assert whole.events == pieces.events and len(whole.events) == 3002
    assert whole.points == pieces.points and len(whole.points) == 3000
    assert whole.damaged == pieces.damaged == 0
    again = read_all(writer.path, cursor=whole.cursor)
    assert (again.events, again.points, again.damaged) == ([], [], 0)


def test_a_point_never_comes_before_its_series(tmp_path):
    """Points and events are read apart: a point may be handed out only once its series has been."""
    writer = JournalWriter(tmp_path)
    done = threading.Event()

    def log() -> None:
        for number in range(400):
            series = writer.series("r" * 32, f"metric {number}", "f8")
            for step in range(20):
                writer.point(series, step, 1.0)
        done.set()

    thread = threading.Thread(target=log)
    thread.start()
    known: set[int] = set()
    points = 0
    cursor = Cursor()
    with JournalReader(writer.path) as reader:
        while True:
            last = done.is_set()
            batch = reader.read(cursor, final=False, max_bytes=3000)
            known |= {event["id"] for event in batch.events}
            for _, data in batch.points:
                for *_, series in decode_points(data):
                    assert series in known
                    points += 1
            cursor = batch.cursor
            if last and not batch.more:
                break
    thread.join()
    writer.close()
    assert points == 8000 and len(known) == 400


def test_sixteen_threads_lose_nothing(tmp_path, read_all):
    writer = JournalWriter(tmp_path)

    def log(number: int) -> None:
        series = writer.series("r" * 32, f"metric {number}", "f8")
        for step in range(3000):
            writer.point(series, step, number)
            if step % 100 == 0:
                writer.event({"k": "tags", "thread": number, "step": step})

    threads = [threading.Thread(target=log, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        writer.sync()
    found = read_all(writer.path, final=False)
    writer.close()
    assert len(found.points) == 16 * 3000
    assert [slot for slot, *_ in found.points] == list(range(16 * 3000))
    assert len({(step, value) for _, step, value, _ in found.points}) == 16 * 3000
    assert len([event for event in found.events if event["k"] == "tags"]) == 16 * 30
    per_series: dict[int, list[int]] = {}
    for _, step, _, series in found.points:
        per_series.setdefault(series, []).append(step)
    assert all(steps == sorted(steps) for steps in per_series.values())


def test_what_does_not_fit_a_slot_is_refused_and_leaves_none(tmp_path, read_all):
    writer = JournalWriter(tmp_path)
    series = writer.series("r" * 32, "loss", "f8")
    writer.point(series, -1, math.inf)
    for step, value in [(2**63, 1.0), (-(2**63) - 1, 1.0), (1.5, 1.0), ("7", 1.0), (0, "x"), (0, None)]:
        with pytest.raises(struct.error):
            writer.point(series, step, value)
    with pytest.raises(struct.error):
        writer.point_i8(series, 0, 2**63)
    writer.point(series, 2**63 - 1, math.nan)
    writer.close()
    found = read_all(writer.path)
    assert [(slot, step) for slot, step, *_ in found.points] == [(0, -1), (1, 2**63 - 1)]
    assert math.isnan(found.points[1][2])


@pytest.mark.parametrize("record", [{"x": object()}, {"x": "\ud800"}, {"x": {1, 2}}])
def test_what_is_not_json_is_refused_and_leaves_nothing(tmp_path, read_all, record):
    writer = JournalWriter(tmp_path)
    with pytest.raises(JournalError):
        writer.event(record)
    writer.event({"k": "after"})
    writer.close()
    assert read_all(writer.path).events == [{"k": "after"}]


def test_stamps_are_the_time_of_the_call(tmp_path, read_all):
    writer = JournalWriter(tmp_path)
    before = time.time_ns()
    writer.point(1, 0, 1.0)
    after = time.time_ns()
    writer.close()
    assert before <= read_all(writer.path).stamps[0] <= after


def test_after_closing_nothing_is_written(tmp_path, read_all):
    writer = JournalWriter(tmp_path)
    point = writer.point
    writer.point(1, 0, 1.0)
    cached = writer.point
    size = writer.path.stat().st_size
    writer.close()
    writer.close()
    assert writer.path.stat().st_size < size
    for call in (point, cached, writer.point):
        with pytest.raises(JournalError, match="closed"):
            call(1, 1, 1.0)
    with pytest.raises(JournalError, match="closed"):
        writer.event({"k": "late"})
    writer.sync()
    writer.heartbeat()
    assert len(read_all(writer.path).points) == 1


def test_files_are_private_whatever_the_umask(tmp_path):
    for mask in (0, 0o777):
        folder = tmp_path / f"{mask:o}" / "deep" / "journal"
        old = os.umask(mask)
        try:
            writer = JournalWriter(folder)
        finally:
            os.umask(old)
        assert stat.S_IMODE(writer.path.stat().st_mode) == 0o600
        assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, folder.parent)] == [0o700] * 2
        writer.close()


def test_header_says_who_writes(tmp_path):
    writer = JournalWriter(tmp_path, meta={"session": "s"})
    header = read_header(writer.path)
    assert header == writer.header
    assert (header.writer, header.pid, dict(header.meta)) == (writer.writer, os.getpid(), {"session": "s"})
    assert writer.path == tmp_path / f"{writer.writer}.atj"
    writer.close()
    with pytest.raises(JournalError, match="meta"):
        JournalWriter(tmp_path, meta={"long": "x" * 5000})
    assert list(tmp_path.iterdir()) == [writer.path]


@given(st.lists(st.sampled_from(["whole", "empty", "torn"]), max_size=300), st.integers(0, 31))
@settings(deadline=None)
def test_block_checks_agree_with_checking_each_slot(kinds: list[str], tail: int):
    import zlib

    data, whole = b"", []
    for number, kind in enumerate(kinds):
        body = struct.pack("<qqdI", number, 1, number * 0.5, 3)
        slot = body + struct.pack("<I", zlib.crc32(body))
        if kind == "whole":
            whole.append(number)
        data += {
            "whole": slot,
            "empty": bytes(32),
            "torn": b"\1" + slot[1:] if number % 256 != 1 else slot[:28] + bytes(4),
        }[kind]
    data += b"\7" * tail
    assert [slot for begin, end in whole_runs(data) for slot in range(begin, end)] == whole
