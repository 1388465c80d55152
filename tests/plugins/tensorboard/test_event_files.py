"""The reader of event files, against TensorBoard's own writer, and against damage."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from autotrack_tensorboard.eventfile import EventFile, News
from autotrack_tensorboard.protobuf import Unreadable, read_event, scalar_event, version_event
from autotrack_tensorboard.records import framed, frames, masked_crc, masked_crcs
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

TAGS = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20)
FLOATS = st.floats(width=32, allow_nan=False)


def read_all(path: Path) -> list[News]:
    file, found = EventFile(path), []
    while not found or found[-1].more:
        found.append(file.read())
    return found


def points(news: list[News]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for each in news:
        for tag, columns in each.points.items():
            rows = zip(columns.steps.tolist(), columns.values.tolist(), strict=True)
            found.setdefault(tag, []).extend(rows)
    return found


@given(st.binary(max_size=70))
def test_checksums_are_tensorboards_own(content: bytes) -> None:
    import numpy as np

    expected = masked_crc32c(content)
    assert masked_crc(content) == expected
    rows = np.frombuffer(content * 3, np.uint8).reshape(3, len(content))
    assert masked_crcs(rows).tolist() == [expected] * 3


@given(st.lists(st.tuples(TAGS, st.integers(1 - 2**63, 2**63 - 1), FLOATS), max_size=40))
def test_scalars_come_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, float]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.out.tfevents.1.x"
    content = framed(version_event(1.0))
    for number, (tag, step, value) in enumerate(rows):
        event = event_pb2.Event(wall_time=1000.0 + number, step=step or 7)
        event.summary.value.add(tag=tag, simple_value=value)
        content += framed(event.SerializeToString())
    path.write_bytes(content)
    expected: dict[str, list[tuple[int, float]]] = {}
    for tag, step, value in rows:
        expected.setdefault(tag, []).append((step or 7, value))
    assert points(read_all(path)) == expected


@given(TAGS, st.integers(0, 2**62), FLOATS)
def test_our_events_are_read_by_protobuf(tag: str, step: int, value: float) -> None:
    event = event_pb2.Event.FromString(scalar_event(12.5, step, tag, value))
    assert (event.wall_time, event.step) == (12.5, step)
    assert [(each.tag, each.simple_value) for each in event.summary.value] == [(tag, value)]
    assert event_pb2.Event.FromString(version_event(3.0)).file_version == "brain.Event:2"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_event_are_refused_and_nothing_else_happens(content: bytes) -> None:
    try:
        read_event(content)
    except Unreadable:
        pass


def test_tensors_of_one_number_are_scalars() -> None:
    makers = {
        "f": tensor_pb2.TensorProto(dtype="DT_FLOAT", float_val=[0.5]),
        "d": tensor_pb2.TensorProto(dtype="DT_DOUBLE", double_val=[0.1]),
        "raw": tensor_pb2.TensorProto(dtype="DT_FLOAT", tensor_content=b"\0\0\0\x3f"),
        "i": tensor_pb2.TensorProto(dtype="DT_INT32", int_val=[-3]),
        "l": tensor_pb2.TensorProto(dtype="DT_INT64", int64_val=[2**40]),
    }
    for tag, tensor in makers.items():
        event = event_pb2.Event(wall_time=1.0)
        event.summary.value.add(tag=tag, tensor=tensor)
        expected = {"f": 0.5, "d": 0.1, "raw": 0.5, "i": -3.0, "l": float(2**40)}[tag]
        assert read_event(event.SerializeToString()).scalars == [(tag, expected)]
    event = event_pb2.Event(wall_time=1.0)
    event.summary.value.add(tag="two", tensor=tensor_pb2.TensorProto(dtype="DT_FLOAT", float_val=[1, 2]))
    found = read_event(event.SerializeToString())
    assert (found.scalars, found.others) == ([], 1)


def test_what_is_no_scalar_is_counted() -> None:
    event = event_pb2.Event(wall_time=1.0)
    event.summary.value.add(tag="picture", image=summary_pb2.Summary.Image(height=1, width=1))
    assert read_event(event.SerializeToString()).others == 1


def log_of(path: Path, count: int) -> list[bytes]:
    records = [framed(version_event(1.0))]
    records += [framed(scalar_event(2.0 + step, step, "loss", step / 2)) for step in range(1, count + 1)]
    path.write_bytes(b"".join(records))
    return records


def test_a_growing_file_is_followed_and_a_torn_tail_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    records = log_of(path, 30)
    whole = b"".join(records)
    file, found = EventFile(path), []
    for stop in (0, 5, 11, 12, 100, len(whole) - 40, len(whole) - 3, len(whole) - 1, len(whole)):
        path.write_bytes(whole[:stop])
        news = file.read()
        assert not news.broken and not news.damaged
        found.append(news)
    assert points(found)["loss"] == [(step, step / 2) for step in range(1, 31)]
    assert not file.has_grown()


@pytest.mark.parametrize("count", [3, 60])
def test_a_damaged_value_is_left_out_and_counted(tmp_path: Path, count: int) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    records = log_of(path, count)
    place = len(b"".join(records[:3])) - 5  # the last byte of the value at step 2
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    news = read_all(path)
    assert sum(each.damaged for each in news) == 1
    assert [step for step, _ in points(news)["loss"]] == [step for step in range(1, count + 1) if step != 2]


def test_behind_a_damaged_length_nothing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    records = log_of(path, 20)
    content = bytearray(path.read_bytes())
    content[len(b"".join(records[:6]))] ^= 0x10
    path.write_bytes(content)
    news = read_all(path)
    assert news[-1].broken and not news[-1].more
    assert [step for step, _ in points(news)["loss"]] == [1, 2, 3, 4, 5]


def test_long_records_come_through_and_points_around_them_too(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    event = event_pb2.Event(wall_time=1.0, step=1)
    event.summary.value.add(tag="big", image=summary_pb2.Summary.Image(encoded_image_string=b"x" * (5 << 20)))
    around = [framed(scalar_event(1.0, step, "loss", float(step))) for step in (1, 2)]
    path.write_bytes(around[0] + framed_fast(event.SerializeToString()) + around[1])
    news = read_all(path)
    assert points(news) == {"loss": [(1, 1.0), (2, 2.0)]}
    assert sum(each.others for each in news) == 1


def framed_fast(content: bytes) -> bytes:
    """As ``framed``, with no checksum of the content: nothing looks at that of a picture."""
    length = len(content).to_bytes(8, "little")
    return length + masked_crc(length).to_bytes(4, "little") + content + bytes(4)


def test_points_without_a_step_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    path.write_bytes(b"".join(framed(scalar_event(1.0, 0, "x", float(n))) for n in range(12)))
    assert points(read_all(path))["x"] == [(n, float(n)) for n in range(12)]


def test_steps_of_any_length_stay_in_order(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    steps = [1, 100_000, 200, 5] * 20  # records of three lengths, which are taken apart length by length
    path.write_bytes(b"".join(framed(scalar_event(1.0, step, "x", float(n))) for n, step in enumerate(steps)))
    assert points(read_all(path))["x"] == [(step, float(n)) for n, step in enumerate(steps)]


def test_odd_numbers_and_times_come_through(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.x"
    values = [math.inf, -math.inf, math.nan]
    path.write_bytes(b"".join(framed(scalar_event(math.nan, 1 + n, "x", v)) for n, v in enumerate(values)))
    (news,) = read_all(path)
    assert [repr(value) for value in news.points["x"].values.tolist()] == ["inf", "-inf", "nan"]
    assert news.points["x"].times.tolist() == [0, 0, 0]


def test_no_records_in_nothing() -> None:
    assert frames(b"").end == 0 and not frames(b"").broken
