"""Zip archives of projects, unpacked so that nothing comes to lie outside the folder, and no more than may be."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath

from autotrack.plugin import ProjectError

#: Entries that an archive may have.
MOST_ENTRIES = 100_000
_BLOCK = 1 << 20


def unpack(archive: Path, target: Path, *, largest: int) -> None:
    """Unpacks an archive into a new folder. ProjectError for one that is damaged, too large, or leads out of it."""
    target.mkdir(parents=True, mode=0o700)
    left = largest
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = packed.infolist()
            if len(entries) > MOST_ENTRIES:
                raise ProjectError(f"{archive} has {len(entries):,} entries; {MOST_ENTRIES:,} are allowed")
            for entry in entries:
                left -= _unpacked(packed, entry, target, left, archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ProjectError(f"{archive} cannot be unpacked: {error}") from None


def _unpacked(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int, archive: Path) -> int:
    name = entry.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
        raise ProjectError(f"{archive} has an entry {name!r:.100} that leads out of its folder; it is not run")
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ProjectError(f"{archive} has an entry {name!r:.100} that is no file; it is not run")
    path = target.joinpath(*parts)
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with packed.open(entry) as source, open(path, "xb") as out:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > left:
                raise ProjectError(
                    f"{archive} unpacks to more than it may; AUTOTRACK_PROJECTS_LARGEST_BYTES says how much that is"
                )
            out.write(block)
    if mode & stat.S_IXUSR:
        path.chmod(0o755)
    return size
