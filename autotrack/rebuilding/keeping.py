"""Writes a verdict down where people look: on the run that was rebuilt, and on the one that came of it."""

from __future__ import annotations

from datetime import UTC, datetime

from autotrack.client import Client

from .verdict import Verdict

#: Tags of the run that was rebuilt: the verdict (of both), the new run, when (UTC), and what its environment was beside
#: the one that the run had (of both).
VERDICT, AS, AT = "autotrack.rebuilt", "autotrack.rebuilt_as", "autotrack.rebuilt_at"
IN = "autotrack.rebuilt_in"
#: The artifact of the new run that has the whole verdict.
FILE = "rebuild.json"


def keep(uri: str, verdict: Verdict) -> None:
    """Tags both runs, in the store at ``uri``; the whole verdict is an artifact of the new one."""
    client = Client(uri)
    now = datetime.now(UTC).isoformat(" ", "seconds")
    said = {VERDICT: str(verdict.kind), IN: str(verdict.environment or "")}
    client.get_run(verdict.run).set_tags({**said, AS: verdict.rebuilt or "", AT: now})
    if verdict.rebuilt is not None:
        made = client.get_run(verdict.rebuilt)
        made.set_tags(said)
        made.log_dict(verdict.document(), FILE)
    client.sink.deliver(client.root / "journal")
