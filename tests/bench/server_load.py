"""How many trainings at once one server serves, each as our client does it: a batch a second; and people who look.

The number is doubled until one answer in a hundred takes longer than 100 ms, then narrowed down. The load comes from
the same machine and takes its share of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .harness import Place, Row
from .served import Served, autotrack_server

#: Seconds that an answer may take, for 99 of 100.
PATIENCE = 0.1
SECONDS, LEAD = 8.0, 3.0

#: Trainings on connections of their own. Each begins a run of 20 params and 10 metrics and sends 10 points a second in
#: one batch, a new one once the last is stored; after 1,000 batches the run ends and another begins. For every 80 of
#: them somebody asks once a second: for runs that match, a window of the table, the lines of a run, by turns.
LOAD = """
import asyncio, json, os, random, sys, time
from zlib import crc32
from autotrack.core.journal.layout import F8, SEALED
from autotrack.core.journal.reader import Batch, Cursor
from autotrack.core.journal.shipping import MEDIA, Shipped, packed

port, count, seconds, lead = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
METRICS, PARAMS, BATCHES = 10, 20, 1000
pick = random.Random(count)
took = {"batch": [], "look": [], "all": 0}
begin = end = 0.0
runs = []

class Wire(asyncio.Protocol):
    def __init__(self):
        self.data, self.answer = b"", None
    def connection_made(self, transport):
        self.transport = transport
    def connection_lost(self, error):
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed"))
    def data_received(self, data):
        self.data += data
        head = self.data.find(b"\\r\\n\\r\\n")
        if head < 0:
            return
        lines = self.data[:head].lower().split(b"\\r\\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        if len(self.data) >= head + 4 + length:
            body, status = self.data[head + 4:head + 4 + length], int(self.data[9:12])
            self.data = b""
            self.answer.set_result((status, body))
    async def ask(self, method, path, body=b"", media="application/json"):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Type: {media}"]
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write("\\r\\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body)
        status, body = await self.answer
        if status not in (200, 201):
            raise SystemExit(f"{path}: {status} {body[:300]}")
        return body

async def wire():
    return (await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port))[1]

def beginning(run, now):
    params = {f"p{n}": str(pick.randrange(1000)) for n in range(PARAMS)}
    start = {"k": "run_start", "t": now, "r": run, "name": "load", "experiment": "load", "tags": {"host": "h"}}
    series = [{"k": "series", "t": now, "r": run, "id": n, "key": f"m{n}", "dtype": "f8"} for n in range(METRICS)]
    return [start, {"k": "params", "t": now, "r": run, "params": params}, *series]

async def timed(kind, asked):
    began = time.perf_counter()
    await asked
    took["all"] += 1
    if begin <= began < end:
        took[kind].append(time.perf_counter() - began)

async def training():
    await asyncio.sleep(pick.random() * lead)
    link = await wire()
    while time.perf_counter() < end:
        writer, run, cursor = os.urandom(16).hex(), os.urandom(16).hex(), Cursor(0, 0)
        for step in range(BATCHES):
            began, now = time.perf_counter(), time.time_ns()
            if began >= end:
                break
            events = beginning(run, now) if step == 0 else []
            if step + 1 == BATCHES:
                events = [{"k": "run_end", "t": now, "r": run, "status": "FINISHED", "ended": now}]
            slots = [F8.pack(step, now + n, pick.random(), n) for n in range(METRICS)]
            data = b"".join(SEALED.pack(each, crc32(each)) for each in slots)
            after = Cursor(cursor.events + len(events), cursor.points + METRICS)
            sent = packed(Shipped(cursor, Batch(events, [(cursor.points, data)], after, 0, False), "h", now))
            await timed("batch", link.ask("POST", f"/api/v1/writers/{writer}/batches", sent, MEDIA))
            if step == 0:
                runs.append(run)
            cursor = after
            await asyncio.sleep(max(0.0, began + 1.0 - time.perf_counter()))

async def looking():
    link, turn = await wire(), pick.randrange(3)
    await asyncio.sleep(pick.random())
    while time.perf_counter() < end:
        began, turn = time.perf_counter(), turn + 1
        if turn % 3 == 0 or not runs:
            body = json.dumps({"filter": "metrics.m3 < 0.5 and params.p1 = '7'", "max_results": 100}).encode()
            asked = link.ask("POST", "/api/v1/runs/search", body)
        elif turn % 3 == 1:
            asked = link.ask("GET", "/api/v1/table?exp=load&cols=m.m1,m.m2,p.p1,p.p2&sort=m.m1")
        else:
            asked = link.ask("GET", f"/api/v1/series?runs={pick.choice(runs)}&keys=m1,m2&px=800")
        await timed("look", asked)
        await asyncio.sleep(max(0.0, began + 1.0 - time.perf_counter()))

async def main():
    global begin, end
    begin = time.perf_counter() + lead + 1.0
    end = begin + seconds
    await asyncio.gather(*(training() for _ in range(count)), *(looking() for _ in range(max(1, count // 80))))

asyncio.run(main())
print(json.dumps(took))
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """What so many trainings had of a server: 99th percentiles in seconds, answers a second, and the CPU seconds of the
    server's processes for each (a database server's own are not counted)."""

    trainings: int
    batch: float
    look: float
    rate: float
    cpu: float

    @property
    def is_quick(self) -> bool:
        return max(self.batch, self.look) <= PATIENCE


def rows(place: Place) -> Iterator[Row]:
    in_earnest = place.scale == 1.0
    for name, workers in (("SQLite", 1), ("PostgreSQL", 2)):
        options = ("--workers", str(workers))
        with _store(name) as store, autotrack_server(place.folder / name.lower(), *options, store=store) as server:
            best = most(server) if in_earnest else measured(server, 4, 1.5, 0.2)
        yield Row(
            f"trainings at once on {name}, {workers} worker{'s' * (workers > 1)}, p99 within 100 ms",
            best.trainings,
            "",
            100 if in_earnest else 1,
            peers=f"{best.rate:,.0f} answers/s, {best.cpu * 1e3:.2f} ms CPU each; "
            f"p99 {best.batch * 1e3:.0f} ms to log, {best.look * 1e3:.0f} ms to look",
            more_is_better=True,
        )


@contextmanager
def _store(name: str) -> Iterator[str | None]:
    """The store: None for a folder, else a database of a PostgreSQL server that syncs its commits to the disk."""
    if name == "SQLite":
        yield None
        return
    from tests.postgres import SETTINGS, Server

    folder = Path(tempfile.mkdtemp(prefix="autotrack-bench-postgres-"))
    folder.chmod(0o755)
    kept = {**SETTINGS, "fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "256MB"}
    server = Server(folder / "server", tuple(kept.items()))
    try:
        server.make()
        yield server.made("load")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def most(server: Served) -> Stage:
    """The most trainings with which 99 of 100 answers come in time, to an eighth."""
    found, too_many, count = None, 0, 50
    while True:
        seen = measured(server, count, SECONDS, LEAD)
        if seen.is_quick:
            found = seen
        else:
            too_many = count
        low = found.trainings if found else 0
        if too_many and too_many - low <= max(12, low // 8):
            break
        count = (low + too_many) // 2 if too_many else count * 2
    if found is None:
        raise RuntimeError(f"{too_many} trainings are too many already")
    return found


def measured(server: Served, trainings: int, seconds: float, lead: float) -> Stage:
    """So many trainings for some seconds, after ``lead`` seconds in which they begin."""
    command = [sys.executable, "-c", LOAD, *map(str, (server.port, trainings, seconds, lead))]
    used = _cpu(server)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + lead + 120)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr[-2000:]}")
    used = _cpu(server) - used
    took = json.loads(done.stdout)
    batch, look = (sorted(took[kind]) or [0.0] for kind in ("batch", "look"))
    p99 = lambda some: some[min(len(some) - 1, int(len(some) * 0.99))]  # noqa: E731
    return Stage(trainings, p99(batch), p99(look), (len(batch) + len(look)) / seconds, used / took["all"])


def _cpu(server: Served) -> float:
    """CPU seconds of the server's processes so far."""
    import psutil

    every = [psutil.Process(server.process.pid)]
    every += every[0].children(recursive=True)
    return sum(each.cpu_times().user + each.cpu_times().system for each in every)
