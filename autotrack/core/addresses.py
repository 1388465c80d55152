"""What a store's URI means, and which store a journal is for.

A journal says in its header where it is to be delivered: its mark. One in its store's own ``journal`` folder says only
``../autotrack.db``, so that a store that is moved or copied still takes it in; one that lies anywhere else names the
store by its address.
"""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from pathlib import Path

from .errors import UsageError

DATABASE = "autotrack.db"
#: The ways in which people spell the scheme of a PostgreSQL database.
POSTGRESQL = ("postgresql+psycopg", "postgresql", "postgres")
#: The name that a mark has in a journal's header.
MARK = "store"
#: A longer address than this does not fit a journal's header block; its digest stands for it.
LONGEST_MARK = 1000

_SECRET = ("password", "passwd", "pwd", "token", "secret", "key", "credential", "signature")
#: A host with its port, and nothing of a user: what stands before the first ``/`` of a URI that has no password.
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?")


def is_remote(uri: str | os.PathLike[str]) -> bool:
    """True for a store that is not a folder or a file of this machine."""
    text = os.fspath(uri)
    return "://" in text and not text.startswith(("sqlite:///", "file://"))


def is_server(uri: str | os.PathLike[str]) -> bool:
    """True for a server of autotrack, which is spoken to over HTTP."""
    return os.fspath(uri).lower().startswith(("http://", "https://"))


def located(where: str | os.PathLike[str]) -> tuple[Path, Path]:
    """The root folder and the database file that a path, a ``file://`` or a ``sqlite:///`` URI means (UsageError)."""
    text = os.fspath(where)
    if text.startswith("sqlite:///"):
        name = text.removeprefix("sqlite:///")
        if not name or name == ":memory:" or "?" in name:
            raise UsageError(f"{shown(where)} is no database file; write sqlite:///folder/name.db")
        path = _path(name, where)
        return path.parent, path
    if text.startswith("file://"):
        from urllib.parse import unquote

        text = unquote(text.removeprefix("file://localhost" if text.startswith("file://localhost/") else "file://"))
        if not text.startswith("/"):
            raise UsageError(f"{shown(where)} is no folder of this machine; write file:///folder")
    elif "://" in text:
        raise UsageError(f"{shown(where)} is neither a folder nor sqlite:///a/file.db")
    path = _path(text, where)
    if path.is_file() or (path.suffix in (".db", ".sqlite") and not path.is_dir()):
        return path.parent, path
    return path, path / DATABASE


def _path(name: str, where: str | os.PathLike[str]) -> Path:
    try:
        if "\0" not in name:
            return Path(name).expanduser().absolute()
    except RuntimeError:  # ~somebody whom this machine does not know
        pass
    raise UsageError(f"{shown(where)} is no path on this machine; write a folder, or sqlite:///a/file.db")


def address(uri: str | os.PathLike[str]) -> str:
    """The one spelling that every URI of the same store has, without user names, passwords and tokens.

    A folder's is that of the database file in it: ``sqlite:////folder/autotrack.db``, with links resolved.
    """
    if not is_remote(uri):
        return f"sqlite:///{os.path.realpath(located(uri)[1])}"
    scheme, _, rest = os.fspath(uri).partition("://")
    return _without_secrets(f"{POSTGRESQL[0] if scheme.lower() in POSTGRESQL else scheme}://{rest}")


def shown(uri: str | os.PathLike[str]) -> str:
    """A URI or path for people, and for whatever is written down: without user names, passwords and tokens."""
    text = os.fspath(uri)
    return _without_secrets(text) if "://" in text and not text.startswith("sqlite:///") else text


def _without_secrets(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in authority and "@" in rest and not _HOST.fullmatch(authority):
        rest = rest.rpartition("@")[2]  # a password with / or ? or # in it that nobody has escaped
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2].lower()
    kept = [part for part in query.split("&") if part and not _is_secret(part.partition("=")[0])]
    options = f"?{'&'.join(sorted(kept))}" if kept else ""
    mark = f"#{fragment}" if fragment and not _is_secret(fragment) else ""
    return f"{scheme.lower()}://{host}{(slash + path).rstrip('/')}{options}{mark}"


def _is_secret(text: str) -> bool:
    return any(word in text.lower() for word in _SECRET)


def digest(uri: str | os.PathLike[str]) -> str:
    """16 hexadecimal digits that stand for a store's address in a file name."""
    return blake2b(address(uri).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def mark(uri: str | os.PathLike[str], folder: Path) -> str:
    """The mark of a journal in ``folder`` that is for the store at ``uri``."""
    return _relative(uri, folder) or _absolute(uri)


def marks(uri: str | os.PathLike[str], folder: Path) -> frozenset[str | None]:
    """The marks of those journals in ``folder`` that are for the store at ``uri``; None is a journal without any."""
    return frozenset({None, _absolute(uri), _relative(uri, folder)})


def destination(found: object, folder: Path) -> str:
    """For people: the store that a journal in ``folder`` with this mark is for."""
    text = str(found)
    if text.startswith("../"):
        return str(folder.absolute().parent / text.removeprefix("../"))
    return text.removeprefix("sqlite:///")


def _absolute(uri: str | os.PathLike[str]) -> str:
    text = address(uri)
    return text if len(text.encode("utf-8", "backslashreplace")) <= LONGEST_MARK else f"#{digest(uri)}"


def _relative(uri: str | os.PathLike[str], folder: Path) -> str | None:
    """The mark in the store's own journal folder (which may be a link to elsewhere); None in every other folder."""
    if is_remote(uri):
        return None
    root, database = located(uri)
    here = folder.absolute()
    own = here.name == "journal" and os.path.realpath(here.parent) == os.path.realpath(root)
    return f"../{database.name}" if own else None
