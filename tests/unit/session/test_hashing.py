"""Digests of files: whole, in part, remembered, and of files that do not hold still."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.session import hashing
from autotrack.core.session.hashing import BLOCK, PARTIAL, FileHashes, NotRegular, Stopped


def made(path: Path, content: bytes, *, old: bool = True) -> str:
    path.write_bytes(content)
    if old:
        os.utime(path, (1e9, 1e9))
    return str(path)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is remembered however young it is."""
    monkeypatch.setattr(hashing, "RACY", -1)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_the_digest_is_the_content_s_sha256(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    found = FileHashes().hash(made(tmp_path / "a", content))
    assert (found.sha256, found.size, found.partial) == (hashlib.sha256(content).hexdigest(), size, None)
    assert found.mtime == 10**18


def test_a_large_file_is_covered_in_part_and_says_so(tmp_path: Path) -> None:
    content = bytearray(os.urandom(BLOCK) * 80)
    hashes = FileHashes(whole=BLOCK)
    found = hashes.hash(made(tmp_path / "a", content))
    assert found.sha256 is not None and found.sha256.startswith(PARTIAL)
    assert found.partial == f"{hashing.SAMPLED * BLOCK} of {80 * BLOCK} bytes were looked at"
    assert hashes.read == hashing.SAMPLED * BLOCK
    assert hashes.hash(made(tmp_path / "same", content)).sha256 == found.sha256
    for changed in (0, len(content) - 1):
        other = bytearray(content)
        other[changed] ^= 1
        assert hashes.hash(made(tmp_path / "other", other)).sha256 != found.sha256
    assert hashes.hash(made(tmp_path / "longer", content + content[-BLOCK:])).sha256 != found.sha256
    whole = FileHashes(whole=len(content)).hash(str(tmp_path / "a"))
    assert whole.sha256 == hashlib.sha256(content).hexdigest()


def test_past_the_session_s_total_files_are_covered_in_part(tmp_path: Path) -> None:
    hashes = FileHashes(total=1000)
    assert hashes.hash(made(tmp_path / "a", b"a" * 600)).partial is None
    found = hashes.hash(made(tmp_path / "b", b"b" * 600))
    assert str(found.sha256).startswith(PARTIAL) and found.partial == "600 of 600 bytes were looked at"


def test_a_file_that_grows_while_it_is_hashed_has_no_digest(tmp_path: Path) -> None:
    path = made(tmp_path / "a", b"x" * (3 * BLOCK))

    def grow() -> bool:
        with open(path, "ab") as file:
            file.write(b"more")
        return False

    found = FileHashes().hash(path, grow)
    assert (found.sha256, found.partial) == (None, "it changed while it was hashed")


def test_a_file_that_shrinks_while_it_is_hashed(tmp_path: Path) -> None:
    path = made(tmp_path / "a", b"x" * (3 * BLOCK))

    def shrink() -> bool:
        os.truncate(path, 10)
        return False

    assert FileHashes(whole=1).hash(path, shrink).sha256 is None


def test_it_stops_when_it_is_told(tmp_path: Path) -> None:
    path = made(tmp_path / "a", b"x" * (9 * BLOCK))
    asked = iter([False, False, True])
    hashes = FileHashes()
    with pytest.raises(Stopped):
        hashes.hash(path, lambda: next(asked))
    assert hashes.read == 2 * BLOCK


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(NotRegular):
            FileHashes().hash(str(tmp_path / name))
    with pytest.raises(NotRegular):
        FileHashes().hash("/dev/zero")
    with pytest.raises(FileNotFoundError):
        FileHashes().hash(str(tmp_path / "missing"))


def test_hashes_are_remembered_across_sessions(tmp_path: Path, patient: None) -> None:
    memory = tmp_path / "store" / "cache" / "file-hashes"
    path = made(tmp_path / "a", b"content")
    first = FileHashes(memory)
    expected = first.hash(path)
    first.save()
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    assert stat.S_IMODE(memory.parent.stat().st_mode) == 0o700
    second = FileHashes(memory)
    assert second.hash(path) == expected and second.read == 0
    made(tmp_path / "a", b"changed")  # of the same size and time: only the time of the change tells
    assert second.hash(path).sha256 == hashlib.sha256(b"changed").hexdigest()


def test_a_young_file_is_not_remembered(tmp_path: Path) -> None:
    memory = tmp_path / "file-hashes"
    hashes = FileHashes(memory)
    hashes.hash(made(tmp_path / "a", b"content", old=False))
    hashes.save()
    assert not memory.exists()


def test_a_part_that_is_remembered_is_no_whole(tmp_path: Path, patient: None) -> None:
    path = made(tmp_path / "a", b"x" * 1000)
    memory = tmp_path / "file-hashes"
    small = FileHashes(memory, whole=10)
    part = small.hash(path)
    small.save()
    again = FileHashes(memory, whole=10).hash(path)
    assert (again.sha256, again.partial is None) == (part.sha256, False)
    assert FileHashes(memory).hash(path).sha256 == hashlib.sha256(b"x" * 1000).hexdigest()


def test_a_damaged_memory_costs_a_second_look(tmp_path: Path, patient: None) -> None:
    memory = tmp_path / "file-hashes"
    paths = [made(tmp_path / name, name.encode()) for name in "abc"]
    hashes = FileHashes(memory)
    for path in paths:
        hashes.hash(path)
    hashes.save()
    lines = memory.read_bytes().splitlines(keepends=True)
    damaged = lines[1][:-20] + b"0" + lines[1][-19:]
    memory.write_bytes(b"".join([lines[0], damaged, lines[2], b"\xff\x00 nonsense\n", lines[3][: len(lines[3]) // 2]]))
    found = FileHashes(memory)
    for path in paths:
        assert found.hash(path).sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert found.read == 2
    found.save()  # after a torn line
    last = FileHashes(memory)
    for path in paths:
        last.hash(path)
    assert last.read == 0


@given(st.binary(max_size=300))
def test_no_content_of_the_memory_breaks_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("memory")
    memory = folder / "file-hashes"
    memory.write_bytes(content)
    assert FileHashes(memory).hash(made(folder / "a", b"x")).sha256 == hashlib.sha256(b"x").hexdigest()


@given(
    st.tuples(*[st.integers(0, 2**64 - 1)] * 5),
    st.from_regex(r"(partial:)?[0-9a-f]{64}", fullmatch=True),
)
def test_a_line_says_what_was_written(identity: hashing.Identity, digest: str) -> None:
    line = hashing._line(identity, digest)
    assert hashing._parsed(line) == (identity, digest)
    assert hashing._parsed(line[:-1]) is None
    assert hashing._parsed(b"1" + line) is None


def test_the_memory_stays_small(tmp_path: Path, patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "MOST_REMEMBERED", 4000)
    memory = tmp_path / "file-hashes"
    for round_ in range(5):
        hashes = FileHashes(memory)
        for number in range(20):
            hashes.hash(made(tmp_path / f"{round_}-{number}", b"x"))
        hashes.save()
    assert memory.stat().st_size < 2 * 4000 + 20 * 150
    last = FileHashes(memory)
    last.hash(str(tmp_path / "4-19"))
    assert last.read == 0
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_memory_that_is_a_link_or_a_pipe_is_left_alone(tmp_path: Path, patient: None) -> None:
    (tmp_path / "secret").write_text("secret\n")
    os.symlink("secret", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        hashes = FileHashes(tmp_path / name)
        assert hashes.hash(made(tmp_path / "a", b"x")).partial is None
        with pytest.raises(OSError):
            hashes.save()
    assert (tmp_path / "secret").read_text() == "secret\n"
