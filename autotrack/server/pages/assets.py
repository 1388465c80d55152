"""The files that the browser runs, joined and compressed once, and kept for good by browsers.

They are made of those of the repository, without what only people read (``shrinking.py``), the modules joined into a
part a screen (``joining.py``). Their address has a digest of all of them in it (``/ui/<version>/...``), so what is kept
is never out of date.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..answers import Answer
from ..calls import Call
from ..errors import ApiError
from ..routing import PUBLIC, Table
from .joining import Joined, join, source_map
from .shrinking import shrunk

ROUTES = Table()
FOLDER = Path(__file__).parent.parent / "ui"

#: The module that every page starts with.
FIRST = "main.js"

_MEDIA = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: its bytes, and what it is."""

    plain: bytes
    media: str


@cache
def sources() -> dict[str, Asset]:
    """Every file by its path relative to ``server/ui``, scripts without what only people read."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix in _MEDIA:
            plain = path.read_bytes()
            if path.suffix == ".js" and path.parent.name != "vendor":
                plain = shrunk(plain.decode()).encode()
            found[path.relative_to(FOLDER).as_posix()] = Asset(plain, _MEDIA[path.suffix])
    return found


@cache
def joined() -> Joined:
    """The modules of the pages, joined."""
    scripts = {path: asset.plain.decode() for path, asset in sources().items() if path.endswith(".js")}
    return join(scripts, FIRST)


@cache
def assets() -> dict[str, Asset]:
    """What is served: the parts, every module that is in one by its own path, and all other files as they are."""
    modules, script = joined(), _MEDIA[".js"]
    beside = {path: Asset(modules.beside(path).encode(), script) for path in modules.places}
    parts = {path: Asset(part.text.encode(), script) for path, part in modules.parts.items()}
    return sources() | beside | parts


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


@cache
def _brotli() -> Callable[..., bytes] | None:
    """What compresses a tenth smaller than gzip, where the package ``brotli`` is installed."""
    try:
        compress: Callable[..., bytes] = importlib.import_module("brotli").compress
    except ImportError:
        return None
    return compress


@cache
def _packed(path: str, encoding: str) -> bytes:
    """A file, compressed when it is first asked for."""
    plain = assets()[path].plain
    compress = _brotli()
    return compress(plain, quality=11) if encoding == "br" and compress else gzip.compress(plain, 9, mtime=0)


@ROUTES.get("/ui/{version}/{path:path}", PUBLIC, answers_with_bytes="text/javascript")
async def asset(call: Call) -> Answer:
    """A file of the web pages."""
    path = call.path["path"]
    if call.path["version"] != version():
        raise _missing()
    if path.endswith(".map"):
        return _map(path.removesuffix(".map"))
    found = assets().get(path)
    if found is None:
        raise _missing()
    headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
    accepted = [one.partition(";")[0].strip() for one in call.header("accept-encoding").split(",")]
    for encoding in ("br", "gzip"):
        if encoding in accepted and (encoding == "gzip" or _brotli()):
            packed = _packed(path, encoding)
            return Answer(packed, media=found.media, headers={**headers, "Content-Encoding": encoding})
    return Answer(found.plain, media=found.media, headers=headers)


def _map(path: str) -> Answer:
    """The source map of a part, which browsers ask for when their tools are open."""
    part = joined().parts.get(path)
    if part is None:
        raise _missing()
    said = source_map(part, {module: (FOLDER / module).read_text() for module in part.modules})
    return Answer(json.dumps(said).encode(), media=_MEDIA[".map"], headers={"Cache-Control": _FOR_GOOD})


def _missing() -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", "the pages have no such file; reload the page")
