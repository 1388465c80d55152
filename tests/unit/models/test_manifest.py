"""R40: a byte that changed anywhere in a model folder is seen before anything of it is parsed."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from autotrack.core.errors import ArtifactError
from autotrack.core.plugins.flavor import Flavor
from autotrack.models import open_model, save_model
from autotrack.models.located import Located
from autotrack.models.manifest import FileDigest, verify, write_manifest
from autotrack.models.snapshot import digests, take

parsed: list[Path] = []


def save(model: object, folder: Path) -> dict[str, object]:
    (folder / "data").mkdir()
    (folder / "data" / "model.txt").write_text(str(model))
    return {"data": "data/model.txt"}


def load(folder: Path, entry: object, trust: bool) -> str:
    parsed.append(folder)
    return (folder / "data" / "model.txt").read_text()


TEXT = Flavor("text", ("builtins:str",), save, load, predictor=lambda model: lambda rows: [model for _ in rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    parsed.clear()
    return save_model("hello", tmp_path / "model", flavors=[TEXT], example=[1, 2, 3])


def opened(folder: Path, digest: str | None = None) -> object:
    return open_model("runs:/a/b", resolve=lambda uri: Located(folder, True, digest), flavors=[TEXT]).model


def test_every_bit_counts(folder: Path) -> None:
    assert opened(folder) == "hello" and len(parsed) == 1
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"MLmodel", "manifest.json", "golden.json", "input_example.json", "model.txt"} <= {
        path.name for path in files
    }
    flips = 0
    for path in files:
        content = path.read_bytes()
        for at in range(0, len(content), 1 if len(content) < 300 else 7):
            path.write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
            with pytest.raises(ArtifactError):
                opened(folder)
            flips += 1
        for other in (content[:-1], content + b"\n", b""):
            path.write_bytes(other)
            with pytest.raises(ArtifactError):
                opened(folder)
        path.write_bytes(content)
    assert flips > 500 and len(parsed) == 1, "nothing may be parsed before all was checked"
    assert opened(folder) == "hello"


def test_the_error_says_which_file(folder: Path) -> None:
    path = folder / "data" / "model.txt"
    want = digests(folder)["data/model.txt"].sha256
    path.write_text("hallo")
    with pytest.raises(ArtifactError, match=f"{path} was changed.*expected sha256 {want}, found [0-9a-f]{{64}}"):
        opened(folder)
    path.unlink()
    with pytest.raises(ArtifactError, match=f"{path} is missing: expected sha256 {want}"):
        opened(folder)
    path.write_text("hello")
    (folder / "more.pkl").write_bytes(b"x")
    with pytest.raises(ArtifactError, match=r"more\.pkl was added"):
        opened(folder)
    assert parsed == []


def test_what_others_put_there_is_never_handed_on(folder: Path) -> None:
    (folder / "registered_model_meta").write_text("model_name: m\n")
    (folder / "data" / "__pycache__").mkdir()
    (folder / "data" / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert opened(folder) == "hello"
    assert not parsed[0].exists() and parsed[0] != folder


def test_a_manifest_made_anew_is_not_the_one_that_the_run_knows(folder: Path) -> None:
    digest = take(folder).digest
    assert opened(folder, digest) == "hello"
    (folder / "data" / "model.txt").write_text("other")
    files = {path: found for path, found in digests(folder).items() if path != "manifest.json"}
    (folder / "manifest.json").write_bytes(write_manifest(files)[0])
    (folder / "golden.json").write_bytes((folder / "golden.json").read_bytes())
    assert opened(folder) == "other", "a folder alone cannot know"
    with pytest.raises(ArtifactError, match=f"expected the digest {digest}"):
        opened(folder, digest)
    (folder / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match=r"no manifest\.json any more"):
        opened(folder, digest)


def test_the_copy_is_private_and_what_is_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swap between the check and the loading changes nothing."""

    def swap(place: Path, entry: object, trust: bool) -> str:
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in place.rglob("*"))
        (folder / "data" / "model.txt").write_text("swapped")
        return load(place, entry, trust)

    swapping = Flavor("text", ("builtins:str",), save, swap)
    assert open_model(folder, trust=True, flavors=[swapping]).model == "hello"


@pytest.mark.parametrize("kind", ["link", "folder link", "pipe", "manifest link"])
def test_links_and_pipes_are_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    target = folder / ("manifest.json" if kind == "manifest link" else "data/model.txt")
    if kind == "folder link":
        shutil.move(folder / "data", tmp_path / "data")
        (folder / "data").symlink_to(tmp_path / "data")
    elif kind == "pipe":
        target.unlink()
        os.mkfifo(target)
    else:
        shutil.move(target, tmp_path / "aside")
        target.symlink_to(tmp_path / "aside")
    with pytest.raises(ArtifactError, match=r"a link|neither a file nor a folder"):
        opened(folder)
    assert parsed == []


def test_a_folder_that_is_too_deep_or_unreadable(tmp_path: Path) -> None:
    deep = tmp_path / "model"
    (deep / "/".join("d" * 40)).mkdir(parents=True)
    with pytest.raises(ArtifactError, match="deep"):
        take(deep)
    with pytest.raises(ArtifactError, match="cannot be read"):
        take(tmp_path / "none")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b"null", b'{"manifest": 2, "files": {}}', b'{"manifest": 1, "files": []}',
        b'{"manifest": 1, "files": {"a": 3}}', b'{"manifest": 1, "files": {"a": {"sha256": "x"}}}', b"[" * 100_000,
    ],
    ids=lambda content: repr(content[:30]),
)  # fmt: skip
def test_other_manifests_are_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError):
        verify(content, {"a": FileDigest("x", 1)}, "folder")


def test_a_manifest_in_other_words_is_none() -> None:
    files = {"a": FileDigest("0" * 64, 1)}
    content, _ = write_manifest(files)
    assert verify(content, files, "folder") and not verify(None, files, "folder")
    for other in (
        json.dumps(json.loads(content)).encode(),
        content + b" ",
        content.replace(b'"size": 1', b'"size": true'),
    ):
        with pytest.raises(ArtifactError):
            verify(other, files, "folder")


def test_copies_are_removed(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from autotrack.models import snapshot

    place = tmp_path / "copies"
    place.mkdir()
    monkeypatch.setattr(snapshot, "_place", lambda source: str(place))
    opened(folder)
    (folder / "MLmodel").write_text("x")
    with pytest.raises(ArtifactError):
        opened(folder)
    assert list(place.iterdir()) == []
