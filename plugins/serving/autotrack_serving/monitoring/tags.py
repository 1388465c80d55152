"""What the run of a process that serves is called by: its experiment and its tags."""

from __future__ import annotations

EXPERIMENT = "serving"
#: Of the served model: its digest, its name, the run that made it, where it came from.
DIGEST_TAG, NAME_TAG = "autotrack.serves", "autotrack.serves.name"
RUN_TAG, URI_TAG = "autotrack.serves.run", "autotrack.serves.uri"
#: What the runs of the workers of one server have in common.
SERVER_TAG = "autotrack.serves.server"
#: Before a column's name: the first values that training never saw. And which conditions of ``--alert-if`` hold.
UNSEEN_TAG, ALERT_TAG = "autotrack.serves.unseen.", "autotrack.serves.alert"
