"""Hostile inputs by family, read from the JSON files beside this module. README.md has the format."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
EXPECTATIONS = frozenset({"refused", "accepted", "literal"})
SECRET = "CANARY-7731"


@dataclass(frozen=True)
class Payload:
    """One input, and what must come of it."""

    family: str
    id: str
    input: Any
    expect: str
    why: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return self.expect == "refused"


def payloads(family: str, folder: Path = HERE) -> list[Payload]:
    """Every payload of a family, from all files in its folder. AssertionError where a file breaks the format."""
    found: dict[str, Payload] = {}
    for file in sorted((folder / family).glob("*.json")):
        document = json.loads(file.read_text("utf-8"))
        assert document["family"] == family, f"{file}: family {document['family']!r} in the folder {family!r}"
        assert document.get("source"), f"{file}: says not where its inputs come from"
        for entry in document["payloads"]:
            rest = dict(entry)
            payload = Payload(
                family=family,
                id=rest.pop("id"),
                input=unfold(rest.pop("input")),
                expect=rest.pop("expect"),
                why=rest.pop("why", ""),
                more=unfold(rest),
            )
            assert payload.expect in EXPECTATIONS, f"{file}: {payload.id} expects {payload.expect!r}"
            assert payload.id not in found, f"{file}: {payload.id} is there twice"
            found[payload.id] = payload
    assert found, f"no payloads for {family!r} under {folder}"
    return list(found.values())


def unfold(value: Any) -> Any:
    """The input with ``$base64``, ``$repeat``, ``$nest``, ``$join``, ``$count`` and ``$zeros`` written out."""
    if isinstance(value, list):
        return [unfold(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$base64"}:
        return base64.b64decode(value["$base64"], validate=True)
    if value.keys() == {"$repeat"}:
        text, times = value["$repeat"]
        return text * times
    if value.keys() == {"$nest"}:
        before, inside, after, depth = value["$nest"]
        return before * depth + inside + after * depth
    if value.keys() == {"$join"}:
        return "".join(unfold(value["$join"]))
    if value.keys() == {"$count"}:
        text, times = value["$count"]
        return "".join(text % at for at in range(times))
    if value.keys() == {"$zeros"}:
        kind, size = value["$zeros"]
        packer = zlib.compressobj(9, wbits=31 if kind == "gzip" else 15)
        return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)), packer.flush()])
    return {key: unfold(item) for key, item in value.items()}


def cases(family: str, folder: Path = HERE) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test once for each payload of the family, as its argument ``payload``."""
    found = payloads(family, folder)
    return pytest.mark.parametrize("payload", found, ids=[payload.id for payload in found])


class Canary:
    """A secret beside a root: the root may be touched, the rest may not."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.root = base / "root"
        self.secret = base / "canary" / "secret.txt"
        self.root.mkdir()
        self.secret.parent.mkdir()
        self.secret.write_text(SECRET, "utf-8")

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Fails where the block created, changed or removed anything outside the root."""
        before = self._state()
        yield
        after = self._state()
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        assert not changed, f"touched outside the root: {changed}"

    def leaked(self, answer: str | bytes) -> bool:
        """True where an answer holds the secret."""
        return SECRET.encode() in (answer.encode("utf-8", "surrogatepass") if isinstance(answer, str) else answer)

    def _state(self) -> dict[str, str]:
        state = {}
        for folder, folders, files in os.walk(self.base):
            if Path(folder) == self.root:
                folders.clear()
                continue
            for name in (*folders, *files):
                path = Path(folder, name)
                mode = path.lstat().st_mode
                content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
                state[str(path)] = f"{mode:o} {hashlib.sha256(os.fsencode(content)).hexdigest()}"
        return state


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    """A fresh root with a secret beside it."""
    return Canary(tmp_path)
