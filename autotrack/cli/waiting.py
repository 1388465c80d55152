"""Which journals wait on this machine, in which folders, and for which stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autotrack.core import addresses
from autotrack.core.config import home_folder, spare_folder
from autotrack.core.errors import JournalError
from autotrack.core.journal.delivery import journals_in
from autotrack.core.journal.reader import read_header
from autotrack.core.private import make_own

from .stores import Place


@dataclass(frozen=True, slots=True)
class Waiting:
    """A folder with journals for one store. ``uri`` is what opens that store; ``shown`` is it for people."""

    uri: str
    shown: str
    folder: Path


def folders_under(root: Path) -> list[Path]:
    """The folders with journals at, or under, a folder: journals themselves, a store, all that waits beside it."""
    places = [root, root / "journal", *sorted((root / "remote").glob("*/journal"))]
    return [place for place in places if any(place.glob("*.atj"))]


def other_folders() -> list[Path]:
    """Where journals go that no folder near the working directory takes: to the home directory, and, while a store's
    own folder takes none, to a spare one."""
    home, spare = home_folder(), spare_folder()
    found = folders_under(home)
    if not spare.exists():
        return found
    try:
        make_own(spare)
    except OSError:  # somebody else's
        return found
    return [*found, *folders_under(spare)]


def waiting_in(folder: Path, place: Place, *, only: bool) -> Iterator[Waiting]:
    """The stores that journals in a folder are for, the one in force first. ``only``: no other one.

    A store of this machine that is not there (yet, or any more) is none of them, nor is one whose address is not known.
    """
    ours = addresses.marks(place.uri, folder)
    found = set()
    for journal in journals_in(folder):
        with suppress(JournalError, FileNotFoundError):
            found.add(read_header(journal).meta.get(addresses.MARK))
    if found & ours:
        yield Waiting(place.uri, place.shown, folder)
    for mark in sorted(str(mark) for mark in found - ours if mark is not None):
        uri = _opened_by(mark, folder)
        if not only and uri is not None:
            yield Waiting(uri, addresses.shown(uri), folder)


def _opened_by(mark: str, folder: Path) -> str | None:
    if "://" in mark and addresses.is_remote(mark):
        return mark
    if mark.startswith("../"):
        database = folder.absolute().parent / mark.removeprefix("../")
    elif mark.startswith("sqlite:///"):
        database = Path(mark.removeprefix("sqlite:///"))
    else:
        return None
    return f"sqlite:///{database}" if database.is_file() else None
