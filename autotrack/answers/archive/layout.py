"""What an archive of runs looks like: a zip file whose members are named by ids and digests, and never by a path.

    runs/<id>.jsonl       the run as journal records, one a line; run_start is the first, run_end the last
    runs/<id>.points      its metric points as journal slots of 32 bytes, in order of arrival; absent without any
    sessions/<id>.jsonl   a session as journal records: session, part, files, console
    artifacts/<sha256>    the content of an artifact, however many runs have it
    objects/<sha256>      an object that the records refer to
    report.html           the runs as a page, for whoever opens the file by hand; nothing of it is taken in
    manifest.json         the format's number, the runs, and size and sha256 of every other member; the last member

Equal runs give equal bytes: no time and no name of the machine is in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: Without a report an archive is as it was before there were any, and says so.
FORMAT, WITHOUT_REPORT = 2, 1
SUFFIX = ".atrun"
MANIFEST = "manifest.json"
REPORT = "report.html"
NAME = re.compile(
    r"(runs|sessions)/[0-9a-f]{32}\.jsonl|runs/[0-9a-f]{32}\.points|(artifacts|objects)/[0-9a-f]{64}|report\.html"
)

#: What an archive may hold at most. More is no archive of ours.
MOST_MEMBERS = 200_000
LARGEST_RECORDS = 64 << 20
LARGEST_POINTS = 1 << 30
#: Records and points of all runs together: they are held in memory when they are checked.
LARGEST_TOLD = 4 << 30
LARGEST_ARCHIVE = 256 << 30
#: A manifest has so much at most, and so much more for each member.
LARGEST_MANIFEST, MANIFEST_ENTRY = 1 << 20, 400
#: A line of records: what is read as JSON may take thirty times as much memory.
LARGEST_LINE = 8 << 20
#: A member of this size or more is kept as it is where packing it would make it this much smaller: an archive that
#: grows without measure when it is read is refused.
LARGE = 1 << 20
STEEPEST = 200


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` says: ids of the runs, and (sha256, size) of every other member."""

    runs: tuple[str, ...]
    members: Mapping[str, tuple[str, int]]


def records_of_run(run_id: str) -> str:
    """The member with what was said of a run, a record a line."""
    return f"runs/{run_id}.jsonl"


def points_of_run(run_id: str) -> str:
    """The member with the points of a run's metrics."""
    return f"runs/{run_id}.points"


def records_of_session(session_id: str) -> str:
    """The member with what was found out about a session, a record a line."""
    return f"sessions/{session_id}.jsonl"


def content_of_artifact(sha256: str) -> str:
    """The member with the bytes of artifacts, once however many runs have them."""
    return f"artifacts/{sha256}"


def content_of_object(sha256: str) -> str:
    """The member with the bytes of an object (``core.objects``)."""
    return f"objects/{sha256}"


def is_told(name: str) -> bool:
    """True for members that hold records or points, which are read as a whole; False for content."""
    return name.startswith(("runs/", "sessions/"))


def largest(name: str) -> int:
    """Bytes that a member of that name may have."""
    if name.endswith(".points"):
        return LARGEST_POINTS
    return LARGEST_ARCHIVE if name.startswith(("artifacts/", "objects/")) else LARGEST_RECORDS
