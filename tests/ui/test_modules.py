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


def test_what_is_served_is_the_modules_without_their_comments(node: Path, tmp_path: Path) -> None:
    """Each line is where it was, what is left of it was in it, and all of it is still JavaScript."""
    for number, path in enumerate(OURS):
        source, served = path.read_text().split("\n"), without_comments(path.read_bytes()).decode().split("\n")
        assert len(served) == len(source), path
        for before, after in zip(source, served, strict=True):
            left = iter(before)
            assert all(sign in left for sign in after), (path, before, after)
            assert not after.lstrip().startswith("//"), (path, after)
        (tmp_path / f"{number}.mjs").write_text("\n".join(served))
    checks = (
        "const { readFileSync } = require('fs'), { SourceTextModule } = require('vm')\n"
        "for (const file of process.argv.slice(1)) new SourceTextModule(readFileSync(file, 'utf8'), {})"
    )
    files = [str(tmp_path / f"{number}.mjs") for number in range(len(OURS))]
    command = ["node", "--experimental-vm-modules", "--no-warnings", "-e", checks, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
