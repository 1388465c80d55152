"""Brings numbers over from an accelerator without making anybody wait: stacked, copied aside, read later."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

#: ``log(key, value, step)``
Log = Callable[[str, float, int], None]
#: Where the device cannot copy aside, values wait until there are this many.
PATIENCE = 1024


class Transfers:
    """Points whose values are still on a device, in order."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, int, Any]] = []
        self._under_way: list[tuple[list[tuple[str, int]], Any, Any]] = []

    def add(self, key: str, step: int, value: Any) -> None:
        """Takes a point; ``value`` is a tensor of one number."""
        self._waiting.append((key, step, value))

    def __bool__(self) -> bool:
        return bool(self._waiting or self._under_way)

    def forward(self, log: Log) -> None:
        """Sends off what waits, and logs what has arrived. Never waits."""
        if self._waiting:
            self._send()
        while self._under_way and self._under_way[0][2].query():
            self._arrive(log)

    def finish(self, log: Log) -> None:
        """Logs everything, and waits for it: for the end of a training."""
        if self._waiting:
            self._send(even_so=True)
        while self._under_way:
            event = self._under_way[0][2]
            if event is not None:
                event.synchronize()
            self._arrive(log)

    def _send(self, even_so: bool = False) -> None:
        torch = sys.modules["torch"]
        kind = self._waiting[0][2].device
        cuda = kind.type == "cuda"
        if not cuda and not even_so and len(self._waiting) < PATIENCE:
            return
        if cuda and torch.cuda.is_current_stream_capturing():
            return
        ready = [entry for entry in self._waiting if entry[2].device == kind]
        self._waiting = [entry for entry in self._waiting if entry[2].device != kind]
        with torch.no_grad():
            stacked = torch.stack([value.detach().to(torch.float32).reshape(()) for _, _, value in ready])
            if cuda:
                home = torch.empty(len(ready), dtype=torch.float32, pin_memory=True)
                with torch.cuda.device(kind):
                    home.copy_(stacked, non_blocking=True)
                    event = torch.cuda.Event()
                    event.record()
            else:
                home, event = stacked.to("cpu"), _Past()
        self._under_way.append(([(key, step) for key, step, _ in ready], home, event))

    def _arrive(self, log: Log) -> None:
        points, home, _ = self._under_way.pop(0)
        for (key, step), value in zip(points, home.tolist(), strict=True):
            log(key, value, step)


class _Past:
    """An event that is over."""

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        return None
