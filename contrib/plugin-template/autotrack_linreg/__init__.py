"""Records every ``statistics.linear_regression``: how it was asked, and the line that came out.

A template: copy the folder, rename it, and watch the library that you care about.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from importlib.resources import files

from autotrack.plugin import Call, Panel, Patch, ProbeRun, Request, ServerRoute, hookimpl


@hookimpl
def register_patches() -> Sequence[Patch]:
    """What to watch. Nothing is imported here: the patch waits until the user imports the library."""
    return [Patch("statistics:linear_regression", probe=regression)]


def regression(call: Call, run: ProbeRun) -> Generator[None, None, None]:
    """Params: ``proportional``, ``points``. Metrics: ``slope``, ``intercept``, ``fit_seconds``."""
    # Before the yield: the arguments, however the user passed them. len() is safe where iterating might not be.
    run.log_params({"proportional": call.arg("proportional", False), "points": len(call.arg("x"))})

    yield  # autotrack calls the original here, exactly once

    # After it: the result, or the error. An error reaches the user by itself, and the run is marked FAILED.
    if call.error is None:
        run.log_metrics({"slope": call.result.slope, "intercept": call.result.intercept, "fit_seconds": call.seconds})


@hookimpl
def register_panels() -> Sequence[Panel]:
    """A tab on the pages of runs that have a line to draw. Its page is shut off, and is given its own run alone."""
    page = files(__package__).joinpath("line.html").read_text("utf-8")
    return [Panel("line", "Line", page, shows=lambda run: "slope" in run.metrics)]


@hookimpl
def register_routes() -> Sequence[ServerRoute]:
    """``/api/v1/plugins/linreg/steepest`` on the server: what the user may see of all regressions."""
    return [ServerRoute("steepest", steepest)]


def steepest(request: Request) -> dict[str, object]:
    """The regression with the greatest slope."""
    found = request.store.runs("metrics.slope > 0", order_by=["metrics.slope DESC"], max_results=1)
    return {"run": found[0].id, "slope": found[0].metrics["slope"]} if found else {"run": None}
