"""What the pages do without data, without a server, without a mouse; what they weigh; that a link shows the same."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, ready
from tests.ui.conftest import environment

ADDRESSES = (
    "/?sort=name",
    "/e/churn-grid?view=table&sort=-m.val_accuracy",
    "/e/churn-grid?group=p.optimizer",
    "/e/sweep?view=table&where=val_loss+<+0.2+and+optimizer+%3D+'adam'&cols=name,m.val_loss,p.lr",
)


def seen(page: Any) -> str:
    page.locator(".present, .grid .row:not(.head) .name a").first.wait_for()
    page.wait_for_function("() => !document.querySelector('.skeleton, .waiting')")
    return str(
        page.evaluate("() => document.querySelector('main').innerText.replace(/\\d+ (min|h) ago|just now/g, '')")
    )


def first(site: ServerProcess, query: str) -> str:
    """The beginning of the id of the newest run that matches."""
    return str(site.get(f"/api/v1/table?cols=name&limit=1&{query}").json()["ids"][0])[:12]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_link_shows_somebody_else_the_same(site: ServerProcess, open_page: Open, address: str) -> None:
    """12, for the first page and the table."""
    assert seen(open_page(site.url + address)) == seen(open_page(site.url + address))


@pytest.mark.slow
def test_links_to_all_else_show_somebody_else_the_same(site: ServerProcess, open_page: Open) -> None:
    """12, for the other screens: what one who went there by and by sees, and who has just got the link."""

    def text(page: Any) -> str:
        words = page.evaluate("() => [location.search, document.title, document.querySelector('main')?.innerText]")
        return re.sub(r"\d+ (min|h|s) ago|just now", "", "\n".join(map(str, words)))

    one = first(site, "exp=resnet")
    two = f"runs={first(site, 'exp=churn-grid')},{first(site, 'exp=churn')}"
    addresses = [
        ("/e/resnet?view=charts&x=rel&y=log&smooth=0.6&top=3&charts=val", "canvas"),
        (f"/r/{one}/charts?zoom=20..60", "canvas"),
        (f"/compare?{two}&same=1", "main table"),
        ("/compare?exp=churn-grid&tab=parallel&brush=p.lr%3A0.01..0.1", "canvas"),
        ("/compare?exp=sweep&tab=scatter&where=val_loss+%3C+0.2", "canvas"),
    ]
    addresses += [each for each in _screens(site) if each[0].startswith(("/r/", "/models"))]
    walker = open_page(site.url)
    for address, seen_when in addresses:
        walker.goto(site.url + address)
        walker.locator(seen_when).first.wait_for()
        walker.wait_for_load_state("networkidle")
        other = open_page(site.url + address)
        deadline = time.monotonic() + 15
        while text(walker) != text(other) and time.monotonic() < deadline:
            other.wait_for_timeout(30)
        assert text(other) == text(walker), address
        other.context.close()


def test_an_empty_store_says_what_fills_it_and_that_does(
    workshop: ServerProcess, open_page: Open, tmp_path: Path
) -> None:
    """24: the lines on the page, executed."""
    page = open_page(workshop.url)
    page.get_by_text("No runs yet").wait_for()
    line = page.locator(".first code", has_text="enable()").inner_text()
    script = f"{line}\nwith autotrack.start_run('first') as run:\n    run.log_metric('loss', 1.0)\n"
    given = {**environment(), "AUTOTRACK_TRACKING_URI": workshop.url}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=given, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    page.locator("[data-experiment]").first.wait_for()


def test_nothing_at_an_address_leads_home(site: ServerProcess, open_page: Open) -> None:
    """24: 404, and a way on."""
    page = open_page(f"{site.url}/e/none", trouble=("404",))
    page.get_by_role("heading", name="There is nothing here").wait_for()
    page.get_by_role("main").get_by_role("link", name="All experiments").click()
    page.get_by_role("link", name="sweep").wait_for()


def test_a_server_in_trouble_leaves_what_was_there(site: ServerProcess, open_page: Open) -> None:
    """24: 500 keeps the former rows, is not asked again and again, and Retry works."""
    page = open_page(f"{site.url}/e/sweep?view=table", trouble=("500",))
    ready(page, 20)
    asked: list[str] = []

    def refuse(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=500, json={"error_code": "INTERNAL_ERROR", "message": "the disk is full"})

    page.route("**/api/v1/table*", refuse)
    page.get_by_role("columnheader", name="val_loss").get_by_role("button").click()
    page.get_by_role("alert").wait_for()
    assert "the disk is full" in page.get_by_role("alert").inner_text()
    assert "trial-09999" in page.locator(".grid").inner_text()
    page.evaluate("() => { document.querySelector('.grid').scrollTop = 100_000 }")
    page.wait_for_function("() => document.querySelector('.row.waiting')")
    for _ in range(20):
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert len(asked) <= 4
    page.unroute("**/api/v1/table*")
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("alert").wait_for(state="detached")
    page.wait_for_function("() => !document.querySelector('.row.waiting')")
    page.evaluate("() => { document.querySelector('.grid').scrollTop = 0 }")
    page.locator('[aria-rowindex="2"] .best').wait_for()


def test_slow_data_move_nothing_about(site: ServerProcess, open_page: Open) -> None:
    """24: skeletons meanwhile; layout shift below 0.05 (it is 0 here; one line that comes late is 0.017)."""
    page = open_page("about:blank")
    page.add_init_script(
        """window.moved = []
        const note = (list) => list.getEntries().forEach((each) => each.hadRecentInput || moved.push(each))
        new PerformanceObserver(note).observe({ type: 'layout-shift', buffered: true })"""
    )
    held: list[Any] = []
    page.route("**/api/v1/table*", lambda route: held.append(route) if not held else route.continue_())
    page.goto(f"{site.url}/e/sweep?view=table")
    page.locator(".skeleton.shown").wait_for()
    for route in held:
        route.continue_()
    ready(page, 20)
    moved = page.evaluate(
        "() => moved.map(({ value, sources }) => [value, sources.map(({ node }) => node?.outerHTML?.slice(0, 80))])"
    )
    assert sum(value for value, _ in moved) < 0.01, moved


def test_a_theme_is_kept_and_does_not_flash(site: ServerProcess, open_page: Open) -> None:
    """24: the system's theme at first; what is chosen holds from the first paint."""
    page = open_page(site.url, theme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 27)"
    page.get_by_role("button", name="Use the light theme").click()
    page.goto(site.url, wait_until="commit")
    page.wait_for_function("() => document.body")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_keeps_anybody_out(site: ServerProcess, open_page: Open, node: Path, theme: str) -> None:
    """23: axe finds nothing serious on any screen, nor on what opens over one; at 200 % pages scroll one way only."""
    page = open_page(site.url, theme=theme)
    page.get_by_role("link", name="sweep").wait_for()
    session = page.context.new_cdp_session(page)  # a script that the policy of the pages does not let in

    def check(what: str) -> None:
        source = (node / "node_modules" / "axe-core" / "axe.min.js").read_text()
        session.send("Runtime.evaluate", {"expression": source})
        found = page.evaluate(
            """async (rules) => (await axe.run(document, rules ? { runOnly: rules } : {})).violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html).join(' '))""",
            ["color-contrast", "link-in-text-block"] if theme == "dark" else None,  # the rest is the same
        )
        assert not found, f"{what}: {found}"

    check("home")
    page.keyboard.press("Control+k")
    page.locator(".finder li").first.wait_for()
    check("finder")
    page.keyboard.press("Escape")
    page.goto(f"{site.url}/e/churn-grid?view=table")
    ready(page, 8)
    page.locator('[aria-rowindex="2"] .tick').click()
    page.keyboard.press("c")
    page.locator(".choose").wait_for()
    check("columns and the bar")
    for address, seen_when in _screens(site):
        page.goto(site.url + address)
        page.locator(seen_when).first.wait_for()
        page.wait_for_function("() => !document.querySelector('.skeleton')")
        check(address)
        if theme == "light":  # 1440 x 900 at 200 % are 720 x 450
            page.set_viewport_size({"width": 720, "height": 450})
            page.wait_for_function(
                "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth", timeout=3000
            )
            page.set_viewport_size({"width": 1440, "height": 900})


def _screens(site: ServerProcess) -> list[tuple[str, str]]:
    """Addresses of every screen and tab, and what stands there when it is drawn."""
    child, failed = first(site, "exp=churn-grid"), first(site, "exp=ups-and-downs&where=status+%3D+'FAILED'")
    model, curve = first(site, "exp=churn"), first(site, "exp=resnet")
    two = f"/compare?runs={child},{model}"
    return [
        ("/e/churn-grid?group=p.optimizer", ".groups tbody tr"),
        ("/e/churn-grid?view=charts", ".bars, canvas"),
        (f"/r/{child}", ".reproduce li"),
        (f"/r/{failed}", ".reproduce li"),
        (f"/r/{curve}/charts", "canvas"),
        (f"/r/{model}/artifacts/model", ".model-card table"),
        (f"/r/{child}/code", ".tab .code .facts, .tab p"),
        (f"/r/{child}/env", ".packages li"),
        (f"/r/{child}/logs", ".tab pre, .tab .empty"),
        (two, "main table"),
        ("/compare?exp=sweep", ".separated article"),
        ("/compare?exp=churn-grid&tab=parallel", "canvas"),
        ("/models", "main table"),
        ("/models/churn", ".versions tr"),
        ("/models/churn/v/1", ".model-card table"),
        ("/models/churn/diff?a=1&b=2", "main table"),
        ("/projects", "main h1"),
        ("/login", ".login .card"),
    ]


def test_the_pages_are_light(site: ServerProcess, open_page: Open) -> None:
    """2: at most 45 KB of scripts for the table, compressed, and 90 KB for every screen of ours."""
    page = open_page("about:blank")
    weights: dict[str, float] = {}

    def weigh(response: Any) -> None:
        if response.request.resource_type == "script":
            weights[response.url] = int(response.headers["content-length"]) / 1000

    page.on("response", weigh)
    page.goto(f"{site.url}/e/sweep?view=table")
    ready(page, 20)
    table = sum(weights.values())
    page.goto(f"{site.url}/e/resnet?view=split")
    page.locator(".charts canvas").first.wait_for()
    page.keyboard.press("Control+k")
    page.locator(".finder li").first.wait_for()
    for address in ("/", "/login", "/models", "/projects", "/compare?exp=churn-grid&top=2"):
        page.goto(site.url + address)
        page.locator("main").wait_for()
    page.goto(f"{site.url}/e/churn-grid?view=table")
    ready(page, 8)
    page.locator('[aria-rowindex="2"] .name a').click()
    page.locator("main h1").wait_for()
    page.locator(".tab .facts, .tab section").first.wait_for()
    every = sum(weights.values())
    print(f"{table:.1f} KB, every screen {every:.1f} KB")
    assert table <= 45, f"{table:.1f} KB"
    assert every <= 90, f"{every:.1f} KB: " + ", ".join(
        f"{name.rsplit('/')[-1]} {kb:.1f}" for name, kb in weights.items()
    )
