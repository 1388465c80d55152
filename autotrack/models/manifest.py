"""The manifest of a model folder: the sha256 of every file, and one digest for the whole.

``manifest.json``: ``{"manifest": 1, "digest": ..., "files": {path: {"sha256": ..., "size": ...}}}``. Its bytes are a
function of its files, so a manifest that says the same in other words is not one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from autotrack.core.errors import ArtifactError

FILE = "manifest.json"
FORMAT = 1
#: What others put into a folder after it was made, and nothing here ever reads: MLflow's registry, Python's imports.
IGNORED = frozenset({"registered_model_meta"})
_CACHE = "__pycache__"


class FileDigest(NamedTuple):
    """One file: the sha256 of its bytes in hex, and how many there are."""

    sha256: str
    size: int


def is_ignored(path: str) -> bool:
    """True for files that no manifest lists and that are never handed to a loader."""
    return path in IGNORED or _CACHE in path.split("/")


def digest_of(files: Mapping[str, FileDigest]) -> str:
    """The digest of a whole folder: sha256 of ``<sha256> <size> <path>`` lines in the order of the paths."""
    lines = (f"{found.sha256} {found.size} {path}\n" for path, found in sorted(files.items()) if path != FILE)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write_manifest(files: Mapping[str, FileDigest]) -> tuple[bytes, str]:
    """The content of ``manifest.json`` for these files, and the digest of the whole."""
    digest = digest_of(files)
    listed = {path: {"sha256": found.sha256, "size": found.size} for path, found in sorted(files.items())}
    content = {"manifest": FORMAT, "digest": digest, "files": listed}
    return (json.dumps(content, indent=1, ensure_ascii=True) + "\n").encode(), digest


def verify(content: bytes | None, found: Mapping[str, FileDigest], folder: object, expected: str | None = None) -> bool:
    """Holds a folder's files against its manifest; False where nothing says what they should be, as of MLflow's.

    ``expected`` is the digest that somebody else kept (a run's record, a registry). ArtifactError names the file, with
    the digest that was expected and the one that was found.
    """
    if content is None:
        if expected is not None and digest_of(found) != expected:
            raise ArtifactError(
                f"{folder} has no {FILE} any more, or never had one, and its files are not those with the digest "
                f"{expected} that were kept; nothing of it is loaded"
            )
        return expected is not None
    listed = _listed(content, folder)
    rewritten, digest = write_manifest(listed)
    if rewritten != content:
        raise ArtifactError(f"{folder}/{FILE} was changed since the model was saved; nothing of the model is loaded")
    if expected is not None and digest != expected:
        raise ArtifactError(
            f"{folder}/{FILE} is not the one that the model was saved with: expected the digest {expected}, found "
            f"{digest}; nothing of the model is loaded"
        )
    for path, want in listed.items():
        have = found.get(path)
        if have is None:
            raise ArtifactError(f"{folder}/{path} is missing: expected sha256 {want.sha256}; nothing of it is loaded")
        if have != want:
            raise ArtifactError(
                f"{folder}/{path} was changed since the model was saved: expected sha256 {want.sha256}, found "
                f"{have.sha256}; nothing of the model is loaded"
            )
    extra = sorted(path for path in found if path not in listed and path != FILE and not is_ignored(path))
    if extra:
        raise ArtifactError(
            f"{folder}/{extra[0]} was added since the model was saved (found sha256 {found[extra[0]].sha256}, expected "
            "no such file); nothing of the model is loaded"
        )
    return True


def _listed(content: bytes, folder: object) -> dict[str, FileDigest]:
    try:
        found: Any = json.loads(content)
        if found["manifest"] != FORMAT:
            raise ArtifactError(
                f"{folder}/{FILE} is of format {str(found['manifest'])[:20]}; this autotrack reads {FORMAT}"
            )
        return {str(path): FileDigest(str(entry["sha256"]), entry["size"]) for path, entry in found["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{folder}/{FILE} is not a manifest ({type(error).__name__}); nothing is loaded") from None
