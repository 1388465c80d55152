"""Keeps torch's compiler out of autotrack's own functions, which it would else trace and compile between two graphs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")

PACKAGES = ("autotrack", "autotrack_torch")


def keep_out(module: ModuleType, listener: Callable[..., None]) -> Callable[[], object]:
    """Adds autotrack's folders to those that the compiler leaves alone, as torch's own are; answers how to undo it.

    ``module`` is ``torch._dynamo.trace_rules``; nothing is told to ``listener``.
    """
    folders, pattern = list(module.SKIP_DIRS), module.SKIP_DIRS_RE
    for package in PACKAGES:
        module.add(package)
    added = module.SKIP_DIRS[len(folders) :]
    ours = module.SKIP_DIRS_RE

    def undo() -> None:
        for folder in added:
            if folder in module.SKIP_DIRS:
                module.SKIP_DIRS.remove(folder)
        if module.SKIP_DIRS_RE is ours:
            module.SKIP_DIRS_RE = pattern
        else:  # somebody has added a folder of theirs meanwhile
            module._recompile_re()

    return undo


def untraced(function: Callable[[], T]) -> T:
    """Calls a function of ours that calls much of the standard library, none of which is to be compiled either."""
    compiler = sys.modules.get("torch._dynamo")
    disable = getattr(compiler, "disable", None)
    return function() if disable is None else disable(function)()  # type: ignore[no-any-return]


def nothing() -> None:
    """There is nothing to hear of here."""
