"""What is said where production has told nothing of a model: what there is instead, and what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.plugin import NotFoundError, attempt, clean, find_store

from .tags import NAME_TAG, URI_TAG

if TYPE_CHECKING:
    from autotrack.plugin import RunRecord, Sink

#: Names that are named, and registered models that are looked through.
_FEW, _MOST = 5, 2000


def without_store(what: str, store: str | None) -> NotFoundError | None:
    """The error where there is no store yet that could know; None where there is one."""
    location = find_store(store)
    if not location.is_local or location.root.is_dir():
        return None
    return NotFoundError(
        f"nothing has been heard of {what} in production: there is no store at {location.shown} yet; name the one that "
        "its server reports to with --store"
    )


def unheard(sink: Sink, what: str, name: str, heard: Iterable[RunRecord]) -> NotFoundError:
    """The error for a model of which nothing was heard. ``name`` is what it may be registered as, ``heard`` are the
    runs of all that was served."""
    known = {run.tags[tag] for run in heard for tag in (NAME_TAG, URI_TAG) if tag in run.tags}
    names = {run.tags[NAME_TAG] for run in heard}
    others = f"but of {_few(what, known, names)}" if names else "nor of any other model"
    return NotFoundError(f"nothing has been heard of {what} in production, {others}; {_advice(sink, what, name)}")


def _advice(sink: Sink, what: str, name: str) -> str:
    registered, _ = attempt(sink.registry.get, name)
    if registered is not None:
        latest = max((each.version for each in sink.registry.latest(name)), default=None)
        uri = what if what.startswith("models:/") else f"models:/{name}/{latest or 'VERSION'}"
        return f"it is registered: `autotrack serve -m {uri}` serves it and reports"
    if re.fullmatch(r"[0-9a-f]{4,32}", what) and attempt(sink.run, what)[0] is not None:
        return f"it is a run: `autotrack serve -m {what}` serves its model and reports"
    if Path(what).exists():
        return f"it is a folder: `autotrack serve -m {what} --report` serves it and reports"
    others = {each.name for each in attempt(sink.registry.search, "", max_results=_MOST)[0] or ()}
    if not others:
        return "no model is registered here, either: is it another store (--store)?"
    return f"no model of that name is registered, but {_few(name, others, others)} (`autotrack models list`)"


def _few(what: str, known: Collection[str], every: Collection[str]) -> str:
    """Those of ``known`` that are spelled alike, else the first of ``every``."""
    shown = get_close_matches(what, sorted(known), 3) or sorted(every)[:_FEW]
    return ", ".join(map(clean, shown)) + (", ..." if len(every) > len(shown) else "")
