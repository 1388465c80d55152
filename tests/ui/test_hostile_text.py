"""R28 and R29 in the browser: texts that have run as scripts elsewhere, in every field and file, on every page.

``open_page`` fails these tests on a dialog, a report that the policy was broken, an exception, or a request elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXTS: list[str] = json.loads(Path(__file__).with_name("hostile_texts.json").read_text())
BYTES = {"Content-Type": "application/octet-stream"}
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned=1'>{TEXTS[1]}</svg>"


def visit(page: Page, server: ServerProcess, paths: list[str]) -> None:
    """Opens each address and lets everything come that it asks for."""
    for path in paths:
        page.goto(server.url + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("() => window.pwned === undefined"), path


def put(server: ServerProcess, run: str, path: str, content: str) -> int:
    target = f"/api/v1/runs/{run}/artifacts/{quote(path)}"
    return server.request("PUT", target, content.encode(errors="surrogatepass"), BYTES).status


@pytest.mark.slow
def test_texts_of_a_client_stay_texts(workshop: ServerProcess, open_page: Open) -> None:
    """20: experiment, run name, user, param, tag, note, metric, error, file name and content, model and its words."""
    assert len(TEXTS) >= 40
    runs: list[str] = []
    for number, text in enumerate(TEXTS):
        name = f"x {number} {text[:80]}" if number < 3 else "hostile"
        body = {"experiment": name, "name": text[:200], "user": text[:200], "params": {"p": text, f"k {number}": text}}
        made = workshop.post("/api/v1/runs", {**body, "tags": {"mlflow.note.content": text, "t": text}})
        assert made.status == 201, made.text
        runs.append(made.json()["id"])
        points = {"key": f"m/{number}", "values": [1.0, 2.0], "steps": [0, 1]}
        workshop.post(f"/api/v1/runs/{runs[-1]}/log", {"metrics": [points]})
    first, failed = runs[0], runs[1]
    assert workshop.post(f"/api/v1/runs/{failed}/finish", {"status": "FAILED", "error": "\n".join(TEXTS)}).status == 200
    named = [text for text in TEXTS if len(text) < 200 and put(workshop, first, f"names/{text}.txt", text) == 200]
    assert len(named) > 15 and TEXTS[0] in named
    quoted = (text.replace('"', '""') for text in TEXTS)
    cells = [{"cell_type": "markdown", "source": TEXTS}, {"cell_type": "code", "source": TEXTS, "outputs": []}]
    contents = {
        "a.md": "\n\n".join(TEXTS),
        "a.csv": "a,b\n" + "\n".join(f'"{text}",1' for text in quoted),
        "a.json": json.dumps(TEXTS),
        "rows.json": json.dumps([{text: text} for text in TEXTS[:20]]),
        "a.txt": "\n".join(TEXTS),
        "a.ipynb": json.dumps({"cells": cells}),
        "a.svg": SVG,
        "a.pdf": "%PDF-1.4 no more of it",
        "model/MLmodel": f"artifact_path: {TEXTS[0]}\nsignature:\n  inputs: '{json.dumps([{'name': TEXTS[0]}])}'\n",
    }
    for path, content in contents.items():
        assert put(workshop, first, path, content) == 200
    models = [text for text in TEXTS if workshop.post("/api/v1/models", {"name": text[:200]}).status == 201]
    for model in models[:3]:
        at = f"/api/v1/models/{quote(model[:200], safe='')}"
        version = {
            "source": f"runs:/{first}/model",
            "run": first,
            "description": TEXTS[0],
            "tags": {TEXTS[0]: TEXTS[1]},
        }
        assert workshop.post(f"{at}/versions", version).status == 201
    assert models
    short, two = first[:12], f"{first[:12]},{runs[1][:12]}"
    experiments = [each["name"] for each in workshop.get("/api/v1/experiments").json()["experiments"]]
    paths = ["/", "/models", "/projects", "/compare?runs=" + two, f"/r/{failed[:12]}", f"/r/{short}"]
    paths += [f"/e/hostile?{query}" for query in ("view=table", "view=charts", "group=p.p")]
    paths += [f"/e/{quote(name, safe='')}" for name in experiments[:2]]
    paths += [f"/r/{short}/{part}" for part in ("charts", "artifacts", "artifacts/names", "notebook", "nowhere")]
    paths += [f"/r/{short}/artifacts/{quote(path)}" for path in contents]
    paths += [f"/r/{short}/artifacts/names/{quote(name)}.txt" for name in named[:1]]
    paths += [f"/models/{quote(model[:200], safe='')}{rest}" for model in models[:1] for rest in ("", "/v/1")]
    visit(open_page(workshop.url, trouble=("404",)), workshop, paths)


PROGRAM = """
import json, sys, autotrack
autotrack.enable()
texts = json.loads(sys.argv[1])
with autotrack.start_run("told", "programs") as run:
    for text in texts:
        print(text)
        print(text, file=sys.stderr)
        run.log_dataset({text or "x": [1.0, 2.0]}, name=text, context="train")
    raise ValueError(" ".join(texts))
"""


def test_texts_of_a_program_stay_texts(workshop: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    """What is captured and nobody logged: arguments, output, data sets, sources, changes, the error."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "told.py").write_text(PROGRAM)
    (tmp_path / "<b>kept.py").write_text("1\n")
    for command in (["init", "-qb", "<img-src=x>"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "<b>kept.py").write_text("\n".join(TEXTS))
    (tmp_path / "new.py").write_text("\n".join(TEXTS))
    where = {**os.environ, "AUTOTRACK_TRACKING_URI": str(workshop.store), "PYTHONIOENCODING": "utf-8"}
    few = [text for text in TEXTS if len(text) < 1000]
    command = [sys.executable, "told.py", json.dumps(few)]
    done = subprocess.run(command, cwd=tmp_path, env=where, capture_output=True, text=True, timeout=60)
    assert "ValueError" in done.stderr, done.stderr
    table = workshop.get("/api/v1/table?exp=programs&cols=name").json()
    at = f"/r/{table['ids'][0][:12]}"
    tabs = ("", "/code", "/env", "/data", "/logs")
    page = open_page(workshop.url)
    visit(page, workshop, [f"{at}{tab}" for tab in tabs])
    page.goto(f"{workshop.url}{at}/code")
    page.locator(".patch .added", has_text=TEXTS[0]).first.wait_for()
