"""Records every ``statistics.linear_regression``: how it was asked, and the line that came out.

A template: copy the folder, rename it, and watch the library that you care about.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from autotrack.plugin import Call, Patch, ProbeRun, hookimpl


@hookimpl
def register_patches() -> Sequence[Patch]:
    """What to watch. Nothing is imported here: the patch waits until the user imports the library."""
    return [Patch("statistics:linear_regression", probe=regression)]


def regression(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Params: ``proportional``, ``points``. Metrics: ``slope``, ``intercept``, ``seconds``."""
    # Before the yield: the arguments, however the user passed them. len() is safe where iterating might not be.
    run.log_params({"proportional": call.arg("proportional", False), "points": len(call.arg("x"))})

    yield  # autotrack calls the original here, exactly once

    # After it: the result, or the error. An error reaches the user by itself, and the run is marked FAILED.
    if call.error is None:
        run.log_metrics({"slope": call.result.slope, "intercept": call.result.intercept, "seconds": call.seconds})
