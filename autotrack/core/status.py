"""How a run stands. Apart from the other ``entities``: a program that trains needs no more of them."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How a run stands: as its own last word says.

    A run whose writer is dead and left no word is CRASHED. Where the writer was only out of reach and is heard of
    again, the run is RUNNING again (see ``core.sink.Intake``). SCHEDULED is a run that a client of MLflow's has
    announced and not begun.
    """

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    CRASHED = "CRASHED"


#: How a run may end.
ENDINGS = (Status.FINISHED, Status.FAILED, Status.KILLED, Status.CRASHED)
