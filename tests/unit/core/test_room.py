"""Calls with one large piece of the interpreter's stack below them."""

from __future__ import annotations

import resource
from typing import Any

import pytest

from autotrack.core.room import with_room

TURNS = 500
DEPTHS = range(100)


def leaf(a: int, b: int, c: int, d: int, e: int) -> int:
    return a + b + c + d + e


def faults(depth: int) -> int:
    """Page faults of a loop of calls that begins so many calls deeper than this one."""
    if depth:
        return faults(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TURNS):
        leaf(1, 2, 3, 4, 5)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_no_loop_takes_its_stack_anew_at_each_turn() -> None:
    assert max(with_room(lambda: [faults(depth) for depth in DEPTHS])) < TURNS / 5


def test_it_is_a_call_like_any_other() -> None:
    def function(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    assert with_room(function, 1, two=2) == ((1,), {"two": 2})
    error = ValueError("mine")

    def fails() -> None:
        raise error

    with pytest.raises(ValueError, match="mine") as caught:
        with_room(fails)
    assert caught.value is error
