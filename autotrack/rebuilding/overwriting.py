"""Files of the user's that a program would write over where it is run again."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path, PurePosixPath

from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt
from autotrack.core.session.untouched import VARIABLE

from .outcome import listed
from .plan import Plan

#: Folders that libraries keep what they fetched in, beside those whose names begin with a dot.
_CACHES = frozenset({"scikit_learn_data", "nltk_data", "tensorflow_datasets", "seaborn-data", "__pycache__"})
#: What to do where a program would write over files.
_CLOSE = "Move what is to stay, or say --overwrite to have it written anew"


def overwritten(plan: Plan) -> list[Gap]:
    """What is wrong with running it: files are where it wrote some, outside its folders, under names of its own.

    Such as arguments name go into the fresh folder instead.
    """
    temporary = tempfile.gettempdir()
    there = [
        path
        for path in _written(plan)
        if plan.place(path, Path("/")) is None and not path.startswith(f"{temporary}/torchinductor_")
    ]
    if not there:
        return []
    return [Gap("files", f"the program would write over {listed(there)}, which it names itself", _CLOSE)]


def guarded(plan: Plan, fresh: Path) -> dict[str, str]:
    """Variables that have the program refused when it opens a file for writing that it wrote the first time, and that
    is still there: it may name files of its own folders by where they were."""
    files = _written(plan)
    if not files:
        return {}
    order = fresh / "untouched.json"
    order.write_text(json.dumps({"files": files, "refused": str(_refused(fresh))}), "utf-8")
    return {VARIABLE: str(order)}


def refused(fresh: Path) -> list[Gap]:
    """What the program was refused."""
    text, _ = attempt(_refused(fresh).read_text, "utf-8")
    files = list(dict.fromkeys((text or "").splitlines()))
    return [Gap("files", f"the program was about to write over {listed(files)}", _CLOSE)] if files else []


def _refused(fresh: Path) -> Path:
    return fresh / "refused.txt"


def _written(plan: Plan) -> list[str]:
    """Files that the program wrote and that are here, but for those in caches."""
    written = sorted({file.path for file in plan.story.files if file.role == "written"})
    return [path for path in written if not _is_cached(path) and Path(path).is_file()]


def _is_cached(path: str) -> bool:
    return any(part.startswith(".") or part in _CACHES for part in PurePosixPath(path).parts)
