"""Runs compared, in a real browser. Numbers in docstrings: the checks that the pages must pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, cpu, query
from tests.ui.conftest import environment

PROGRAM = """\
import sys
import autotrack

lr = float(sys.stdin.read())
with autotrack.start_run("a run", experiment="compared") as run:
    run.log_params({"lr": lr, "epochs": 5})
    run.log_metric("val_loss", lr * 2)
    run.log_metric("seen", 3 + 0 * LINE)
"""
BRUSHED = (
    "SELECT count(*) FROM runs JOIN experiments e ON e.id = runs.experiment_id JOIN params p ON p.run = runs.n "
    "WHERE e.name = 'sweep' AND p.key = 'lr' AND CAST(p.value AS REAL) BETWEEN ? AND ?"
)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two runs of one program that differ in lr, in a package and in a line of the source."""
    base = tmp_path_factory.mktemp("two")
    folder, packages = base / "project", base / "packages"
    folder.mkdir()
    told = environment() | {"PYTHONPATH": str(packages), "AUTOTRACK_TRACKING_URI": str(base / "store")}
    for number, (lr, version) in enumerate((("0.1", "1.0"), ("0.25", "2.0"))):
        made = packages / f"somelib-{version}.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: somelib\nVersion: {version}\n")
        (folder / "train.py").write_text(PROGRAM.replace("LINE", str(number)))
        command = [sys.executable, "train.py"]
        done = subprocess.run(command, cwd=folder, env=told, input=lr.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        (made / "METADATA").unlink()
        made.rmdir()
    return base / "store"


def test_exactly_what_differs_is_listed(two_runs: Path, tmp_path: Path, open_page: Open) -> None:
    """17: lr, a package, a source line and the metric; what is hidden is counted, and shown when asked for."""
    server = ServerProcess(tmp_path, store=two_runs, environment=environment())
    try:
        ids = server.get("/api/v1/table?exp=compared&sort=start").json()["ids"]
        page = open_page(f"{server.url}/compare?runs={','.join(each[:12] for each in ids)}")
        page.locator("[data-block=result] [data-key]").first.wait_for()
        keys = page.locator(".sides [data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
        assert keys == ["m.val_loss", "lr", "train.py", "package somelib"]
        loss = page.locator("[data-key='m.val_loss'] td").nth(1)
        assert loss.inner_text().split("\n")[0].startswith("0.5") and "+0.3 (+150 %)" in loss.inner_text()
        assert loss.locator(".delta").get_attribute("class") == "delta bad"
        hidden = int(page.locator("[data-hidden]").get_attribute("data-hidden") or "0")
        page.get_by_role("button", name="train.py").click()
        page.locator(".code-diff td.come").first.wait_for()
        assert "3 + 0 * 0" in page.locator(".code-diff td.gone").inner_text()
        assert "3 + 0 * 1" in page.locator(".code-diff td.come").inner_text()
        page.keyboard.press("d")
        page.wait_for_url("**same=1*")
        page.locator("tr.same").first.wait_for()
        assert page.locator(".sides [data-key]").count() == len(keys) + hidden and hidden > 20
        page.keyboard.press("d")
        page.locator("[data-run]").nth(1).get_by_role("link").focus()
        page.keyboard.press("b")
        page.wait_for_function("id => document.querySelector('[data-run]').dataset.run === id", arg=ids[1])
        assert page.locator("[data-key='m.val_loss'] .delta").get_attribute("class") == "delta good"
    finally:
        server.close()


def test_ten_thousand_lines_and_a_brush(site: ServerProcess, showcase: Path, open_page: Open) -> None:
    """18: only params that vary, 10,000 lines for 1.5 s of the browser's time, a brush counts as SQL and survives."""
    page = open_page(f"{site.url}/compare?exp=sweep&tab=parallel")
    page.wait_for_selector("canvas[data-drawn='10000']", timeout=40_000)
    spent = cpu(page)
    axes = page.locator("[data-axis]").evaluate_all("all => all.map(one => one.dataset.axis)")
    assert axes[0] == "p.lr" and axes[-1] == "m.val_loss" and len(axes) == 13
    for key in axes[:-1]:
        count = "SELECT count(DISTINCT value) FROM params WHERE key = ?"
        assert query(showcase, count, key.removeprefix("p.")) > 1
    box = page.locator(".parallel-lines").bounding_box()
    name = page.locator("[data-axis='p.lr']").bounding_box()
    assert box is not None and name is not None
    x = name["x"] + name["width"] / 2
    page.mouse.move(x, box["y"] + 120)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 200, steps=4)
    page.mouse.up()
    page.wait_for_url("**brush=*")
    key, low, high = unquote(parse_qs(urlparse(page.url).query)["brush"][0]).split("~")
    expected = query(showcase, BRUSHED, float(low), float(high))
    counted = page.locator("[data-count]")
    assert (key, counted.get_attribute("data-count")) == ("p.lr", str(expected)) and 500 < expected < 5000
    page.reload()
    page.wait_for_selector(f"[data-count='{expected}']", timeout=40_000)
    assert spent < 1.5, f"{spent:.2f} s"


def test_a_box_around_points_selects_their_runs(site: ServerProcess, open_page: Open) -> None:
    """18: the same runs are selected in the table."""
    page = open_page(f"{site.url}/compare?exp=churn-grid&tab=scatter")
    page.wait_for_selector(".plane canvas[data-drawn]")
    box = page.locator(".plane").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 40, steps=4)
    page.mouse.up()
    page.locator("[data-selected]").wait_for()
    count = int(page.locator("[data-selected]").get_attribute("data-selected") or "0")
    assert 0 < count < 104
    page.get_by_role("link", name="churn-grid").click()
    page.locator("[aria-label='selected runs']").wait_for()
    assert f"{count} runs selected" in page.locator("[aria-label='selected runs']").inner_text()
