"""What the server counts about itself, and the text in which Prometheus reads it.

Format: https://prometheus.io/docs/instrumenting/exposition_formats (text, version 0.0.4).
"""

from __future__ import annotations

import bisect
from collections import Counter

TYPE = b"text/plain; version=0.0.4; charset=utf-8"
#: Upper bounds of the histogram of seconds.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counts:
    """Requests, rows, and how long answers took, since the server started."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.rows = 0
        self.seconds = 0.0
        self._slots = [0] * (len(BOUNDS) + 1)

    def answered(self, route: str, status: int, seconds: float, rows: int = 0) -> None:
        """Counts one answer."""
        self.requests[route, status] += 1
        if rows:
            self.rows += rows
            self.seconds += seconds
            self._slots[bisect.bisect_left(BOUNDS, seconds)] += 1

    def text(self, *, calls: int, joins: bool, left_out: int) -> bytes:
        """Everything, as Prometheus wants it."""
        lines = [
            "# HELP autotrack_requests_total Requests by route and status.",
            "# TYPE autotrack_requests_total counter",
        ]
        lines += [
            f'autotrack_requests_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self.requests.items())
        ]
        lines += _single("autotrack_rows_total", "counter", "Rows that were predicted.", self.rows)
        lines += _single("autotrack_model_calls_total", "counter", "Calls of the model; requests share them.", calls)
        lines += _single("autotrack_batching", "gauge", "1 where requests share calls of the model.", int(joins))
        lines += _single(
            "autotrack_unobserved_total", "counter", "Requests that found no room to be recorded.", left_out
        )
        lines += [
            "# HELP autotrack_prediction_seconds From a request's last byte to its answer.",
            "# TYPE autotrack_prediction_seconds histogram",
        ]
        total = 0
        for bound, count in zip([*map(str, BOUNDS), "+Inf"], self._slots, strict=True):
            total += count
            lines.append(f'autotrack_prediction_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"autotrack_prediction_seconds_sum {self.seconds:.6f}", f"autotrack_prediction_seconds_count {total}"]
        return ("\n".join(lines) + "\n").encode()


def _single(name: str, kind: str, said: str, value: float) -> list[str]:
    return [f"# HELP {name} {said}", f"# TYPE {name} {kind}", f"{name} {value}"]
