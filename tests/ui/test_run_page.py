"""The page of a run and its files. Numbers in docstrings: the checks that the pages must pass."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, query

NAMED = "SELECT runs.id FROM runs JOIN experiments e ON e.id = runs.experiment_id WHERE e.name = ? AND runs.name = ?"


@pytest.fixture(scope="module")
def churn(showcase: Path) -> str:
    """The run of the second version of the model."""
    return str(query(showcase, NAMED, "churn", "boosted trees"))


def logged(server: ServerProcess, program: str, folder: Path) -> None:
    """Runs a program whose runs are kept in the server's store."""
    script = folder / "program.py"
    script.write_text(textwrap.dedent(program))
    where = {**os.environ, "AUTOTRACK_TRACKING_URI": str(server.store)}
    subprocess.run([sys.executable, str(script)], cwd=folder, env=where, check=True, capture_output=True, timeout=60)


def store_file(server: ServerProcess, run: str, path: str, content: str) -> None:
    """Logs a file over HTTP."""
    headers = {"Content-Type": "application/octet-stream"}
    done = server.request("PUT", f"/api/v1/runs/{run}/artifacts/{path}", content.encode(), headers)
    assert done.status == 200, done.text


def test_a_link_to_a_file_is_a_link_to_that_file(site: ServerProcess, open_page: Open, churn: str) -> None:
    """19: the address follows the file; a fresh browser shows it; what is not there leads back; a table sorts."""
    page = open_page(f"{site.url}/r/{churn[:12]}/artifacts")
    tree = page.get_by_role("navigation", name="files")
    tree.get_by_role("link", name="plots").click()
    tree.get_by_role("link", name="confusion.png").click()
    page.wait_for_url("**/artifacts/plots/confusion.png")
    fresh = open_page(page.url)
    fresh.wait_for_function("() => document.querySelector('.picture img')?.naturalWidth > 0")
    fresh.goto(f"{site.url}/r/{churn[:12]}/artifacts/plots/nope.txt")
    fresh.get_by_role("link", name="The folder plots").click()
    fresh.wait_for_url("**/artifacts/plots")
    fresh.goto(f"{site.url}/r/{churn[:12]}/artifacts/plots/confusion.csv")
    heading = fresh.get_by_role("columnheader", name="stayed")
    heading.get_by_role("button").click()
    first = fresh.locator(".sheet-view tbody tr").first.locator("td").nth(1)
    least = int(first.inner_text())
    heading.get_by_role("button").click()
    assert int(first.inner_text()) > least


def test_a_model_says_what_it_takes(site: ServerProcess, open_page: Open, churn: str) -> None:
    """22, in part: five inputs with their types, and how to use it."""
    page = open_page(f"{site.url}/r/{churn[:12]}/artifacts/model")
    inputs = page.locator('.signature[data-of="takes"] tbody tr')
    inputs.first.wait_for()
    assert [row.split("\t")[0] for row in inputs.all_inner_texts()] == [
        "tenure_months", "monthly_charge", "support_calls", "contract_months", "data_gb",
    ]  # fmt: skip
    assert f'autotrack.load_model("runs:/{churn}/model")' in page.locator(".model-card").inner_text()


EVIL = """<!doctype html><body>
<script>
const said = []
try { said.push('parent ' + parent.document.title) } catch { said.push('no parent') }
try { said.push('cookie ' + document.cookie) } catch { said.push('no cookie') }
try { top.location = 'http://127.0.0.1:1/' } catch { said.push('no top') }
fetch('/api/v1/experiments')
  .then(() => said.push('fetched'), () => said.push('no fetch'))
  .finally(() => document.body.textContent = said.join(', '))
</script>
"""


def test_a_logged_page_reaches_nothing(workshop: ServerProcess, open_page: Open) -> None:
    """20: in its frame and when its address is opened by itself."""
    run = workshop.post("/api/v1/runs", {"experiment": "evil", "name": "evil"}).json()["id"]
    put = workshop.request(
        "PUT", f"/api/v1/runs/{run}/artifacts/evil.html", EVIL.encode(), {"Content-Type": "application/octet-stream"}
    )
    assert put.status == 200, put.text
    page = open_page(f"{workshop.url}/r/{run[:12]}/artifacts/evil.html", trouble=("frame", "Content Security Policy"))
    body = page.frame_locator("iframe.framed").locator("body")
    body.get_by_text("no fetch").wait_for()
    assert body.inner_text() == "no parent, no cookie, no top, no fetch"
    assert page.url.endswith("evil.html")
    # By itself it may still lead its own tab elsewhere: no policy forbids that to a page that is nobody's frame.
    store_file(workshop, run, "alone.html", re.sub(r"try { top.*\n", "", EVIL))
    alone = open_page(
        f"{workshop.url}/api/v1/runs/{run}/artifacts/alone.html?view=page", trouble=("Content Security Policy",)
    )
    alone.get_by_text("no fetch").wait_for()
    assert "no cookie" in alone.locator("body").inner_text()
    assert "attachment" in workshop.get(f"/api/v1/runs/{run}/artifacts/evil.html").headers["content-disposition"]


def test_what_made_the_run_is_said_line_by_line(workshop: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    """21: without git the code's line says how to close the hole; with a changed tree there is the patch."""
    plain, repository = tmp_path / "plain", tmp_path / "repository"
    plain.mkdir()
    repository.mkdir()
    program = """
        import autotrack
        with autotrack.start_run("{}", "made") as run:
            run.log_metric("loss", 0.5)
            run.set_tags({{"autotrack.rebuilt": "IDENTICAL", "autotrack.rebuilt_in": "EQUIVALENT: black 24.1 → none"}})
    """
    logged(workshop, program.format("without git"), plain)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (repository / "program.py").write_text("1\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=repository, check=True, capture_output=True)
    logged(workshop, program.format("changed tree"), repository)
    found = workshop.get("/api/v1/table?exp=made&cols=name").json()
    ids = dict(zip(found["cols"]["name"], found["ids"], strict=True))
    page = open_page(f"{workshop.url}/r/{ids['without git'][:12]}")
    code = page.locator('.reproduce [data-part="code"]')
    code.wait_for()
    assert code.get_attribute("data-state") in ("none", "part")
    assert "git" in code.inner_text()
    page.locator(".reproduce").get_by_text("IDENTICAL").wait_for()
    page.locator(".reproduce").get_by_text("environment EQUIVALENT: black 24.1 → none").wait_for()
    page.goto(f"{workshop.url}/r/{ids['changed tree'][:12]}")
    code.wait_for()
    assert code.get_attribute("data-state") == "part" and "patch" in code.inner_text()
    code.get_by_role("link").click()
    page.locator(".patch .added", has_text="autotrack.start_run").wait_for()
    page.go_back()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".reproduce").get_by_role("button", name="Copy").first.click()
    page.locator(".reproduce").get_by_text("Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == "autotrack run program.py"


def test_a_failed_run_says_first_what_failed(site: ServerProcess, showcase: Path, open_page: Open) -> None:
    run = query(showcase, NAMED, "ups-and-downs", "ridge, wrong shape")
    page = open_page(f"{site.url}/r/{run[:12]}")
    first = page.locator(".overview .left > section").first
    first.get_by_text("inconsistent numbers of samples").wait_for()
    first.get_by_text("fitting 60 rows against 59 answers").wait_for()


def test_notes_are_markdown_and_can_be_taken_back(workshop: ServerProcess, open_page: Open) -> None:
    run = workshop.post("/api/v1/runs", {"experiment": "notes", "name": "noted"}).json()["id"]
    page = open_page(f"{workshop.url}/r/{run[:12]}")
    page.get_by_role("button", name="Write").click()
    page.get_by_role("textbox", name="notes in markdown").fill("# Why\n\nIt is **better** [here](javascript:alert(1))")
    page.get_by_role("button", name="Save").click()
    notes = page.locator(".markdown")
    notes.wait_for()
    assert notes.locator("strong").inner_text() == "better" and notes.locator("a").count() == 0
    page.get_by_role("button", name="Undo").click()
    notes.wait_for(state="detached")


def payloads() -> list[str]:
    """Texts that have run as scripts elsewhere."""
    found: list[str] = json.loads(Path(__file__).with_name("hostile_texts.json").read_text())
    return found


def test_no_text_is_ever_more_than_text(workshop: ServerProcess, open_page: Open) -> None:
    """20, R28, R29: every payload as experiment, run name, param, tag, note, metric, file name and content: no script
    runs, no dialog opens, and nothing is reported to break the policy, on any page."""
    texts = payloads()
    assert len(texts) >= 40
    runs: list[str] = []
    for number, text in enumerate(texts):
        name = f"x {number} {text[:80]}" if number < 3 else "hostile"
        body = {"experiment": name, "name": text[:200], "params": {"p": text, f"k {number}": text}}
        made = workshop.post("/api/v1/runs", {**body, "tags": {"mlflow.note.content": text, "t": text}})
        assert made.status == 201, made.text
        runs.append(made.json()["id"])
        points = {"key": f"m/{number}", "values": [1.0, 2.0], "steps": [0, 1]}
        workshop.post(f"/api/v1/runs/{runs[-1]}/log", {"metrics": [points]})
    quoted = (text.replace('"', '""') for text in texts)
    contents = {
        "a.md": "\n\n".join(texts),
        "a.csv": "a,b\n" + "\n".join(f'"{text}",1' for text in quoted),
        "a.json": json.dumps(texts),
        "a.txt": "\n".join(texts),
        "a.svg": f"<svg xmlns='http://www.w3.org/2000/svg'>{EVIL}</svg>",
    }
    for name, content in contents.items():
        store_file(workshop, runs[0], name, content)
    experiments = [each["name"] for each in workshop.get("/api/v1/experiments").json()["experiments"]]
    first, two = runs[0][:12], f"{runs[0][:12]},{runs[1][:12]}"
    pages = [
        "/",
        "/e/hostile?view=table",
        "/e/hostile?view=charts",
        "/e/hostile?group=p.p",
        f"/r/{first}",
        f"/r/{first}/charts",
    ]
    pages += [f"/r/{first}/artifacts/a.{ending}" for ending in ("md", "csv", "json", "txt", "svg")]
    pages += [
        f"/compare?runs={two}",
        "/models",
        "/projects",
        *(f"/e/{quote(name, safe='')}" for name in experiments[:3]),
    ]
    page = open_page(workshop.url)
    for path in pages:
        page.goto(workshop.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("() => window.pwned === undefined"), path


def test_the_console_follows_a_run_that_runs(workshop: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    """Issue: the console's tab follows."""
    go = tmp_path / "go"
    script = tmp_path / "program.py"
    script.write_text(
        "import autotrack, pathlib, time\nautotrack.enable()\n"
        "with autotrack.start_run('talks', 'talking') as run:\n    print('the first words', flush=True)\n"
        f"    while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n"
        f"    print('the last words', flush=True)\n    while pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n"
    )
    where: dict[str, Any] = {**os.environ, "AUTOTRACK_TRACKING_URI": str(workshop.store)}
    command = [sys.executable, "-m", "autotrack", "run", str(script)]
    process = subprocess.Popen(command, cwd=tmp_path, env=where, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while workshop.get("/api/v1/columns?exp=talking").status != 200:
            assert time.monotonic() < deadline, "the run did not appear"
            time.sleep(0.1)
        page = open_page(f"{workshop.url}/e/talking?view=table")
        page.get_by_role("link", name="talks").click(timeout=30_000)
        page.get_by_role("link", name="Logs").click()
        page.get_by_text("the first words").wait_for(timeout=30_000)
        go.touch()
        page.get_by_text("the last words").wait_for(timeout=30_000)
    finally:
        go.unlink(missing_ok=True)
        process.wait(timeout=30)


def test_steps_of_a_workflow_are_drawn(workshop: ServerProcess, open_page: Open) -> None:
    """Which step took what from which, as `autotrack runs show --graph` says it; a search has no steps to draw."""

    def made(name: str, parent: str | None = None, **params: str) -> str:
        body = {"experiment": "flow", "name": name, "params": params, **({"parent": parent} if parent else {})}
        return str(workshop.post("/api/v1/runs", body).json()["id"])

    top, search = made("pipeline"), made("search")
    load = made("load", top)
    clean = made("clean", top, data=f"runs:/{load}/raw.csv")
    made("train", top, x=f"runs:/{clean}/x.npy", raw=f"runs:/{load}/raw.csv")
    made("candidate", search)
    page = open_page(f"{workshop.url}/r/{top[:12]}/children")
    page.locator("[data-step=train]").wait_for()
    lefts = [page.locator(f"[data-step={name}]").bounding_box()["x"] for name in ("load", "clean", "train")]  # type: ignore[index]
    assert lefts == sorted(set(lefts))
    assert page.locator(".workflow path").count() == 3
    took = (page.locator("[data-step=train]").get_attribute("title") or "").removeprefix("took ")
    assert set(took.split("; ")) == {"x from clean", "raw from load"}
    page.locator("[data-step=clean]").click()
    page.get_by_role("heading", name="clean").wait_for()
    page.goto(f"{workshop.url}/r/{search[:12]}/children")
    page.get_by_role("link", name="candidate").wait_for()
    assert page.locator(".workflow").count() == 0
