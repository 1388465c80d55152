"""After the records of a pass: the files and contents that they name, brought to a store on another machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..entities import Delivery
from ..errors import AutotrackError, UnavailableError
from ..guard import attempt
from .delivery import Pass, total
from .named_files import NamedFiles

#: Seconds of a pass that files may take where records come in meanwhile: a large file goes on in the next pass.
FILES_AT_A_TIME = 5.0


def bring_named(
    one: Pass, files: NamedFiles, *, deadline: float | None, ends_pass: Callable[[Exception], bool]
) -> tuple[Delivery, set[Path]]:
    """Brings what the journals name that a pass has read whole; answers what went, and of which journals that was all.

    ``deadline`` is a ``time.monotonic()`` value. An error that ``ends_pass`` is raised; any other costs its journal
    alone, which ``Delivery.kept`` names, and one of a place that is away leaves the others for the next pass.
    """
    until = None if deadline is None else min(deadline, time.monotonic() + FILES_AT_A_TIME)
    found, whole, away = Delivery(), set(), False
    for path, dead in one.read.items():
        if away or (until is not None and time.monotonic() > until):
            found = replace(found, left=found.left + 1)
            continue
        brought, error = attempt(files.bring, path, dead=dead, deadline=until)
        if brought is None:
            if error is None or ends_pass(error) or not isinstance(error, AutotrackError | OSError):
                raise error or RuntimeError("nothing came back")
            away = isinstance(error, UnavailableError)
            why = f"what the journal {path} names could not be sent ({error}); it is kept"
            found = total(found, Delivery(left=1, kept=(why,)))
            continue
        delivery, complete = brought
        found = total(found, delivery)
        if complete:
            whole.add(path)
        else:
            found = replace(found, left=found.left + 1)
    return found, whole
