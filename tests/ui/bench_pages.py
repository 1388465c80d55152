"""What the pages cost, beside their budgets: ``make bench-ui``.

Seconds are those that the browser's main thread computed (CDP ``Performance.getMetrics``, ``TaskDuration``) unless they
say otherwise. ``--mlflow``: a Python that has MLflow; its pages then show as many points of a smaller store, and the
column says how small. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.server.server_process import ServerProcess
from tests.ui.browsing import cpu, watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

UI = Path(__file__).parents[2] / "autotrack" / "server" / "ui"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SCREENS = (
    ("/", "/e/sweep", "/e/churn-grid", "/r/{wide}", "/r/{wide}/charts"),
    ("/compare?runs={wide}", "/models", "/projects"),
)
_DRAWN = "document.querySelectorAll('[data-drawn] canvas').length"
_PAINT = """async () => {
  const {drawn} = await import(document.querySelector('script[type=module]').src.replace('parts/main.js', 'drawn.js'))
  const {u} = [...drawn.values()][0]
  const took = []
  for (let turn = 0; turn < 60; turn += 1) {
    const began = performance.now()
    u.setData([[0, 1], [null, null]])
    await null
    u.ctx.getImageData(0, 0, 1, 1)
    took.push(performance.now() - began)
  }
  return took
}"""


class Table:
    """The rows of the answer."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str, str, bool]] = []

    def add(self, name: str, budget: float, found: float, unit: str, moonshot: str = "", mlflow: str = "") -> None:
        is_kept = found <= budget
        self.rows.append((name, f"{budget:g} {unit}", f"{found:.3g} {unit}", moonshot, mlflow, is_kept))
        print(f"  {name}: {found:.3g} {unit} of {budget:g}", file=sys.stderr)

    def text(self) -> str:
        head = ("what", "budget", "measured", "goal", "MLflow", "")
        rows = [head, *((*row[:5], "" if row[5] else "OVER") for row in self.rows)]
        wide = [max(len(row[column]) for row in rows) for column in range(6)]
        return "\n".join(
            "  ".join(cell.ljust(size) for cell, size in zip(row, wide, strict=True)).rstrip() for row in rows
        )


@contextmanager
def fresh(browser: Browser) -> Iterator[Page]:
    """A page that has nothing in its cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        watch(page)
        yield page
    finally:
        context.close()


def until(page: Page, expression: str, fits: Callable[[Any], bool], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not fits(found := page.evaluate(expression)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{expression} is still {found!r} after {seconds} s at {page.url}")
        page.wait_for_timeout(10)
    return found


def scripts(browser: Browser, addresses: list[str]) -> float:
    """KB of script that are transferred for these pages, one after the other."""
    with fresh(browser) as page:
        sizes: dict[str, int] = {}

        def note(answer: Any) -> None:
            if answer.request.resource_type == "script":
                sizes[answer.url] = int(answer.headers.get("content-length", 0))  # as it is sent: compressed

        page.on("response", note)
        for address in addresses:
            page.goto(address, wait_until="load")
            page.wait_for_timeout(1000)
        return sum(sizes.values()) / 1000


def settled(page: Page) -> float:
    """Seconds computed when nothing more happens."""
    spent = -1.0
    while (now := cpu(page)) - spent > 0.02:
        spent = now
        page.wait_for_timeout(700)
    return now


def measure(browser: Browser, server: ServerProcess, wide: str, theirs: dict[str, str]) -> Table:
    table = Table()
    at = server.url

    def add(name: str, budget: float, found: float, unit: str, moonshot: str = "") -> None:
        table.add(name, budget, found, unit, moonshot, theirs.get(name, ""))

    first, rest = ([at + path.format(wide=wide) for path in part] for part in _SCREENS)
    add("script, runs table", 45, scripts(browser, [f"{at}/e/sweep?view=table"]), "KB", "30 KB")
    add("script, experiment with charts", 45, scripts(browser, [f"{at}/e/sweep"]), "KB", "30 KB")
    add("script, whole app", 90, scripts(browser, first + rest), "KB", "70 KB")
    with fresh(browser) as page:
        page.goto(f"{at}/e/sweep?view=table")
        rows = "document.querySelectorAll('.grid .row:not(.head) .name a').length"
        until(page, rows, lambda count: count >= 20)
        add("first rows of 10,000 runs", 1.0, cpu(page), "s")
        page.wait_for_timeout(500)
        add("heap after that table", 8, page.evaluate("performance.memory.usedJSHeapSize") / 1e6, "MB", "4 MB")
        began = time.monotonic()
        page.evaluate("document.querySelector('.grid').scrollTop = 1e9")
        until(page, "Boolean(document.querySelector('[aria-rowindex=\"10001\"] .name a'))", bool)
        add("run 10,000 is reached (wall)", 300, (time.monotonic() - began) * 1000, "ms", "100 ms")
        page.evaluate("document.querySelector('.grid').scrollTop = 0")
        page.mouse.move(500, 500)
        before = cpu(page)
        for _ in range(120):
            page.mouse.wheel(0, 300)
            page.wait_for_timeout(16)
        add("scroll 120 x 300 px", 3.5, cpu(page) - before, "s", "1.5 s")
    for name, query in (
        ("first 200 rows, server", "exp=sweep"),
        ("sort of 10,000, server", "exp=sweep&sort=m.val_loss"),
        ("groups of 10,000, server", "exp=sweep&group=p.optimizer"),
    ):
        add(name, 60 if "first" in name else 200, answered(f"{at}/api/v1/table?{query}"), "ms (wall)", "30 to 60 ms")
    charts(browser, f"{at}/r/{wide}/charts", add)
    return table


def charts(browser: Browser, address: str, add: Callable[..., None]) -> None:
    """A run with 100 metrics of 10,000 points."""
    with fresh(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/series" in request.url else None)
        page.goto(address)
        until(page, _DRAWN, lambda count: count >= 6)
        add("first six charts of 100", 1.2, cpu(page), "s")
        page.mouse.move(700, 500)
        before = cpu(page)
        deadline = time.monotonic() + 60
        while page.evaluate(_DRAWN) < 100 and time.monotonic() < deadline:
            page.mouse.wheel(0, 300)
            page.wait_for_timeout(16)
        add("scroll through 100 charts", 3.0, cpu(page) - before, "s", "1.5 s")
        add("requests for 100 charts", 25, len(asked), "")
        add("one chart of 1,600 points", 6, statistics.median(page.evaluate(_PAINT)), "ms", "3 ms")


def live(browser: Browser, server: ServerProcess) -> float:
    """Seconds (wall) until a point that was just logged is drawn."""
    run = server.post("/api/v1/runs", {"experiment": "bench-live", "name": "live"}).json()["id"]
    path = f"/api/v1/runs/{run}/log"
    server.post(path, {"metrics": [{"key": "loss", "values": [3, 2], "steps": [0, 1]}]})
    with fresh(browser) as page:
        page.goto(f"{server.url}/r/{run}/charts")
        until(page, _DRAWN, bool)
        page.locator("[data-live=on]").wait_for(state="attached")
        took = []
        for step in range(2, 7):
            began = time.monotonic()
            server.post(path, {"metrics": [{"key": "loss", "values": [1 / step], "steps": [step]}]})
            last = f"""import(document.querySelector('script[type=module]').src.replace('parts/main.js', 'drawn.js'))
            .then(({{drawn}}) => [...drawn.values()].some(({{lines}}) => lines[0].x.at(-1) === {step}))"""
            until(page, last, bool)
            took.append(time.monotonic() - began)
    return statistics.median(took)


def answered(address: str) -> float:
    """Milliseconds until an answer is here, in the middle of ten."""
    took = []
    for _ in range(10):
        began = time.perf_counter()
        urllib.request.urlopen(address).read()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def mlflow(browser: Browser, python: str, folder: Path) -> dict[str, str]:
    """The same of MLflow's pages: 1,000 runs; a run with 30 metrics of 300 points."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    filled = subprocess.run([python, "-c", _FILL, uri], cwd=folder, capture_output=True, text=True, timeout=900)
    if filled.returncode:
        raise RuntimeError(f"MLflow's store could not be filled: {filled.stderr[-500:]}")
    experiment, run = json.loads(filled.stdout.splitlines()[-1])
    command = [python, "-m", "mlflow", "server", "--backend-store-uri", uri, "--port", str(port), "--workers", "1"]
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    at = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{at}/health", timeout=2).read()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.2)
        table, one = f"{at}/#/experiments/{experiment}/runs", f"{at}/#/experiments/{experiment}/runs/{run}"
        found = {"script, runs table": f"{scripts(browser, [table]):,.0f} KB"}
        found["script, whole app"] = f"{scripts(browser, [table, one + '/model-metrics', at + '/#/models']):,.0f} KB"
        for name, address, of in (
            ("first rows of 10,000 runs", table, "100 of 1,000 runs"),
            ("first six charts of 100", one + "/model-metrics", "30 x 300 points"),
        ):
            with fresh(browser) as page:
                page.goto(address)
                page.wait_for_timeout(3000)
                found[name] = f"{settled(page):.2f} s ({of})"
        return found
    finally:
        process.terminate()
        process.wait(30)


_FILL = """
import json, sys
import mlflow
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.create_experiment("sweep")
for at in range(1000):
    run = client.create_run(experiment)
    params = [Param(f"p{n}", str(at % (n + 2))) for n in range(12)]
    client.log_batch(run.info.run_id, [Metric("val_loss", 1 / (at + 1), 0, 0)], params)
    client.set_terminated(run.info.run_id)
wide = client.create_run(experiment).info.run_id
for metric in range(30):
    key = f"layer{metric // 10}/metric_{metric:02d}"
    client.log_batch(wide, [Metric(key, 1 / (step + 1), step, step) for step in range(300)])
client.set_terminated(wide)
print(json.dumps([experiment, wide]))
"""


def main() -> int:
    given = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    given.add_argument("--mlflow", metavar="PYTHON", help="a Python that has MLflow, to measure its pages, too")
    given.add_argument("--store", type=Path, help="a store that `autotrack demo --seed 7` has made; default: make one")
    asked = given.parse_args()
    executable = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if executable is None:
        print(f"no browser: install one of {', '.join(_BROWSERS)}", file=sys.stderr)
        return 2
    from playwright.sync_api import sync_playwright

    clean = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        store = asked.store and asked.store.resolve()
        if store is None:
            print("making a store with autotrack demo --seed 7", file=sys.stderr)
            command = [sys.executable, "-m", "autotrack", "demo", "--seed", "7"]
            subprocess.run(command, cwd=folder, env=clean, check=True, capture_output=True, timeout=900)
            store = folder / ".autotrack"
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"]
        browser = playwright.chromium.launch(executable_path=executable, args=options)
        theirs = mlflow(browser, asked.mlflow, folder) if asked.mlflow else {}
        server = ServerProcess(folder, store=store, environment=clean)
        try:
            wide = server.get("/api/v1/table?exp=wide&limit=1&cols=name").json()["ids"][0]
            table = measure(browser, server, wide, theirs)
            table.add("new point in an open tab (wall)", 2.5, live(browser, server), "s", "0.5 s")
            weight = sum(path.stat().st_size for path in UI.rglob("*") if path.is_file()) / 1000
            table.add("files of the pages", 400, weight, "KB", "200 KB")
        finally:
            server.close()
            browser.close()
    print(table.text())
    return 0 if all(row[5] for row in table.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
