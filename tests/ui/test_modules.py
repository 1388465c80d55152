"""What the browser runs: its types, its pure modules, and the parts that others wrote."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from autotrack.server.pages.assets import without_comments

UI = Path(__file__).parents[2] / "autotrack" / "server" / "ui"
OURS = [path for path in UI.rglob("*.js") if "vendor" not in path.parts]


@pytest.mark.parametrize("script", ["types", "test"])
def test_node_finds_nothing_wrong(node: Path, script: str) -> None:
    done = subprocess.run(["npm", "run", script], cwd=node, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_vendored_files_are_those_that_were_published() -> None:
    listed = json.loads((UI / "vendor" / "VENDOR.json").read_text())
    files = {path.name for path in (UI / "vendor").iterdir() if path.suffix in (".js", ".css")}
    assert files == set(listed)
    for name, part in listed.items():
        assert hashlib.sha256((UI / "vendor" / name).read_bytes()).hexdigest() == part["sha256"], name


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(UI).as_posix())
def test_a_module_makes_no_markup_of_text_and_fits_on_a_few_screens(path: Path) -> None:
    text = path.read_text()
    forbidden = r"dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(forbidden, text)
    assert text.count("\n") < 300, "a module of the pages has fewer than 300 lines"
    assert text.startswith("// "), "a module says in its first line what it is for"


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(UI).as_posix())
def test_what_is_served_is_the_module_without_its_comments_line_for_line(path: Path) -> None:
    text = path.read_text()
    served = without_comments(text)
    assert served.count("\n") == text.count("\n")
    left = [(old, new) for old, new in zip(text.split("\n"), served.split("\n"), strict=True) if old != new]
    assert left and all(new == "" and re.match(r"\s*(//|/\*\*|\*)", old) for old, new in left)
