"""A load tool on loopback: ``requesting.py PORT PATH CONNECTIONS SECONDS < BODY`` posts one body again and again.

Each connection sends the next request once the last is answered. Prints one JSON object: requests a second, their
latencies' median and 99th percentile in seconds. Needs nothing but Python, and as little of a processor as it can: the
server that it measures runs beside it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

#: Seconds at the beginning that are not counted: connections open, code and caches warm up.
LEAD = 1.0


class Connection(asyncio.Protocol):
    """Asks, and asks again once it has its answer."""

    def __init__(self, request: bytes, until: float) -> None:
        self.request = request
        self.until = until
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answered: list[tuple[float, float]] = []
        self._data = b""
        self._length = -1
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(error or ConnectionError("the server closed the connection"))

    def _ask(self) -> None:
        self._data, self._length = b"", -1
        self._sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        if self._length < 0:
            head = self._data.find(b"\r\n\r\n")
            if head < 0:
                return
            lines = self._data[:head].lower().split(b"\r\n")
            if not lines[0].startswith(b"http/1.1 200"):
                self.over.set_exception(RuntimeError(f"answered with {self._data[:400]!r}"))
                return
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            self._length = head + 4 + length
        if len(self._data) >= self._length:
            now = time.perf_counter()
            self.answered.append((now, now - self._sent))
            if now < self.until:
                self._ask()
            elif not self.over.done():
                self.over.set_result(None)


async def asked(port: int, path: str, body: bytes, connections: int, seconds: float) -> dict[str, float]:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    began = time.perf_counter() + LEAD
    loop = asyncio.get_running_loop()
    links = [
        (await loop.create_connection(lambda: Connection(request, began + seconds), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(link.over for link in links))
    counted = sorted(took for link in links for at, took in link.answered if at >= began)
    return {
        "requests": len(counted) / seconds,
        "p50": counted[len(counted) // 2],
        "p99": counted[min(len(counted) - 1, int(len(counted) * 0.99))],
    }


if __name__ == "__main__":
    number, address, links, duration = sys.argv[1:]
    print(json.dumps(asyncio.run(asked(int(number), address, sys.stdin.buffer.read(), int(links), float(duration)))))
