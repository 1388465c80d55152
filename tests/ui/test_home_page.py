"""The first page, the way to anything by a few letters, and logging in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open
from tests.ui.conftest import environment

PASSWORD = "Kohlrabi-und-Sellerie-7"


def test_the_experiments_are_listed_and_lead_on(site: ServerProcess, open_page: Open) -> None:
    page = open_page(site.url)
    row = page.locator('[data-experiment="ups-and-downs"]')
    assert "1 failed" in row.inner_text() and "val_score" in row.inner_text()
    page.get_by_role("button", name="experiment").click()
    page.wait_for_url("**sort=name*")
    names = page.locator(".experiments tbody tr .named").all_inner_texts()
    assert names == sorted(names) and len(names) > 5
    page.keyboard.press("/")
    page.keyboard.type("swe")
    page.get_by_text("1 of 7 experiments").wait_for()
    page.get_by_role("link", name="sweep").click()
    assert page.url == f"{site.url}/e/sweep"
    page.go_back()
    page.get_by_role("link", name="sweep").wait_for()


def test_what_runs_is_seen_and_experiments_are_renamed_and_archived(workshop: ServerProcess, open_page: Open) -> None:
    hostile = "<img src=x onerror=window.pwned=1> " + "long" * 60
    run = workshop.post("/api/v1/runs", {"experiment": "nets", "name": hostile}).json()["id"]
    workshop.post(f"/api/v1/runs/{run}/log", {"params": {"epochs": "10"}})
    log = {"metrics": [{"key": "val_loss", "values": [0.5, 0.25], "steps": [0, 4]}]}
    workshop.post(f"/api/v1/runs/{run}/log", log)
    page = open_page(workshop.url)
    strip = page.get_by_label("running now")
    strip.wait_for()
    assert hostile in strip.inner_text() and "nets" in strip.inner_text() and "0.25" in strip.inner_text()
    page.locator("[data-experiment=nets]").hover()
    page.get_by_role("button", name="Rename").click()
    page.keyboard.type("networks")
    page.keyboard.press("Enter")
    page.locator("[data-experiment=networks]").hover()
    page.get_by_role("button", name="Archive").click()
    page.locator(".notice", has_text="archived").get_by_role("button", name="Undo").click()
    page.locator("[data-experiment=networks]").hover()
    page.get_by_role("button", name="Archive").click()
    page.locator("[data-experiment=networks]").wait_for(state="detached")
    page.get_by_role("link", name="archived").click()
    page.locator("[data-experiment=networks]").hover()
    page.get_by_role("button", name="Restore").click()
    page.get_by_text("Nothing is archived").wait_for()
    assert page.evaluate("() => window.pwned") is None
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_few_letters_lead_to_experiments_runs_models_and_actions(site: ServerProcess, open_page: Open) -> None:
    page = open_page(site.url)
    page.get_by_role("link", name="sweep").wait_for()

    def go(words: str, kind: str) -> None:
        page.keyboard.press("Control+k")
        page.locator(".finder input").fill(words)
        found = page.locator(".finder li").filter(has_text=re.compile(f"^\\s*{kind}")).first
        found.wait_for()
        while found.get_attribute("aria-selected") != "true":
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for(state="detached")

    go("swep", "experiment")
    page.wait_for_url("**/e/sweep*")
    go("trial-07282", "run")
    page.wait_for_url("**/r/*")
    go("churn", "model")
    page.wait_for_url("**/models/churn")
    go("all experiments", "action")
    page.wait_for_url(f"{site.url}/")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that lets in only users, and has none yet."""
    started = ServerProcess(tmp_path, "--auth", environment=environment())
    yield started
    started.close()


def test_the_first_user_logs_in_and_out_in_the_browser(guarded: ServerProcess, open_page: Open) -> None:
    page = open_page(f"{guarded.url}/?q=net", trouble=("401",))
    page.wait_for_url("**/login?next=*")
    code = re.search(r"\b[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}\b", guarded.output())[0]  # type: ignore[index]
    page.get_by_label("One-time code").fill(code)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{guarded.url}/?q=net")
    page.get_by_text("No runs yet").wait_for()
    assert page.evaluate("() => document.cookie") == ""
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{guarded.url}/login?next=//evil.example/x")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{guarded.url}/")
