"""Metric points on their way to a run: numbers at once, what lies on an accelerator together, in few transfers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

#: Values that wait on an accelerator at most, and how long (seconds, looked at when the next one comes).
TOGETHER, WAIT = 256, 2.0
#: Up to here whole numbers are float64 exactly.
EXACT = 1 << 53

Log = Callable[[Mapping[str, float], int], object]


class Points:
    """Takes metrics as Lightning hands them to loggers: by key a tensor of one element, or a number."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: list[tuple[str, int, Any]] = []
        self._since = time.monotonic()
        #: Every key that was logged.
        self.keys: set[str] = set()

    def add(self, metrics: Mapping[str, Any], step: int) -> None:
        """Logs what is a number here, and keeps what would have to be waited for."""
        tensor = sys.modules["torch"].Tensor
        ready: dict[str, Any] = {}
        for key, value in metrics.items():
            if isinstance(value, Mapping):
                self.add({f"{key}.{part}": inner for part, inner in value.items()}, step)
            elif not isinstance(value, tensor):
                if isinstance(value, int) and -EXACT <= value <= EXACT:
                    ready[key] = float(value)  # what Lightning counts (epochs) then goes the short way of other numbers
                elif hasattr(type(value), "__float__") and not isinstance(value, (str, bytes)):
                    ready[key] = value
            elif value.device.type == "cpu":
                ready[key] = value.item()
            else:
                # A copy there: Lightning writes the next value of some metrics into the same tensor.
                self._waiting.append((key, step, value.detach().clone()))
        if ready:
            self.keys.update(ready)
            self._log(ready, step)
        if self._waiting and (len(self._waiting) >= TOGETHER or time.monotonic() - self._since > WAIT):
            self.flush()

    def flush(self) -> None:
        """Brings over and logs what waits: one transfer a device and type."""
        waiting, self._waiting, self._since = self._waiting, [], time.monotonic()
        if not waiting:
            return
        torch = sys.modules["torch"]
        alike: dict[tuple[str, str], list[tuple[str, int, Any]]] = {}
        for key, step, value in waiting:
            alike.setdefault((str(value.device), str(value.dtype)), []).append((key, step, value))
        with torch.no_grad():
            for points in alike.values():
                values = torch.stack([value.reshape(()) for _, _, value in points]).cpu().tolist()
                for (key, step, _), number in zip(points, values, strict=True):
                    self.keys.add(key)
                    self._log({key: number}, step)
