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

#: Bytes a second of a body that are waited for, besides the time that a server gives every request.
LEAST_RATE = 16 * KIB

#: How deep JSON may nest.
DEPTH = 64

#: Characters of a filter, and how many rows one page may have.
FILTER = 8 * KIB
PAGE = 1000

#: Requests a second that one token may send for long, in each worker process; as many as ``BURST`` seconds' at once.
RATE = 300.0
BURST = 10.0
