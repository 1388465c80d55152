"""Eight client processes write to one server over HTTP, beside ``mlflow server`` in turn, both on SQLite."""

from __future__ import annotations

from collections.abc import Iterator

from .harness import Place, Row, median
from .served import autotrack_server, load, peer_server


def rows(place: Place) -> Iterator[Row]:
    seconds, rounds = (6.0, 3) if place.scale == 1.0 else (0.5, 1)
    with autotrack_server(place.folder / "ours") as ours, peer_server(place) as theirs:
        batches, singles, ingests = [], [], []
        for _ in range(rounds):
            batches.append((load(ours, "batch", seconds), load(theirs, "batch", seconds)))
            singles.append((load(ours, "single", seconds), load(theirs, "single", seconds)))
            ingests.append(load(ours, "ingest", seconds))
    peer = median([theirs.points for _, theirs in batches])
    points = median([ours.points for ours, _ in batches])
    taken = median([each.points for each in ingests])
    said = f"{peer:,.0f} points/s mlflow server"
    yield Row(
        f"log-batch of 100, 8 clients: {points:,.0f} points/s", points / peer, "x", 15, peers=said, more_is_better=True
    )
    yield Row(f"own ingest, 8 clients: {taken:,.0f} points/s", taken / peer, "x", 80, peers=said, more_is_better=True)
    single, other = (median([pair[at].requests for pair in singles]) for at in (0, 1))
    said = f"{other:,.0f} requests/s mlflow server, p99 {median([pair[1].p99 for pair in singles]) * 1e3:.0f} ms"
    yield Row(
        f"log-metric, 8 clients: {single:,.0f} requests/s", single / other, "x", 8, peers=said, more_is_better=True
    )
    yield Row("log-metric, 8 clients, p99", median([ours.p99 for ours, _ in singles]), "s", 0.02, peers=said)
