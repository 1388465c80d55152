"""Making a run again writes over no file of the user's, unless it is told to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from autotrack.rebuilding import Kind
from autotrack.rebuilding.bisection import Found
from tests.e2e.rerun import made, rebuilt

#: A program whose output is its last argument.
TRAIN = """
    import sys, pathlib, autotrack
    out = pathlib.Path(sys.argv[-1])
    (out / "model.txt" if out.is_dir() else out).write_text("w 1.5")
    autotrack.start_run("a").log_metric("loss", 0.5)
"""


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("where", ["elsewhere", "elsewhere/model.txt", "--out=elsewhere/model.txt", "../model.txt"])
def test_what_an_argument_has_written_goes_to_the_fresh_folder(project: Path, tmp_path: Path, where: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    source = TRAIN.replace("sys.argv[-1]", 'sys.argv[-1].removeprefix("--out=")')
    first = made(project, source, where.replace("elsewhere", str(tmp_path / "elsewhere")))
    place = tmp_path / ("model.txt" if ".." in where else "elsewhere/model.txt")
    place.write_text("later")
    verdict = rebuilt(first)
    assert verdict.kind is Kind.IDENTICAL and "1 file that it wrote" in verdict.compared, str(verdict)
    assert place.read_text() == "later"


def test_what_the_program_names_itself_is_not_written_over(project: Path, tmp_path: Path) -> None:
    place = tmp_path / "model.txt"
    first = made(project, TRAIN.replace("sys.argv[-1]", repr(str(place))))
    place.write_text("later")
    count = len(autotrack.search_runs())
    command = [sys.executable, "-m", "autotrack", "rebuild", first.id, "--env", "local"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 3 and f"would write over {place}" in done.stdout and "--overwrite" in done.stdout
    assert place.read_text() == "later" and len(autotrack.search_runs()) == count  # nothing ran
    done = subprocess.run([*command, "--overwrite"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0 and "1 file that it wrote" in done.stdout, done.stdout
    assert place.read_text() == "w 1.5"
    place.unlink()
    assert rebuilt(first).kind is Kind.IDENTICAL  # nothing is there to be lost


def test_a_search_for_the_cause_writes_over_nothing(project: Path, tmp_path: Path) -> None:
    source = TRAIN.replace('"a").log_metric("loss", 0.5)', '"a").log_metric("loss", float(sys.argv[1]))')
    place = tmp_path / "model.txt"
    runs = [made(project, source, rate, str(place)) for rate in ("0.1", "0.3")]
    place.write_text("later")
    found = autotrack.bisect(*(run.id for run in runs), env="local")
    assert found.kind is Found.CAUSE and place.read_text() == "later", str(found)
    source = source.replace("sys.argv[-1]", repr(str(place)))
    runs = [made(project, source, rate) for rate in ("0.1", "0.3")]
    place.write_text("later")
    found = autotrack.bisect(*(run.id for run in runs), env="local")
    assert found.kind is Found.IMPOSSIBLE and f"write over {place}" in str(found.problems), str(found)
    assert place.read_text() == "later" and "--overwrite" in str(found)
    command = [sys.executable, "-m", "autotrack", "bisect", *(run.id for run in runs), "--env", "local", "--overwrite"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0 and "CAUSE FOUND" in done.stdout and place.read_text() == "w 1.5", done.stdout


def test_nor_does_a_search_over_a_file_of_its_own_folder(project: Path) -> None:
    place = project / "model.txt"
    source = TRAIN.replace("sys.argv[-1]", repr(str(place))).replace("0.5", "float(sys.argv[1])")
    runs = [made(project, source, rate) for rate in ("0.1", "0.3")]
    place.write_text("later")
    found = autotrack.bisect(*(run.id for run in runs), env="local")
    assert found.kind is Found.IMPOSSIBLE and place.read_text() == "later", str(found)
    assert f"about to write over {place}" in str(found) and "--overwrite" in str(found)
    found = autotrack.bisect(*(run.id for run in runs), env="local", overwrite=True)
    assert found.kind is Found.CAUSE and place.read_text() == "w 1.5", str(found)


@pytest.mark.parametrize("way", ["out.write_text('w')", "os.replace('t', out)", "out.unlink()", "open(out, 'a')"])
def test_nor_is_a_file_of_its_own_folder_by_an_absolute_name(project: Path, way: str) -> None:
    place = project / "model.txt"
    source = f"""
        import os, pathlib, autotrack
        out = pathlib.Path({str(place)!r})
        pathlib.Path("t").write_text("w 1.5")
        if out.exists():
            {way}
        else:
            out.write_text("w 1.5")
        autotrack.start_run("a").log_metric("loss", 0.5)
    """
    first = made(project, source)
    verdict = rebuilt(first)
    assert verdict.kind is Kind.IMPOSSIBLE and f"write over {place}" in str(verdict), str(verdict)
    assert place.read_text() == "w 1.5"
