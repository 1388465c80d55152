"""What of the objects a clean-up may take: nothing that a run needs, is about to need, or needs at another store."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from store_program import Program

import autotrack
from autotrack.core.addresses import MARK, mark
from autotrack.core.config import find_store, spare_folder
from autotrack.core.journal import JournalWriter
from autotrack.core.objects import Objects
from autotrack.core.private import make_own
from autotrack.core.runs import trackers
from autotrack.store.store import Store

CONTENT = b"a fingerprint " * 60


def aged(objects: Objects, digest: str) -> str:
    """Makes the object as old as one that nobody has put for a while."""
    os.utime(objects.path(digest), (time.time() - 90_000,) * 2)
    return digest


def clean_up(root: Path) -> list[str]:
    store = Store.open(root)
    store.collect_garbage()
    left = list(store.objects)
    store.close()
    return left


def test_what_waits_for_a_remote_store_is_not_among_a_local_stores_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    root = tmp_path / ".autotrack"
    Store.open(root).close()
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", "away://example.org/track")
    trackers.close_all()
    with autotrack.start_run() as run:
        run.log_dataset([1.0, 2.0], "numbers")
    trackers.tracker().drain(10)
    trackers.close_all()
    location = find_store()
    waiting = Objects(location.objects)
    digests = [aged(waiting, digest) for digest in waiting]
    assert len(digests) > 1 and location.objects.parent == location.journal.parent
    assert location.objects.is_relative_to(root / "remote")
    assert clean_up(root) == [] and list(waiting) == digests


def test_what_a_journal_in_the_spare_folder_refers_to_stays(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    digest = aged(store.objects, store.objects.put(CONTENT))
    spare = spare_folder() / "journal"
    make_own(spare.parent)
    writer = JournalWriter(spare, meta={MARK: mark(store.root, spare)})
    fields = {"name": "n", "experiment": "e", "tags": {}, "random_state": digest}
    writer.event({"k": "run_start", "t": time.time_ns(), "r": "0" * 32, **fields})
    writer.close()
    assert store.garbage().files == ()
    assert clean_up(store.root) == [digest] and store.run("0" * 32).random_state == digest
    # A folder that somebody else could have filled is not read, and then nothing is known to be garbage.
    aged(store.objects, store.objects.put(b"nobody's " * 80))
    spare.parent.chmod(0o755)
    assert store.garbage().files == ()
    spare.parent.chmod(0o700)
    assert len(store.garbage().files) == 1


def test_a_journal_that_cannot_be_read_keeps_every_object(store: Store) -> None:
    digest = aged(store.objects, store.objects.put(CONTENT))
    (store.root / "journal").mkdir(exist_ok=True)
    (store.root / "journal" / "broken.atj").write_bytes(b"no journal")
    assert store.garbage().files == () and clean_up(store.root) == [digest]
    (store.root / "journal" / "broken.atj").unlink()
    assert clean_up(store.root) == []


def test_what_another_database_in_the_folder_refers_to_stays(store: Store, program: Program) -> None:
    digest = aged(store.objects, store.objects.put(CONTENT))
    program.start(random_state=digest)
    store.runs()
    backup = store.root / "autotrack.schema1.backup"
    backup.write_bytes(store.database.read_bytes())
    other = Store.open(f"sqlite:///{store.root}/other.db")
    assert other.garbage().files == ()
    other.collect_garbage()
    assert list(other.objects) == [digest]
    other.close()
    sqlite3.connect(store.root / "empty.db").close()
    (store.root / "other.db").unlink()
    unreferenced = aged(store.objects, store.objects.put(b"nobody's " * 80))
    assert clean_up(store.root) == [digest] and not store.objects.has(unreferenced)


def test_content_that_is_put_again_is_as_good_as_new(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = aged(store.objects, store.objects.put(CONTENT))
    planned = store.garbage()
    assert planned.files == (store.objects.path(digest),)
    store.objects.put(CONTENT)
    assert store.garbage().files == () and store.collect_garbage(planned).files == ()
    # Between the last look and the removal, too.
    planned = GarbageOf(store, digest)
    monkeypatch.setattr("autotrack.store.upkeep.gc.plan", planned)
    assert store.collect_garbage(planned()).files == () and store.objects.get(digest) == CONTENT


class GarbageOf:
    """A plan that was made before the content was put again."""

    def __init__(self, store: Store, digest: str) -> None:
        self._store, self._path = store, store.objects.path(digest)

    def __call__(self, *_: Any, **__: Any) -> Any:
        from autotrack.store.upkeep.gc import GarbagePlan

        return GarbagePlan(files=(self._path,))


def test_a_process_puts_again_what_a_clean_up_took(store: Store) -> None:
    objects = Objects(store.root / "objects")
    digest = aged(objects, objects.put(CONTENT))
    assert clean_up(store.root) == [] and not objects.has(digest)
    assert objects.put(CONTENT) == digest and objects.get(digest) == CONTENT


def test_a_long_process_puts_its_random_state_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", str(store.root))
    trackers.close_all()

    def started() -> Path:
        run = autotrack.start_run()
        run.finish()
        trackers.tracker().drain(10)
        return store.objects.path(run.record.random_state or "")

    path = started()
    path.unlink()
    assert started() == path and not path.exists()  # put a moment ago
    monkeypatch.setattr("autotrack.core.session.recorder.PUT_AGAIN", -1.0)
    assert started() == path and path.exists()
    trackers.close_all()
