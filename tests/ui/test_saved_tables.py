"""Every table of a page can be saved as it stands, with all digits."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server.server_process import ServerProcess
from tests.ui.browsing import Open, query
from tests.ui.conftest import environment

LARGEST = "SELECT parent FROM runs WHERE parent IS NOT NULL GROUP BY parent ORDER BY count(*) DESC LIMIT 1"
PROJECTS = """
import autotrack
for entry in ("train", "test"):
    with autotrack.start_run(tags={"autotrack.project": "churn", "mlflow.project.entryPoint": entry}):
        pass
"""


def saved(page: Any, folder: Path) -> list[list[str]]:
    """The rows of the file that the button of the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).first.click()
    download.value.save_as(folder / "saved.csv")
    return list(csv.reader(io.StringIO((folder / "saved.csv").read_bytes().decode())))


def test_tables_of_a_run_are_saved(site: ServerProcess, showcase: Path, open_page: Open, tmp_path: Path) -> None:
    search = str(query(showcase, LARGEST))
    page = open_page(f"{site.url}/r/{search[:12]}/children")
    found = saved(page, tmp_path)
    children = site.get(f"/api/v1/table?cols=name&where=parent+%3D+'{search}'&limit=1000").json()
    assert found[0][:2] == ["run", "name"]
    assert sorted(row[0] for row in found[1:]) == sorted(children["ids"])
    page.goto(f"{site.url}/r/{search[:12]}/env")
    packages = saved(page, tmp_path)
    assert packages[0] == ["package", "version"]
    assert ["numpy"] in [row[:1] for row in packages] and all(len(row) == 2 for row in packages)
    page.get_by_label("search packages").fill("scikit")
    page.get_by_text("xgboost").wait_for(state="detached")
    assert all("scikit" in name for name, _ in saved(page, tmp_path)[1:])
    page.goto(f"{site.url}/r/{search[:12]}/data")
    files = saved(page, tmp_path)
    assert files[0] == ["file", "was", "size", "sha256"] and len(files) > 1
    assert all(role in ("read", "written") and int(size) >= 0 for _, role, size, _ in files[1:])


@pytest.mark.parametrize(("address", "headings"), [("/", "experiment"), ("/models", "model")])
def test_lists_are_saved(site: ServerProcess, open_page: Open, tmp_path: Path, address: str, headings: str) -> None:
    found = saved(open_page(site.url + address), tmp_path)
    assert found[0][0] == headings and len(found) > 1 and all(len(row) == len(found[0]) for row in found)


def test_projects_are_saved(workshop: ServerProcess, open_page: Open, tmp_path: Path) -> None:
    where = {**environment(), "AUTOTRACK_TRACKING_URI": str(workshop.store)}
    subprocess.run([sys.executable, "-c", PROJECTS], cwd=tmp_path, env=where, check=True, timeout=60)
    heading, row = saved(open_page(f"{workshop.url}/projects"), tmp_path)
    assert heading == ["project", "entry points", "runs", "last run"]
    assert row[0] == "churn" and sorted(row[1].split()) == ["test", "train"] and row[2] == "2"
