"""A PostgreSQL server of the tests' own: started once a pytest session, with whichever test asks first.

The programs are those of the pip package ``pgserver`` (in ``[dev]``), run as ``nobody`` where the tests are root's. The
process that pytest was started as names a folder; the workers start the server in it, one of them, under a lock; and
that process stops it at the end.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = "POSTGRES_OF_TESTS"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "120",
    "autovacuum": "off",
    "max_wal_size": "1GB",
    "deadlock_timeout": "50ms",
}


def programs() -> Path:
    """The folder with ``initdb`` and ``pg_ctl``. Not found by importing: the package makes folders and users then."""
    spec = importlib.util.find_spec("pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("tests of PostgreSQL need the package pgserver: pip install 'autotrack[dev]'")
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class Server:
    """A server with its files in a folder. It listens to a socket in there, and to no port."""

    folder: Path
    settings: tuple[tuple[str, str], ...] = tuple(SETTINGS.items())

    def uri(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:unasked@/{database}?host={self.folder}"

    def make(self) -> None:
        """Makes the server's files and starts it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own(self.folder)
        self._run("initdb", "--auth=trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D", self._data)
        self.start()

    def start(self) -> None:
        options = [f"-k {self.folder}", *(f"-c {name}='{value}'" for name, value in self.settings)]
        self._run("pg_ctl", "-w", "-D", self._data, "-l", self.folder / "log", "-o", " ".join(options), "start")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Executes SQL outside of any transaction."""
        import psycopg

        with psycopg.connect(self.uri(database).replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def made(self, database: str) -> str:
        """The URI of a new, empty database."""
        self.execute(f'CREATE DATABASE "{database}"')
        return self.uri(database)

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-D", self._data, "-m", mode, "stop")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def _run(self, program: str, *arguments: object) -> None:
        as_nobody = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        done = subprocess.run(
            [programs() / program, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=(log := (self.folder / f"{program}.out").open("ab")),
            stderr=log,
            timeout=60,
            **(as_nobody if os.geteuid() == 0 else {}),  # type: ignore[arg-type]
        )
        log.close()
        if done.returncode:
            said = (self.folder / f"{program}.out").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"PostgreSQL of the tests: {program} ended with {done.returncode}:\n{said}")


def choose_folder() -> None:
    """Names the folder of this session's server, which nothing is in yet."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="autotrack-postgres-")
        Path(os.environ[FOLDER]).chmod(0o755)


def stop_and_remove() -> None:
    """Stops the session's server, if any test has asked for it."""
    folder = Path(os.environ.pop(FOLDER))
    if (folder / "server" / "data" / "postmaster.pid").exists():
        Server(folder / "server").stop()
    shutil.rmtree(folder, ignore_errors=True)


def server_of_session() -> Server:
    """The session's server, running."""
    folder = Path(os.environ[FOLDER])
    server = Server(folder / "server")
    with _locked(folder / "lock"):
        if not (folder / "made").exists():
            server.make()
            (folder / "made").touch()
    return server


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def emptied(uri: str) -> None:
    """Takes all rows out of a database of ours, but those that say which schema it has."""
    from sqlalchemy import text

    from autotrack.store import schema
    from autotrack.store.engines.postgresql import postgresql_pool
    from autotrack.store.schema import migrate_postgresql

    pool = postgresql_pool(uri)
    migrate_postgresql.prepare(pool)
    with pool.begin() as connection:
        names = ", ".join(f'"{table}"' for table in schema.metadata.tables if table != "meta")
        connection.execute(text(f"TRUNCATE {names}"))
        connection.execute(text("DELETE FROM meta WHERE key = 'artifacts'"))
    pool.dispose()
