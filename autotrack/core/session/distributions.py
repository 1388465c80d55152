"""Every distribution that is installed, in milliseconds: names and versions stand in the names of metadata folders.

The folders are those of the "recording installed packages" and "binary distribution format" specifications of PyPA;
a distribution that is found twice on the path counts once, where an import would find it.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from .masking import mask_url

_INFO = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._]*)-(?P<version>[0-9A-Za-z][0-9A-Za-z.!+_]*)\.dist-info")
_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)
_LARGEST = 1 << 20


class _Folder(NamedTuple):
    """What a folder of the path held when its time of change was ``changed``; ``places`` are the metadata folders."""

    changed: int
    records: dict[str, dict[str, Any]]
    places: dict[str, str]


_scanned: dict[str, _Folder] = {}


def distributions(path: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """``{"name", "version"}`` of each distribution on the path, sorted by name, which is normalised.

    Where it was not installed from an index there are ``url`` (masked), ``commit`` and ``editable`` too.
    """
    found: dict[str, dict[str, Any]] = {}
    for folder in sys.path if path is None else path:
        for name, record in _scan(folder or ".").records.items():
            first = found.setdefault(name, record)
            if "url" in record and "url" not in first and record["version"] == first["version"]:
                found[name] = record  # a source folder on the path, and what installed it as an editable
    return [found[name] for name in sorted(found)]


def metadata_folders(folder: str) -> dict[str, str]:
    """Where the metadata of each distribution in a folder of the path are, by its normalised name."""
    return _scan(folder or ".").places


def is_elsewhere(info: str) -> bool:
    """Whether the modules of a distribution, by its metadata folder, may lie in another folder than that."""
    return info.endswith(".egg-info") or os.path.exists(f"{info}{os.sep}direct_url.json")  # noqa: PTH110 - many, in no time


def _scan(folder: str) -> _Folder:
    try:
        changed = os.stat(folder).st_mtime_ns  # noqa: PTH116 - a string from sys.path, once a folder
        known = _scanned.get(folder)
        if known is not None and known.changed == changed:
            return known
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing if entry.name.endswith((".dist-info", ".egg-info")))
    except OSError:  # a zip file, or a folder that is gone
        return _Folder(0, {}, {})
    found = _Folder(changed, {}, {})
    for info in names:
        place = f"{folder}{os.sep}{info}"
        record = _record(place, info)
        if record is not None:
            found.records.setdefault(record["name"], record)
            found.places.setdefault(record["name"], place)
    _scanned[folder] = found
    return found


def _record(place: str, info: str) -> dict[str, Any] | None:
    plain = _INFO.fullmatch(info)
    if plain:
        record: dict[str, Any] = {"name": _normal(plain["name"]), "version": plain["version"].replace("_", "-")}
    else:
        headers = dict(reversed(_HEADER.findall(_metadata(place))))
        if "Name" not in headers or "Version" not in headers:
            return None
        record = {"name": _normal(headers["Name"]), "version": headers["Version"]}
    if info.endswith(".dist-info"):
        record |= _origin(f"{place}{os.sep}direct_url.json")
    return record


def _metadata(place: str) -> str:
    text = ""
    for file in ("METADATA", "PKG-INFO", ""):
        text = text or text_of(f"{place}{os.sep}{file}" if file else place)
    return text.partition("\n\n")[0]


def _origin(path: str) -> dict[str, Any]:
    text = text_of(path)
    try:
        said = json.loads(text) if text else None
    except ValueError:
        return {}
    if not isinstance(said, dict) or not isinstance(said.get("url"), str):
        return {}
    origin: dict[str, Any] = {"url": mask_url(said["url"])}
    for part, key, name in (("vcs_info", "commit_id", "commit"), ("dir_info", "editable", "editable")):
        value = said[part].get(key) if isinstance(said.get(part), dict) else None
        if value:
            origin[name] = value
    return origin


def text_of(path: str) -> str:
    """A file's text, as far as it is read; empty where it cannot be. A pipe is not waited for, and nothing is taken out
    of it."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
