"""What an archive of runs carries besides, so that they can be rebuilt where nothing of theirs is known: the files of
the commit, and the files that the program read.

Both go with the session, as a part of its own (``capsule``), and the contents among the archive's objects:

    {"tree": {"train.py": ["100644", "<sha256>"], ...}, "inputs": ["<sha256>", ...]}
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack.answers.archive.packing import CARRIED, Carried
from autotrack.answers.archive.unpacking import unpack
from autotrack.answers.repository import Repository
from autotrack.answers.story import tell
from autotrack.answers.subjects import digest_of
from autotrack.core.gaps import Gap
from autotrack.core.guard import attempt
from autotrack.core.session.masking import holds_secret, masked_file, masked_source

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
#: Files of languages in which what stands bare behind ``password =`` is an expression, and no password.
_CODE = re.compile(
    r".*\.(pyw?|pyi|pyx|pxd|ipynb|[ch]|cc|cpp|cxx|hpp|cuh?|[jt]sx?|mjs|java|kt|scala|go|rs|rb|r|jl|lua|swift|cs)", re.I
)
_SCRIPT = re.compile(rb"#![^\n]*\b(python|node|ruby|Rscript|julia|lua)")
#: Git's mode of a link.
_LINK = "120000"


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
    withheld: set[str] = set()
    inputs = _inputs(plan, sink, largest_inputs, contents, left, withheld)
    part = {"tree": tree, "inputs": list(dict.fromkeys(inputs.values()))} if tree or inputs else {}
    return Carried(part, contents, (*tree, *inputs), tuple(left), frozenset(withheld - contents.keys()))


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
    if plan.code.get("kind") != "git":
        return {}
    commit = str(plan.code.get("commit") or "")
    repository = Repository.having([plan.root, plan.folder, os.getcwd()], [commit])  # noqa: PTH109
    committed = _committed(repository, commit) if repository is not None else _brought(plan)
    if isinstance(committed, Gap):
        left.append(committed)
        return {}
    found: dict[str, list[str]] = {}
    for path, mode, content in committed:
        if _is_private(path):
            left.append(Gap("code", f"{path} looks private by its name", ""))
            continue
        is_code = mode == _LINK or _CODE.fullmatch(path) or _SCRIPT.match(content)
        said, _ = attempt(masked_source if is_code else masked_file, content)
        if said is None:
            left.append(Gap("code", f"{path} could not be looked through for secrets", ""))
            continue
        if said[1]:
            content = said[0]
            left.append(Gap("code", f"{path} holds a secret, which is masked in it", ""))
        digest = hashlib.sha256(content).hexdigest()
        contents[digest] = content
        found[path] = [mode, digest]
    return found


def _committed(repository: Repository, commit: str) -> Iterator[tuple[str, str, bytes]] | Gap:
    """The files of the commit: path, mode and content."""
    files = repository.files(commit)
    if files is None or len(files) > _MOST_FILES or sum(file.size for file in files) > _LARGEST_TREE:
        return Gap("code", f"the files of commit {commit[:12]} are too many or too large", "Carry the repository")
    return ((file.path, file.mode, content) for file, content in repository.contents(files))


def _brought(plan: Plan) -> Iterator[tuple[str, str, bytes]] | Gap:
    """The same, where the run itself came out of an archive."""
    brought = (plan.story.part(CARRIED) or {}).get("tree")
    if not isinstance(brought, Mapping) or not brought:
        commit = str(plan.code.get("commit") or "")
        return Gap("code", f"commit {commit[:12]} is in no clone at hand", "Export where the repository is")
    entries = ((str(path), str(entry[0]), plan.story.content(entry[1])) for path, entry in brought.items())
    return ((path, mode, content) for path, mode, content in entries if content is not None)


def _inputs(
    plan: Plan,
    sink: Sink,
    largest: int,
    contents: dict[str, bytes | Path],
    left: list[Gap],
    withheld: set[str],
) -> dict[str, str]:
    """The files that were read and are carried, with their digests; ``withheld``: contents that are not to be."""
    found: dict[str, str] = {}
    room = largest
    for file in sorted(files_read(plan), key=lambda file: file.size or 0):
        if file.sha256 is None:
            continue
        if file.sha256 in found.values():  # another file of the same content
            found[file.path] = file.sha256
            continue
        if _is_private(file.path) or file.sha256 in withheld:
            left.append(_looks_private(file))
            withheld.add(file.sha256)
            continue
        if (file.size or 0) > room:
            left.append(
                Gap("data", f"{file.path} ({file.size or 0:,} bytes): by its fingerprint only", "--inputs-up-to")
            )
            withheld.add(file.sha256)
            continue
        content = _content(file, sink)
        if content is None:
            left.append(Gap("data", f"{file.path} is not there any more, or has changed", ""))
            continue
        if _holds_secret(content):
            left.append(_looks_private(file))
            withheld.add(file.sha256)
            continue
        room -= file.size or 0
        contents[file.sha256] = content
        found[file.path] = file.sha256
    return found


def _looks_private(file: FileRecord) -> Gap:
    return Gap("data", f"{file.path} looks private: by its fingerprint only", "")


def _content(file: FileRecord, sink: Sink) -> bytes | Path | None:
    place = Path(file.path)
    return place if place.is_file() and digest_of(place) == file.sha256 else kept(sink, file.sha256 or "")


def _holds_secret(content: bytes | Path) -> bool:
    """Whether what would be carried does, or cannot be looked through."""

    def looked() -> bool:
        with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as stream:
            return holds_secret(stream)

    return attempt(looked)[0] is not False


def _is_private(path: str) -> bool:
    return _PRIVATE.fullmatch(path.rsplit("/", 1)[-1]) is not None
