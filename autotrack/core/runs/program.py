"""The run of a launched program that made none itself, so that what it read and wrote is known all the same."""

from __future__ import annotations

from pathlib import PurePath

from .. import keys
from ..journal import lastwords, writer  # noqa: F401 - see trackers.launched
from ..plugins.registry import role
from ..session import arguments, code, environment, masking, random_state, seeds  # noqa: F401
from ..session.record import entry_point
from .courier import Courier
from .run import Run
from .tracker import Tracker


def record_program(tracker: Tracker, started: int) -> Run | None:
    """A run for the whole program, asked for by an exit handler: it ends as the program does. None in a worker.

    It has what is captured of a session, arguments included, but no random state: the one at its start is gone.
    ``started``: when the program was launched, in nanoseconds since the epoch.
    """
    if not tracker.settings.enabled or role() != "main":
        return None
    run = Run(keys.new_id(), tracker=lambda: tracker, sink=tracker.sink)
    entry = entry_point()
    name = "standard input" if entry == "interactive" else PurePath(entry.removeprefix("-m ")).name
    run.begin(name=tracker.settings.run_name or name, experiment=None, tags=None, parent=None, started=started)
    tracker.adopt(run)
    tracker.recorder.begin(started)  # with no thread beside this one: each part is collected here and now
    tracker.use(Courier(tracker))
    return run
