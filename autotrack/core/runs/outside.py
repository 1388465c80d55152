"""What may be done with a run by others than the code that opened it: where a user's program comes cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..exits import Ending, ending_of
from ..guard import guard
from .active import active

if TYPE_CHECKING:
    from .run import Run


def end_run(run: Run, error: BaseException | None = None) -> None:
    """Ends an open run as ``error`` (or none) says: FINISHED, FAILED or KILLED. One that has ended stays as it is.

    That is for runs of ``start_run`` and the program's own. The run of a loop is asked how the loop ended, and a run
    that a call left open for the next one did not fail with what came after it.
    """
    if not run.is_open:
        return
    ending = ending_of(error)
    if not (run.is_manual or run is run._tracker_of().implicit):
        judged = guard.call("the end of runs", run.judge, error) if run.judge is not None else None
        ending = judged or Ending("FINISHED")
    run.end(ending.status, ending.error, None)


def carry_on(run: Run) -> None:
    """Makes an open run the active one of this context, where the one that it was started in is gone."""
    if run.is_open:
        active.set(run)


def later(run: Run, site: str, job: Callable[[], object]) -> None:
    """Has a plugin's job done on the background thread of the run's recorder, soon, and before the process ends if
    time allows. ``site`` (``"<plugin>.<what>"``) is what its failures are counted for."""
    run._tracker_of().later(site, lambda: guard.call_plugin(site, job))
