"""R2: cut anywhere, any byte flipped: whole records come back, what is lost is counted, nothing raises."""

from __future__ import annotations

import random
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrack.core.errors import JournalError
from autotrack.core.journal import Cursor, JournalReader, JournalWriter, read_header
from autotrack.core.journal import reader as reader_module
from autotrack.core.journal.layout import EXTENT_HEADER, HEADER_BLOCK


def record(number: int) -> dict[str, object]:
    return {"k": "tags", "n": number, "text": "z" * (number * 7 % 23)}


@pytest.fixture
def journal(tmp_path):
    """20 events and 20 points; answers (path, offsets where events begin and the end, offset of slot 0)."""
    writer = JournalWriter(tmp_path / "journal")
    offsets = []
    for number in range(20):
        offsets.append(writer._head.extent.header.offset + writer._head.position)
        writer.event(record(number))
        writer.point(7, number, number / 3)
    offsets.append(writer._head.extent.header.offset + writer._head.position)
    slots = writer._recorder.extent.header.offset + EXTENT_HEADER
    writer.close()
    return writer.path, offsets, slots


def test_points_cut_at_every_byte(journal, tmp_path, read_all):
    path, _, slots = journal
    data = path.read_bytes()
    assert len(data) == slots + 20 * 32
    cut = tmp_path / "cut.atj"
    for size in range(slots + 17 * 32, len(data) + 1):
        cut.write_bytes(data[:size])
        whole, part = divmod(size - slots, 32)
        for final in (True, False):
            found = read_all(cut, final=final)
            assert [step for _, step, *_ in found.points] == list(range(whole))
            assert found.events == [record(number) for number in range(20)]
            assert found.damaged == (1 if part and final else 0)


def test_events_cut_at_every_byte(tmp_path, read_all):
    writer = JournalWriter(tmp_path / "journal")
    for number in range(20):
        writer.event(record(number))
    writer.close()
    data = writer.path.read_bytes()
    starts = [writer._head.extent.header.offset + EXTENT_HEADER]
    for number in range(20):
        starts.append(
            starts[-1] + 16 + -(-len(__import__("json").dumps(record(number), separators=(",", ":"))) // 8) * 8
        )
    assert starts[-1] == len(data)
    cut = tmp_path / "cut.atj"
    for size in range(starts[17], len(data) + 1):
        cut.write_bytes(data[:size])
        for final in (True, False):
            found = read_all(cut, final=final)
            expected = sum(size >= end for end in starts[1:])
            # Padding behind the last record may be cut without harm.
            assert found.events[:expected] == [record(number) for number in range(expected)]
            assert len(found.events) - expected in ((0, 1) if size not in starts else (0,))
            assert found.events == [record(number) for number in range(len(found.events))]
            assert found.damaged <= 1


def test_each_byte_of_a_middle_event_flipped(journal, tmp_path, read_all):
    path, offsets, _ = journal
    data = bytearray(path.read_bytes())
    bad = tmp_path / "bad.atj"
    for at in range(offsets[10], offsets[11]):
        for flip in (0x01, 0x80, 0xFF):
            data[at] ^= flip
            bad.write_bytes(data)
            data[at] ^= flip
            for final in (True, False):
                found = read_all(bad, final=final)
                numbers = [event["n"] for event in found.events]
                assert numbers in ([n for n in range(20) if n != 10], list(range(20)))  # padding may flip unharmed
                assert found.damaged == 20 - len(numbers)
                assert len(found.points) == 20


def test_each_byte_of_a_middle_point_flipped(journal, tmp_path, read_all, monkeypatch):
    path, _, slots = journal
    data = bytearray(path.read_bytes())
    bad = tmp_path / "bad.atj"
    for at in range(slots + 10 * 32, slots + 11 * 32):
        data[at] ^= 0x10
        bad.write_bytes(data)
        data[at] ^= 0x10
        found = read_all(bad)
        assert [step for _, step, *_ in found.points] == [n for n in range(20) if n != 10]
        assert [slot for slot, *_ in found.points] == [n for n in range(20) if n != 10]
        assert (len(found.events), found.damaged) == (20, 1)
        live = read_all(bad, final=False)
        assert [step for _, step, *_ in live.points] == list(range(10))
    monkeypatch.setattr(reader_module, "SETTLED_NS", 0)  # a minute later
    data[slots + 320] ^= 1
    bad.write_bytes(data)
    assert len(read_all(bad, final=False).points) == 19


def test_an_empty_slot_is_passed_when_the_writer_is_dead(journal, tmp_path, read_all):
    path, _, slots = journal
    data = bytearray(path.read_bytes())
    data[slots + 5 * 32 : slots + 6 * 32] = bytes(32)
    bad = tmp_path / "hole.atj"
    bad.write_bytes(data)
    live = read_all(bad, final=False)
    assert [step for _, step, *_ in live.points] == [0, 1, 2, 3, 4]
    rest = read_all(bad, cursor=live.cursor)
    assert [step for _, step, *_ in rest.points] == list(range(6, 20))
    assert rest.damaged == 0


@pytest.mark.parametrize("kind", ["run_start", "series", "session"])
def test_a_record_that_others_stand_on_survives_a_flipped_byte(tmp_path, read_all, kind):
    writer = JournalWriter(tmp_path / "journal")
    writer.event({"k": "first"})
    start = writer._head.position + writer._head.extent.header.offset
    writer.event({"k": kind, "id": 1})
    end = writer._head.position + writer._head.extent.header.offset
    writer.event({"k": "last"})
    writer.close()
    data = bytearray(writer.path.read_bytes())
    bad = tmp_path / "bad.atj"
    for at in range(start, end):
        data[at] ^= 0x20
        bad.write_bytes(data)
        data[at] ^= 0x20
        for cursor in (Cursor(), Cursor(start, 0)):
            found = read_all(bad, cursor=cursor)
            assert [event["k"] for event in found.events][-2:] == [kind, "last"]
            assert len(found.events) == (3 if cursor == Cursor() else 2)
            assert found.damaged == 0


def test_each_byte_of_the_headers_flipped(journal, tmp_path, read_all):
    path, _, slots = journal
    data = bytearray(path.read_bytes())
    bad = tmp_path / "bad.atj"
    extent = slots - EXTENT_HEADER
    spots = [*range(400), *range(2048, 2448), *range(HEADER_BLOCK, HEADER_BLOCK + 128), *range(extent, slots)]
    for at in spots:
        data[at] ^= 0x40
        bad.write_bytes(data)
        data[at] ^= 0x40
        found = read_all(bad)
        assert (len(found.events), len(found.points), found.damaged) == (20, 20, 0)


def test_an_extent_whose_header_is_destroyed_costs_that_extent(journal, tmp_path, read_all):
    path, _, _ = journal
    data = bytearray(path.read_bytes())
    data[HEADER_BLOCK : HEADER_BLOCK + 128] = b"\xee" * 128
    bad = tmp_path / "bad.atj"
    bad.write_bytes(data)
    found = read_all(bad)
    assert (found.events, len(found.points), found.damaged) == ([], 20, 1)


def test_a_power_cut_that_kept_pages_back(tmp_path, read_all):
    writer = JournalWriter(tmp_path / "journal")
    for number in range(2000):
        writer.event(record(number))
        writer.point(1, number, 0.0)
    writer.close()
    data = bytearray(writer.path.read_bytes())
    events = HEADER_BLOCK
    data[events + 8192 : events + 16384] = bytes(8192)
    points = events + 64 * 1024
    data[points + 4096 : points + 8192] = bytes(4096)
    bad = tmp_path / "bad.atj"
    bad.write_bytes(data)
    found = read_all(bad, max_bytes=5000)
    numbers = [event["n"] for event in found.events]
    assert numbers == sorted(numbers) and numbers[-1] == 1999 and 2000 - len(numbers) in range(100, 300)
    assert [slot for slot, *_ in found.points] == [*range(124), *range(252, 2000)]


@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
def test_nothing_raises_whatever_the_bytes(tmp_path_factory, read_all, chance: random.Random, spots: int):
    folder = tmp_path_factory.mktemp("garbage")
    writer = JournalWriter(folder)
    for number in range(50):
        writer.event(record(number))
        writer.point(1, number, 0.0)
    writer.close()
    data = bytearray(writer.path.read_bytes())
    for _ in range(spots):
        at = chance.randrange(HEADER_BLOCK, len(data))
        size = chance.choice([1, 8, 64, 5000])
        data[at : at + size] = chance.randbytes(min(size, len(data) - at))
    writer.path.write_bytes(data[: chance.randrange(HEADER_BLOCK, len(data) + 1)])
    for final in (False, True):
        found = read_all(writer.path, final=final, max_bytes=chance.choice([100, 1 << 20]))
        assert all(event == record(event["n"]) for event in found.events)
        assert all(slot == step for slot, step, *_ in found.points)
        if final:
            again = read_all(writer.path, cursor=found.cursor)
            assert (again.events, again.points, again.damaged) == ([], [], 0)
    shutil.rmtree(folder)


@pytest.mark.parametrize("content", [b"", b"\0" * 10_000, b"hello", b"\x89ATJ\r\n\x1a\n" + b"\xff" * 9000])
def test_what_is_no_journal_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "x.atj"
    path.write_bytes(content)
    with pytest.raises(JournalError):
        read_header(path)
    with pytest.raises(JournalError):
        JournalReader(tmp_path / "missing.atj")


def test_a_frame_that_was_being_written_is_looked_at_again():
    """One read may catch a frame half written and the next one whole: the first must not be taken for damaged."""
    from autotrack.core.journal.frames import FrameScan
    from autotrack.core.journal.layout import encode_frame

    first, second = encode_frame(0, b'{"a": 1}'), encode_frame(1, b'{"b": 2}')
    whole = first + second + bytes(64)
    reads = []

    def read(offset: int, size: int) -> bytes:
        reads.append(offset)
        data = first[:-4] + bytes(4) + second + bytes(64) if len(reads) == 1 else whole
        return data[offset : offset + size]

    scan = FrameScan(read)
    payloads = [payload for payload, _ in scan.frames(0, len(whole), closed=False)]
    assert payloads == [b'{"a": 1}', b'{"b": 2}']
    assert scan.lost == 0


def test_extents_that_a_signal_left_unused_hide_nothing(tmp_path, read_all):
    for unused_first in (True, False):
        writer = JournalWriter(tmp_path / str(unused_first))
        writer.point(1, 0, 0.0)
        active = writer._recorder
        if unused_first:
            writer._reserve(2, first=active.first + active.capacity)
        for step in range(1, 3000):
            writer.point(1, step, 0.0)
            if step == 2500 and not unused_first:
                writer._reserve(2, first=active.first + active.capacity)
        live = read_all(writer.path, final=False)
        writer.close()
        for found in (live, read_all(writer.path)):
            assert [slot for slot, *_ in found.points] == list(range(3000))
