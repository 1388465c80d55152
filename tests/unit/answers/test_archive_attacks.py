"""An archive that was made to do harm, or was damaged, is refused as a whole: nothing of it is taken in."""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrack.answers.archive.packing import pack
from autotrack.answers.archive.unpacking import unpack
from autotrack.core.errors import ArchiveError, UntrustedModelError
from autotrack.core.imported import is_imported
from autotrack.core.pickled import load as unpickled
from autotrack.core.plugins.flavor import Flavor
from autotrack.core.runs.names import experiment_id
from autotrack.models.finding import folder_in
from autotrack.models.loading import load_model
from autotrack.models.located import is_own
from autotrack.models.saving import save_model
from autotrack.store.files.local import LocalArtifacts
from autotrack.store.store import Store
from tests.attacks.runner import Canary, Payload, canary, cases

__all__ = ["canary"]
RUN = "00000000000000000000000000000001"
Members = dict[str, bytes]


@pytest.fixture
def honest(store, tell, tmp_path: Path) -> Path:
    """An archive of one run with params, points, artifacts, a model, an object and a session."""
    program = tell(1)
    program.git("diff --git a/x b/x\n", sources={"own.py": "print(1)\n"})
    program.file("/data/a.csv", "a1" * 32)
    run = program.run(
        1, params={"C": "1"}, tags={"team": "risk"}, metrics={"loss": 0.5, "gain": 1.0}, random_state=None
    )
    program.event("model", run, path="model", flavor="sklearn", class_name="a.B", size=9, digest="9a" * 32)
    storage = LocalArtifacts(store.root / "artifacts" / "e")
    for path in ("model/a.bin", "plots/p.png"):
        kept = storage.put_bytes(run, path, path.encode())
        program.event("artifact", run, path=path, size=kept.size, sha256=kept.sha256)
    program.event("health", run, health={"lost_points": 3})
    return pack(store, [store.run(run)], tmp_path / "honest.atrun").path


def state(root: Path) -> dict[str, bytes]:
    """What lies in a store beside its database, whose own files come and go."""
    files = (path for path in root.rglob("*") if not path.name.startswith("autotrack.db"))
    return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"" for path in files}


def refuses(root: Path, path: Path, why: str | None = None) -> None:
    """Asserts that the archive is refused and leaves the store as it was."""
    store = Store.open(root)
    try:
        before = state(root)
        with pytest.raises(ArchiveError, match=why) as refused:
            unpack(store, path)
        assert "nothing of it was taken in" in str(refused.value)
        assert state(root) == before
        assert store.runs(lifecycle="all") == [] and not list(store.objects)
    finally:
        store.close()


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(members: Members) -> Members:
    """The members with a manifest that agrees with them, as whoever forges an archive would make it."""
    manifest = json.loads(members.pop("manifest.json"))
    manifest["members"] = {
        name: {"sha256": sha256(content).hexdigest(), "size": len(content)} for name, content in members.items()
    }
    return {**members, "manifest.json": json.dumps(manifest).encode()}


def write(path: Path, members: Members, **special: Callable[[zipfile.ZipInfo], None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for change in special.values():
                change(info)
            archive.writestr(info, content)
    return path


@cases("archives")
def test_what_the_records_say(payload: Payload, honest: Path, canary: Canary, tmp_path: Path) -> None:
    before, after = payload.input
    members = members_of(honest)
    name = f"runs/{RUN}.jsonl"
    assert members[name].count(before.encode()) >= 1, members[name]
    members[name] = members[name].replace(before.encode(), after.encode(), 1)
    path = write(tmp_path / "forged.atrun", sealed(members))
    with canary.untouched():
        if payload.refused:
            refuses(canary.root, path)
            return
        store = Store.open(canary.root)
        assert unpack(store, path).runs == (RUN,)
        record = store.run(RUN)
        assert record.artifact_uri == f"artifacts/{experiment_id(record.experiment)}/{RUN}"
        assert {file.path for file in record.artifacts} == {"model/a.bin", "plots/p.png"}
        if payload.expect == "literal" and "canary" in after and "uri" not in after:
            assert "../../canary" in (record.name, record.experiment)
        store.close()


NAMES = [
    "../evil",
    "/tmp/evil",
    "runs/../../evil",
    "..\\evil",
    f"objects/{'a' * 63}/x",
    f"artifacts/{'A' * 64}",
    "objects/",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_members_by_any_other_name(honest: Path, canary: Canary, tmp_path: Path, name: str) -> None:
    members = members_of(honest)
    members[name] = b"evil"
    path = write(tmp_path / "forged.atrun", sealed(members))
    with canary.untouched():
        refuses(canary.root, path)


def link(info: zipfile.ZipInfo) -> None:
    if info.filename.startswith("artifacts/"):
        info.external_attr = (stat.S_IFLNK | 0o777) << 16


def folder(info: zipfile.ZipInfo) -> None:
    if info.filename.startswith("artifacts/"):
        info.external_attr = (stat.S_IFDIR | 0o777) << 16


@pytest.mark.parametrize("special", [link, folder])
def test_links_and_folders(honest: Path, tmp_path: Path, special: Callable[[zipfile.ZipInfo], None]) -> None:
    refuses(tmp_path / "new", write(tmp_path / "a.atrun", members_of(honest), change=special), "no file but a link")


def artifact_of(members: Members) -> str:
    return next(name for name in members if name.startswith("artifacts/"))


def with_other_bytes(members: Members) -> Members:
    return {**members, artifact_of(members): b"evil"}


def with_forged_bytes(members: Members) -> Members:
    return sealed({**members, artifact_of(members): b"evil content"})


def without_an_artifact(members: Members) -> Members:
    return sealed({name: content for name, content in members.items() if name != artifact_of(members)})


def with_a_stranger(members: Members) -> Members:
    return sealed({**members, f"objects/{sha256(b'x').hexdigest()}": b"x"})


def not_in_the_manifest(members: Members) -> Members:
    return {**members, f"objects/{sha256(b'x').hexdigest()}": b"x"}


def without_its_records(members: Members) -> Members:
    return sealed({name: content for name, content in members.items() if not name.endswith(".jsonl")})


def without_a_manifest(members: Members) -> Members:
    return {name: content for name, content in members.items() if name != "manifest.json"}


def of_another_format(members: Members) -> Members:
    return {**members, "manifest.json": json.dumps({**json.loads(members["manifest.json"]), "archive": 3}).encode()}


def with_a_manifest_that_is_a_list(members: Members) -> Members:
    return {**members, "manifest.json": b"[]"}


def with_a_deep_manifest(members: Members) -> Members:
    return {**members, "manifest.json": b"[" * 200_000}


def with_damaged_points(members: Members) -> Members:
    name = next(name for name in members if name.endswith(".points"))
    return sealed({**members, name: bytes(len(members[name]))})


def with_another_session(members: Members) -> Members:
    name = next(name for name in members if name.startswith("sessions/"))
    return sealed({f"sessions/{'f' * 32}.jsonl" if each == name else each: text for each, text in members.items()})


def with_points_of_nobody(members: Members) -> Members:
    return sealed({**members, f"runs/{'f' * 32}.points": b""})


FORGERIES = [
    with_other_bytes,
    with_forged_bytes,
    without_an_artifact,
    with_a_stranger,
    not_in_the_manifest,
    without_its_records,
    without_a_manifest,
    of_another_format,
    with_a_manifest_that_is_a_list,
    with_a_deep_manifest,
    with_damaged_points,
    with_another_session,
    with_points_of_nobody,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_contents_that_do_not_belong_together(
    honest: Path, tmp_path: Path, forge: Callable[[Members], Members]
) -> None:
    forged = forge(members_of(honest))
    assert forged != members_of(honest)
    refuses(tmp_path / "new", write(tmp_path / "a.atrun", forged))


def test_a_member_that_is_there_twice(honest: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.atrun"
    path.write_bytes(honest.read_bytes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(f"runs/{RUN}.jsonl", b"evil")
    refuses(tmp_path / "new", path)


def test_what_is_no_archive(tmp_path: Path, honest: Path) -> None:
    whole = honest.read_bytes()
    for number, content in enumerate(
        (b"", b"PK", b"\0" * 4096, b"MZ" + whole, whole + b"tail", whole[:-30], whole[:200])
    ):
        path = tmp_path / f"{number}.atrun"
        path.write_bytes(content)
        refuses(tmp_path / "new", path)


def test_what_grows_without_measure(honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = members_of(honest)
    members[f"objects/{sha256(bytes(1 << 20)).hexdigest()}"] = bytes(1 << 20)
    refuses(tmp_path / "new", write(tmp_path / "a.atrun", sealed(members)), "would grow 200 times")
    path = write(tmp_path / "b.atrun", sealed(members_of(honest)))
    for name, limit in (
        ("LARGEST_ARCHIVE", 1000),
        ("LARGEST_TOLD", 100),
        ("LARGEST_RECORDS", 100),
        ("MOST_MEMBERS", 3),
    ):
        monkeypatch.setattr(f"autotrack.answers.archive.layout.{name}", limit)
        refuses(tmp_path / "new", path, "more than")
        monkeypatch.undo()


def test_json_that_would_take_much_room(honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read as JSON may take thirty times its size: it is bounded before it is read."""
    members = members_of(honest)
    members["manifest.json"] = members["manifest.json"][:-1] + b" " * (2 << 20) + b"}"
    monkeypatch.setattr("autotrack.answers.archive.layout.STEEPEST", 1 << 20)
    refuses(tmp_path / "new", write(tmp_path / "a.atrun", members), "too many for its members")
    monkeypatch.setattr("autotrack.answers.archive.layout.LARGEST_LINE", 20)
    refuses(tmp_path / "new", write(tmp_path / "b.atrun", sealed(members_of(honest))), "a record has")


def test_members_that_lie_over_each_other(honest: Path, tmp_path: Path) -> None:
    """The directory names one place twice: each would be read, though it is there once (David Fifield, 2019)."""
    content = bytearray(honest.read_bytes())
    entries = [at for at in range(len(content) - 4) if content[at : at + 4] == b"PK\x01\x02"]
    first, second = entries[:2]
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    path = tmp_path / "a.atrun"
    path.write_bytes(content)
    refuses(tmp_path / "new", path, "overlap")


@pytest.mark.parametrize("said", [0, 5, 1 << 31])
def test_a_size_that_is_a_lie(honest: Path, tmp_path: Path, said: int) -> None:
    """The central directory gives another size than a member has: what is read is bounded by it, and is not right."""
    content = bytearray(honest.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", said)
    path = tmp_path / "a.atrun"
    path.write_bytes(content)
    refuses(tmp_path / "new", path)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_changed_byte_is_refused_or_changes_nothing(
    honest: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = honest.read_bytes()
    content = bytearray(whole)
    at = data.draw(st.integers(0, len(whole) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("flipped")
    path = folder / "a.atrun"
    path.write_bytes(content)
    store = Store.open(folder / "store")
    try:
        assert unpack(store, path).runs == (RUN,)
    except ArchiveError:
        assert store.runs(lifecycle="all") == [] and not list(store.objects)
        assert not (store.root / "imported").exists()
    else:
        pack(store, [store.run(RUN)], folder / "again.atrun")
        assert (folder / "again.atrun").read_bytes() == whole
    finally:
        store.close()


PICKLE = Flavor(
    "pickle",
    ("builtins:dict",),
    lambda model, folder: {"data": "model.pkl", "written": (folder / "model.pkl").write_bytes(b"cos\ngetcwd\n(tR.")},
    lambda folder, entry, trust: unpickled(folder / "model.pkl", trust),
)


def test_a_model_that_was_imported_is_nobodys_own(store, tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own store vouches for what was trained here, and not for what came in an archive."""
    made = save_model({"a": 1}, tmp_path / "made", flavors=[PICKLE])
    program = tell(1)
    run = program.run(1)
    storage = LocalArtifacts(store.root / "artifacts" / "e")
    for file in sorted(made.iterdir()):
        kept = storage.put_bytes(run, f"model/{file.name}", file.read_bytes())
        program.event("artifact", run, path=f"model/{file.name}", size=kept.size, sha256=kept.sha256)
    program.event("model", run, path="model", flavor="pickle", class_name="dict", size=9, digest=None)
    archive = pack(store, [store.run(run)], tmp_path / "a.atrun").path
    monkeypatch.setenv("AUTOTRACK_TRUST_FILE", str(tmp_path / "trust.json"))
    other = Store.open(tmp_path / "other")
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(other.root))
    unpack(other, archive)
    located = folder_in(other.run(run), "model", other.root)
    assert not located.own and not is_own(located.folder)
    with pytest.raises(UntrustedModelError):
        load_model("runs:/1/model", flavors=[PICKLE], resolve=lambda uri: located)
    with pytest.raises(UntrustedModelError):
        load_model(located.folder, flavors=[PICKLE])
    assert load_model(located.folder, trust=True, flavors=[PICKLE]) == os.getcwd()
    # Where it was made it is the user's own, also after its own archive was taken in once more.
    unpack(store, archive)
    assert folder_in(store.run(run), "model", store.root).own and not is_imported(store.root, run)
    other.delete_runs([run])
    other.collect_garbage()
    assert is_imported(other.root, run)
    other.close()
