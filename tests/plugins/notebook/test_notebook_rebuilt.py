"""Notebooks run again from what was kept: with the parameters of papermill, with magics; what is not known is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import autotrack
from autotrack.rebuilding import Kind
from tests.plugins.notebook.kernels import program, write_notebook

ENABLE = "import autotrack; autotrack.enable()"
#: Nothing in it is seeded.
DRAW = """
import numpy
with autotrack.start_run(NAME) as run:
    run.log_param("depth", depth)
    run.log_metric("drawn", numpy.random.default_rng().normal(size=depth).sum())
"""


@pytest.fixture
def folder(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


def test_with_the_parameters_that_papermill_put_in(folder: Path) -> None:
    """The cell that papermill writes behind the one with the defaults ran, and so it is run again."""
    import nbformat

    path = write_notebook(folder / "study.ipynb", ENABLE, "NAME = 'study'; depth = 1", DRAW)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, path)
    program("papermill", path, folder / "out.ipynb", "-p", "depth", "3", "--no-progress-bar", cwd=folder)
    [run] = autotrack.search_runs()
    assert run.params["depth"] == "3"
    for each in (path, folder / "out.ipynb"):
        each.unlink()
    verdict = autotrack.rebuild(run.id)
    assert verdict.kind is Kind.IDENTICAL and "1 points of metrics" in verdict.compared, str(verdict)
    assert autotrack.get_run(str(verdict.rebuilt)).params["depth"] == "3"


def test_with_magics(folder: Path) -> None:
    """What a shell read is not known, and is named; a file that Python read and that is gone keeps all from running."""
    (folder / "rows.txt").write_text("1\n2\n")
    (folder / "read.txt").write_text("3")
    path = write_notebook(
        folder / "magics.ipynb",
        "%matplotlib inline\n%load_ext autoreload\n%autoreload 2\n" + ENABLE,
        "listed = !pip list\nNAME = 'magic'",
        "%%capture shown\nprint('not to be seen')\ndepth = 2",
        "%time squares = [n * n for n in range(int(open('read.txt').read()))]\n%env CHOSEN=5",
        "%%time\n" + DRAW,
        "%%writefile beside.py\nHALF = 0.5",
        "import os, beside\nwith autotrack.start_run('after') as run:\n"
        "    run.log_params({'listed': len(listed) > 5, 'shown': shown.stdout, 'chosen': os.environ['CHOSEN']})\n"
        "    run.log_metric('half', beside.HALF * sum(squares))",
        "rows = !cat rows.txt\nwith autotrack.start_run('shell') as run: run.log_metric('rows', len(rows))",
    )
    program("nbconvert", "--to", "notebook", "--execute", path, "--output", "out.ipynb", cwd=folder)
    runs = {run.name: run for run in autotrack.search_runs()}
    assert runs["after"].params == {"listed": "True", "shown": "not to be seen\n", "chosen": "5"}
    for each in (path, folder / "out.ipynb", folder / "beside.py"):
        each.unlink()
    verdict = autotrack.rebuild(runs["magic"].id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    again = {run.name: run for run in autotrack.search_runs() if run.id not in {run.id for run in runs.values()}}
    assert again["after"].params == runs["after"].params and again["after"].metrics == runs["after"].metrics
    verdict = autotrack.rebuild(runs["shell"].id)
    assert verdict.kind is Kind.DIFFERENT and "what commands in cells read and write is not seen: cat rows.txt" in {
        gap.what for gap in verdict.unknown
    }
    shutil.rmtree(str(verdict.folder))
    (folder / "read.txt").unlink()
    verdict = autotrack.rebuild(runs["magic"].id)
    assert verdict.kind is Kind.IMPOSSIBLE and "read.txt is not there" in verdict.problems[0].what
