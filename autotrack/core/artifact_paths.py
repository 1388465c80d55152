"""The one check that every artifact name passes before it becomes part of a path."""

from __future__ import annotations

import functools
import re
import unicodedata

from .errors import ArtifactError

#: Names of files that are being written; an artifact cannot have such a name.
TEMPORARY = ".autotrack-partial-"
#: The folder, beside those of experiments, with parts of files that a server has not whole yet.
UPLOADS = "uploads"
LONGEST_SEGMENT = 255
LONGEST_PATH = 4096
DEEPEST = 100

ESCAPED = re.compile(r"%(?:[0-9a-f]{2}|u[0-9a-f]{4})", re.IGNORECASE)
DRIVE = re.compile(r"[A-Za-z]:")
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)


@functools.lru_cache(maxsize=1024)  # a run's folder is checked with each of its files
def check_artifact_path(path: str) -> tuple[str, ...]:
    """The segments of a relative path with forward slashes, each safe as a file name on any system.

    Raises ArtifactError, naming the rule, for everything that could lead elsewhere or that another system could not
    keep apart: empty, ``.`` and ``..`` segments, absolute paths, drives, backslashes, control characters, reserved
    names, percent escapes (whoever serves requests has decoded once already), text that is not NFC, and what is too
    long. Nothing is ever corrected silently.
    """
    if not path:
        raise ArtifactError("an artifact path is empty; give it a name such as plots/loss.png")
    try:
        length = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        raise _refused(path, "has half a surrogate pair in it") from None
    if length > LONGEST_PATH:
        raise _refused(path, f"is longer than {LONGEST_PATH:,} bytes")
    if "\\" in path:
        raise _refused(path, "has a backslash in it; folders are separated by /")
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in "\u2028\u2029" for letter in path):
        raise _refused(path, "has a control character in it")
    if ESCAPED.search(path):
        raise _refused(path, "has a percent escape in it")
    if unicodedata.normalize("NFC", path) != path:
        raise _refused(path, "is not in Unicode's composed form (NFC)")
    segments = tuple(path.split("/"))
    if len(segments) > DEEPEST:
        raise _refused(path, f"is more than {DEEPEST} folders deep")
    for segment in segments:
        _check_segment(path, segment)
    return segments


def _check_segment(path: str, segment: str) -> None:
    if segment in ("", ".", ".."):
        raise _refused(path, "is absolute, or has an empty, . or .. part")
    if len(segment.encode()) > LONGEST_SEGMENT:
        raise _refused(path, f"has a part longer than {LONGEST_SEGMENT} bytes")
    if DRIVE.match(segment):
        raise _refused(path, "names a drive")
    if segment[0] in "~-":
        raise _refused(path, "has a part that begins with ~ or -")
    if segment[-1] in ". ":
        raise _refused(path, "has a part that ends in a dot or a space")
    if segment.split(".", 1)[0].rstrip(" ").lower() in RESERVED:
        raise _refused(path, "has a name that is reserved on Windows")
    if segment.startswith(TEMPORARY):
        raise _refused(path, "has a name that autotrack keeps for files being written")


def _refused(path: str, why: str) -> ArtifactError:
    return ArtifactError(f"the artifact path {path[:120]!r} {why}; choose another name")
