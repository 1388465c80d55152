"""Differences that were put between two runs: ``diff`` names each, ``bisect`` finds out by running which it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import autotrack
from autotrack import environments
from autotrack.core.launching import launched_with
from autotrack.core.runs import trackers
from autotrack.rebuilding.bisection import Found
from tests.unit.environments.wheels import put_wheel

TRAIN = """
    import argparse
    import os
    import random

    import autotrack
    from parts.shaping import shaped

    options = argparse.ArgumentParser()
    options.add_argument("--data")
    options.add_argument("--lr", type=float, default=0.1)
    options.add_argument("--seed", type=int)
    options.add_argument("--decay", type=float)
    options = options.parse_args()
    if options.seed is not None:
        random.seed(options.seed)
    rows = [tuple(map(float, line.split(","))) for line in open(options.data)]
    weight = random.random()
    if os.path.exists("start.txt"):
        weight += float(open("start.txt").read())
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    with autotrack.start_run("planted") as run:
        for step in range(5):
            error = sum((weight * x - shaped(y)) ** 2 for x, y in rows) / len(rows) / threads
            weight -= options.lr * sum((weight * x - shaped(y)) * x for x, y in rows) / len(rows)
            run.log_metric("loss", error, step=step)
"""
FILES = {
    "train.py": TRAIN,
    "parts/__init__.py": "",
    "parts/shaping.py": "def other():\n    return 1\n\n\ndef shaped(y):\n    return y\n",
    "parts/unused.py": "# nobody looks in here\n",
    "start.txt": "0.5",
    "rows.csv": "".join(f"{at % 5 / 5},{at % 3 / 3}\n" for at in range(30)),
}
ARGUMENTS = ("--data", "rows.csv", "--lr", "0.1", "--seed", "7")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A repository in which everything, the data too, is committed at each run; and the id of its first run."""
    place = tmp_path_factory.mktemp("planted")
    folder = place / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))
    git(folder, "init", "-q")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AUTOTRACK_")]:
            patch.delenv(name)
        patch.setenv("AUTOTRACK_TRACKING_URI", str(place / ".autotrack"))
        patch.setenv("AUTOTRACK_OVERHEAD_ALLOWANCE", "60")
        trackers.close_all()
        first = trained(folder)
        git(folder, "tag", "first")
        yield folder, first.id
        trackers.close_all()


@pytest.fixture
def project(started: tuple[Path, str]) -> Path:
    """The repository as it was at its first run."""
    folder, _ = started
    git(folder, "reset", "-q", "--hard", "first")
    git(folder, "clean", "-qfdx")
    return folder


@pytest.fixture
def first(started: tuple[Path, str]) -> autotrack.Run:
    return autotrack.get_run(started[1])


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def trained(folder: Path, *arguments: str, **variables: str) -> autotrack.Run:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "a state")
    environment = {**os.environ, "OMP_NUM_THREADS": "2", **variables}
    command = [sys.executable, "-m", "autotrack", "run", "train.py", *(arguments or ARGUMENTS)]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=60)
    return autotrack.last_run()


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


Plant = Callable[[Path], autotrack.Run]


def a_changed_row(folder: Path) -> autotrack.Run:
    edit(folder, "rows.csv", "0.2,", "0.9,")
    return trained(folder)


def a_flipped_label(folder: Path) -> autotrack.Run:
    """The last one, of a file of the same size."""
    text = (folder / "rows.csv").read_text()
    assert text.endswith("0.6666666666666666\n")
    (folder / "rows.csv").write_text(text.removesuffix("0.6666666666666666\n") + "0.0000000000000000\n")
    return trained(folder)


def a_missing_file(folder: Path) -> autotrack.Run:
    """A file that the program does without."""
    (folder / "start.txt").unlink()
    return trained(folder)


def a_line_of_code(folder: Path) -> autotrack.Run:
    """One of three that change, two of them in one file."""
    edit(folder, "parts/shaping.py", "return y", "return 1 - y")
    edit(folder, "parts/shaping.py", "return 1\n", "return 2\n")
    edit(folder, "parts/unused.py", "nobody", "no one")
    return trained(folder)


def an_argument(folder: Path) -> autotrack.Run:
    return trained(folder, *ARGUMENTS[:3], "0.3", *ARGUMENTS[4:])


def another_seed(folder: Path) -> autotrack.Run:
    return trained(folder, *ARGUMENTS[:-1], "8")


def another_number_of_threads(folder: Path) -> autotrack.Run:
    return trained(folder, OMP_NUM_THREADS="1")


@pytest.mark.parametrize(
    ("plant", "part", "name", "told"),
    [
        (a_changed_row, "data", "rows.csv", "rows.csv"),
        (a_flipped_label, "data", "rows.csv", "rows.csv"),
        (a_missing_file, "data", "start.txt", "start.txt"),
        (a_line_of_code, "code", "parts/shaping.py", "shaping.py"),
        (an_argument, "argument", "4", "lr"),
        (another_seed, "argument", "6", "seed"),
        (another_number_of_threads, "variable", "OMP_NUM_THREADS", "OMP_NUM_THREADS"),
    ],
)
def test_a_planted_difference_is_named_and_found(
    project: Path, first: autotrack.Run, plant: Plant, part: str, name: str, told: str
) -> None:
    second = plant(project)
    began = os.times()
    differing = autotrack.diff(first.id, second.id)
    ended = os.times()
    assert told in str(differing)
    # Processor time, git's included: the machine may be busy with other tests.
    seconds = sum(ended[:4]) - sum(began[:4])
    assert seconds < 1, f"{seconds:.2f} s"
    found = autotrack.bisect(first.id, second.id, env="local")
    assert found.kind is Found.CAUSE, str(found)
    assert [(cause.part, cause.name) for cause in found.causes] == [(part, name)]
    assert found.metric == "loss" and found.values == (first.metrics["loss"], second.metrics["loss"])
    tried = [trial for trial in found.trials if list(trial.swapped) == list(found.causes)]
    assert [trial.value for trial in tried] == [second.metrics["loss"]]
    assert "autotrack.bisect" in autotrack.get_run(tried[0].run or "").tags
    if plant is a_missing_file:
        assert found.causes[0].text.endswith("→ not there")
    if plant is a_line_of_code:
        assert found.causes[0].text == "line 6: return y → return 1 - y"


def test_where_generators_began_is_found_too(project: Path) -> None:
    """Two unseeded runs: nothing differs but chance, and of two generators one is drawn from."""
    edit(project, "train.py", "import random\n", "import random\nimport numpy.random\n")
    first, second = (trained(project, *ARGUMENTS[:4]) for _ in range(2))
    assert first.metrics["loss"] != second.metrics["loss"]
    found = autotrack.bisect(first.id, second.id, env="local")
    assert found.kind is Found.CAUSE, str(found)
    assert [(cause.part, cause.name) for cause in found.causes] == [("randomness", "python")], str(found)
    assert {(factor.part, factor.name) for factor in found.factors} >= {("randomness", "numpy")}


def test_what_was_swapped_beside_a_cause_is_not_said_to_move_it(project: Path) -> None:
    """Generators are swapped together: of the one that is not drawn from, nothing is known."""
    edit(project, "train.py", "import random\n", "import random\nimport numpy.random\n")
    first, second = trained(project, *ARGUMENTS[:4]), trained(project, *ARGUMENTS[:3], "0.3")
    found = autotrack.bisect(first.id, second.id, env="local")
    assert found.kind is Found.TOGETHER, str(found)
    argument, chance = sorted(found.causes, key=lambda cause: cause.part)
    assert argument.text.endswith("0.1 → 0.3") and (chance.part, chance.name) == ("randomness", "python"), str(found)
    assert not found.moved, str(found)


def test_two_that_only_do_it_together(project: Path, first: autotrack.Run) -> None:
    """Arguments are swapped one by one, though one is new; so are the places of a file."""
    edit(project, "parts/shaping.py", "return 1\n", "return 2\n")
    edit(project, "parts/shaping.py", "return y", "return 1 - y")
    second = trained(project, *ARGUMENTS[:3], "0.3", *ARGUMENTS[4:], "--decay", "1")
    found = autotrack.bisect(first.id, second.id, env="local")
    assert found.kind is Found.TOGETHER, str(found)
    assert [(cause.part, cause.name) for cause in found.causes] == [("argument", "--lr"), ("code", "parts/shaping.py")]
    assert "line 6: return y" in found.causes[1].text
    assert not found.moved
    (did_it,) = [trial for trial in found.trials if set(trial.swapped) == set(found.causes)]
    assert did_it.value == second.metrics["loss"]


def test_another_version_of_a_package(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments are built from locks, this one being none of them: the package that is imported comes first."""
    wheels = tmp_path / "wheels"
    names = ("above", "lower", "nearby")
    for version in ("1.0", "2.0"):
        for name in names:
            put_wheel(wheels, name, version)
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path / "cache"))
    (project / "train.py").write_text(
        "import autotrack, lower\nautotrack.start_run('a').log_metric('loss', float(lower.VERSION))\n"
    )
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    runs = []
    for version in ("1.0", "2.0"):
        environment = environments.build(environments.from_requirements([f"{name}=={version}" for name in names]))
        tracked = launched_with(dict(os.environ), folder=str(project), behind=str(environments.folder_behind()))
        subprocess.run([environment.python, "train.py"], cwd=project, env=tracked, check=True)
        runs.append(autotrack.last_run())
    assert "lower" in str(autotrack.diff(runs[0].id, runs[1].id))
    found = autotrack.bisect(runs[0].id, runs[1].id)
    assert [(factor.part, factor.name) for factor in found.factors if factor.part != "randomness"] == [
        ("environment", "lower"),
        ("environment", "above"),
        ("environment", "nearby"),
    ]
    assert found.kind is Found.CAUSE and [str(cause) for cause in found.causes] == ["environment lower  1.0 → 2.0"]
    tried = [{factor.name for factor in trial.swapped} for trial in found.trials]
    assert tried[-2:] == [set(names), {"lower"}], str(found)


def test_nothing_is_invented(project: Path, first: autotrack.Run) -> None:
    second = trained(project)
    found = autotrack.bisect(first.id, second.id)
    assert found.kind is Found.NOTHING and not found.trials
    # The commits differ, and so do the files in them: the first run has left bytecode, which the second commit has.
    assert [section.name for section in autotrack.diff(first.id, second.id).sections] == []


def test_a_program_that_fails_is_not_a_metric_that_moved(project: Path, first: autotrack.Run) -> None:
    """Two files that only work together: half of the change cannot run, and the reason is elsewhere."""
    edit(
        project, "parts/shaping.py", "def shaped", "def reshaped"
    )  # of another length: old bytecode goes by size and second
    edit(project, "train.py", "import shaped", "import reshaped as shaped")
    second = an_argument(project)
    found = autotrack.bisect(first.id, second.id, env="local")
    assert found.kind is Found.CAUSE and [cause.part for cause in found.causes] == ["argument"], str(found)
    assert sum(trial.value is None for trial in found.trials) == 2 and not found.moved


def test_what_cannot_be_made_again_is_said(project: Path) -> None:
    """Data that nobody keeps: the first run's are gone."""
    git(project, "rm", "-q", "--cached", "rows.csv")
    (project / ".gitignore").write_text("rows.csv\n")
    first = trained(project)
    second = a_changed_row(project)
    found = autotrack.bisect(first.id, second.id, env="local")
    assert found.kind is Found.IMPOSSIBLE and "rows.csv" in str(found.problems) and not found.trials
    assert found.search is not None
    assert autotrack.get_run(found.search).tags["autotrack.bisect_verdict"] == "CANNOT BISECT"
    # Where somebody has kept them: the name stands for two contents, each run gets its own.
    kept = project / "rows-before.csv"
    kept.write_bytes(subprocess.check_output(["git", "show", "first:rows.csv"], cwd=project))
    told = autotrack.bisect(first.id, second.id, env="local", data={str(project / "rows.csv"): str(kept)})
    assert told.kind is Found.CAUSE and [cause.part for cause in told.causes] == ["data"], str(told)


def test_the_command_can_be_interrupted_and_goes_on(project: Path) -> None:
    """With one of the differences alone the program never ends; the cause is found by then."""
    waiting = (
        "import time\nwhile 'wait' in open('parts/unused.py').read() and options.lr == 0.1:\n    time.sleep(0.1)\n"
    )
    edit(project, "train.py", "rows = [", f"{waiting}rows = [")
    first = trained(project)
    (project / "parts/unused.py").write_text("# wait\n")
    second = an_argument(project)
    command = [sys.executable, "-m", "autotrack", "bisect", first.id, second.id, "--env", "local"]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        search = searching(first, "unused.py")
        process.send_signal(signal.SIGINT)
        said, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert said.startswith("BROKEN OFF") and "because of  argument 4  --lr 0.1 → 0.3" in said, said
    assert search.id[:8] in said
    made = {run.id for run in autotrack.get_run(search.id).children}
    again = subprocess.run([*command, "--first", "--json"], cwd=project, capture_output=True, text=True, timeout=100)
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert document["verdict"] == "CAUSE FOUND" and document["search"] == search.id
    assert [trial["reused"] for trial in document["trials"]] == [True, True]
    assert (
        {run.id for run in autotrack.get_run(search.id).children}
        == made
        >= {trial["run"] for trial in document["trials"]}
    )
    assert "parts/unused.py" in [factor["name"] for factor in document["untried"]]
    ended = autotrack.get_run(search.id)
    assert ended.tags["autotrack.bisect_verdict"] == "CAUSE FOUND" and ended.status == "FINISHED"
    assert "--lr 0.1 → 0.3" in ended.tags["autotrack.bisect_causes"]
    assert ended.metric_history("value").values.tolist()[:2] == [first.metrics["loss"], second.metrics["loss"]]
    assert {file.path for file in ended.record.artifacts} == {"bisect.json", "bisect.txt"}
    wrong = subprocess.run([*command, "--metric", "none"], cwd=project, capture_output=True, text=True, timeout=100)
    assert wrong.returncode == 2 and "no metric 'none'" in wrong.stderr


def searching(first: autotrack.Run, text: str) -> autotrack.Run:
    """The search's run, once it says that it tries something with this text."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        for run in autotrack.search_runs(f"tags.`autotrack.bisect` LIKE '{first.id[:12]} %'"):
            if text in run.tags.get("autotrack.bisect_standing", ""):
                return run
        time.sleep(0.1)
    raise AssertionError("the search never came so far")
