"""What a verdict may say: IDENTICAL only where something that came out was compared, and was the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from autotrack.rebuilding import Kind
from tests.e2e.rerun import made, rebuilt

CHANCE = 'int.from_bytes(os.urandom(4), "little")'


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("source", "kind", "what"),
    [
        (f"import os; print('accuracy', {CHANCE})", Kind.DIFFERENT, "output, line 1"),
        (f"import os; open('w.txt', 'w').write(str({CHANCE}))", Kind.DIFFERENT, "file w.txt"),
        (f"import os; open('plot.svg', 'w').write(str({CHANCE})); print(1)", Kind.IDENTICAL, "plot.svg: "),
        ("print('accuracy', 0.5)", Kind.IDENTICAL, None),
        ("open('w.txt', 'w').write('0.5')", Kind.IDENTICAL, None),
        ("import os; open('w.txt', 'w').write(os.getcwd())", Kind.IDENTICAL, None),
        (f"import os; open('v_%d.txt' % {CHANCE}, 'w').write('1')", Kind.IDENTICAL, None),
        ("pass", Kind.IMPOSSIBLE, "nothing that came out"),
        (f"import os; open('plot.svg', 'w').write(str({CHANCE}))", Kind.IMPOSSIBLE, "nothing that came out"),
    ],
)
def test_a_project_that_logs_nothing(project: Path, source: str, kind: Kind, what: str | None) -> None:
    """Its parameters go in: what it prints and writes comes out."""
    (project / "MLproject").write_text(
        "name: p\nentry_points:\n  main:\n    parameters:\n      lr: {type: float, default: 0.1}\n"
        "    command: 'python t.py {lr}'\n"
    )
    (project / "t.py").write_text(source + "\n")
    command = [sys.executable, "-m", "autotrack", "run", ".", "--env", "local"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    verdict = rebuilt(autotrack.last_run())
    assert verdict.kind is kind, str(verdict)
    assert "params" not in str(verdict.compared)
    assert what is None or what in str(verdict)
    assert "lr: given to the project" in str(verdict)


def test_another_error_is_another_end(project: Path, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    source = f"""
        import os, autotrack
        with autotrack.start_run("a") as run:
            run.log_metric("loss", 1.0)
            if "{flag.name}" not in os.listdir("{tmp_path}"):
                os.mkdir("{flag}")
                raise MemoryError("out of memory")
            raise PermissionError("in " + os.getcwd())
    """
    first = made(project, source, code=1)
    verdict = rebuilt(first)
    assert verdict.kind is Kind.DIFFERENT and [each.what for each in verdict.differences] == ["error"], str(verdict)
    verdict = rebuilt(made(project, source, code=1))
    assert verdict.kind is Kind.IDENTICAL, str(verdict)


def test_results_that_sound_like_time_are_compared(project: Path) -> None:
    source = f"""
        import os, autotrack
        run = autotrack.start_run("a")
        run.log_metrics({{"rmse_ms": float({CHANCE}), "fit_seconds": float({CHANCE})}})
    """
    verdict = rebuilt(made(project, source))
    assert verdict.kind is Kind.DIFFERENT and [each.what for each in verdict.differences] == ["rmse_ms"], str(verdict)
    assert "not compared fit_seconds: how long something took" in str(verdict)
    command = [sys.executable, "-m", "autotrack", "rebuild", verdict.run, "--env", "local", "--leave-out", "rmse_ms"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 3 and "not compared fit_seconds, rmse_ms: how long" in done.stdout, done.stdout


def test_a_long_field_is_content_like_another(project: Path) -> None:
    source = """
        import autotrack, os
        open("emb.csv", "w").write("id,vec\\n1," + os.urandom(80_000).hex() + "\\n")
        run = autotrack.start_run("a")
        run.log_metric("loss", 1.0)
        run.log_artifact("emb.csv")
    """
    verdict = rebuilt(made(project, source))
    assert verdict.kind is Kind.DIFFERENT, str(verdict)
    assert {each.what for each in verdict.differences} == {"artifact emb.csv", "file emb.csv"}


def test_folds_in_threads_are_held_against_their_like(project: Path) -> None:
    source = """
        import autotrack, random, threading
        order = random.SystemRandom().sample(range(4), 4)
        for fold in order:
            with autotrack.start_run(f"fold{fold}") as run:
                run.log_param("fold", fold)
                run.log_metric("loss", float(fold))
    """
    first = made(project, source)
    for _ in range(2):
        verdict = rebuilt(first)
        assert verdict.kind is Kind.IDENTICAL, str(verdict)
        assert autotrack.get_run(str(verdict.rebuilt)).name == first.name


def test_what_is_written_after_a_training_is_of_it(project: Path) -> None:
    """Several runs in one program: each is judged by what was written from its start to the next one's."""
    source = f"""
        import os, autotrack
        for name, content in ("one", "1"), ("two", str({CHANCE})):
            autotrack.start_run(name).finish()
            open(name + ".txt", "w").write(content)
    """
    made(project, source)
    one, two = sorted(autotrack.search_runs(), key=lambda run: run.name)
    verdict = rebuilt(one)
    assert verdict.kind is Kind.IDENTICAL and verdict.compared == ("1 file that it wrote",), str(verdict)
    verdict = rebuilt(two)
    assert [each.what for each in verdict.differences] == ["file two.txt"], str(verdict)
