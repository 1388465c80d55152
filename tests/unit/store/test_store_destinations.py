"""Which store takes in which journal."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

import autotrack
from autotrack.core import addresses, config
from autotrack.core.addresses import MARK, address, mark, marks
from autotrack.core.config import find_store
from autotrack.core.errors import JournalError, UsageError
from autotrack.core.journal import JournalWriter, read_header
from autotrack.core.private import make_own
from autotrack.core.runs import trackers
from autotrack.store.store import Store


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    trackers.close_all()
    yield
    trackers.close_all()


def record(uri: str, name: str) -> Path:
    """A finished run for a store, as a short program leaves it; its journal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOTRACK_TRACKING_URI", uri)
        with autotrack.start_run(name):
            pass
        path = trackers.tracker().journal().path
        trackers.close_all()
    return path


def names(store: Store) -> list[str]:
    return sorted(run.name for run in store.runs())


def test_databases_in_one_folder_take_their_own_journals(tmp_path):
    uris = [f"sqlite:///{tmp_path}/{name}.db" for name in ("a", "b")]
    paths = [record(uri, f"for {uri[-4]}") for uri in uris]
    assert paths[0].parent == paths[1].parent == tmp_path / "journal"
    first, second = map(Store.open, uris)
    delivery = first.deliver(tmp_path / "journal")
    assert (delivery.journals, delivery.left, delivery.others) == (1, 0, (str(tmp_path / "b.db"),))
    assert names(first) == ["for a"] and paths[1].exists()
    assert names(second) == ["for b"]
    assert not list((tmp_path / "journal").iterdir())


def test_a_folder_and_its_database_are_one_store(tmp_path):
    root = tmp_path / "s"
    record(str(root), "folder")
    record(f"sqlite:///{root}/autotrack.db", "uri")
    record(f"file://{root}", "file")
    assert names(Store.open(f"sqlite:///{root}/autotrack.db")) == ["file", "folder", "uri"]
    assert find_store(f"sqlite:///{root}/autotrack.db") == find_store(str(root))


@pytest.mark.parametrize("how", ["moved", "copied", "linked"])
def test_a_store_folder_takes_its_journals_along(tmp_path, how):
    record(str(tmp_path / "old"), "run")
    new = tmp_path / "new"
    {"moved": shutil.move, "copied": shutil.copytree, "linked": lambda a, b: b.symlink_to(a)}[how](
        tmp_path / "old", new
    )
    assert names(Store.open(new)) == ["run"]


def test_what_lies_in_another_folder_goes_only_where_it_is_meant_for(tmp_path):
    root, other = tmp_path / "s", Store.open(tmp_path / "other")
    spare = tmp_path / "spare" / "journal"
    for number, uri in enumerate([str(root), f"sqlite:///{root}/x.db", "https://example.org/track"]):
        writer = JournalWriter(spare, meta={MARK: mark(uri, spare)})
        fields = {"r": f"{number:032x}", "name": f"n{number}", "experiment": "e", "tags": {}}
        writer.event({"k": "run_start", "t": time.time_ns(), **fields})
        writer.close()
    wanted = {str(root / "autotrack.db"), str(root / "x.db"), "https://example.org/track"}
    assert set(other.deliver(spare).others) == wanted and other.runs() == []
    assert Store.open(root).deliver(spare).journals == 1
    assert len(list(spare.glob("*.atj"))) == 2
    # The store's own journal folder, seen from another store.
    record(str(root), "own")
    assert other.deliver(root / "journal").others == (str(root / "autotrack.db"),)
    assert names(Store.open(root)) == ["n0", "own"]


def test_remote_stores_have_journal_folders_of_their_own(tmp_path):
    (tmp_path / ".autotrack").mkdir()
    uris = ["https://one.example", "https://two.example", "postgresql+psycopg://u@h/db"]
    folders = {find_store(uri).journal for uri in uris}
    assert len(folders) == 3 and all(folder.is_relative_to(tmp_path / ".autotrack" / "remote") for folder in folders)
    assert find_store(str(tmp_path / ".autotrack")).journal not in folders
    assert find_store("https://ONE.example/").journal in folders
    assert not find_store(uris[0]).is_local and find_store(f"sqlite:///{tmp_path}/x.db").is_local


def test_addresses_tell_no_secrets():
    uri = "postgresql://ann:pa@ss@Host:5432/db?password=x&sslmode=require&auth_token=t"
    assert address(uri) == "postgresql+psycopg://host:5432/db?sslmode=require"
    assert address(uri.replace("postgresql", "postgresql+psycopg")) == address(uri)
    assert address("https://ann:pw@example.org/a/") == "https://example.org/a"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://user:sekret@host/a/", "http://host/a"),
        ("https://sekret@host", "https://host"),
        ("http://user:se/k?r#et@host:80/a", "http://host:80/a"),  # not escaped
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("http://host/a?x=1&api_key=sekret#access_token=sekret", "http://host/a?x=1"),
        ("http://host/a?pwd=sekret#part", "http://host/a#part"),
        ("file://user:sekret@host/a", "file://host/a"),
        ("file:///a/b", "file:///a/b"),
        ("sqlite:////a/b@c.db", "sqlite:////a/b@c.db"),
        ("/a/b@c", "/a/b@c"),
    ],
)
def test_what_is_shown_of_a_uri_tells_no_secrets(uri, expected):
    assert addresses.shown(uri) == expected == addresses.shown(expected)


def test_a_long_address_still_fits_the_header(tmp_path):
    uri = f"https://example.org/{'x' * 5000}"
    writer = JournalWriter(tmp_path, meta={MARK: mark(uri, tmp_path)})
    assert read_header(writer.path).meta[MARK] in marks(uri, tmp_path)
    assert read_header(writer.path).meta[MARK] not in marks(f"{uri}y", tmp_path)
    writer.close()


def test_a_path_that_is_not_unicode_is_told_apart(tmp_path):
    root = tmp_path / os.fsdecode(b"caf\xe9")
    spare = tmp_path / "spare"
    writer = JournalWriter(spare, meta={MARK: mark(root, spare)})
    assert read_header(writer.path).meta[MARK] in marks(root, spare)
    writer.close()


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite:///:memory:", "sqlite:///x.db?mode=ro", "file://host/x"])
def test_what_is_no_place_is_refused(uri):
    with pytest.raises(UsageError):
        addresses.located(uri)


@pytest.mark.guarded
def test_a_journal_in_the_spare_folder_knows_its_store(tmp_path, recwarn, capsys):
    root = tmp_path / "blocked" / "s"
    root.parent.write_text("a file where the folder should be")
    path = record(str(root), "spared")
    assert path.parent == config.spare_folder() / "journal"
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700
    root.parent.unlink()
    assert Store.open(tmp_path / "other").deliver(path.parent).journals == 0
    store = Store.open(root)
    store.deliver(path.parent)
    assert names(store) == ["spared"]


def test_a_journal_whose_folder_was_removed_keeps_its_destination(tmp_path, monkeypatch):
    root = tmp_path / "blocked" / "s"
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(root))
    monkeypatch.setenv("AUTOTRACK_SILENT", "1")
    run = autotrack.start_run("moved")
    tracker = trackers.tracker()
    while not root.parent.is_file():  # what went in is still being captured, into that folder
        shutil.rmtree(root.parent, ignore_errors=True)
        with suppress(OSError):
            root.parent.write_text("in the way")
    tracker.keep_journal(heartbeat=False)
    path = tracker.journal().path
    assert path.parent == config.spare_folder() / "journal"
    assert read_header(path).meta[MARK] in marks(root, path.parent)
    assert read_header(path).meta[MARK].startswith("sqlite:///")
    run.finish()
    trackers.close_all()
    root.parent.unlink()
    store = Store.open(root)
    store.deliver(path.parent)
    assert names(store) == ["moved"]


@pytest.mark.parametrize("planted", ["open folder", "link", "file", "somebody's"])
def test_a_spare_folder_that_somebody_planted_is_refused(tmp_path, monkeypatch, planted):
    spare = config.spare_folder()
    if planted == "link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        spare.symlink_to(tmp_path / "theirs")
    elif planted == "file":
        spare.write_text("")
    else:
        spare.mkdir(mode=0o700)
        spare.chmod(0o755 if planted == "open folder" else 0o700)
    if planted == "somebody's":
        if os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(spare, 12345, 12345)
    with pytest.raises(OSError, match="a folder of your own"):
        make_own(spare)
    root = tmp_path / "blocked" / "s"
    root.parent.write_text("a file where the folder should be")
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(root))
    with pytest.raises(JournalError, match="a folder of your own"):
        trackers.tracker().journal()
    assert not (tmp_path / "theirs").exists() or not list((tmp_path / "theirs").iterdir())
