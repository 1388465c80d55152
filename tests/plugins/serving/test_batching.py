"""Requests that share calls of the model: each gets its own answer, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from autotrack_serving.batching import MOST_STUCK, Batcher
from autotrack_serving.refused import Refused
from autotrack_serving.rows import Rows


def rows(*values: float) -> Rows:
    return Rows("matrix", np.array(values)[:, None], len(values))


def doubled(asked: Rows, params: Any) -> Any:
    return asked.data[:, 0] * 2


def run(scenario: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(scenario(), 30))


def test_what_gathers_while_the_model_is_busy_is_one_call() -> None:
    """64 requests of one row and 3 of many: at most max_rows in a call, and far fewer calls than requests."""
    sizes: list[int] = []
    gate = threading.Event()

    def ask(asked: Rows, params: Any) -> Any:
        gate.wait(10)
        sizes.append(asked.count)
        return doubled(asked, params)

    async def scenario() -> list[Any]:
        batcher = Batcher(ask, max_rows=40)
        waiting = [asyncio.ensure_future(batcher.answer(rows(float(at)), {})) for at in range(64)]
        waiting += [asyncio.ensure_future(batcher.answer(rows(*range(50)), {})) for _ in range(3)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*waiting)

    found = run(scenario)
    assert [each.tolist() for each in found[:64]] == [[2.0 * at] for at in range(64)]
    assert all(each.tolist() == [2.0 * at for at in range(50)] for each in found[64:])
    assert sum(sizes) == 64 + 150 and len(sizes) <= 6 and max(size for size in sizes if size != 50) <= 40


def test_one_that_fails_fails_alone() -> None:
    def ask(asked: Rows, params: Any) -> Any:
        if (asked.data < 0).any():
            raise RuntimeError("negative")
        return doubled(asked, params)

    async def scenario() -> list[Any]:
        batcher = Batcher(ask)
        asking = (batcher.answer(rows(value), {}) for value in (1.0, -1.0, 3.0))
        return await asyncio.gather(*asking, return_exceptions=True)

    one, failed, three = run(scenario)
    assert (one.tolist(), three.tolist()) == ([2.0], [6.0])
    assert isinstance(failed, Refused) and failed.status == 500 and "negative" in str(failed)


def test_params_that_differ_are_not_mixed() -> None:
    async def scenario() -> list[Any]:
        batcher = Batcher(lambda asked, params: asked.data[:, 0] * params["by"])
        return await asyncio.gather(*(batcher.answer(rows(1.0), {"by": by}) for by in (1, 2, 2, 3)))

    assert [each.tolist() for each in run(scenario)] == [[1.0], [2.0], [2.0], [3.0]]


def test_answers_that_are_not_one_a_row_are_given_one_by_one() -> None:
    async def scenario() -> tuple[list[Any], bool]:
        batcher = Batcher(lambda asked, params: {"sum": float(asked.data.sum())})
        found = await asyncio.gather(*(batcher.answer(rows(value), {}) for value in (1.0, 2.0, 3.0)))
        return found, batcher.joins

    assert run(scenario) == ([{"sum": 1.0}, {"sum": 2.0}, {"sum": 3.0}], False)


def test_a_model_that_hangs_costs_its_own_requests() -> None:
    """The others are answered; after as many threads as are given up on, requests are refused and health says so."""
    for_ever = threading.Event()

    def ask(asked: Rows, params: Any) -> Any:
        if asked.data[0, 0] < 0:
            for_ever.wait(30)
        return doubled(asked, params)

    async def scenario() -> None:
        batcher = Batcher(ask, timeout=0.3, joins=False)
        for _ in range(MOST_STUCK):
            assert batcher.healthy
            hanging = asyncio.ensure_future(batcher.answer(rows(-1.0), {}))
            await asyncio.sleep(0.2)
            behind = asyncio.ensure_future(batcher.answer(rows(2.0), {}))
            with pytest.raises(Refused, match="did not answer within") as refused:
                await hanging
            assert refused.value.status == 504
            assert (await behind).tolist() == [4.0]
        assert not batcher.healthy
        with pytest.raises(Refused, match="does not answer any more") as gone:
            await batcher.answer(rows(1.0), {})
        assert gone.value.status == 503

    run(scenario)
    for_ever.set()


def test_a_model_that_exits_ends_no_server() -> None:
    def ask(asked: Rows, params: Any) -> Any:
        if asked.data[0, 0] < 0:
            raise SystemExit(3)
        return doubled(asked, params)

    async def scenario() -> Any:
        batcher = Batcher(ask)
        with pytest.raises(Refused, match="exits"):
            await batcher.answer(rows(-1.0), {})
        return await batcher.answer(rows(1.0), {})

    assert run(scenario).tolist() == [2.0]


def test_what_waits_is_bounded() -> None:
    gate = threading.Event()

    def ask(asked: Rows, params: Any) -> Any:
        gate.wait(10)
        return doubled(asked, params)

    async def scenario() -> list[Any]:
        batcher = Batcher(ask, max_bytes=100 * 8, joins=False)
        asking = [asyncio.ensure_future(batcher.answer(rows(*range(60)), {})) for _ in range(4)]
        await asyncio.sleep(0.05)
        gate.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    found = run(scenario)
    assert any(isinstance(each, Refused) and each.status == 503 for each in found)
    assert any(isinstance(each, np.ndarray) for each in found)


def test_a_swift_model_is_asked_on_the_loop_until_it_is_slow() -> None:
    """What has gathered is one call; one that fails fails alone; after a call that computes long, a thread asks."""
    threads: list[int] = []
    sizes: list[int] = []

    def ask(asked: Rows, params: Any) -> Any:
        threads.append(threading.get_ident())
        sizes.append(asked.count)
        if (asked.data < 0).any():
            raise RuntimeError("negative")
        until = time.thread_time() + (0.05 if (asked.data == 7).any() else 0.0)
        while time.thread_time() < until:
            pass
        return doubled(asked, params)

    async def scenario() -> tuple[list[Any], list[Any], bool, bool, Any]:
        batcher = Batcher(ask, swift=True)
        first = await asyncio.gather(*(batcher.answer(rows(float(at)), {}) for at in range(5)))
        asking = (batcher.answer(rows(value), {}) for value in (1.0, -1.0))
        second = await asyncio.gather(*asking, return_exceptions=True)
        was_swift = batcher.swift
        await batcher.answer(rows(7.0), {})
        last = await batcher.answer(rows(1.0), {})
        batcher.close()
        return first, second, was_swift, batcher.swift, last

    first, (one, failed), was_swift, is_swift, last = run(scenario)
    assert [each.tolist() for each in first] == [[2.0 * at] for at in range(5)] and sizes[0] == 5
    assert one.tolist() == [2.0] and isinstance(failed, Refused) and failed.status == 500
    assert was_swift and not is_swift and last.tolist() == [2.0]
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [True] * 5 + [False]
