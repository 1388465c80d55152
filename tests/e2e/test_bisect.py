"""What ``autotrack.bisect`` may say to be the cause, and what not: of small programs that are run for it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import autotrack
from autotrack.rebuilding import trials
from autotrack.rebuilding.bisection import Bisection, Found

#: A training that ends too early where there are fewer rows than epochs.
EPOCHS = """
    import os, sys, autotrack
    epochs, limit = int(sys.argv[1]), int(open("limit.txt").read())
    with autotrack.start_run("train") as run:
        for epoch in range(epochs):
            if epoch >= limit:
                raise RuntimeError("no rows left")
            run.log_metric("loss", 1 / (1 + epoch), step=epoch)
"""
#: A program that comes out otherwise by itself: as is written for each time that it is run.
FICKLE = """
    import os, sys, autotrack
    turn = len(os.listdir("{turns}"))
    os.mkdir("{turns}/" + str(turn))
    with autotrack.start_run("train") as run:
        run.log_param("who", sys.argv[1])
        run.log_metric("accuracy", int("{plan}"[turn]) + 0 * os.urandom(1)[0])
"""


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def trained(folder: Path, *arguments: str) -> autotrack.Run:
    """The program's run; everything in the folder is committed, so that what was there is known."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "a state")
    command = [sys.executable, "-m", "autotrack", "run", "train.py", *arguments]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    return autotrack.last_run()


def causes(found: Bisection) -> list[tuple[str, str]]:
    return [(cause.part, cause.name) for cause in found.causes]


def bisected(first: autotrack.Run, second: autotrack.Run) -> Bisection:
    return autotrack.bisect(first.id, second.id, env="local")


def test_a_trial_that_crashed_is_no_cause(project: Path) -> None:
    """With the data alone the program fails where the other one ended: its last metric is the same, by chance."""
    write(project, "train.py", EPOCHS)
    write(project, "limit.txt", "10")
    first = trained(project, "5")
    write(project, "limit.txt", "3")
    second = trained(project, "3")
    assert (first.status, second.status) == ("FINISHED", "FINISHED")
    for _ in range(2):  # the second search meets what the first one made
        found = bisected(first, second)
        assert found.kind is Found.CAUSE and causes(found) == [("argument", "1")], str(found)
        (crashed,) = [trial for trial in found.trials if "limit.txt" in str(trial.swapped)]
        assert crashed.value is None and autotrack.get_run(crashed.run or "").metrics["loss"] == second.metrics["loss"]
        assert not found.moved and not crashed.reused


def test_why_a_run_failed_is_found_where_it_fails_again(project: Path) -> None:
    write(project, "train.py", EPOCHS)
    write(project, "limit.txt", "10")
    first = trained(project, "5")
    write(project, "limit.txt", "3")
    second = trained(project, "5")
    assert (first.status, second.status) == ("FINISHED", "FAILED")
    found = bisected(first, second)
    assert found.kind is Found.CAUSE and causes(found) == [("data", "limit.txt")], str(found)
    back = bisected(second, first)
    assert back.kind is Found.CAUSE and causes(back) == [("data", "limit.txt")], str(back)


def test_a_metric_is_held_against_runs_that_ended_alike_only(project: Path, tmp_path: Path) -> None:
    """The second failed at its end of what nobody captured; with its argument swapped the same metric comes out."""
    write(project, "train.py", EPOCHS + f"        if not os.path.exists('{tmp_path}/there'): open('nowhere')\n")
    write(project, "limit.txt", "10")
    (tmp_path / "there").mkdir()
    first = trained(project, "5")
    (tmp_path / "there").rmdir()
    second = trained(project, "3")
    (tmp_path / "there").mkdir()
    assert second.status == "FAILED"
    found = bisected(first, second)
    assert found.kind is Found.UNEXPLAINED and not found.causes, str(found)
    assert "it ends as FINISHED, and not as FAILED with FileNotFoundError" in found.why


@pytest.mark.parametrize(
    ("plan", "said", "tried"),
    [
        ("01011", "run once more as it was, it comes out as 1, and not as 0", 3),
        ("010100", "once more, it comes out as 0, and not as 1", 4),
    ],
)
def test_what_is_another_each_time_has_no_cause(
    project: Path, tmp_path: Path, plan: str, said: str, tried: int
) -> None:
    """An argument that nothing uses seems to do it, once: a metric of few values is the same by chance."""
    (tmp_path / "turns").mkdir()
    write(project, "train.py", FICKLE.format(turns=tmp_path / "turns", plan=plan + "0" * 20))
    first, second = trained(project, "one"), trained(project, "other")
    assert (first.metrics["accuracy"], second.metrics["accuracy"]) == (0, 1)
    found = bisected(first, second)
    assert found.kind is Found.UNEXPLAINED and not found.causes, str(found)
    assert "it is another each time" in found.why and said in found.why
    assert [trial.again for trial in found.trials][:tried] == [False, False, True, True][:tried]
    assert "os.urandom() (train.py, line 6)" in str([gap.what for gap in found.unknown])
    document = json.loads(json.dumps(found.document()))
    assert "os.urandom" in str(document["unknown"]) and "not known" in str(found)
    kept = autotrack.get_run(found.search or "")
    assert kept.tags["autotrack.bisect_verdict"] == "NOT EXPLAINED" and "autotrack.bisect_causes" not in kept.tags


def test_what_seems_to_do_it_together_is_tried_once_more(project: Path, tmp_path: Path) -> None:
    (tmp_path / "turns").mkdir()
    write(project, "train.py", FICKLE.format(turns=tmp_path / "turns", plan="01" + "0" * 4 + "1" + "0" * 20))
    first, second = trained(project, "one", "1"), trained(project, "other", "2")
    found = bisected(first, second)
    together = [trial for trial in found.trials if len(trial.swapped) > 1 and trial.value == 1]
    assert together and not together[0].again, str(found)
    assert found.kind is Found.UNEXPLAINED and not found.causes, str(found)
    assert "it is another each time" in found.why


#: A training on all that lies in a folder.
FOLDER = """
    import sys, autotrack
    from pathlib import Path
    rows = sorted(Path(sys.argv[1]).rglob("*.txt"))
    with autotrack.start_run("train") as run:
        run.log_metric("loss", sum(float(path.read_text()) for path in rows) / len(rows))
"""


@pytest.mark.parametrize("place", ["/", "../"], ids=["absolute", "relative"])
def test_a_file_in_a_folder_that_is_an_argument(project: Path, tmp_path: Path, place: str) -> None:
    """Of three files one changes: the folder is put together with it as it was, and the others as they are."""
    write(project, "train.py", FOLDER)
    data, old = tmp_path / "data", tmp_path / "old"
    word = str(data) if place == "/" else "../data"
    for name, text in {"one.txt": "1", "more/two.txt": "2", "more/three.txt": "3"}.items():
        write(data, name, text)
        write(old, name, text)
    first = trained(project, word)
    write(data, "more/two.txt", "5")
    second = trained(project, word)
    for a, b in ((first, second), (second, first)):
        found = autotrack.bisect(a.id, b.id, env="local", data={str(data): str(old)})
        assert found.kind is Found.CAUSE and causes(found) == [("data", str(data / "more/two.txt"))], str(found)
        assert sum(trial.again for trial in found.trials) == 2
    assert (data / "more/two.txt").read_text() == "5"


def test_files_that_are_new_or_gone_in_a_folder_that_is_an_argument(project: Path, tmp_path: Path) -> None:
    write(project, "train.py", FOLDER)
    data, old = tmp_path / "data", tmp_path / "old"
    for name, text in {"one.txt": "1", "two.txt": "2"}.items():
        write(data, name, text)
        write(old, name, text)
    first = trained(project, str(data))
    write(data, "three.txt", "9")
    second = trained(project, str(data))
    found = bisected(first, second)
    assert found.kind is Found.CAUSE and causes(found) == [("data", str(data / "three.txt"))], str(found)
    assert found.causes[0].text.startswith("not there → ")
    (data / "one.txt").unlink()
    third = trained(project, str(data))
    found = autotrack.bisect(second.id, third.id, env="local", data={str(data / "one.txt"): str(old / "one.txt")})
    assert found.kind is Found.CAUSE and causes(found) == [("data", str(data / "one.txt"))], str(found)
    assert found.causes[0].text.endswith(" → not there")


def test_a_file_that_was_there_and_not_read_is_no_difference(project: Path, tmp_path: Path) -> None:
    """An argument says how many are read; what lies beside them is no reason."""
    write(project, "train.py", FOLDER.replace('rglob("*.txt"))', 'rglob("*.txt"))[:int(sys.argv[2])]'))
    for name, text in {"one.txt": "1", "two.txt": "2"}.items():
        write(tmp_path / "data", name, text)
    runs = [trained(project, str(tmp_path / "data"), count) for count in "12"]
    for a, b in (runs, runs[::-1]):
        found = bisected(a, b)
        assert causes(found) == [("argument", "2")] and not found.moved, str(found)
        assert "data" not in [factor.part for factor in found.factors]


@pytest.mark.parametrize("place", ["/", "../"], ids=["absolute", "relative"])
def test_what_an_argument_names_beside_the_project_comes_with_it(project: Path, tmp_path: Path, place: str) -> None:
    """Two files of which the second has changed since, but for a copy of it."""
    write(project, "train.py", FOLDER.replace('sorted(Path(sys.argv[1]).rglob("*.txt"))', "[Path(sys.argv[1])]"))
    for name, text in {"one.txt": "1", "two.txt": "2", "copy.txt": "2"}.items():
        write(tmp_path, name, text)
    words = [f"{tmp_path if place == '/' else '..'}/{name}.txt" for name in ("one", "two")]
    first, second = (trained(project, word) for word in words)
    write(tmp_path, "two.txt", "3")
    mapped = {str(tmp_path / "two.txt"): str(tmp_path / "copy.txt")}
    found = autotrack.bisect(first.id, second.id, env="local", data=mapped)
    assert found.kind is Found.CAUSE and causes(found) == [("argument", "1")], str(found)


def test_what_cannot_be_swapped_is_no_cause_and_no_alibi(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody changes while the search is on."""
    write(project, "train.py", FOLDER)
    data, old = tmp_path / "data", tmp_path / "old"
    for folder in (data, old):
        write(folder, "one.txt", "1")
        write(folder, "two.txt", "2")
    first = trained(project, str(data))
    write(data, "two.txt", "5")
    second = trained(project, str(data))
    real = trials.run_again

    def changing(*arguments: object) -> object:
        write(data, "two.txt", "7")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(trials, "run_again", changing)
    found = autotrack.bisect(first.id, second.id, env="local", data={str(data): str(old)})
    assert found.kind is Found.IMPOSSIBLE and not found.causes, str(found)
    assert f"{data}/two.txt is not to be had as it was in the second run" in str(found)
