"""Switches autotrack on inside ``python script.py``, before the script starts, and leaves no trace of that.

``autotrack run`` puts this folder first on PYTHONPATH, so that Python's start-up imports this module instead of
the machine's own ``sitecustomize``. It takes itself out of the path, the environment and ``sys.modules``, hands over to
the ``sitecustomize`` that Python would have found without us, and calls ``autotrack.enable()``, guarded: whatever
fails there is one line on stderr, and the script runs.

Nothing here is imported by autotrack itself. The names are private because the module is gone when the script starts.
"""

from __future__ import annotations

import sys

_BEFORE = frozenset(sys.modules)

import json  # noqa: E402
import os  # noqa: E402

TYPE_CHECKING = False  # as in typing, which is not loaded this early
if TYPE_CHECKING:
    from typing import Any


def _take_order() -> Any:
    """Puts PYTHONPATH and the path back as they were; answers what the launcher sent, or None if it sent nothing."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not loaded this early
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    message = os.environ.pop("AUTOTRACK_LAUNCH", None)
    if message is None:
        return None
    order = json.loads(message)
    if order["pythonpath"] is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = order["pythonpath"]
    return order


def _enable(order: Any) -> None:
    if "behind" in order:
        sys.path.append(order["behind"])  # last: an autotrack of the program's own environment comes before
    try:
        from autotrack.core.guard import guard, warn
    except ImportError as error:
        sys.stderr.write(f"autotrack: could not be imported ({error}); the script runs without it\n")
        return
    with guard.handing(
        lambda error: warn(f"enable() failed ({type(error).__name__}: {error}); the script runs without being tracked")
    ):
        if "by_lines" in order and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True)
        import autotrack

        autotrack.enable(**order["settings"])
        from autotrack.core.runs.trackers import launched

        launched()
        if order["tags"]:
            from autotrack.cli.launch_tags import give_tags

            give_tags(order["tags"])
        if "below" in order:
            from autotrack.core.runs.trackers import tracker

            tracker().above = order["below"]


def _uncover(folder: str) -> None:
    """Forgets modules that we loaded and that the script's own folder would have shadowed.

    Python puts that folder first on the path, so a ``queue.py`` beside the script is what its ``import queue`` means.
    We ran before the folder was on the path and loaded the standard one; ours keeps its references.
    """
    try:
        with os.scandir(folder) as entries:
            names = {entry.name.partition(".")[0] for entry in entries if _importable(entry)}
    except OSError:
        return
    names.discard("autotrack")
    for name in [name for name in sys.modules if name not in _BEFORE and name.partition(".")[0] in names]:
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


_order = _take_order()
try:
    _none = _chain()
finally:
    # Also where their sitecustomize is broken: Python reports that and runs the script, and so do we.
    if _order is not None:
        _enable(_order)
        _uncover(_order["folder"])
if _none is not None:
    # As without us: Python takes this as "there is no sitecustomize", silently, and forgets the module.
    raise _none
