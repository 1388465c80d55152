"""A store: a database, and the folders of this machine from which journals come and into which files go.

A store that is a folder has all of it there: autotrack.db  schema.lock  ingest.lock  journal/  artifacts/  objects/
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine as Pool

from autotrack.core.addresses import DATABASE, located
from autotrack.core.config import find_store, spare_folder
from autotrack.core.entities import Delivery
from autotrack.core.errors import ArtifactError, AutotrackError, StoreError, UsageError
from autotrack.core.guard import warn
from autotrack.core.journal.bringing import bring_named
from autotrack.core.journal.named_files import NamedFiles
from autotrack.core.objects import Objects
from autotrack.core.private import make_ignored, make_own, make_private

from .database import Database
from .engines.postgresql import is_postgresql, postgresql_pool
from .engines.sqlite import sqlite_engine
from .files.root import agreed_root
from .files.rows import folder_of
from .files.shared_objects import SharedObjects
from .intake.journals import Ingest, is_everybodys
from .intake.silence import Silence
from .schema import migrate, migrate_postgresql
from .schema.versions import check, refused
from .upkeep.gc import GarbagePlan, collect, plan
from .upkeep.gc_elsewhere import Elsewhere
from .upkeep.reachable import shares_objects

if TYPE_CHECKING:
    from autotrack.core.journal.delivery import Pass
    from autotrack.core.journal.named_files import Progress

    from .files.local import LocalArtifacts
    from .files.remote import FsspecArtifacts
    from .files.sending import Sending

log = logging.getLogger("autotrack.store")

#: How one says it.
SAYING = "`autotrack db artifacts s3://bucket/prefix` says where everybody finds them, once for all machines"
#: Seconds that a reader waits until what this machine has written is in a database that is everybody's.
FILES_PATIENCE = 10.0
#: How long a reader waits for another process that is delivering the journals just now.
PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of a store are. ``database`` is its file, None where it is a server's."""

    uri: str
    root: Path
    journal: Path
    objects: Path
    database: Path | None = None


class Store(Database):
    """A sink: a database with its files. Threads may share it; a forked child gets its own connections."""

    def __init__(self, place: Place, connect: Callable[[], Pool], refusal: Callable[[], StoreError] | None) -> None:
        self.place = place
        self.uri = place.uri
        self.root = place.root
        self.database = place.database
        self._artifact_root: str | None = None
        #: Others cannot read this machine's journals themselves where the database is a server's.
        self.eager = place.database is None
        self.objects: Objects = Objects(place.objects)
        self._sending: Sending | None = None
        self._told_local = False
        super().__init__(connect, refusal)

    def _open(self) -> None:
        super()._open()
        self._ingest = Ingest(self._intake, self.uri, self.database, self._named if self.eager else None)
        stamp = (self.database or self.place.journal).with_name("ingest.lock")
        self._silence = Silence(self._engine, self._intake.end_silent, stamp)

    @classmethod
    def open(cls, where: Path | str, *, root: Path | None = None, artifacts: str | None = None) -> Store:
        """The store in a folder, made if it is not there yet, of one database file (``sqlite:///path`` or *.db), or in
        a PostgreSQL database, whose tables are made if they are not there yet.

        ``root`` is the folder with this machine's files of a server's database (by default as settings say), and
        ``artifacts`` where a store's artifacts are (see ``artifact_root``). Raises StoreError where it cannot be made
        or read, SchemaVersionError where another version is needed, UsageError where this cannot be meant.
        """
        if is_postgresql(str(where)):
            store = cls._of_server(str(where), root)
        else:
            store = cls._of_file(where)
        if artifacts is not None or store.database is None:
            try:
                store._agree(artifacts)
            except AutotrackError:
                store.close()
                raise
        return store

    def _agree(self, artifacts: str | None) -> None:
        self._artifact_root = agreed_root(self, artifacts) or ""
        if self.database is None and self._artifact_root:
            # One name that no experiment has.
            self.objects = SharedObjects(self.place.objects, f"{self._artifact_root.rstrip('/')}/.objects")

    @classmethod
    def _of_server(cls, uri: str, root: Path | None) -> Store:
        location = find_store(uri)
        if root is not None:
            location = replace(location, root=root)
        pool = postgresql_pool(uri)
        try:
            found = migrate_postgresql.prepare(pool)
        finally:
            pool.dispose()
        writable = check(found, location.shown)
        place = Place(location.shown, location.root, location.journal, location.objects)
        refusal = None if writable else partial(refused, found, location.shown)
        return cls(place, partial(postgresql_pool, uri), refusal)

    @classmethod
    def _of_file(cls, where: Path | str) -> Store:
        root, database = located(where)
        try:
            if database == root / DATABASE:
                make_ignored(root)
            for folder in (root / "journal", root / "artifacts"):
                make_private(folder)
        except OSError as error:
            if not database.exists():
                raise StoreError(
                    f"could not make a store in {root} ({error}); choose a folder you may write to"
                ) from error
        refusal: Callable[[], StoreError] | None = None
        if not migrate.prepare(database):
            refusal = partial(migrate.refuse_writing, database)
        if not (os.access(database, os.W_OK) and os.access(database.parent, os.W_OK)):
            refusal = partial(StoreError, f"{database} may only be read by you; ask its owner, or use another store")
        uri = str(root) if database == root / DATABASE else f"sqlite:///{database}"
        place = Place(uri, root, root / "journal", root / "objects", database)
        return cls(place, lambda: sqlite_engine(database, read_only=refusal is not None), refusal)

    @property
    def artifacts(self) -> LocalArtifacts | FsspecArtifacts:
        """The files of its runs: those of a run are in the folder ``<experiment>/<run>``."""
        from .files.opening import open_artifacts

        return open_artifacts(self.artifact_root or str(self.home / "artifacts"))

    @property
    def home(self) -> Path:
        """The folder under whose ``artifacts`` this machine keeps its runs' files (``core.config.Location.files``)."""
        return self.place.journal.parent

    @property
    def artifact_root(self) -> str | None:
        """The folder or URI that its artifacts are under, for everybody; None where that is ``home / "artifacts"``."""
        if self._artifact_root is None:
            self._agree(None)
        return self._artifact_root or None

    # Delivering.

    def deliver(
        self,
        folder: Path,
        *,
        deadline: float | None = None,
        uri: str | None = None,
        progress: Progress | None = None,
    ) -> Delivery:
        """Takes in the journals under ``folder`` (see ``Sink.deliver``), and what they name where artifacts are kept
        for everybody; ``progress`` is told of those files.

        ``uri``: those for another store, which hands on what this one takes in its stead.
        """
        self._check_writable()
        self._after_fork()
        found = self._ingest.deliver(folder, deadline, uri, progress)
        if not found.busy:  # who lives and writes here has said so by now
            self._silence.look()
        if found.events and isinstance(self.objects, SharedObjects):
            try:
                self.objects.share_all()
            except (ArtifactError, OSError) as error:
                log.warning("what records refer to is kept here until the next delivery: %s", error)
        return found

    def _catch_up(self) -> None:
        """Brings in what the journals hold, so that a reader sees everything; reading goes on where that fails."""
        self._after_fork()
        if not self.writable:
            return
        until = time.monotonic() + PATIENCE
        try:
            # A reader of a database that is everybody's does not wait for large files.
            limit = time.monotonic() + FILES_PATIENCE if self.eager else None
            while self.deliver(self.place.journal, deadline=limit).busy and time.monotonic() < until:
                time.sleep(0.02)
        except StoreError as error:
            warn(f"new records could not be brought into the store and are kept: {error}")

    # Files of a database that is everybody's.

    def keep_artifacts_at(self, root: str) -> str:
        """Writes down where the artifacts are, for everybody, where nobody has (UsageError where it is elsewhere)."""
        self._sending = None
        self._agree(root)
        return self._artifact_root or root

    def send_files(self, progress: Progress = lambda name, done, size: None) -> int:
        """Puts what this machine keeps of its runs' files where everybody sees them; answers how many files that are.
        UnavailableError where they are not taken, UsageError where nobody has said where that is."""
        sending = self._sender()
        if sending is None:
            raise UsageError(f"nothing says where {self.uri} keeps its artifacts; {SAYING}")
        return sending.put_all(self.home, lambda run: self.run(run).artifacts, progress)

    def _sender(self) -> Sending | None:
        root = self.artifact_root
        if root is None:
            return None
        if self._sending is None:
            from .files.sending import Sending

            self._sending = Sending(root, self.artifacts, self.objects, self.place.objects, self._folder_of)
        return self._sending

    def _folder_of(self, run: str) -> str:
        with self._reading() as connection:
            return folder_of(connection, run)

    def _named(
        self, one: Pass, folder: Path, deadline: float | None, progress: Progress | None
    ) -> tuple[Delivery, set[Path]]:
        """Brings what journals name to where everybody sees it; says once where that is nowhere."""
        from .files.sending import keeps_files

        sending = self._sender()
        if sending is None:
            if one.read and not self._told_local and keeps_files(self.home):
                self._told_local = True
                warn(f"the files of runs in {self.uri} stay on this machine, in {self.home}/artifacts; {SAYING}")
            return Delivery(), set(one.done)
        places = (folder.absolute().parent, self.home)
        return bring_named(one, NamedFiles(sending, places, progress), deadline=deadline, ends_pass=is_everybodys)

    # Keeping house.

    def garbage(self) -> GarbagePlan:
        """What ``collect_garbage`` would remove, and the bytes that this frees."""
        self._catch_up()
        objects = self._knows_references()
        with self._reading() as connection:
            return plan(connection, self.home, objects=objects, elsewhere=self._elsewhere())

    def collect_garbage(self, planned: GarbagePlan | None = None) -> GarbagePlan:
        """Removes what ``garbage`` showed for good; answers what was really removed."""
        planned = self.garbage() if planned is None else planned
        self._check_writable()
        objects = self._knows_references()
        return collect(self._engine, self.home, planned, objects=objects, elsewhere=self._elsewhere())

    def _elsewhere(self) -> Elsewhere | None:
        root = self.artifact_root
        return None if root is None else Elsewhere(root, self.artifacts)

    def _knows_references(self) -> bool:
        """True where everything that refers to this store's objects is in the database: what has gone to the spare
        folder, too, which nobody else brings in by himself."""
        if not self.writable or self.database is None:
            return False
        spare = spare_folder()
        try:
            folders = [self.place.journal]
            if spare.exists():
                make_own(spare)
                folders.append(spare / "journal")
            deliveries = [self.deliver(folder) for folder in folders]
            return not any(each.busy or each.left or each.damaged for each in deliveries) and not shares_objects(
                self.database
            )
        except (StoreError, OSError) as error:
            log.debug("objects are not collected: %s", error)
            return False
