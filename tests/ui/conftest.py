"""A real browser, and a real server over a store that was filled by really training.

Where there is no browser, or no Node, tests that need it are skipped and say so; with
AUTOTRACK_TEST_EVERYTHING they fail.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def missing(what: str) -> None:
    """Ends a test that needs what is not there."""
    (pytest.fail if "AUTOTRACK_TEST_EVERYTHING" in os.environ else pytest.skip)(what)


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``tests/ui`` with what its package.json asks for, installed by npm."""
    npm = shutil.which("npm")
    if npm is None:
        missing("no npm: install Node 20 or newer to check the pages' types and modules")
    base = tmp_path_factory.getbasetemp()
    complete = HERE / "node_modules" / ".complete"
    with ((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "npm").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one test process installs
        if not complete.exists() or complete.stat().st_mtime < (HERE / "package.json").stat().st_mtime:
            done = subprocess.run([npm, "install"], cwd=HERE, capture_output=True, text=True, timeout=300)
            if done.returncode:
                missing(f"npm could not install what the checks of the pages need: {done.stderr[-500:]}")
            complete.touch()
    return HERE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. For a module, not a session: while it is open, asyncio takes its loop for one that runs here."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        missing(f"no browser: install one of {', '.join(_BROWSERS)} to test the pages (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=_OPTIONS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address in a context of its own. Fails the test if anything was written to the console as an error,
    an exception escaped, a dialog opened, or a request went elsewhere.

    ``open_page(url, width=1440, height=900, theme="light", trouble=["part of an expected message"])``
    """
    contexts = []
    wrong: list[str] = []

    def open_(
        url: str, *, width: int = 1440, height: int = 900, theme: str = "light", trouble: tuple[str, ...] = ()
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()

        def note(what: str) -> None:
            if not any(part in what for part in trouble):
                wrong.append(f"{page.url}: {what}")

        page.on("console", lambda line: note(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: note(f"exception: {error}"))
        page.on("dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: note(f"asked {request.url}") if _foreign(request.url) else None)
        page.set_default_timeout(15_000)
        watch(page)
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


def _foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "blob:", "data:", "chrome:", "chrome-extension:"))


@pytest.fixture(scope="session")
def showcase(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of ``autotrack demo --seed 7``: 10,000 runs, long curves, models. Made once for all test processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "showcase"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            command = [sys.executable, "-m", "autotrack", "--store", str(folder / ".autotrack"), "demo", "--seed", "7"]
            done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
            (folder / "made").touch()
    return folder / ".autotrack"


@pytest.fixture(scope="session")
def site(showcase: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server over that store, for tests that only look; those that change something have a ``workshop``."""
    started = ServerProcess(tmp_path_factory.mktemp("site"), store=showcase, environment=environment())
    yield started
    started.close()


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server over a store of the test's own, which is empty."""
    started = ServerProcess(tmp_path, environment=environment())
    yield started
    started.close()
