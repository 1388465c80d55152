"""Walks over all objects of the process: they find what they look for, and no other thread can tell."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from autotrack_torch.heap import holders_of, objects_of


class Base:
    pass


class Derived(Base):
    pass


class Odd:
    """Says that it is of another class."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("nobody asks")


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_objects_of_a_class_and_those_below_it_are_found() -> None:
    made: list[Any] = [Base(), Derived(), Odd(), Base]
    assert {id(each) for each in objects_of(Base)} == {id(each) for each in [SHARED, *made[:2]]}
    assert gc.isenabled()
    gc.disable()
    try:
        objects_of(Base)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_holds_an_object_is_found() -> None:
    wanted = Base()
    holder: dict[str, Any] = {"wanted": wanted}
    other = [wanted]
    assert any(each is holder for each in holders_of(wanted, dict)) and other
    assert not [
        each for each in holders_of(wanted, FrameType) if each.f_code.co_name != "test_what_holds_an_object_is_found"
    ]


@pytest.mark.parametrize("walk", [lambda: objects_of(Base), lambda: holders_of(SHARED, Base)])
def test_a_thread_that_builds_tuples_meanwhile_gets_them(hasty: None, walk: Callable[[], Any]) -> None:
    """A tuple that somebody else holds before it is complete cannot be completed: CPython raises SystemError."""
    errors: list[BaseException] = []
    over = threading.Event()

    def build() -> None:
        try:
            while not over.is_set():
                assert len(tuple(each for each in (SHARED, SHARED, SHARED))) == 3
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        walk()
    over.set()
    for thread in threads:
        thread.join()
    assert not errors


SHARED = Base()
