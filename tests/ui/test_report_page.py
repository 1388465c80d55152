"""A report in a browser that reaches no server: the same pages, of what the file holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, query

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMED = "SELECT runs.id FROM runs JOIN experiments e ON e.id = runs.experiment_id WHERE e.name = ? AND runs.name = ?"


def made(store: Path, folder: Path, *runs: str) -> str:
    """The address of a report about some runs."""
    where = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}
    command = [sys.executable, "-m", "autotrack", "--store", str(store), "report", *runs, "-o", "report.html"]
    subprocess.run(command, cwd=folder, env=where, check=True, capture_output=True, timeout=60)
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def churn(showcase: Path) -> list[str]:
    return [str(query(showcase, NAMED, "churn", name)) for name in ("boosted trees", "logistic regression")]


def told(page: Page) -> str:
    """What a page says, without how long ago that was and what changes a run."""
    page.wait_for_function("() => document.querySelector('main') && !document.querySelector('.skeleton, .former')")
    return re.sub(r"\d+ (s|min|h) ago|just now|Compare ▾\n|Register\n|Delete\n", "", page.locator("main").inner_text())


def seen(page: Page, address: str) -> str:
    """What a report's page at an address says."""
    page.evaluate("address => { location.hash = address }", address)
    return told(page)


def test_the_pages_of_a_report_are_those_of_the_server(
    site: ServerProcess, showcase: Path, open_page: Open, churn: list[str], tmp_path: Path
) -> None:
    runs = [run[:12] for run in churn]
    uri = made(showcase, tmp_path, *churn)
    page = open_page(uri, trouble=(f"asked {uri}",))
    page.context.set_offline(True)
    live = open_page(site.url)
    one, other = runs
    for address, whole in (
        (f"/compare?runs={one},{other}", "Tags"),
        (f"/compare?runs={other},{one}&same=1", "Tags"),
        (f"/r/{one}/env", "Variables"),
        (f"/r/{one}/code", "started as"),
        (f"/r/{one}/data", "Files"),
        (f"/r/{one}/artifacts/plots/confusion.csv", "stayed"),
        (f"/r/{one}/artifacts/model", "Signature"),
    ):
        live.goto(site.url + address)
        page.goto(f"{uri}#{address}")
        page.reload()
        for each in (live, page):
            each.locator("main").get_by_text(whole).first.wait_for()
        for _ in range(100):  # what comes by another question, as the marks of tabs, may come later
            # Rows that the other run alone has stand elsewhere when that one is the base.
            ours, servers = (sorted(told(each).splitlines()) for each in (page, live))
            if ours == servers:
                break
            live.wait_for_timeout(100)
        assert ours == servers, address


def test_every_page_of_a_report_is_there(showcase: Path, open_page: Open, churn: list[str], tmp_path: Path) -> None:
    """Every tab and file that a report leads to; what is not in it says so; curves, pictures and logged pages."""
    uri = made(showcase, tmp_path, *churn)
    page = open_page(uri, trouble=(f"asked {uri}",))
    page.context.set_offline(True)
    page.wait_for_selector("main .sides")
    waiting, visited = [page.url.partition("#")[2]], set()
    while waiting:
        address = waiting.pop()
        if address in visited:
            continue
        visited.add(address)
        text = seen(page, address)
        assert "not in the report" not in text, address
        assert page.locator("[role=alert]").count() == 0, address
        waiting += page.eval_on_selector_all(
            "main nav a[href], .held a[href]", "links => links.map(link => link.getAttribute('href'))"
        )
    assert {address.split("/")[3] for address in visited if address.count("/") == 3} >= {"charts", "env", "logs"}
    seen(page, f"/r/{churn[0][:12]}/artifacts/plots/confusion.png")
    page.wait_for_function("() => document.querySelector('.picture img')?.naturalWidth > 0")
    seen(page, f"/r/{churn[0][:12]}/artifacts/notebook.html")
    assert page.frame_locator("iframe.framed").locator("body").inner_text()
    assert "This is not in the report" in seen(page, "/e/churn")
    page.get_by_role("link", name="What is in it").click()
    page.wait_for_selector("main .sides")


def test_curves_of_a_report(showcase: Path, site: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    """A chart says the same of its lines as the server's; zoom, smoothing and the base are in the address."""
    ids = [str(query(showcase, NAMED, "resnet", name)) for name in ("resnet-01", "resnet-02", "resnet-03")]
    uri = made(showcase, tmp_path, *ids)
    address = f"/compare?runs={','.join(run[:12] for run in ids)}&tab=curves"
    page = open_page(f"{uri}#{address}", trouble=(f"asked {uri}",))
    live = open_page(site.url + address)
    for manner in ("", "&x=rel", "&zoom=20..60", "&smooth=0.5&zoom=20..60"):
        live.goto(site.url + address + manner)
        page.evaluate("address => { location.hash = address }", address + manner)
        chart = "[data-metric='val/loss'] .chart[data-drawn='3']"
        live.wait_for_selector(chart)
        expected = live.locator(chart).get_attribute("aria-label")
        assert expected is not None
        page.wait_for_function(
            "([chart, label]) => document.querySelector(chart)?.ariaLabel === label", arg=[chart, expected]
        )
    seen(page, address.removesuffix("&tab=curves"))
    page.get_by_role("button", name="Make base").last.click()
    page.wait_for_function("id => location.hash.includes(`runs=${id}`)", arg=ids[2][:12])
    page.reload()
    page.wait_for_selector("main .sides")
    assert page.locator("th[data-run]").first.get_attribute("data-run") == ids[2]


def test_hostile_text_in_a_report_is_text(open_page: Open, tmp_path: Path) -> None:
    program = """
import autotrack
evil = "</title></script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>"
for rate in (1, 2):
    with autotrack.start_run(evil, evil) as run:
        run.log_param("evil", evil + str(rate))
        run.set_tag("mlflow.note.content", evil)
        run.set_tag(evil[:200], evil)
        run.log_metric("loss", rate)
        run.log_text(evil, "evil.html")
        run.log_text(evil, "evil.md")
ids = [run.id for run in autotrack.search_runs()]
print(*ids)
"""
    where = {**os.environ, "AUTOTRACK_TRACKING_URI": str(tmp_path / "store")}
    done = subprocess.run([sys.executable, "-c", program], env=where, check=True, capture_output=True, text=True)
    ids = done.stdout.split()
    uri = made(tmp_path / "store", tmp_path, *ids)
    page = open_page(
        uri, trouble=(f"asked {uri}", "about:srcdoc", "Not allowed to load local", f"{tmp_path.as_uri()}/x")
    )
    page.wait_for_selector("main .sides")
    for address in ("", "/artifacts/evil.html", "/artifacts/evil.md", "/code"):
        assert "window.pwned" in seen(page, f"/r/{ids[0][:12]}{address}")
        assert page.evaluate("() => window.pwned") is None
