"""What a request may cost: one table, enforced while it streams in."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

#: Bytes of a JSON body; of one that brings points, artifacts' parts or a writer's batch.
JSON = 1 * MIB
BATCH = 16 * MIB
INGEST = 64 * MIB
ARTIFACT = 64 * 1024 * MIB

#: Bytes of a URL with its query, and of all headers together.
URL = 16 * KIB
HEADERS = 32 * KIB

#: Seconds in which a request's headers must be here; what a body may take besides what it takes at the least rate
#: (bytes a second), and the same for one that streams.
HEAD_SECONDS = 20.0
BODY_SECONDS = 30.0
STREAM_SECONDS = 60.0
LEAST_RATE = 16 * KIB

#: How deep JSON may nest.
DEPTH = 64

#: Characters of a filter, and how many rows one page may have.
FILTER = 8 * KIB
PAGE = 1000
