"""A folder with what records, for Pythons that have no autotrack: links to this installation, last on their path.

The environment of a project is exactly what the project asks for. autotrack records with the standard library, pluggy
and blake3 (for fingerprints of data), so its own packages and those two are all that stands behind it. blake3 is
compiled: a Python of another minor version cannot import this one, and records without fingerprints.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import shutil
from pathlib import Path
from tempfile import mkdtemp

from .building import environments_folder

#: What the recording half of autotrack imports, besides itself.
_NEEDED = ("blake3", "pluggy")
#: What installed packages lie in everywhere, so that nobody takes these for the project's own code.
_PACKAGES = "site-packages"


def folder_behind() -> Path:
    """The folder, made where it is not there yet (milliseconds)."""
    own = importlib.metadata.distribution("autotrack")
    entry_points = own.read_text("entry_points.txt") or ""
    modules = {line.partition("=")[2].strip().partition(".")[0] for line in entry_points.splitlines() if "=" in line}
    names = sorted({name.partition(":")[0] for name in modules} | {"autotrack", *_NEEDED})
    places = {name: found for name in names if (found := _place(name)) is not None}
    mark = hashlib.sha256(repr((own.version, entry_points, sorted(places.items()))).encode()).hexdigest()[:16]
    root = environments_folder()
    target = root / f"behind-{mark}"
    if (target / _PACKAGES / "autotrack").exists():
        return target / _PACKAGES
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Path(mkdtemp(prefix="making-", dir=root))
    packages = made / _PACKAGES
    packages.mkdir()
    for place in places.values():
        (packages / place.name).symlink_to(place)
    info = packages / f"autotrack-{own.version}.dist-info"
    info.mkdir()
    url = places["autotrack"].parent.as_uri()
    (info / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {"editable": True}}))
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: autotrack\nVersion: {own.version}\n")
    (info / "entry_points.txt").write_text(entry_points)
    try:
        made.rename(target)
    except OSError:  # another process was quicker
        shutil.rmtree(made)
    return target / _PACKAGES


def _place(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        return None
    origin = Path(found.origin).resolve()
    return origin.parent if origin.name == "__init__.py" else origin
