"""Taps and hooks: told of calls in hot loops, guarded, undone exactly, quiet where probes are quiet."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import autotrack
from autotrack.core.errors import PluginError
from autotrack.core.probes.frames import sealed
from autotrack.core.probes.patching import Ear, Hook, Patch, ResultTap, Tap

from .conftest import Lab, plain

#: Where autotrack is: the folder of a clone may have its name, too.
PACKAGE = f"{Path(autotrack.__file__).parent}{os.sep}"
SOURCE = """
__version__ = "2.0"
registered = []

class Handle:
    def __init__(self, function): self.function = function
    def remove(self): registered.remove(self.function)

def register(function):
    registered.append(function)
    return Handle(function)

def double(x, *, plus=0):
    if x is None:
        raise ValueError("nothing to double")
    for function in registered:
        function(x)
    return 2 * x + plus

def outer(x):
    return double(x)

class Thing:
    def half(self, x): return x / 2
"""


@pytest.fixture
def library() -> Iterator[ModuleType]:
    module = ModuleType("tapped_library")
    sys.modules["tapped_library"] = module
    exec(SOURCE, module.__dict__)
    yield module
    del sys.modules["tapped_library"]


class Heard:
    """An observer that writes down what it is told."""

    def __init__(self, raises: bool = False) -> None:
        self.told: list[Any] = []
        self.raises = raises

    def __call__(self, *told: Any) -> None:
        self.told.append(told)
        if self.raises:
            raise RuntimeError("a bug of the observer's")


def attach(module: ModuleType, listener: Any) -> Any:
    return module.register(listener).remove


def hook(heard: Heard, **options: Any) -> Hook:
    return Hook("tapped_library", attach=attach, observer=heard, **options)


def test_a_tap_is_told_of_each_call_and_of_its_error(lab: Lab, library: ModuleType) -> None:
    heard = Heard()
    lab.installer.install("p", [Tap("tapped_library:double", heard)])
    assert library.double(3, plus=1) == 7
    with pytest.raises(ValueError, match="nothing to double") as raised:
        library.double(None)
    assert heard.told == [((3,), {"plus": 1}, None), ((None,), {}, raised.value)]
    ours = [frame for frame in traceback.extract_tb(raised.value.__traceback__) if frame.filename.startswith(PACKAGE)]
    assert len(ours) <= 2 and not lab.errors and not lab.records


def test_a_tapped_method_is_told_its_object(lab: Lab, library: ModuleType) -> None:
    heard = Heard()
    lab.installer.install("p", [Tap("tapped_library:Thing.half", heard)])
    thing = library.Thing()
    assert thing.half(4) == 2
    assert heard.told == [((thing, 4), {}, None)]


def test_a_hook_is_told_what_the_library_tells_its_own(lab: Lab, library: ModuleType) -> None:
    heard = Heard()
    lab.installer.install("p", [hook(heard)])
    library.double(5)
    assert heard.told == [(5,)]
    lab.installer.uninstall("p")
    library.double(6)
    assert heard.told == [(5,)] and library.registered == []


def test_a_result_tap_hears_results_while_its_ear_is_open(lab: Lab, library: ModuleType) -> None:
    original, heard, ear = library.double, Heard(), Ear()
    lab.installer.install("p", [ResultTap("tapped_library:double", heard, ear=ear)])
    assert library.double(1) == 2 and heard.told == []
    ear.open = True
    assert library.double(3, plus=1) == 7
    with pytest.raises(ValueError, match="nothing to double") as raised:
        library.double(None)
    assert heard.told == [((3,), {"plus": 1}, 7)]
    ours = [frame for frame in traceback.extract_tb(raised.value.__traceback__) if frame.filename.startswith(PACKAGE)]
    assert len(ours) <= 2 and pickle.loads(pickle.dumps(library.double)) is library.double
    ear.open = False
    library.double(4)
    ear.open = True
    held = library.double
    lab.installer.uninstall("p")
    assert held(5) == 10 and library.double is original and len(heard.told) == 1


def test_undo_puts_the_function_itself_back(lab: Lab, library: ModuleType) -> None:
    original, heard = library.double, Heard()
    lab.installer.install("p", [Tap("tapped_library:double", heard)])
    held = library.double
    lab.installer.uninstall("p")
    assert library.double is original
    assert held(1) == 2 and heard.told == []


def test_an_observer_that_fails_costs_a_warning_and_is_off_after_three(lab: Lab, library: ModuleType) -> None:
    heard = Heard(raises=True)
    lab.installer.install("p", [Tap("tapped_library:double", heard), hook(heard)])
    assert [library.double(x) for x in range(5)] == [0, 2, 4, 6, 8]
    assert len(heard.told) == 3 and len(lab.errors) == 3


@pytest.mark.parametrize("way", ["off", "sealed", "inside a watched call"])
def test_nothing_is_told(lab: Lab, library: ModuleType, way: str) -> None:
    heard = Heard()
    lab.installer.install("p", [Tap("tapped_library:double", heard), hook(heard)])
    if way == "off":
        lab.engine.armed = False
        library.double(1)
    elif way == "sealed":
        with sealed():
            library.double(1)
    else:
        lab.installer.install("q", [Patch("tapped_library:outer", plain)])
        library.outer(1)
        assert lab.targets == ["tapped_library:outer"]
    assert heard.told == []


def test_what_a_tapped_function_calls_is_watched(lab: Lab, library: ModuleType) -> None:
    heard = Heard()
    lab.installer.install("p", [Tap("tapped_library:outer", heard), Patch("tapped_library:double", plain)])
    assert library.outer(2) == 4
    assert lab.targets == ["tapped_library:double"] and len(heard.told) == 1


def test_calls_in_threads_are_told(lab: Lab, library: ModuleType) -> None:
    heard = Heard()
    lab.installer.install("p", [Tap("tapped_library:double", heard)])
    threads = [threading.Thread(target=library.double, args=(1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard.told) == 4


def test_a_version_out_of_range_is_left_alone(lab: Lab, library: ModuleType) -> None:
    heard = Heard()
    lab.installer.install("p", [Tap("tapped_library:double", heard, versions="<2"), hook(heard, versions="<2")])
    library.double(1)
    assert heard.told == [] and library.registered == []
    with pytest.raises(PluginError, match=r"tested with tapped_library <2"):
        lab.installer.install("r", [hook(heard, versions="<2")], by_name=True)


def test_a_tapped_function_pickles_as_the_original(lab: Lab, library: ModuleType) -> None:
    before = pickle.dumps(library.outer)
    library.outer.__module__ = "tapped_library"
    lab.installer.install("p", [Tap("tapped_library:outer", Heard())])
    assert pickle.dumps(library.outer) == before and pickle.loads(before) is library.outer
