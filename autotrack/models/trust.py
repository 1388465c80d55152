"""Which models this user vouches for: digests of whole folders, in a file of the user's own.

``trust.json``: ``{"trust": 1, "models": {digest: {"user", "time", "uri", "files"}}}``. A model is trusted by what it
is, not by where it lies: one that changes in a single byte is another model.
"""

from __future__ import annotations

import getpass
import json
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.core.guard import attempt
from autotrack.core.private import make_private

VARIABLE = "AUTOTRACK_TRUST_FILE"
FORMAT = 1
MAX_BYTES = 16 << 20


def trust_file() -> Path:
    """``AUTOTRACK_TRUST_FILE``, else ``autotrack/trust.json`` in the user's configuration folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    folder = os.environ.get("XDG_CONFIG_HOME")
    base = Path(folder) if folder and Path(folder).is_absolute() else Path("~/.config").expanduser()
    return base / "autotrack" / "trust.json"


def is_trusted(digest: str) -> bool:
    """True where this user has vouched for the folder with this digest (ArtifactError for a file that is not safe)."""
    return digest in trusted()


def trusted(file: Path | None = None) -> dict[str, Mapping[str, Any]]:
    """What the user vouched for, by digest; empty where there is no file yet.

    ArtifactError where the file is somebody else's, others may write to it, or it is damaged: then it vouches for
    nothing, and that should be known.
    """
    file = file or trust_file()
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ArtifactError(f"the list of trusted models, {file}, cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        ours = not hasattr(os, "getuid") or found.st_uid in (os.getuid(), 0)
        if not stat.S_ISREG(found.st_mode) or not ours or stat.S_IMODE(found.st_mode) & 0o022:
            raise ArtifactError(
                f"the list of trusted models, {file}, may be written by others (owner {found.st_uid}, mode "
                f"{stat.S_IMODE(found.st_mode):o}), so it vouches for nothing; make it yours alone: chmod 600 {file}"
            )
        content = stream.read(MAX_BYTES + 1)
    document, _ = attempt(json.loads, content)
    models = document.get("models") if isinstance(document, dict) else None
    if not isinstance(models, dict) or document is None or document.get("trust") != FORMAT:
        raise ArtifactError(f"the list of trusted models, {file}, is damaged; mend it, or remove it and trust anew")
    return {str(digest): entry for digest, entry in models.items() if isinstance(entry, dict)}


def vouch(digest: str, uri: str, files: Mapping[str, str]) -> Path:
    """Writes down that this user trusts the folder with this digest; ``files`` are those that can run code, with
    their sha256. Answers the list's path (ArtifactError where it cannot be written)."""
    file = trust_file()
    models = trusted(file)
    user, _ = attempt(getpass.getuser)
    models[digest] = {
        "user": user or str(os.getuid() if hasattr(os, "getuid") else "unknown"),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "uri": uri,
        "files": dict(files),
    }
    _write(file, json.dumps({"trust": FORMAT, "models": models}, indent=1).encode())
    return file


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all: two who trust at once lose one entry at worst, never the list."""
    partial = file.with_name(f".{file.name}-{os.urandom(6).hex()}")
    try:
        make_private(file.parent)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o600)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ArtifactError(f"the list of trusted models, {file}, cannot be written: {error.strerror}") from error


def matches(trust: str, digest: str, file_digests: Mapping[str, str], folder: object) -> bool:
    """True where ``trust`` names this folder's digest, or the sha256 of the one file of it that could run code.

    UntrustedModelError where it names neither: it is another model than the one that was meant.
    """
    wanted = trust.strip().lower().removeprefix("sha256:")
    if wanted == digest or list(file_digests.values()) == [wanted]:
        return True
    found = ", ".join(f"{name} {sha256}" for name, sha256 in sorted(file_digests.items()))
    raise UntrustedModelError(
        f"the model in {folder} is not the one that trust= names ({wanted[:64]}): its digest is {digest}"
        + (f", its files that could run code are {found}" if found else "")
    )
