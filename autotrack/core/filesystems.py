"""Which file system a path is on: those of a network keep promises that databases rest on less well."""

from __future__ import annotations

from pathlib import Path

#: SQLite's locks and shared memory cannot be trusted on these; write-ahead logging would corrupt the database.
NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "ncp",
    "9p",
    "afs",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "fuse",
)


def file_system(path: Path) -> str:
    """The type of the file system that holds ``path`` ("ext4", "nfs4"), or "" where the system does not say."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    where = str(path.resolve())
    best, kind = -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), right.split(" ", 1)[0]
    return kind


def is_network(kind: str) -> bool:
    """True for a file system type whose locks cannot be trusted. (``fuseblk`` is a local disk.)"""
    return kind != "fuseblk" and kind.startswith(NETWORK_FILE_SYSTEMS)
