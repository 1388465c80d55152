"""What an archive of runs carries besides, so that they can be rebuilt where nothing of theirs is known: the files of
the commit, and the files that the program read.

Both go with the session, as a part of its own (``capsule``), and the contents among the archive's objects:

    {"tree": {"train.py": ["100644", "<sha256>"], ...}, "inputs": ["<sha256>", ...]}
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.answers.archive.packing import CARRIED, Carried
from autotrack.answers.archive.unpacking import unpack
from autotrack.answers.repository import Repository
from autotrack.answers.story import tell
from autotrack.answers.subjects import digest_of
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt
from autotrack.core.session.masking import masked_source

from .inputs import files_read, kept
from .notebooks import plan_in
from .plan import Plan

if TYPE_CHECKING:
    from autotrack.core.entities import FileRecord, RunRecord
    from autotrack.core.sink import Sink

#: Bytes of all files that were read, up to which they go into an archive.
LARGEST_INPUTS = 100_000_000
#: Bytes and files of a commit that goes into an archive.
_LARGEST_TREE, _MOST_FILES = 64 << 20, 20_000
#: Files that are for one machine's owner, and never go by value.
_PRIVATE = re.compile(
    r"(.*\.(pem|key|p12|pfx|jks|keystore)|\.env(\..*)?|\.netrc|\.pgpass|id_[a-z0-9]+|credentials(\..*)?)", re.I
)
#: Bytes of a text that is looked through for secrets.
_LOOKED_THROUGH = 4 << 20


def carry(sink: Sink, run: RunRecord, largest_inputs: int = LARGEST_INPUTS) -> Carried:
    """What a run's session needs to be rebuilt elsewhere, as far as it is at hand: smaller files first, up to so many
    bytes. What is not is named in ``left``."""
    story = tell(sink, run)
    plan = plan_in(sink, story)
    if isinstance(plan, Gap):
        return Carried(left=(plan,))
    contents: dict[str, bytes | Path] = {}
    left: list[Gap] = []
    tree = _tree(plan, contents, left)
    inputs = _inputs(plan, sink, largest_inputs, contents, left)
    part = {"tree": tree, "inputs": list(dict.fromkeys(inputs.values()))} if tree or inputs else {}
    return Carried(part, contents, (*tree, *inputs), tuple(left))


def is_archive(path: Path) -> bool:
    """True for a file that is an archive of runs, by what it says of itself."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False

    def said() -> bool:
        with zipfile.ZipFile(path) as archive, archive.open("manifest.json") as stream:
            return b'"archive"' in stream.read(1 << 20)

    return bool(attempt(said)[0])


def take_in(sink: Sink, path: Path) -> RunRecord:
    """The run that an archive is about, with all others in it, in this store from now on (ArchiveError)."""
    unpack(sink, path)
    with zipfile.ZipFile(path) as archive:
        first = str(json.loads(archive.read("manifest.json"))["runs"][0])
    return sink.run(first)


def _tree(plan: Plan, contents: dict[str, bytes | Path], left: list[Gap]) -> dict[str, list[str]]:
    """The files of the commit: mode and sha256 by path."""
    before = plan.story.part(CARRIED) or {}
    if plan.code.get("kind") != "git":
        return {}
    commit = str(plan.code.get("commit") or "")
    repository = Repository.having([plan.root, plan.folder, os.getcwd()], [commit])  # noqa: PTH109
    if repository is None:
        brought = before.get("tree")
        if isinstance(brought, Mapping) and brought:  # it came out of an archive
            return {str(path): [str(word) for word in entry] for path, entry in brought.items()}
        left.append(Gap("code", f"commit {commit[:12]} is in no clone at hand", "Export where the repository is"))
        return {}
    files = repository.files(commit)
    if files is None or len(files) > _MOST_FILES or sum(file.size for file in files) > _LARGEST_TREE:
        left.append(Gap("code", f"the files of commit {commit[:12]} are too many or too large", "Carry the repository"))
        return {}
    found: dict[str, list[str]] = {}
    for file, content in repository.contents(files):
        if _is_private(file.path):
            left.append(Gap("code", f"{file.path} looks private by its name", ""))
            continue
        said, _ = attempt(masked_source, content)
        if said is not None and said[1]:
            content = said[0]
            left.append(Gap("code", f"{file.path} holds a secret, which is masked in it", ""))
        digest = hashlib.sha256(content).hexdigest()
        contents[digest] = content
        found[file.path] = [file.mode, digest]
    return found


def _inputs(plan: Plan, sink: Sink, largest: int, contents: dict[str, bytes | Path], left: list[Gap]) -> dict[str, str]:
    """The files that were read and are carried, with their digests."""
    found: dict[str, str] = {}
    room = largest
    for file in sorted(files_read(plan), key=lambda file: file.size or 0):
        if file.sha256 is None:
            continue
        if file.sha256 in found.values():  # another file of the same content
            found[file.path] = file.sha256
            continue
        if (file.size or 0) > room:
            left.append(
                Gap("data", f"{file.path} ({file.size or 0:,} bytes): by its fingerprint only", "--inputs-up-to")
            )
            continue
        if _holds_secret(file):
            left.append(Gap("data", f"{file.path} looks private: by its fingerprint only", ""))
            continue
        content = _content(file, sink)
        if content is None:
            left.append(Gap("data", f"{file.path} is not there any more, or has changed", ""))
            continue
        room -= file.size or 0
        contents[file.sha256] = content
        found[file.path] = file.sha256
    return found


def _content(file: FileRecord, sink: Sink) -> bytes | Path | None:
    place = Path(file.path)
    return place if place.is_file() and digest_of(place) == file.sha256 else kept(sink, file.sha256 or "")


def _holds_secret(file: FileRecord) -> bool:
    place = Path(file.path)
    if _is_private(file.path):
        return True
    if (file.size or 0) > _LOOKED_THROUGH or not place.is_file():
        return False
    found, _ = attempt(lambda: masked_source(place.read_bytes())[1])
    return bool(found)


def _is_private(path: str) -> bool:
    return _PRIVATE.fullmatch(path.rsplit("/", 1)[-1]) is not None
