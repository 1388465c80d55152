"""Files on their way to a server and back: whole or not there, of the sha256 announced, wherever a connection ends."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from faulty_proxy import FaultyProxy
from server_process import ServerProcess

from autotrack.client.remote import artifacts as sending
from autotrack.client.remote.sink import RemoteSink
from autotrack.core.cache import Cache
from autotrack.core.errors import ArtifactError, NotFoundError, StoreError, UnavailableError
from autotrack.core.journal.reader import Batch, Cursor
from autotrack.core.keys import new_id

MIB = 1 << 20
NewServer = Callable[..., ServerProcess]


@pytest.fixture
def run(server: ServerProcess) -> str:
    """A run on the server, without files."""
    return _run(server)


def _run(server: ServerProcess) -> str:
    made = server.post("/api/v1/runs", {"id": new_id(), "experiment": "files"})
    assert made.status == 201, made.text
    return str(made.json()["id"])


@pytest.fixture
def sink(server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteSink]:
    (tmp_path / ".autotrack").mkdir()
    monkeypatch.chdir(tmp_path)
    found = RemoteSink(server.url)
    yield found
    found.close()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(server: ServerProcess, run: str, path: str, data: bytes, digest: str | None = None) -> Any:
    return server.request("PUT", f"/api/v1/runs/{run}/artifacts/{path}?sha256={digest or sha256(data)}", data)


def files_of(server: ServerProcess) -> list[str]:
    """Every file under the server's artifacts, also those that nobody is to see."""
    root = Path(server.store) / "artifacts"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def read(sink: RemoteSink, run: str, path: str) -> bytes:
    with sink.artifacts.open(f"x/{run}", path) as file:
        return file.read()


def test_a_file_is_sent_read_in_ranges_listed_and_removed(server: ServerProcess, run: str) -> None:
    data = os.urandom(300_000)
    path = f"/api/v1/runs/{run}/artifacts/{quote('deep/größe 1.bin')}"
    sent = server.request("PUT", f"{path}?sha256={sha256(data)}", data)
    assert sent.json() == {"path": "deep/größe 1.bin", "size": 300_000, "sha256": sha256(data)}
    whole = server.get(path)
    assert whole.content == data and whole.headers["etag"] == f'"{sha256(data)}"'
    assert (
        whole.headers["content-disposition"] == "attachment" and "sandbox" in whole.headers["content-security-policy"]
    )
    for asked, status, answer in (
        ("bytes=0-99", 206, data[:100]),
        ("bytes=299990-", 206, data[-10:]),
        ("bytes=-5", 206, data[-5:]),
        ("bytes=100-99999999", 206, data[100:]),
        ("lines=1-2", 200, data),
        ("bytes=5-4", 416, None),
        ("bytes=300000-", 416, None),
    ):
        found = server.get(path, headers={"range": asked})
        assert found.status == status and (answer is None or found.content == answer), asked
    changed = server.get(path, headers={"range": "bytes=0-9", "if-range": f'"{sha256(b"other")}"'})
    assert changed.status == 200 and changed.content == data
    head = server.request("HEAD", path)
    assert (head.status, head.headers["content-length"], head.content) == (200, "300000", b"")
    listed = server.get(f"/api/v1/runs/{run}/artifacts?path=deep").json()
    assert listed == {"files": [{"path": "deep/größe 1.bin", "size": 300_000, "is_folder": False}]}
    assert server.get(f"/api/v1/runs/{run}").json()["artifacts"][0]["sha256"] == sha256(data)
    assert server.request("DELETE", path).status == 200 and server.request("DELETE", path).status == 200
    assert server.get(path).status == 404


@pytest.mark.parametrize(
    "path", ["..%2fx", "%2e%2e/%2e%2e/x", "a%5cb", "/etc/passwd", "a//b", "con", "a%00b", "%252e%252e"]
)
def test_a_path_that_leads_elsewhere_is_refused(server: ServerProcess, run: str, path: str) -> None:
    before = files_of(server)
    for method in ("PUT", "GET", "DELETE"):
        answer = server.request(method, f"/api/v1/runs/{run}/artifacts/{path}", b"pwn" if method == "PUT" else None)
        assert answer.status in (404, 422) and set(answer.json()) <= {"error_code", "message", "details"}
    assert server.get(f"/api/v1/runs/{run}/artifacts?path={path}").status in (200, 422)
    begun = server.post(
        f"/api/v1/runs/{run}/uploads", {"path": "../x", "size": 1, "sha256": sha256(b"x"), "part": 1 << 20}
    )
    assert begun.status == 422 and files_of(server) == before


def test_what_is_not_of_the_sha256_announced_is_refused(server: ServerProcess, run: str) -> None:
    assert put(server, run, "a.bin", b"old").status == 200
    refused = put(server, run, "a.bin", b"new", sha256(b"another"))
    assert refused.status == 422 and sha256(b"new") in refused.json()["message"]
    assert server.get(f"/api/v1/runs/{run}/artifacts/a.bin").content == b"old"
    assert server.request("PUT", f"/api/v1/objects/{sha256(b'a')}", b"b").status == 422
    assert server.get(f"/api/v1/objects/{sha256(b'a')}").status == 404
    assert server.request("PUT", f"/api/v1/objects/{sha256(b'a')}", b"a").status == 200
    asked = server.post("/api/v1/objects/missing", {"digests": [sha256(b"a"), sha256(b"c")]})
    assert asked.json() == {"digests": [sha256(b"c")]}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_an_upload_that_is_cut_changes_nothing(server: ServerProcess, run: str, share: float) -> None:
    """R13: old or new, never a part."""
    old, new = b"old" * 1000, os.urandom(2 * MIB)
    put(server, run, "a.bin", old)
    before = files_of(server)
    head = f"PUT /api/v1/runs/{run}/artifacts/a.bin?sha256={sha256(new)} HTTP/1.1\r\nHost: {server.host}\r\n"
    with socket.create_connection((server.host, server.port)) as wire:
        wire.sendall(f"{head}Content-Length: {len(new)}\r\n\r\n".encode() + new[: int(len(new) * share)])
        if share > 0.1:
            wire.settimeout(0.2)
            with pytest.raises(TimeoutError):
                wire.recv(1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert server.get(f"/api/v1/runs/{run}/artifacts/a.bin").content == old
    server._until(lambda: files_of(server) == before, "what was begun was removed", 10)
    assert put(server, run, "a.bin", new).status == 200
    assert server.get(f"/api/v1/runs/{run}/artifacts/a.bin").content == new


def test_a_large_file_goes_on_where_its_connection_or_the_server_ended(
    new_server: NewServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut in the second part, then the server killed: parts that have arrived are not sent again."""
    monkeypatch.setattr(sending, "PART", MIB)
    (tmp_path / ".autotrack").mkdir()
    monkeypatch.chdir(tmp_path)
    server = new_server()
    run, data = _run(server), os.urandom(9 * MIB + 17)
    source = tmp_path / "large.bin"
    source.write_bytes(data)
    proxy = FaultyProxy((server.host, server.port))
    sink = RemoteSink(proxy.url)
    proxy.cut_after = 4 * MIB + MIB // 2
    with pytest.raises(UnavailableError):
        sink.artifacts.put_file(f"x/{run}", "large.bin", source)
    assert server.get(f"/api/v1/runs/{run}/artifacts/large.bin").status == 404
    server.process.kill()
    server.process.wait()
    server = new_server(store=server.store)
    proxy.target, proxy.cut_after = (server.host, server.port), None
    told: list[tuple[int, int]] = []
    counted = _Counting(proxy)
    sink.artifacts.progress = lambda name, done, total: told.append((done, total))
    record = sink.artifacts.put_file(f"x/{run}", "large.bin", source)
    assert record.sha256 == sha256(data) and told[-1] == (len(data), len(data))
    assert counted.sent() < 7 * MIB
    assert read(sink, run, "large.bin") == data
    assert not [name for name in files_of(server) if name.startswith("uploads/")]
    # The same once more: it is there, and nothing is sent.
    again = counted.sent()
    sink.artifacts.put_file(f"x/{run}", "large.bin", source)
    assert counted.sent() - again < MIB
    # Written anew with as many bytes, and the record is there first, as journals bring it: it is sent.
    changed = os.urandom(len(data))
    source.write_bytes(changed)
    note = {"k": "artifact", "t": 1, "r": run, "path": "large.bin", "size": len(data), "sha256": sha256(changed)}
    sink.apply("b" * 32, Cursor(), Batch([note], [], Cursor(1, 0), 0, False))
    sink.artifacts.put_file(f"x/{run}", "large.bin", source)
    assert server.get(f"/api/v1/runs/{run}/artifacts/large.bin").content == changed
    sink.close()
    proxy.close()


class _Counting:
    """Counts what a proxy's clients send from here on."""

    def __init__(self, proxy: FaultyProxy) -> None:
        self._bytes = 0
        pump = proxy._pump

        async def counting(reader: Any, writer: Any, limit: Any) -> None:
            peer = writer.get_extra_info("peername")
            if peer is not None and peer[:2] == proxy.target:
                inner = reader.read

                async def read(size: int) -> bytes:
                    data: bytes = await inner(size)
                    self._bytes += len(data)
                    return data

                reader.read = read
            await pump(reader, writer, limit)

        proxy._pump = counting  # type: ignore[method-assign]

    def sent(self) -> int:
        return self._bytes


def test_every_write_may_be_sent_again(server: ServerProcess, run: str) -> None:
    """R19: three times is once, also the end of an upload whose answer was lost."""
    data = os.urandom(300_000)
    wanted = {"path": "a/b.bin", "size": len(data), "sha256": sha256(data), "part": 1 << 17}
    upload = f"/api/v1/runs/{run}/uploads"
    for _ in range(3):
        begun = server.post(upload, wanted).json()
        assert (begun["count"], begun["parts"], begun["done"]) == (3, [], False)
    assert server.post(f"{upload}/{begun['upload']}", wanted).status == 409
    for number in range(3):
        part = data[number << 17 : (number + 1) << 17]
        assert server.request("PUT", f"{upload}/{begun['upload']}/{number}?sha256={sha256(b'')}", part).status == 422
        for _ in range(3):
            sent = server.request("PUT", f"{upload}/{begun['upload']}/{number}?sha256={sha256(part)}", part)
            assert sent.status == 200
    answers = [server.post(f"{upload}/{begun['upload']}", wanted) for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3 and len({answer.text for answer in answers}) == 1
    assert server.post(upload, wanted).json()["done"]
    assert server.get(f"/api/v1/runs/{run}/artifacts/a/b.bin").content == data
    for _ in range(3):
        assert put(server, run, "a/b.bin", b"x").status == 200
    assert [file["path"] for file in server.get(f"/api/v1/runs/{run}").json()["artifacts"]] == ["a/b.bin"]


def test_a_file_that_was_changed_or_grew_is_not_sent_as_what_it_was(sink: RemoteSink, run: str, tmp_path: Path) -> None:
    from autotrack.core.entities import ArtifactRecord

    file = tmp_path / "grows.bin"
    file.write_bytes(b"a" * 100)
    was = ArtifactRecord("grows.bin", 100, sha256(b"a" * 100))
    for now in (b"a" * 101, b"b" * 100):
        file.write_bytes(now)
        with file.open("rb") as stream, pytest.raises(ArtifactError):
            sink.artifacts.put_artifact(run, was, stream)
    with pytest.raises(NotFoundError):
        sink.artifacts.open(f"x/{run}", "grows.bin")


def test_two_who_write_one_name_leave_one_of_both_files(server: ServerProcess, run: str) -> None:
    both = [bytes([number]) * 3 * MIB for number in (1, 2)]
    threads = [threading.Thread(target=put, args=(server, run, "same.bin", data)) for data in both * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.get(f"/api/v1/runs/{run}/artifacts/same.bin").content in both


def test_a_fetch_that_is_cut_goes_on_and_a_wrong_one_leaves_nothing(
    server: ServerProcess, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".autotrack").mkdir()
    monkeypatch.chdir(tmp_path)
    data = os.urandom(6 * MIB)
    put(server, run, "a.bin", data)
    proxy = FaultyProxy((server.host, server.port))
    sink = RemoteSink(proxy.url)
    proxy.cut_answer = 4 * MIB
    with pytest.raises(StoreError):
        read(sink, run, "a.bin")
    place = next((tmp_path / ".autotrack" / "remote").iterdir()) / "cache"
    (part,) = place.iterdir()
    assert part.name.startswith(".part-") and 2 * MIB < part.stat().st_size < 4 * MIB
    # What is left to fetch passes where the whole would not.
    assert read(sink, run, "a.bin") == data
    assert [path.name for path in place.iterdir()] == [sha256(data)]
    sink.close()
    proxy.close()
    cache = Cache(tmp_path / "cache")
    with pytest.raises(ArtifactError, match="has the sha256"):
        cache.fetch(sha256(b"right"), 5, lambda start: iter([b"wrong"]))
    assert not list((tmp_path / "cache").iterdir())


def test_a_large_file_takes_little_memory_on_either_side(
    server: ServerProcess, sink: RemoteSink, run: str, tmp_path: Path
) -> None:
    """100 MB through the server, whole and in parts, and back: less than 64 MiB more."""
    file = tmp_path / "large.bin"
    with file.open("wb") as stream:
        for number in range(100):
            stream.write(bytes([number]) * MIB)
    watched = psutil.Process(server.process.pid)
    before, ours = watched.memory_info().rss, psutil.Process().memory_info().rss
    record = sink.artifacts.put_file(f"x/{run}", "large.bin", file)
    with file.open("rb") as body:
        connection = server.connection()
        connection.request("PUT", f"/api/v1/runs/{run}/artifacts/whole.bin?sha256={record.sha256}", body)
        assert connection.getresponse().read() and connection.close() is None
    with sink.artifacts.open(f"x/{run}", "whole.bin") as found:
        assert hashlib.file_digest(found, "sha256").hexdigest() == record.sha256
    assert watched.memory_info().rss - before < 64 * MIB
    assert psutil.Process().memory_info().rss - ours < 64 * MIB
