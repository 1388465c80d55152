"""What plugins bring to the page of a run, and files that take more than a browser to be shown."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open
from tests.ui.conftest import environment

TEMPLATE = Path(__file__).parents[2] / "contrib" / "plugin-template" / "autotrack_linreg"
#: A plugin whose panel wants more than it may have.
NOSY = '''
from autotrack.plugin import Panel, Reply, ServerRoute, hookimpl

PAGE = """<p id="said"></p><script>
  const tried = []
  const attempt = async (name, act) => {
    try { await act(); tried.push(name + ' yes') } catch { tried.push(name + ' no') }
  }
  const all = async () => {
    const { name, id } = await autotrack.run()
    const [, other] = name.split(' ')
    await attempt('parent', () => parent.document.title)
    await attempt('cookie', () => document.cookie)
    await attempt('fetch', () => fetch('/api/v1/runs/' + other))
    const paths = ['../../' + other, `../../${other}/artifacts/secret.txt`, 'a/../../../' + other, './x', '/x', '']
    for (const path of paths) await attempt('file', () => autotrack.file(path))
    await attempt('files', async () => (await autotrack.files('../../' + other)).length || Promise.reject())
    await attempt('history', () => autotrack.history('../../' + other + '/metrics'))
    const own = new TextDecoder().decode(await autotrack.file('own words.txt'))
    const { values } = await autotrack.history('a/b')
    const { theme } = document.documentElement.dataset
    document.getElementById('said').textContent = JSON.stringify({ id, tried, own, values, theme })
  }
  all()
</script>"""

@hookimpl
def register_panels():
    def broken(run):
        raise RuntimeError("a bug")
    return [Panel("nosy", "<b>Nosy</b>", PAGE), Panel("broken", "Broken", "", shows=broken)]

@hookimpl
def register_routes():
    def words(request):
        content = request.open(request.path["run"], "own words.txt").read()
        return Reply(content, "text/html", headers={"Content-Security-Policy": "none"})
    return [ServerRoute("words/{run}", words), ServerRoute("words/{run}", words)]
'''


def install(folder: Path, name: str, package: str) -> None:
    """Has a folder of modules tell of a plugin as an installed distribution does."""
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[autotrack]\n{name} = {package}\n")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the template's plugin and the nosy one."""
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copytree(TEMPLATE, folder / "autotrack_linreg")
    (folder / "nosy.py").write_text(NOSY)
    install(folder, "linreg", "autotrack_linreg")
    install(folder, "nosy", "nosy")
    base = tmp_path_factory.mktemp("extended")
    started = ServerProcess(base, environment={**environment(), "PYTHONPATH": str(folder)})
    yield started
    started.close()


def run_of(server: ServerProcess, name: str, metrics: dict[str, float], files: dict[str, bytes]) -> str:
    run: str = server.post("/api/v1/runs", {"experiment": "lines", "name": name}).json()["id"]
    points = [{"key": key, "values": [value], "steps": [0]} for key, value in metrics.items()]
    assert server.post(f"/api/v1/runs/{run}/log", {"metrics": points}).status == 200
    for path, content in files.items():
        headers = {"Content-Type": "application/octet-stream"}
        target = f"/api/v1/runs/{run}/artifacts/{path.replace(' ', '%20')}"
        assert server.request("PUT", target, content, headers).status == 200
    return run


def test_a_panel_has_its_own_run_and_nothing_else(extended: ServerProcess, open_page: Open) -> None:
    other = run_of(extended, "secret", {"m": 1.0}, {"secret.txt": b"CANARY-7731"})
    run = run_of(extended, f"of {other}", {"slope": 2.0, "intercept": 1.0, "a/b": 7.0}, {"own words.txt": b"mine"})
    page = open_page(
        f"{extended.url}/r/{run[:12]}", trouble=("frame", "Content Security Policy", "422", "404"), theme="dark"
    )
    tabs = page.get_by_role("navigation", name="parts of the run")
    tabs.get_by_role("link", name="<b>Nosy</b>").click()
    page.wait_for_url(f"**/r/{run[:12]}/panel/nosy/nosy")
    said = page.frame_locator("iframe.panel-frame").locator("#said")
    said.get_by_text("tried").wait_for()
    found = json.loads(said.inner_text())
    assert found["id"] == run and found["own"] == "mine" and found["values"] == [7.0] and found["theme"] == "dark"
    assert len(found["tried"]) == 11 and all(each.endswith(" no") for each in found["tried"])
    # The template's: the plugin's page works, and is there for those runs alone that it is for.
    tabs.get_by_role("link", name="Line").click()
    page.frame_locator("iframe.panel-frame").get_by_text("y = 2 x + 1").wait_for()
    page.goto(f"{extended.url}/r/{other[:12]}")
    tabs.get_by_role("link", name="<b>Nosy</b>").wait_for()
    assert tabs.get_by_role("link", name="Line").count() == tabs.get_by_role("link", name="Broken").count() == 0
    frame = extended.get("/api/v1/plugins/nosy/panels/nosy")
    policy = frame.headers["content-security-policy"]
    assert "sandbox allow-scripts;" in policy and "connect-src 'none'" in policy and "same-origin" not in policy
    assert extended.get("/api/v1/plugins/nosy/panels/none").status == 404


def test_a_route_of_a_plugin_answers_like_the_others(extended: ServerProcess) -> None:
    run = run_of(extended, "steep", {"slope": 9.0, "intercept": 0.0}, {"own words.txt": b"<b>mine</b>"})
    assert extended.get("/api/v1/plugins/linreg/steepest").json() == {"run": run, "slope": 9.0}
    words = extended.get(f"/api/v1/plugins/nosy/words/{run}")
    assert words.content == b"<b>mine</b>"
    assert (
        words.headers["content-disposition"] == "attachment" and "sandbox" in words.headers["content-security-policy"]
    )
    assert extended.get("/api/v1/plugins/nosy/words/0123456789abcdef").status == 404
    assert "nosy" in extended.output() and "taken" in extended.output()


def test_tables_and_notebooks_are_shown(extended: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    table = pa.table({"at": list(range(1500)), "name": [f"<i>{n}</i>" for n in range(1500)]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=700)
    output = {
        "output_type": "display_data",
        "data": {"text/html": "<img src=x onerror=window.pwned=1>", "text/plain": "plain"},
    }
    cells = [
        {"cell_type": "markdown", "source": ["# Told <script>window.pwned=1</script>"]},
        {"cell_type": "code", "execution_count": 3, "source": "1 + 1", "outputs": [output]},
    ]
    files = {
        "t.parquet": (tmp_path / "t.parquet").read_bytes(),
        "broken.parquet": b"PAR1 no table PAR1",
        "rows.json": json.dumps([{"a": 1, "b": "x"}, {"a": 2, "c": [1]}]).encode(),
        "notebook.ipynb": json.dumps({"nbformat": 4, "cells": cells}).encode(),
        "notebook.html": b"<h1>As a page</h1>",
    }
    run = run_of(extended, "kinds", {"m": 1.0}, files)
    at = f"{extended.url}/r/{run[:12]}"
    page = open_page(f"{at}/artifacts/t.parquet", trouble=("422",))
    page.get_by_text("1,000 rows, the first of 1,500 rows").wait_for()
    heading = page.get_by_role("columnheader", name="at").get_by_role("button")
    heading.click()
    heading.click()
    assert page.locator(".sheet-view tbody tr").first.inner_text().split() == ["999", "<i>999</i>"]
    page.goto(f"{at}/artifacts/broken.parquet")
    page.get_by_text("cannot be read as a table").wait_for()
    page.goto(f"{at}/artifacts/rows.json")
    page.get_by_role("columnheader", name="c", exact=True).wait_for()
    page.goto(f"{at}/artifacts/notebook.ipynb")
    page.locator(".cell pre", has_text="plain").wait_for()
    assert page.evaluate("() => window.pwned === undefined")
    page.get_by_role("link", name="Notebook", exact=True).click()
    page.frame_locator("iframe.framed").get_by_role("heading", name="As a page").wait_for()


EVENTS = """
    from tensorboardX import SummaryWriter
    writer = SummaryWriter({folder!r})
    for step in range(1000):
        writer.add_scalar("kept/loss", 99.0 if step == 503 else 1 / (step + 1), step)
    writer.close()
"""


def test_scalars_of_event_files_are_shown(extended: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    exec(textwrap.dedent(EVENTS.format(folder=str(tmp_path))))
    (file,) = tmp_path.glob("*tfevents*")
    run = run_of(extended, "events", {"m": 1.0}, {f"logs/{file.name}": file.read_bytes()})
    page = open_page(f"{extended.url}/r/{run[:12]}/tensorboard")
    row = page.get_by_role("row", name="kept/loss")
    row.wait_for()
    assert row.inner_text().split()[:4] == ["kept/loss", "1,000", "0.001", "999"]
    found = extended.get(f"/api/v1/plugins/tensorboard/scalars/{run}").json()["scalars"][0]
    assert len(found["values"]) < 300 and found["values"][found["steps"].index(503)] == 99.0
    assert page.get_by_text(f"autotrack tensorboard {run[:12]}").count() == 1


def test_a_run_has_its_neighbours(workshop: ServerProcess, open_page: Open) -> None:
    """The head of the page: compare with the best and the one before; tags come and go."""
    runs = [run_of(workshop, f"run {n}", {"val_loss": loss}, {}) for n, loss in enumerate((0.5, 0.1, 0.3))]
    page = open_page(f"{workshop.url}/r/{runs[2][:12]}")
    row = page.locator('[data-metric="val_loss"]')
    row.get_by_text("2 of 3").wait_for()
    assert "0.1 +0.2" in row.inner_text()
    page.get_by_role("button", name="Compare").click()
    href = page.get_by_role("link", name="with the best by val_loss run 1").get_attribute("href")
    assert href == f"/compare?runs={runs[1][:12]},{runs[2][:12]}"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("textbox", name="tag").fill("team: vision")
    page.keyboard.press("Enter")
    page.locator(".chip", has_text="team: vision").wait_for()
    page.get_by_role("button", name="take away the tag team").click()
    page.locator(".chip", has_text="team: vision").wait_for(state="detached")
    page.get_by_role("status").get_by_role("button", name="Undo").last.click()
    page.locator(".chip", has_text="team: vision").wait_for()
