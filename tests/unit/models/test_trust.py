"""Whom a model's code may be trusted from: the caller, the store in force, a digest, or the user's own list."""

import hashlib
import os
import pickle
from pathlib import Path

import pytest

from autotrack.core import pickled
from autotrack.core.entities import ModelRecord, RunRecord, Status
from autotrack.core.errors import ArtifactError, UntrustedModelError
from autotrack.core.imported import mark_imported
from autotrack.core.plugins.flavor import Flavor
from autotrack.models import load_model, open_model, save_model
from autotrack.models.finding import folder_in
from autotrack.models.located import is_own
from autotrack.models.pickle_scan import globals_in, is_dangerous, risky_files
from autotrack.models.trust import trust_file, trusted, vouch

RUN = "0" * 32
PICKLE = Flavor(
    "pickle",
    ("builtins:dict",),
    lambda model, folder: {"data": "model.pkl", "written": (folder / "model.pkl").write_bytes(pickle.dumps(model))},
    lambda folder, entry, trust: pickled.load(folder / "model.pkl", trust),
)


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTRACK_TRUST_FILE", str(tmp_path / "config" / "trust.json"))
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(tmp_path / ".autotrack"))
    return tmp_path / "config" / "trust.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_model({"a": 1}, tmp_path / "model", flavors=[PICKLE])


def test_the_error_says_what_and_how(folder: Path) -> None:
    digest = open_model(folder, trust=True, flavors=[PICKLE]).digest
    with pytest.raises(UntrustedModelError) as refused:
        load_model(folder, flavors=[PICKLE])
    text = str(refused.value)
    assert f"{folder}/model.pkl" in text and digest in text and f"autotrack models trust {folder}" in text
    assert "/dev/shm" not in text


def test_a_digest_is_trust(folder: Path, own_list: Path) -> None:
    digest = open_model(folder, trust=True, flavors=[PICKLE]).digest
    file = hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest()
    for named in (digest, digest.upper(), f"sha256:{file}"):
        assert load_model(folder, trust=named, flavors=[PICKLE]) == {"a": 1}
    with pytest.raises(UntrustedModelError, match=f"is not the one.*its digest is {digest}.*model.pkl {file}"):
        load_model(folder, trust="0" * 64, flavors=[PICKLE])
    vouch(digest, "x", {})
    assert load_model(folder, flavors=[PICKLE]) == {"a": 1}
    with pytest.raises(UntrustedModelError):
        load_model(folder, trust=False, flavors=[PICKLE])
    (folder / "manifest.json").unlink()
    (folder / "model.pkl").write_bytes(pickle.dumps({"a": 2}))
    with pytest.raises(UntrustedModelError):
        load_model(folder, flavors=[PICKLE])


def _of_a_run(artifact_uri: str, *, run_id: str = RUN) -> RunRecord:
    models = (ModelRecord("model", "pickle", "builtins.dict", 9),)
    return RunRecord(run_id, "n", "e", "e", Status.FINISHED, 0, artifact_uri=artifact_uri, models=models)


def _inside(tmp_path: Path) -> tuple[Path, Path]:
    """The root of the store in force, and a model among its artifacts."""
    root = tmp_path / ".autotrack"
    return root, save_model({"a": 1}, root / "artifacts" / "e" / RUN / "model", flavors=[PICKLE])


def test_a_run_vouches_only_for_what_lies_in_its_store(folder: Path, tmp_path: Path) -> None:
    root, kept = _inside(tmp_path)
    assert folder_in(_of_a_run(f"artifacts/e/{RUN}"), "model", root).own
    (root / "artifacts" / "e" / "linked").symlink_to(tmp_path)
    for elsewhere in (str(tmp_path), "..", f"artifacts/e/{RUN}/../../../..", "artifacts/e/linked"):
        located = folder_in(_of_a_run(elsewhere), "model", root)
        assert located.folder == folder.resolve() and not located.own, elsewhere
        with pytest.raises(UntrustedModelError):
            load_model(f"runs:/{RUN}/model", flavors=[PICKLE], resolve=lambda uri, found=located: found)
    mark_imported(root, "1" * 32)
    assert not folder_in(_of_a_run(f"artifacts/e/{RUN}", run_id="1" * 32), "model", root).own
    mark_imported(root, RUN)
    assert not folder_in(_of_a_run(f"artifacts/e/{RUN}", run_id="2" * 32), "model", root).own
    assert not is_own(kept)


def test_a_run_does_not_vouch_for_what_another_user_put_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, _ = _inside(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 424242)
    assert not folder_in(_of_a_run(f"artifacts/e/{RUN}"), "model", root).own


def test_the_sha_of_one_file_does_not_vouch_for_another(folder: Path) -> None:
    file = hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest()
    (folder / "manifest.json").unlink()
    (folder / "more.pkl").write_bytes(pickle.dumps(1))
    with pytest.raises(UntrustedModelError):
        load_model(folder, trust=file, flavors=[PICKLE])


def test_the_list_is_the_users_alone(own_list: Path) -> None:
    assert trusted() == {} and trust_file() == own_list
    vouch("d1", "runs:/a/model", {"model.pkl": "s"})
    vouch("d2", "x", {})
    assert list(trusted()) == ["d1", "d2"] and trusted()["d1"]["files"] == {"model.pkl": "s"}
    assert trusted()["d1"]["user"] and trusted()["d1"]["time"].endswith("+00:00")
    assert own_list.stat().st_mode & 0o777 == 0o600 and own_list.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in own_list.parent.iterdir()] == ["trust.json"]
    own_list.chmod(0o620)
    with pytest.raises(ArtifactError, match="may be written by others"):
        trusted()
    own_list.chmod(0o600)
    for bad in (b"", b"[]", b'{"trust": 1}', b'{"trust": 2, "models": {}}'):
        own_list.write_bytes(bad)
        with pytest.raises(ArtifactError, match="damaged"):
            trusted()
    own_list.unlink()
    own_list.symlink_to(own_list.parent / "elsewhere")
    with pytest.raises(ArtifactError, match="cannot be read"):
        trusted()


def test_a_list_of_somebody_elses(own_list: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vouch("d", "x", {})
    monkeypatch.setattr(os, "getuid", lambda: 4711 if own_list.stat().st_uid != 4711 else 4712)
    if own_list.stat().st_uid == 0:  # root's lists are good for everybody; another's is not
        os.chown(own_list, 4710, -1)
    with pytest.raises(ArtifactError, match="may be written by others"):
        trusted()


def test_where_the_list_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOTRACK_TRUST_FILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert trust_file() == tmp_path / "autotrack" / "trust.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert trust_file() == tmp_path / ".config" / "autotrack" / "trust.json"


class Bomb:
    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call[0], self.call[1:]  # type: ignore[return-value]


@pytest.mark.parametrize("protocol", range(6))
def test_globals_are_found_without_running_anything(protocol: int, tmp_path: Path) -> None:
    content = pickle.dumps(Bomb(os.system, f"touch {tmp_path}/pwned"), protocol)
    (name,) = globals_in(content)
    assert name.endswith(".system") and is_dangerous(name)
    assert not (tmp_path / "pwned").exists()


def test_a_decoy_is_seen_through() -> None:
    decoy = b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x07sklearn0\x8c\x04Nice0\x93."
    assert globals_in(decoy) == ["?"] and is_dangerous("?")
    by_memo = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940 0h\x00h\x01\x93.".replace(b" ", b"")
    assert globals_in(by_memo) == ["os.system"]
    assert globals_in(b"\x80\x04garbage")[0].startswith("? (no pickle")
    assert not is_dangerous("sklearn.linear_model._ridge.Ridge") and not is_dangerous("builtins.set")
    assert is_dangerous("builtins.eval") and is_dangerous("cloudpickle.cloudpickle._make_function")


def test_risky_files_are_found_by_what_they_are(tmp_path: Path) -> None:
    import zipfile

    bomb = pickle.dumps(Bomb(os.system, "true"))
    (tmp_path / "model.txt").write_bytes(bomb)
    (tmp_path / "model.joblib").write_bytes(b"not one")
    (tmp_path / "plain.json").write_text("{}")
    (tmp_path / "code.py").write_text("x = 1")
    with zipfile.ZipFile(tmp_path / "torch.pt", "w") as archive:
        archive.writestr("archive/data.pkl", bomb)
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr(
            "schema.json",
            '{"__module__": "evil", "__class__": "T", "content": [{"__module__": "sklearn.x", "__class__": "Y"}]}',
        )
    found = risky_files(tmp_path, [path.name for path in tmp_path.iterdir()], [{"data": "model.bin"}])
    assert set(found) == {"model.txt", "model.joblib", "code.py", "torch.pt", "model.skops"}
    assert found["model.txt"] == found["torch.pt"] and found["model.skops"] == ["evil.T"]
