"""A store with two experiments, a run in each, and users of every kind; passwords are hashed quickly here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from asgi_calls import Asgi, bearer

from autotrack.core.journal.reader import Batch, Cursor
from autotrack.server.access.access import Access
from autotrack.server.access.directory import Directory
from autotrack.server.access.passwords import Passwords
from autotrack.server.access.tokens import new_token
from autotrack.server.app import make_app
from autotrack.server.services import ServerSettings, Services
from autotrack.store.intake.direct import DirectWrites
from autotrack.store.store import Store

RUN_A, RUN_B = "a" * 32, "b" * 32
SESSION_A, SESSION_B = "5a" * 16, "5b" * 16
WRITER_A, WRITER_B = "ca" * 16, "cb" * 16
#: Scrypt with as little work as it takes.
QUICK = Passwords(n=16, r=1, p=1)
PASSWORD = "correct horse battery"


@dataclass
class World:
    """An app over such a store, and what each kind of user sends as ``Authorization``."""

    http: Asgi
    directory: Directory
    ids: dict[str, str]
    shown: dict[str, str | None]
    tokens: dict[str, str]

    @property
    def store(self) -> Store:
        assert self.http.app.services is not None
        return self.http.app.services.store

    def as_(self, who: str, method: str, path: str, body: object = None, **more: object) -> tuple[int, bytes]:
        """Status and body of a request that one of the users sends."""
        status, _, content = self.http.request(method, path, body, authorization=self.shown[who], **more)  # type: ignore[arg-type]
        return status, content


def start(run: str, experiment: str, session: str | None = None, **more: object) -> dict[str, object]:
    """The record of a run's beginning."""
    record = {"k": "run_start", "t": time.time_ns(), "r": run, "name": f"run of {experiment}", "experiment": experiment}
    record |= {"parent": None, "session": session, "user": "x", "artifact_uri": f"artifacts/x/{run}"}
    return {**record, "random_state": None, "tags": {}, **more}


def batch(*events: dict[str, object], at: int = 1) -> Batch:
    """A writer's records."""
    return Batch(list(events), [], Cursor(at, 0), 0, False)


def new_world(folder: Path) -> World:
    """The experiments "apricots" and "bananas"; users whose names say what they may do."""
    store = Store.open(folder / "store")
    ids = {name: store.create_experiment(name).id for name in ("apricots", "bananas")}
    for writer, run, experiment, session in (
        (WRITER_A, RUN_A, "apricots", SESSION_A),
        (WRITER_B, RUN_B, "bananas", SESSION_B),
    ):
        store.apply(writer, Cursor(0, 0), batch(start(run, experiment, session)))
    services = Services(ServerSettings(str(folder / "store"), auth=True), store, DirectWrites(store.writing))
    services.access = access = Access(store, passwords=QUICK)
    directory = access.directory
    for name, role, grants in (
        ("nobody", "none", {}),
        ("viewer", "viewer", {}),
        ("editor", "editor", {}),
        ("admin", "admin", {}),
        ("viewer-of-a", "none", {"apricots": "viewer"}),
        ("editor-of-a", "none", {"apricots": "editor"}),
        ("admin-of-a", "none", {"apricots": "admin"}),
        ("editor-of-b", "none", {"bananas": "editor"}),
        ("viewer-editor-of-a", "viewer", {"apricots": "editor"}),
    ):
        directory.add_user(name, PASSWORD, role)
        for experiment, granted in grants.items():
            directory.grant(name, experiment, granted)
    tokens = {user.name: directory.add_token(user.name, "test", "admin", None)[0] for user in directory.users()}
    tokens["admin with a viewer's token"] = directory.add_token("admin", "test", "viewer", None)[0]
    tokens["editor of a with a viewer's token"] = directory.add_token("editor-of-a", "test", "viewer", None)[0]
    tokens["expired"] = directory.add_token("admin", "test", "admin", 1)[0]
    tokens["revoked"], revoked = directory.add_token("admin", "test", "admin", None)
    directory.revoke("admin", revoked.id)
    directory.add_user("disabled", PASSWORD, "admin")
    tokens["disabled"] = directory.add_token("disabled", "test", "admin", None)[0]
    directory.change_user("disabled", disabled=True)
    tokens["bad"] = new_token()
    app = make_app(services.settings, services)
    return World(Asgi(app), directory, ids, {"none": None, **{n: bearer(t) for n, t in tokens.items()}}, tokens)
