"""Which files are the user's own."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from autotrack.core import callsite


def module(name: str, file: str, *, package: bool) -> ModuleType:
    made = ModuleType(name)
    made.__file__ = file
    if package:
        made.__path__ = [file.rpartition("/")[0]]
    return made


@pytest.mark.parametrize(
    ("name", "file", "package", "asked", "library"),
    [
        ("autotrack_mine", "/src/p/autotrack_mine/__init__.py", True, "/src/p/autotrack_mine/deep/a.py", True),
        ("autotrack_mine", "/src/p/autotrack_mine/__init__.py", True, "/src/p/train.py", False),
        ("autotrack_mine", "/src/p/autotrack_mine.py", False, "/src/p/autotrack_mine.py", True),
        ("autotrack_mine", "/src/p/autotrack_mine.py", False, "/src/p/train.py", False),
        ("project", "/src/project/__init__.py", True, "/src/project/train.py", False),
    ],
)
def test_plugins_are_libraries(
    monkeypatch: pytest.MonkeyPatch, name: str, file: str, package: bool, asked: str, library: bool
) -> None:
    monkeypatch.setattr(callsite, "_plugins", ())
    monkeypatch.setattr(callsite, "_is_library", {asked: False})
    callsite.add_plugin(module(name, file, package=package))
    assert callsite.is_library(asked) is library


def test_what_is_a_library() -> None:
    assert callsite.is_library(pytest.__file__) and callsite.is_library(callsite.__file__)
    assert callsite.is_library(sys.modules["json"].__file__ or "")
    assert not callsite.is_library(__file__)
