"""Requests that are stored together are answered together, each as its own change ended."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from autotrack.server.told import Told


def test_futures_of_a_thread_are_told_with_few_wakes():
    """A thousand that end while the loop is busy, some with an error, one that nobody waits for any more."""
    wakes: list[None] = []

    async def told() -> list[object]:
        loop = asyncio.get_running_loop()
        every = [Future[None]() for _ in range(1000)]
        told = Told(loop)
        here = [told.of(future) for future in every]
        here[7].cancel()
        wake = loop.call_soon_threadsafe

        def counted(*args: object, **options: object) -> object:
            wakes.append(None)
            return wake(*args, **options)

        loop.call_soon_threadsafe = counted

        def end() -> None:
            for number, future in enumerate(every):
                if number % 100 == 1:
                    future.set_exception(ValueError(str(number)))
                else:
                    future.set_result(None)

        thread = threading.Thread(target=end)
        thread.start()
        thread.join()  # the loop is busy meanwhile
        return await asyncio.wait_for(asyncio.gather(*here, return_exceptions=True), 20)

    found = asyncio.run(told())
    assert [str(each) for each in found if isinstance(each, ValueError)] == [str(n) for n in range(1, 1000, 100)]
    assert isinstance(found[7], asyncio.CancelledError) and found.count(None) == 1000 - 10 - 1
    assert len(wakes) == 1
