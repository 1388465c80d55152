"""What a server costs that nobody uses: how soon it answers, how many processes it is, how much memory they take."""

from __future__ import annotations

from collections.abc import Iterator

from .harness import Place, Row, median
from .served import autotrack_server, peer_server


def rows(place: Place) -> Iterator[Row]:
    times, sizes, processes = [], [], 0
    for turn in range(place.scaled(3, 1)):
        with autotrack_server(place.folder / f"ours{turn}") as ours:
            count, size = ours.memory()
            times.append(ours.started_in)
            sizes.append(size)
            processes = max(processes, count)
    with peer_server(place) as theirs:
        count, size = theirs.memory()
        peers = f"mlflow server {theirs.started_in:.1f} s, {count} processes, {size:,.0f} MB"
    yield Row("server, from start to its first answer", median(times), "s", 1.5, peers=peers)
    yield Row("idle server, processes", processes, "", 1, peers=peers)
    yield Row("idle server, memory", median(sizes), "MB", 120, peers=peers)
