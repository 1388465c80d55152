"""What a tag of an event file is called in a run, by the folder that the file is in."""

from __future__ import annotations

import re
from pathlib import Path

#: Names of folders that say on what something was measured: they stand before every tag in them.
SPLITS = frozenset(("train", "training", "val", "valid", "validation", "test", "eval", "dev"))
#: ``add_hparams`` writes to a folder of its own, which it names with the time.
_MOMENT = re.compile(r"\d{9,}(\.\d+)?")


def base_of(folder: Path) -> Path:
    """The folder that a run's others are seen from: the one above a folder for a split, else the folder itself."""
    return folder.parent if folder.name in SPLITS else folder


def belongs(folder: Path, base: Path) -> bool:
    """True where a folder is the base, or lies below it."""
    return folder.is_relative_to(base)


def key_of(tag: str, folder: Path, base: Path) -> str:
    """The metric's key for a tag in a folder, of a run whose first folder has that base.

    Folders that TensorBoard's writers make by themselves are no part of a name: that of ``add_hparams``, and those of
    ``add_scalars("loss", {"a": ..., "b": ...})``, which gives ``loss/a`` and ``loss/b``.
    """
    above, _, last = relative(folder, base).rpartition("/")
    if _MOMENT.fullmatch(last):
        above, _, last = above.rpartition("/")
    flat = f"{tag.replace('/', '_')}_"
    if last.startswith(flat):  # torch: <tag>_<line>
        parts = (above, tag, last.removeprefix(flat))
    elif f"/{above}".endswith(f"/{tag}"):  # tensorboardX: <tag>/<line>
        parts = (above, last, "")
    else:
        parts = (above, last, tag)
    return "/".join(filter(None, parts))


def relative(folder: Path, base: Path) -> str:
    """A folder as seen from a base, with forward slashes; its own name where it does not lie below it."""
    found = folder.relative_to(base).as_posix() if folder.is_relative_to(base) else folder.name
    return "" if found == "." else found
