"""Ranks that a program starts by itself with ``torch.multiprocessing.spawn``: the first of them records."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from autotrack.plugin import attempt

if TYPE_CHECKING:
    from autotrack.plugin import Call, ProbeRun


class FirstRecords:
    """Calls a function in each process; in the first one autotrack is on as in the parent. Travels by pickle."""

    def __init__(self, function: Callable[..., Any], given: tuple[tuple[str, ...], dict[str, Any]]) -> None:
        self.function = function
        self.given = given

    def __call__(self, number: int, *args: Any) -> Any:
        if number == 0:
            from autotrack.plugin import enable_worker

            attempt(enable_worker, *self.given)
        return self.function(number, *args)


def spawned(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Has the first process that is spawned record. Forked ones are left alone: they have the parent's locks."""
    from autotrack.plugin import given

    function, method = call.arg("fn", None), call.arg("start_method", "spawn")
    if callable(function) and method in ("spawn", "forkserver"):
        call.inject("fn", FirstRecords(function, given()))
    yield
