"""The pages where there is very much: thousands of metrics; dozens who look at a run while it goes on."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, headings, ready

KEYS = 2000
VIEWERS = 50


def test_thousands_of_metrics_stay_usable(workshop: ServerProcess, open_page: Open) -> None:
    """A run with 2,000, and 60 with one of their own each: neither columns nor charts of what the runs do not have."""
    made = [workshop.post("/api/v1/runs", {"experiment": "many", "name": f"r{at}"}).json()["id"] for at in range(60)]
    for at, run in enumerate(made):
        points = [{"key": key, "values": [1.0 + at], "steps": [0]} for key in ("val_loss", f"own/{at}")]
        workshop.post(f"/api/v1/runs/{run}/log", {"metrics": points})
    wide = workshop.post("/api/v1/runs", {"experiment": "many", "name": "wide"}).json()["id"]
    for start in range(0, KEYS, 500):
        points = [
            {"key": f"layer{at % 40:02d}/m{at:04d}", "values": [1.0, 2.0], "steps": [0, 1]}
            for at in range(start, start + 500)
        ]
        assert workshop.post(f"/api/v1/runs/{wide}/log", {"metrics": points}).status == 200
    page = open_page(f"{workshop.url}/e/many?view=split")
    ready(page, 20)
    assert [each for each in headings(page) if "/" in each] == [], "columns that one run in sixty has"
    page.locator(".chart-card .bars").first.wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('.chart-card').length === 11"
    )  # val_loss and ten of their own
    page.goto(f"{workshop.url}/r/{wide[:12]}/charts")
    page.locator("canvas").first.wait_for()
    assert page.locator(".chart-card").count() == KEYS
    assert page.evaluate("() => document.querySelectorAll('*').length") < 6 * KEYS
    page.get_by_placeholder("search charts").fill("m1999")
    page.wait_for_function("() => document.querySelectorAll('.chart-card').length === 1")


def test_fifty_who_look_all_hear_of_a_point(workshop: ServerProcess) -> None:
    """Each within 2.5 s, and the answers that they ask for then are right."""
    run = workshop.post("/api/v1/runs", {"experiment": "watched"}).json()["id"]
    port = int(workshop.url.rpartition(":")[2])
    listening = threading.Barrier(VIEWERS + 1)

    def look(_: int) -> tuple[float, float]:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as events:
            events.request("GET", "/api/v1/changes")
            with closing(events.getresponse()) as stream:
                while not stream.readline().startswith(b"data:"):
                    pass
                listening.wait(20)
                while not (line := stream.readline()).startswith(b"data:") or run.encode() not in line:
                    assert line
                heard = time.monotonic()
        return heard, workshop.get(f"/api/v1/runs/{run}/metrics").json()["metrics"][0]["last"]

    with ThreadPoolExecutor(VIEWERS) as viewers:
        looking = [viewers.submit(look, at) for at in range(VIEWERS)]
        listening.wait(20)
        began = time.monotonic()
        workshop.post(f"/api/v1/runs/{run}/log", {"metrics": [{"key": "loss", "values": [0.25], "steps": [0]}]})
        found = [each.result(30) for each in looking]
    assert {last for _, last in found} == {0.25}
    assert max(heard for heard, _ in found) - began < 2.5
