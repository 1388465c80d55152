"""Registered models in a real browser. Numbers in docstrings: the checks that the pages must pass."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open
from tests.ui.conftest import environment


@pytest.fixture
def own_site(showcase: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server over a copy of the showcase, for a test that moves aliases."""
    shutil.copytree(showcase, tmp_path / "store")
    started = ServerProcess(tmp_path, store=tmp_path / "store", environment=environment())
    yield started
    started.close()


def test_an_alias_moves_by_the_keyboard_and_back(own_site: ServerProcess, open_page: Open) -> None:
    """22: the alias's page shows v1; moved with keys alone it shows v2; Undo gives v1; signature; source run."""
    said = {"value": "0.412 (tenure_months)"}  # as a server of the version does
    assert own_site.request("PUT", "/api/v1/models/churn/versions/1/tags/production.psi", said).status == 200
    page = open_page(f"{own_site.url}/models/churn/@champion")
    page.locator("[data-shown='1']").wait_for()
    page.locator(".models .metrics", has_text="val_accuracy").wait_for()  # what production says, beside its training
    assert "production.psi: 0.412 (tenure_months)" in page.locator(".models .tags").first.inner_text()
    fields = page.locator("table.signature[data-of=takes] tbody tr")
    fields.first.wait_for()
    cells = [row.locator("td").all_inner_texts()[:2] for row in fields.all()]
    assert len(cells) == 5 and ["tenure_months", "double"] in cells
    chip = page.locator("[data-alias=champion] button").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if chip.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Move @champion from v1 to v2?").wait_for()
    page.keyboard.press("Enter")
    page.locator("[data-shown='2']").wait_for()
    assert own_site.get("/api/v1/models/churn/aliases/champion").json()["version"] == 2
    page.get_by_role("button", name="Undo").click()
    page.locator("[data-shown='1']").wait_for()
    page.locator("[data-part=run] a").click()
    page.wait_for_url("**/r/*")
    page.get_by_role("heading", name="logistic regression").wait_for()
    page.goto(f"{own_site.url}/models/churn")
    page.locator(".moves tbody tr").nth(2).wait_for()
    moved = own_site.request("PUT", "/api/v1/models/churn/aliases/champion", {"version": 2})  # somebody else, meanwhile
    assert moved.status == 200, moved.text
    page.locator("[data-version='2'] [data-alias=champion]").wait_for()


def test_a_version_says_how_it_differs_from_the_champion(site: ServerProcess, open_page: Open) -> None:
    page = open_page(f"{site.url}/models")
    row = page.locator("[data-model=churn]")
    page.wait_for_function("() => document.querySelector('[data-model=churn]')?.innerText.includes('0.1155')")
    assert "@champion" in row.inner_text() and "val_loss" in row.inner_text() and "boosted trees" in row.inner_text()
    row.get_by_role("link", name="v2").click()
    page.locator(".against [data-key='m.val_loss']").wait_for()
    assert "+" in page.locator(".against [data-key='m.val_accuracy'] .delta.good").inner_text()
    assert page.locator(".against [data-key='learning_rate']").count() == 1


def test_names_are_text(workshop: ServerProcess, open_page: Open) -> None:
    """20: a name, a tag and an alias's page of a model whose name is markup."""
    hostile = "<img src=x onerror=window.pwned=1> it's 100%"
    assert workshop.post("/api/v1/models", {"name": hostile, "tags": {hostile: hostile}}).status == 201
    version = {"source": "s3://" + hostile, "description": hostile}
    assert workshop.post(f"/api/v1/models/{_escaped(hostile)}/versions", version).status == 201
    page = open_page(f"{workshop.url}/models")
    page.get_by_role("link", name=hostile).click()
    page.get_by_role("heading", name=hostile).wait_for()
    page.get_by_role("link", name="v1").click()
    page.get_by_text("It was registered from").wait_for()
    assert page.evaluate("() => window.pwned") is None


def _escaped(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
