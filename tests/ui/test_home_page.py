"""The first page."""

from __future__ import annotations

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open


def test_the_experiments_are_listed_and_lead_on(site: ServerProcess, open_page: Open) -> None:
    page = open_page(site.url)
    page.get_by_role("link", name="sweep").click()
    assert page.url == f"{site.url}/e/sweep"
    page.go_back()
    page.get_by_role("link", name="sweep").wait_for()
