"""What a run does where things are odd: forks, threads, tasks, copies, bad arguments, records that cannot be kept."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import autotrack
from autotrack.core.guard import Failure
from autotrack.core.runs.nullrun import NullRun
from autotrack.core.runs.writing import MAX_NOTES


def test_sibling_tasks_are_no_family(store: Path) -> None:
    async def one(number: int) -> autotrack.Run:
        with autotrack.start_run(f"task {number}") as run:
            await asyncio.sleep(0)
            autotrack.log_metric("number", float(number))
        return run

    async def all_of_them() -> list[autotrack.Run]:
        return await asyncio.gather(*(one(number) for number in range(4)))

    for number, run in enumerate(asyncio.run(all_of_them())):
        assert run.parent is None
        assert run.metrics == {"number": number}


def test_threads_with_runs_of_their_own_are_no_family(store: Path) -> None:
    started, go_on = threading.Event(), threading.Event()
    runs: list[autotrack.Run] = []

    def first() -> None:
        with autotrack.start_run("first"):
            started.set()
            go_on.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    started.wait(10)
    with autotrack.start_run("second") as run:
        runs.append(run)
    go_on.set()
    thread.join()
    assert runs[0].parent is None


def test_children_are_in_their_parents_experiment(store: Path) -> None:
    with (
        autotrack.start_run("outer", "mine") as outer,
        autotrack.start_run("inner") as inner,
        autotrack.start_run("elsewhere", "other") as other,
    ):
        pass
    with autotrack.start_run("named", parent=outer) as named:
        pass
    assert [inner.experiment, other.experiment, named.experiment] == ["mine", "other", "mine"]
    assert {run.name for run in autotrack.search_runs(experiments=["mine"])} == {"outer", "inner", "named"}


def test_nested_runs_are_parent_and_child(store: Path) -> None:
    with autotrack.start_run("outer") as outer, autotrack.start_run("inner") as inner:
        assert autotrack.active_run() is inner
        found: list[object] = []
        thread = threading.Thread(target=lambda: found.append(autotrack.active_run()))
        thread.start()
        thread.join()
        assert found == [inner]  # a thread without a run shares the innermost one
    assert inner.parent == outer
    assert [child.id for child in outer.children] == [inner.id]
    assert autotrack.active_run() is None


def test_a_run_may_end_in_another_thread(store: Path) -> None:
    run = autotrack.start_run()
    thread = threading.Thread(target=run.finish)
    thread.start()
    thread.join()
    assert autotrack.active_run() is None
    assert run.status == "FINISHED"
    with autotrack.start_run() as later:
        assert later.parent is None


def test_logging_without_a_run_makes_one_that_nothing_joins(store: Path) -> None:
    autotrack.log_metric("loss", 1.0)
    autotrack.log_metric("loss", 2.0)
    with autotrack.start_run("own") as run:
        pass
    assert run.parent is None
    from autotrack.core.runs import trackers

    trackers.close_all()
    implicit = autotrack.search_runs("name != 'own'")
    assert len(implicit) == 1
    assert implicit[0].metric_history("loss").values.tolist() == [1.0, 2.0]
    assert implicit[0].status == "FINISHED"


def test_copies_are_the_same_run(store: Path) -> None:
    from sklearn.base import BaseEstimator, clone

    class Holder(BaseEstimator):
        def __init__(self, run: object = None) -> None:
            self.run = run

    with autotrack.start_run() as run:
        assert copy.copy(run) is run
        assert copy.deepcopy({"run": run})["run"] is run
        assert clone(Holder(run)).run is run
        assert pickle.loads(pickle.dumps(run)) is run
    again = pickle.loads(pickle.dumps(run))
    assert (again, again.status) == (run, "FINISHED")


def test_a_pickled_run_is_written_to_elsewhere(store: Path, script) -> None:
    with autotrack.start_run() as run:
        run.log_metric("loss", 1.0)
        done = script(f"import pickle; pickle.loads({pickle.dumps(run)!r}).log_metric('loss', 2.0, 1)")
        assert (done.returncode, done.stderr) == (0, "")
    assert run.metric_history("loss").values.tolist() == [1.0, 2.0]
    assert run.status == "FINISHED"


def test_a_stored_run_goes_on(store: Path, script) -> None:
    """Another process adds points behind the last step, and may end the run."""
    script("import autotrack; run = autotrack.start_run(); run.log_metric('loss', 1.0); import os; os._exit(1)")
    run = autotrack.last_run()
    assert run.status == "CRASHED"
    run.log_metric("loss", 2.0)
    run.log_metric("loss", 3.0)
    run.finish("FAILED")
    run = autotrack.get_run(run.id)
    assert run.metric_history("loss").steps.tolist() == [0, 1, 2]
    assert run.status == "FAILED"


def test_a_forked_child_does_not_end_its_parents_run(store: Path, script) -> None:
    done = script(
        """
        import os, sys, autotrack
        with autotrack.start_run() as run:
            run.log_metric("loss", 1.0)
            if os.fork() == 0:
                other = autotrack.get_run(run.id)
                run.log_metric("child", 5.0)
                sys.exit(3)
            assert os.wait()[1] >> 8 == 3
            run.log_metric("loss", 2.0)
        """
    )
    assert (done.returncode, done.stderr) == (0, "")
    run = autotrack.last_run()
    assert (run.status, run.metrics) == ("FINISHED", {"loss": 2.0, "child": 5.0})


def test_two_objects_of_one_run_in_a_forked_child(store: Path, script) -> None:
    """Series numbers belong to one journal: a child's points land on the metric that they were logged as."""
    script(
        """
        import os, autotrack
        a = autotrack.start_run("a"); b = autotrack.start_run("b")
        for number in range(5):
            a.log_metric(f"a{number}", 1.0); b.log_metric(f"b{number}", 1.0)
        twin = autotrack.get_run(a.id)
        for number in range(5):
            twin.log_metric(f"t{number}", 1.0)
        if os.fork() == 0:
            b.log_metric("b9", 7.0)
            for number in range(5):
                twin.log_metric(f"t{number}", 2.0); a.log_metric(f"a{number}", 2.0)
            os._exit(0)
        os.wait(); b.finish(); a.finish()
        """
    )
    a, b = autotrack.search_runs("name = 'a'")[0], autotrack.search_runs("name = 'b'")[0]
    assert a.metrics == {f"{letter}{number}": 2.0 for letter in "at" for number in range(5)}
    assert b.metrics == {**{f"b{number}": 1.0 for number in range(5)}, "b9": 7.0}


def test_automatic_steps_of_many_threads(store: Path) -> None:
    gate = threading.Barrier(4)
    with autotrack.start_run() as run:

        def log() -> None:
            for number in range(100):
                gate.wait()
                run.log_metric(f"m{number}", 1.0)

        threads = [threading.Thread(target=log) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(100):
        assert run.metric_history(f"m{number}").steps.tolist() == [0, 1, 2, 3]


BAD_CALLS = [
    ("log_params", (None,)),
    ("log_params", ([1],)),
    ("log_metrics", (None,)),
    ("log_metric", ([], 1.0)),
    ("log_metric", (None, 1.0)),
    ("set_tags", (["a"],)),
    ("set_tags", (7,)),
    ("delete_tag", ("\ud800",)),
    ("rename", (3,)),
    ("rename", ("",)),
    ("log_artifact", ("/no/such/file",)),
    ("log_artifact", (None,)),
    ("log_artifacts", ("/no/such/folder",)),
    ("log_text", (3, "a.txt")),
    ("log_text", ("a", "../a.txt")),
    ("log_dict", ({}, None)),
    ("log_figure", (None, "a.png")),
    ("log_image", ("no", "a.png")),
    ("log_table", (3, "a.csv")),
    ("log_dataset", (object(),)),
    ("log_dataset", ([1], None, "train", Path("x.csv"))),
    ("log_model", (object(),)),
    ("note", ("a\0b",)),
    ("finish", ("DONE",)),
]


@pytest.mark.parametrize(("method", "arguments"), BAD_CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_bad_arguments_never_raise_and_lose_nothing_else(method: str, arguments: tuple, store: Path) -> None:
    with autotrack.start_run() as run:
        getattr(run, method)(*arguments)
        run.log_param("after", 1)
        run.log_metric("after", 1.0)
    assert run.params == {"after": "1"}
    assert run.metrics == {"after": 1.0}
    assert run.status == "FINISHED"
    assert run.health or method in {"log_dataset", "note"}


@pytest.mark.parametrize("arguments", [{"name": 3}, {"experiment": "\0"}, {"tags": {"x": "\0"}}, {"tags": 7}], ids=str)
def test_bad_arguments_of_start_run(arguments: dict, store: Path) -> None:
    for _ in range(4):  # more often than a failing plugin is forgiven
        with autotrack.start_run(**arguments) as run:
            run.log_metric("loss", 1.0)
        assert run.metrics == {"loss": 1.0}


def test_open_runs_are_read_without_a_store(store: Path, script) -> None:
    done = script(
        """
        import sys, autotrack
        with autotrack.start_run("it", experiment="e", tags={"a": 1}) as run:
            run.log_params({"lr": 0.1})
            run.set_tag("b", 2)
            run.delete_tag("a")
            assert (run.name, run.experiment, run.params, run.tags) == ("it", "e", {"lr": "0.1"}, {"b": "2"})
            assert run.status == "RUNNING" and run.started > 0 and run.parent is None
            run.rename("other")
            assert run.name == "other"
        print("sqlalchemy" in sys.modules, "numpy" in sys.modules)
        """
    )
    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_health_is_written_before_a_sudden_end(store: Path, script) -> None:
    done = script(
        """
        import os, pathlib, time, autotrack
        run = autotrack.start_run()
        for number in range(5):
            run.log_metric("loss", "high")
        deadline = time.monotonic() + 30
        while not any(b"refused_metrics" in file.read_bytes() for file in pathlib.Path().rglob("*.atj")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os._exit(3)
        """,
        AUTOTRACK_SILENT="1",
    )
    assert done.returncode == 3
    assert autotrack.last_run().health["refused_metrics"] == 5


def test_what_threads_refuse_while_it_is_written_down_is_counted_once(store: Path) -> None:
    run = autotrack.start_run()
    ended = threading.Event()

    def refuse(key: str) -> None:
        for _ in range(3_000):
            run.log_metric(key, "high")

    def write() -> None:
        while not ended.is_set():
            run.write_health()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=refuse, args=(f"loss {number}",)) for number in range(4)]
        writers = [threading.Thread(target=write) for _ in range(2)]
        for thread in writers + threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        ended.set()
        sys.setswitchinterval(before)
    for thread in writers:
        thread.join()
    run.finish()
    assert run.health["refused_metrics"] == 12_000
    assert len(run.health["refusals"]) == 4


@pytest.mark.parametrize("make", [NullRun, autotrack.start_run], ids=["NullRun", "Run"])
def test_runs_that_record_nothing_answer_like_others(make, store: Path, tmp_path: Path) -> None:
    """Every public name of Run works on a run of a rank above 0: a job must not hang there and go on elsewhere."""
    file = tmp_path / "file.txt"
    file.write_text("x")
    with make() as run:
        run.log_metric("a", 1.0)
        run.log_metrics({"b": 1.0}, 3)
        assert run.log_param("c", 1) == 1
        run.log_params({"d": {"e": 1}})
        run.set_tag("f", 1)
        run.set_tags({"g": 1})
        run.delete_tag("f")
        run.log_text("x", "a.txt")
        run.log_dict({}, "a.json")
        run.log_table({"a": [1]}, "a.csv")
        run.log_artifact(file)
        run.log_artifacts(tmp_path, "all")
        run.log_dataset([1, 2])
        run.note("it")
        run.rename("new")
        assert run.is_open
        assert run.status == "RUNNING"
        assert isinstance(run.artifact_uri, str)
        for name in ("name", "experiment", "params", "metrics", "tags", "datasets", "artifacts", "models", "health"):
            getattr(run, name)
        for name in ("error", "session", "started", "ended", "parent", "children", "record"):
            getattr(run, name)
        assert len(run.metric_history("a")) in (0, 1)
        assert len(run.metric_summaries()) in (0, 2)
        assert copy.deepcopy(run) is run
        assert pickle.loads(pickle.dumps(run)).id == run.id
        assert repr(run)
        assert run.refresh() is run
    assert run.status == "FINISHED"
    assert not run.is_open


def test_ranks_above_zero_have_an_active_run(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with autotrack.start_run() as run:
        assert autotrack.active_run() is run
        autotrack.log_metric("loss", 1.0)
    autotrack.log_metric("loss", 1.0)
    monkeypatch.delenv("RANK")
    assert autotrack.search_runs() == []
    assert not any(store.glob("journal/*")) or os.listdir(store)


def test_what_a_run_says_of_itself_stays_short(store: Path) -> None:
    with autotrack.start_run() as run:
        for number in range(6_000):
            run.log_param("x", number)
        for number in range(150):
            run.note(f"note {number}")
            run.note_failure(Failure("a site", f"error {number}"))
    health = run.health
    assert run.params == {"x": "5999"}
    assert len(health["notes"]) == len(health["errors"]) == MAX_NOTES
    assert health["notes"][:2] == ["param 'x' was given another value than before; the last one counts", "note 0"]
    assert (health["notes_left_out"], health["errors_left_out"]) == (5_998 + 51, 50)


def test_a_run_does_not_end_as_running(store: Path) -> None:
    run = autotrack.start_run("run")
    run.finish("RUNNING")
    found = autotrack.get_run(run.id)
    assert found.status == "FINISHED" and "is not how a run ends" in found.health["refusals"][0]


@pytest.mark.parametrize(("uri", "left_out"), [("", True), ("sqlite:///runs.db", False), ("http://localhost:9", True)])
def test_a_store_is_left_out_of_git_from_its_first_run_on(uri: str, left_out: bool, tmp_path: Path, script) -> None:
    """By the program alone, before anything opens the store; a database of the user's may lie among their own files."""
    if left_out:
        (tmp_path / ".autotrack").mkdir()
    source = "import autotrack, os; autotrack.start_run().finish(); os._exit(0)"
    done = script(source, AUTOTRACK_TRACKING_URI=uri, AUTOTRACK_EXIT_TIMEOUT="0")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*.atj"))
    ignores = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob(".gitignore")]
    assert ignores == ([".autotrack/.gitignore"] if left_out else [])
    if left_out:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        shown = subprocess.run(
            ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout
        assert shown == "?? script.py\n"
