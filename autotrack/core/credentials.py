"""The tokens that this user has for servers, one a server, in a file that nobody else may read.

``credentials.json``: ``{"credentials": 1, "servers": {url: {"token", "user", "expires"}}}``, where a URL has the one
spelling that ``server_url`` gives it. ``autotrack login`` writes it, ``AUTOTRACK_TOKEN`` wins over it.
"""

from __future__ import annotations

import json
import os
import stat
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .errors import AccessError, UsageError
from .guard import attempt
from .private import Ours, make_private

VARIABLE = "AUTOTRACK_TOKEN"
FORMAT = 1
MAX_BYTES = 1 << 20
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credential:
    """A token with the name of its user and when it expires (nanoseconds since the epoch), as far as they are known."""

    token: str = field(repr=False)
    user: str | None = None
    expires: int | None = None


def token_for(url: str) -> str | None:
    """The token to show to the server at ``url``: ``AUTOTRACK_TOKEN``, else what ``autotrack login`` has kept for it.

    AccessError where the file is not this user's alone, or damaged; UsageError for what is no server's URL.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return named
    found = kept().get(server_url(url))
    return None if found is None else found.token


def authorization_for(url: str) -> str | None:
    """The value of the header ``Authorization`` for the server at ``url``; None where nothing is known for it.

    A user and password in the URL itself win; the rest is as in ``token_for``.
    """
    parts = urlsplit(url)
    if parts.username is not None:
        said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return f"Basic {b64encode(said.encode()).decode()}"
    token = token_for(url)
    return None if token is None else f"Bearer {token}"


def server_url(url: str) -> str:
    """The one spelling of a server's URL: small letters, no user, no port that goes without saying, no ``/`` at its
    end (UsageError for what is no ``http://`` or ``https://`` URL)."""
    problem = UsageError("this is no server's URL; write, say, https://tracking.example.org")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise problem from None
    if parts.scheme not in _PORTS or not host:
        raise problem
    shown = f"[{host}]" if ":" in host else host
    end = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{end}{parts.path.rstrip('/')}"


def credentials_file() -> Path:
    """``autotrack/credentials.json`` in the user's configuration folder (``XDG_CONFIG_HOME``, else ``~/.config``)."""
    folder = os.environ.get("XDG_CONFIG_HOME")
    base = Path(folder) if folder and Path(folder).is_absolute() else Path("~/.config").expanduser()
    return base / "autotrack" / "credentials.json"


def kept() -> dict[str, Credential]:
    """What is in the file, by server; empty where there is no file yet (AccessError, as ``token_for``)."""
    file = credentials_file()
    try:
        descriptor = os.open(Ours(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise AccessError(f"the file of credentials, {file}, cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
        if not stat.S_ISREG(found.st_mode) or not ours or stat.S_IMODE(found.st_mode) & 0o077:
            raise AccessError(
                f"the file of credentials, {file}, may be read by others (owner {found.st_uid}, mode "
                f"{stat.S_IMODE(found.st_mode):o}), so its tokens are not used; revoke them if others have seen them, "
                f"and make it yours alone: chmod 600 {file}"
            )
        content = stream.read(MAX_BYTES + 1)
    document, _ = attempt(json.loads, content)
    servers = document.get("servers") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("credentials") != FORMAT or not isinstance(servers, dict):
        raise AccessError(f"the file of credentials, {file}, is damaged; remove it and log in again")
    return {str(url): each for url, entry in servers.items() if (each := _credential(entry)) is not None}


def _credential(entry: Any) -> Credential | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
        return None
    user, expires = entry.get("user"), entry.get("expires")
    return Credential(
        entry["token"], user if isinstance(user, str) else None, expires if isinstance(expires, int) else None
    )


def keep(url: str, credential: Credential) -> Path:
    """Keeps a token for a server in the place of an older one; answers the file (AccessError where it cannot)."""
    return _write({**kept(), server_url(url): credential})


def forget(url: str) -> Credential | None:
    """Forgets the token for a server; answers what it was, None where there was none."""
    servers = kept()
    found = servers.pop(server_url(url), None)
    if found is not None:
        _write(servers)
    return found


def _write(servers: dict[str, Credential]) -> Path:
    """Whole or not at all: two who log in at once lose one entry at worst, never the file."""
    entries = {
        url: {"token": each.token, "user": each.user, "expires": each.expires} for url, each in sorted(servers.items())
    }
    file = credentials_file()
    partial = file.with_name(f".{file.name}-{os.urandom(6).hex()}")
    try:
        make_private(file.parent)
        descriptor = os.open(Ours(partial), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o600)
            stream.write(json.dumps({"credentials": FORMAT, "servers": entries}, indent=1).encode())
            stream.flush()
            os.fsync(descriptor)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise AccessError(f"the file of credentials, {file}, cannot be written: {error.strerror}") from error
    return file
