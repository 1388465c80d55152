"""A TCP proxy before a server that does to connections what networks do: cut, reset, half open, slow."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Any


class FaultyProxy:
    """Listens on a port of its own. Change ``mode`` at any time; connections that are open are reset then.

    ``pass`` forwards; ``down`` resets whoever comes; ``hang`` accepts and never answers (half open). ``cut_after``:
    bytes from the client, or with ``cut_answer`` from the server, after which the connection is reset; ``delay``:
    seconds before each piece.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target, self.mode, self.delay = target, "pass", 0.0
        self.cut_after: int | None = None
        self.cut_answer: int | None = None
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _run(self, work: Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]

    def set(self, mode: str) -> None:
        """Changes the mode, and resets what is open."""
        self.mode = mode
        self._run(self._reset_all())

    async def _reset_all(self) -> None:
        for writer in list(self._open):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        self._open.discard(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        if self.mode != "pass":
            if self.mode == "down":
                self._reset(writer)
            return
        try:
            answers, there = await asyncio.open_connection(*self.target)
        except OSError:
            self._reset(writer)
            return
        self._open.add(there)
        both = (
            self._pump(reader, there, lambda: self.cut_after),
            self._pump(answers, writer, lambda: self.cut_answer),
        )
        await asyncio.gather(*both, return_exceptions=True)
        for each in (writer, there):
            each.transport.abort() if each in self._open else None
            self._open.discard(each)

    async def _pump(self, reader: Any, writer: asyncio.StreamWriter, limit: Callable[[], int | None]) -> None:
        count = 0
        while data := await reader.read(16384):
            if self.delay:
                await asyncio.sleep(self.delay)
            cut = limit()
            if cut is not None and count + len(data) > cut:
                writer.write(data[: max(0, cut - count)])
                await asyncio.sleep(0.01)
                await self._reset_all()
                return
            count += len(data)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            await self._reset_all()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()

        self._run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
