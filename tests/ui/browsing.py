"""What tests of the pages share besides fixtures."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

#: The fixture ``open_page``: ``open_page(url, width=1440, height=900, theme="light", trouble=("expected message",))``.
Open = Callable[..., "Page"]

_watched: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()


def rows_of(page: Page) -> list[list[str]]:
    """The cells' texts of the rows that are in the document, in the order in which they stand."""
    found = page.evaluate(
        """() => [...document.querySelectorAll('.grid .row:not(.head)')]
        .sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'))
        .map(row => [...row.querySelectorAll('[role=gridcell]')].map(cell => cell.innerText.trim()))"""
    )
    return [list(map(str, row)) for row in found]


def ready(page: Page, rows: int = 1) -> None:
    """Waits until so many rows of a table of runs have their names."""
    page.wait_for_function(
        """rows => [...document.querySelectorAll('.grid .row:not(.head) .name a')].filter(name => name.innerText).length
        >= rows""",
        arg=rows,
    )


def headings(page: Page) -> list[str]:
    """The headings of a table of runs, without the signs of their order."""
    return [text.rstrip("▲▼").strip() for text in page.locator(".grid .head [role=columnheader]").all_inner_texts()]


def watch(page: Page) -> None:
    """Begins to count what the page computes: to be called before it loads, since the browser counts from then on."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # seconds of the processor, not of the clock
    _watched[page] = session


def cpu(page: Page) -> float:
    """Seconds that the page has computed since ``watch`` (which ``open_page`` calls)."""
    found = {each["name"]: each["value"] for each in _watched[page].send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def query(store: Path, statement: str, *values: Any) -> Any:
    """The one value that a statement finds in a store's database."""
    connection = sqlite3.connect(f"file:{store / 'autotrack.db'}?mode=ro", uri=True)
    try:
        return connection.execute(statement, values).fetchone()[0]
    finally:
        connection.close()
