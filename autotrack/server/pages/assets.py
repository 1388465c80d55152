"""The files that the browser runs, compressed once, and kept for good by browsers.

They are those of the repository, line by line, without their comments: a third of what would be sent. Their address
has a digest of all of them in it (``/ui/<version>/...``), so what is kept is never out of date.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..answers import Answer
from ..calls import Call
from ..errors import ApiError
from ..routing import PUBLIC, Table

ROUTES = Table()
FOLDER = Path(__file__).parent.parent / "ui"

_MEDIA = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


#: A type within a line; lines that are nothing but comment.
_TYPE = re.compile(rb"/\*\* @(?:type|param)\b[^\n]*?\*/ ?")
_COMMENT = re.compile(rb"^[ \t]*(?://[^\n]*|/\*\*?.*?\*/[ \t]*)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: its bytes, the same compressed, and what it is."""

    plain: bytes
    packed: bytes
    media: str


@cache
def assets() -> dict[str, Asset]:
    """Every file by its path relative to ``server/ui``."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix in _MEDIA:
            plain = path.read_bytes()
            if path.suffix == ".js" and path.parent.name != "vendor":
                plain = without_comments(plain)
            packed = gzip.compress(plain, 9, mtime=0)
            found[path.relative_to(FOLDER).as_posix()] = Asset(plain, packed, _MEDIA[path.suffix])
    return found


def without_comments(module: bytes) -> bytes:
    """A module of the pages without its comments, each line where it was: what the console says of a line holds."""
    return _COMMENT.sub(lambda found: b"\n" * found[0].count(b"\n"), _TYPE.sub(b"", module))


@cache
def version() -> str:
    """A digest of all the files."""
    digest = hashlib.sha256()
    for path, asset in assets().items():
        digest.update(f"{path}\0{len(asset.plain)}\0".encode() + asset.plain)
    return digest.hexdigest()[:12]


@cache
def bare_names() -> dict[str, str]:
    """What the modules import by name (``preact``), and the path of each: the import map."""
    listed = json.loads((FOLDER / "vendor" / "VENDOR.json").read_text())
    return {part["import"]: f"vendor/{name}" for name, part in listed.items() if "import" in part}


@ROUTES.get("/ui/{version}/{path:path}", PUBLIC, answers_with_bytes="text/javascript")
async def asset(call: Call) -> Answer:
    """A file of the web pages."""
    found = assets().get(call.path["path"])
    if found is None or call.path["version"] != version():
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", "the pages have no such file; reload the page")
    headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
    if "gzip" not in call.header("accept-encoding"):
        return Answer(found.plain, media=found.media, headers=headers)
    return Answer(found.packed, media=found.media, headers={**headers, "Content-Encoding": "gzip"})
