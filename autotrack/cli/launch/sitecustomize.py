"""Switches autotrack on inside ``python script.py``, before the script starts, and leaves no trace of having been there.

``autotrack run`` puts this folder first on PYTHONPATH, so that Python's start-up imports this module instead of
the machine's own ``sitecustomize``. It takes itself out of the path, the environment and ``sys.modules``, hands over to
the ``sitecustomize`` that Python would have found without us, and calls ``autotrack.enable()``, guarded: whatever
fails there is one line on stderr, and the script runs.

Nothing here is imported by autotrack itself. The names are private because the module is gone when the script starts.
"""

from __future__ import annotations

import os
import sys

_VARIABLE = "AUTOTRACK_LAUNCH"


def _leave_environment() -> str | None:
    """Puts PYTHONPATH and the path back as they were; answers what the launcher sent, or None if it sent nothing."""
    message = os.environ.pop(_VARIABLE, None)
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not loaded this early
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    if message is None:
        return None
    # The first entry is ours, and what follows the separator is what was set, to the letter, or nothing was set.
    _, separator, former = os.environ.get("PYTHONPATH", "").partition(os.pathsep)
    if separator:
        os.environ["PYTHONPATH"] = former
    else:
        os.environ.pop("PYTHONPATH", None)
    return message


def _enable(message: str) -> None:
    before = frozenset(sys.modules)
    import json

    order = json.loads(message)
    try:
        from autotrack.core.guard import guard, warn
    except ImportError as error:
        sys.stderr.write(f"autotrack: could not be imported ({error}); the script runs without it\n")
        return
    with guard.handing(
        lambda error: warn(f"enable() failed ({type(error).__name__}: {error}); the script runs without being tracked")
    ):
        import autotrack

        autotrack.enable(**order["settings"])
    _uncover(order["folder"], before)


def _uncover(folder: str, before: frozenset[str]) -> None:
    """Forgets modules that we loaded and that the script's own folder would have shadowed.

    Python puts that folder first on the path, so a ``queue.py`` beside the script is what its ``import queue`` means.
    We ran before the folder was on the path and loaded the standard one; ours keeps its references.
    """
    try:
        with os.scandir(folder) as entries:
            names = {entry.name.partition(".")[0] for entry in entries if _importable(entry)}
    except OSError:
        return
    for name in [name for name in sys.modules if name not in before and name.partition(".")[0] in names]:
        if not name.startswith("autotrack"):
            del sys.modules[name]


def _importable(entry: os.DirEntry[str]) -> bool:
    if entry.name.endswith((".py", ".pyc", ".so")):
        return True
    return entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py"))  # noqa: PTH110, PTH118


def _chain() -> ImportError | None:
    """Imports the ``sitecustomize`` that Python would have found; answers the error where there is none."""
    sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise  # theirs is broken: Python reports it as it would have
        return error
    return None


_message = _leave_environment()
try:
    _none = _chain()
finally:
    # Also where their sitecustomize is broken: Python reports that and runs the script, and so do we.
    if _message is not None:
        _enable(_message)
if _none is not None:
    # As without us: Python takes this as "there is no sitecustomize", silently, and forgets the module.
    raise _none
