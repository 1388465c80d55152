"""The runner of hostile inputs reads what its README says, refuses what breaks the format, and its canary sings."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from tests.attacks.runner import HERE, SECRET, Canary, canary, payloads, unfold

__all__ = ["canary"]  # a fixture


def _family(folder: Path, *entries: dict[str, object], **more: object) -> Path:
    (folder / "names").mkdir(exist_ok=True)
    document = {"family": "names", "source": "made up", "payloads": entries, **more}
    (folder / "names" / "a.json").write_text(json.dumps(document), "utf-8")
    return folder


def test_a_file_becomes_payloads(tmp_path: Path) -> None:
    entry = {"id": "deep", "input": {"key": {"$repeat": ["ab", 2]}}, "expect": "refused", "status": 400}
    (payload,) = payloads("names", _family(tmp_path, entry))
    assert (payload.id, payload.input, payload.refused, payload.more) == (
        "deep",
        {"key": "abab"},
        True,
        {"status": 400},
    )


def test_what_json_cannot_hold() -> None:
    assert unfold([{"$base64": "AP8="}, {"$nest": ["(", "x", ")", 2]}, {"$repeat": ["", 3]}]) == [
        b"\x00\xff",
        "((x))",
        "",
    ]
    assert unfold({"$join": ["<", {"$count": ["%d,", 3]}, ">"]}) == "<0,1,2,>"
    assert zlib.decompress(unfold({"$zeros": ["gzip", 1 << 20]}), wbits=31) == bytes(1 << 20)
    assert unfold({"$repeat": ["a", 1], "other": 1}) == {"$repeat": ["a", 1], "other": 1}


@pytest.mark.parametrize(
    ("entries", "more"),
    [
        ([{"id": "a", "input": 1, "expect": "perhaps"}], {}),
        ([{"id": "a", "input": 1, "expect": "refused"}] * 2, {}),
        ([{"id": "a", "input": 1, "expect": "refused"}], {"family": "paths"}),
        ([{"id": "a", "input": 1, "expect": "refused"}], {"source": ""}),
        ([], {}),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, entries: list[dict[str, object]], more: dict[str, object]) -> None:
    _family(tmp_path, *entries, **more)
    with pytest.raises(AssertionError):
        payloads("names", tmp_path)


def test_every_family_can_be_read() -> None:
    for folder in sorted({file.parent for file in HERE.glob("*/*.json")}):
        assert payloads(folder.name)


def test_the_canary_sees_what_leaves_the_root(canary: Canary) -> None:
    with canary.untouched():
        (canary.root / "mine.txt").write_text("x")
    for touch in (
        lambda: canary.secret.write_text("y"),
        lambda: (canary.base / "pwn").write_text(""),
        lambda: canary.secret.chmod(0o777),
        lambda: canary.secret.unlink(),
        lambda: (canary.base / "link").symlink_to("/etc"),
    ):
        with pytest.raises(AssertionError, match="outside the root"), canary.untouched():
            touch()
    assert canary.leaked(f"... {SECRET} ...")
    assert canary.leaked(SECRET.encode())
    assert not canary.leaked("CANARY")
