"""``autotrack rebuild``: programs that really trained, run again from what was captured of them alone.

Each program lies in a folder of its own, is run once, and is then changed or taken away: the rebuild must not need it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

import autotrack
from autotrack import environments
from autotrack.core.launching import launched_with
from autotrack.rebuilding import Kind
from tests.unit.environments.wheels import put_wheel

DATA = "x,y,label\n" + "".join(f"{at % 17},{at * 7 % 13},{int(at % 17 > at * 7 % 13)}\n" for at in range(200))
#: Nothing in it is seeded: the split, the forest and the noise come from where the generators happened to begin.
TRAIN = """
    import random, sys
    import numpy, pandas
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split
    from features import noise
    data = pandas.read_csv(sys.argv[1])
    data["x"] += noise(len(data)) + random.random()
    X, rest, y, _ = train_test_split(data[["x", "y"]], data["label"])
    RandomForestClassifier(n_estimators=5).fit(X, y)
"""
FEATURES = "import numpy\ndef noise(n): return numpy.random.normal(size=n)\n"


@pytest.fixture
def project(store: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_csv", ".csv").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))


def run(folder: Path, *arguments: str, **environment: str) -> Any:
    """Runs a program with autotrack; answers its run."""
    subprocess.run(
        [sys.executable, "-m", "autotrack", "run", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return autotrack.last_run()


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_an_unseeded_training_comes_out_the_same(project: Path) -> None:
    """Without git, from the captured sources; the sources are gone, and another thing has their names."""
    write(project, train_py=TRAIN, features_py=FEATURES, data_csv=DATA)
    first = run(project, "train.py", "data.csv")
    write(project, train_py="raise SystemExit('changed')", features_py="raise SystemExit('changed')")
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    rebuilt = autotrack.get_run(verdict.rebuilt)
    assert rebuilt.metrics["training_score"] == first.metrics["training_score"]
    assert rebuilt.tags["autotrack.rebuild_of"].startswith(first.id)
    assert any("model" in text for text in verdict.compared) and any("points" in text for text in verdict.compared)
    # The same training without the streams put back comes out otherwise, so the verdict means something.
    write(project, train_py=TRAIN, features_py=FEATURES)
    other = run(project, "train.py", "data.csv")
    assert [data.digest for data in other.datasets] != [data.digest for data in first.datasets]


def test_code_that_a_program_opens_and_runs_itself_is_put_where_it_was(project: Path) -> None:
    train = """
        import autotrack
        exec(open("config.py").read())
        with autotrack.start_run("configured") as run:
            run.log_metric("loss", 2 * rate)
    """
    write(project, train_py=train, config_py="rate = 0.3\n")
    os.utime(project / "config.py", (1e9, 1e9))
    first = run(project, "train.py")
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    write(project, config_py="rate = 0.7\n")
    assert [fact.what for fact in autotrack.diff(first.id, run(project, "train.py").id).causes] == ["config.py"]


def test_generators_without_a_seed_begin_where_they_began(project: Path) -> None:
    """Those that the program makes itself, of every kind that numpy has, in its own process."""
    write(
        project,
        train_py="""
        import os, autotrack, numpy
        with autotrack.start_run("drawn") as run:
            one, other = numpy.random.default_rng(), numpy.random.RandomState()
            children = numpy.random.SeedSequence().spawn(2)
            numpy.random.seed()
            if os.fork() == 0:
                numpy.random.default_rng()
                os._exit(0)
            os.wait()
            run.log_metrics({"new": one.random(), "old": other.random(), "again": numpy.random.random()})
            run.log_metric("spawned", numpy.random.default_rng(children[1]).random())
            run.log_metric("last", numpy.random.Generator(numpy.random.SFC64()).random())
        """,
    )
    first = run(project, "train.py")
    assert len(set(first.metrics.values())) == 5
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    assert autotrack.rebuild(str(verdict.rebuilt)).kind is Kind.IDENTICAL


def test_a_commit_with_changes_in_a_repository(project: Path) -> None:
    """Commit, uncommitted change and untracked source; then the branch goes on, and the file of the model is all there
    is to ask about."""
    write(project, src__train_py=TRAIN, src__features_py="def noise(n): return 0\n", data_csv=DATA)
    git(project, "init", "-q")
    git(project, "add", "src/train.py", "data.csv")
    git(project, "commit", "-qm", "first")
    write(project, src__train_py=TRAIN.replace("n_estimators=5", "n_estimators=6"))
    first = run(project, "src/train.py", "data.csv")
    git(project, "add", ".")
    git(project, "commit", "-qm", "second")
    git(project, "rm", "-rq", "src", "data.csv")
    git(project, "commit", "-qm", "third")
    model = Path(str(first.artifact_uri).replace("file://", ""))
    files = list(Path(os.environ["AUTOTRACK_TRACKING_URI"]).rglob("model.skops"))
    assert len(files) == 1, model
    shutil.copy(files[0], project / "found.bin")
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "rebuild", "found.bin", "--json"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    assert (done.returncode, said["verdict"], said["run"]) == (0, "IDENTICAL", first.id), done.stdout + done.stderr
    assert autotrack.get_run(said["rebuilt"]).params["n_estimators"] == "6"


def test_a_commit_is_fetched_from_where_it_was_cloned(project: Path, tmp_path: Path) -> None:
    """As of a project that was run by its address, whose copy is gone when it has run."""
    source = tmp_path / "source"
    write(source, train_py="import autotrack\nautotrack.start_run('a').log_metric('rate', 0.5)\n")
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", source.as_uri(), str(project / "copy"))
    first = run(project / "copy", "train.py", PYTHONHASHSEED="0")
    git(source, "commit", "-qm", "later", "--allow-empty")
    shutil.rmtree(project / "copy")
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    source.rename(tmp_path / "gone")
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IMPOSSIBLE and "it was cloned from file://" in verdict.problems[0].what
    assert "where git says: " in verdict.problems[0].what and "inside a clone" in verdict.problems[0].close


def test_a_submodule_is_fetched_by_its_address(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program runs of it is imported by nothing, so it is in no kept source; the project's folder is gone."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    library, pwned = tmp_path / "library", tmp_path / "pwned"
    write(library, rates_py="RATE = 0.5\n")
    write(
        project,
        train_py="""
        import autotrack
        exec(open("sub/rates.py").read())
        autotrack.start_run("a").log_metric("rate", RATE)
        """,
    )
    for folder in (library, project):
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "first")
    git(project, "submodule", "add", "-q", library.as_uri(), "sub")
    git(project, "config", "-f", ".gitmodules", "submodule.sub.update", f"!touch {pwned}")
    git(project, "commit", "-qam", "with a submodule")
    first = run(project, "train.py", PYTHONHASHSEED="0")
    git(library, "commit", "-qm", "later", "--allow-empty")
    elsewhere = tmp_path / "elsewhere"
    git(tmp_path, "clone", "-q", str(project), str(elsewhere))
    shutil.rmtree(project)
    monkeypatch.chdir(elsewhere)
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL and not verdict.unknown, str(verdict)
    assert not pwned.exists()
    library.rename(tmp_path / "gone")
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IMPOSSIBLE and "sub/rates.py" in verdict.problems[0].close
    assert ["the submodule sub at" in gap.what for gap in verdict.unknown] == [True]


def test_files_are_checked_before_anything_runs(project: Path, tmp_path: Path) -> None:
    """A changed row, a missing file, a file that lies elsewhere now."""
    outside = tmp_path / "data" / "train.csv"
    write(outside.parent, train_csv=DATA)
    write(project, train_py=TRAIN, features_py=FEATURES)
    first = run(project, "train.py", str(outside))
    count = len(autotrack.search_runs())
    outside.write_text(DATA.replace("3,8,0", "3,8,1", 1))
    changed = autotrack.rebuild(first.id)
    assert changed.kind is Kind.IMPOSSIBLE and "has changed" in changed.problems[0].what
    outside.unlink()
    missing = autotrack.rebuild(first.id)
    assert missing.kind is Kind.IMPOSSIBLE and f"{outside} is not there" in missing.problems[0].what
    assert len(autotrack.search_runs()) == count  # nothing was run
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(DATA)
    assert autotrack.rebuild(first.id, data={str(outside): str(elsewhere)}).kind is Kind.IDENTICAL
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "rebuild", first.id], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 3 and done.stdout.startswith("CANNOT REBUILD") and "--data" in done.stdout


def test_a_rebuild_is_rebuilt_from_where_it_came(project: Path) -> None:
    """Its own folder is gone; the run that it was made from is named, and made again."""
    write(project, train_py=TRAIN, features_py=FEATURES, data__train_csv=DATA)
    first = run(project, "train.py", "data/train.csv")
    made = autotrack.rebuild(first.id).rebuilt
    assert made is not None
    again = autotrack.rebuild(made)
    assert again.kind is Kind.IDENTICAL and again.run == first.id and again.rebuilt not in (first.id, made)
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", "rebuild", made], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0 and f"{made[:8]} is itself a rebuild of {first.id[:8]}" in done.stderr
    # So is a step of a workflow that was not run again: it stands for an earlier run.
    with autotrack.start_run("step", tags={"autotrack.reused": first.id}) as step:
        pass
    assert autotrack.rebuild(step.id).run == first.id


def test_what_parts_is_named_with_its_step(project: Path) -> None:
    """Numbers from outside: the first metric and the first step at which they part."""
    write(
        project,
        train_py="""
        import os, autotrack
        drift = int.from_bytes(os.urandom(4), "little") / 2**32
        with autotrack.start_run("loop") as run:
            run.log_param("rate", 0.1)
            for step in range(20):
                run.log_metric("steady", step * 0.5, step)
                run.log_metric("loss", 1 / (step + 1) + (drift if step >= 7 else 0), step)
                run.log_metric("late", drift if step >= 11 else 0.0, step)
                run.log_metric("epoch_seconds", drift, step)
        """,
    )
    first = run(project, "train.py")
    verdict = autotrack.rebuild(first.id, leave_out=["epoch_seconds"])
    assert verdict.kind is Kind.DIFFERENT
    assert "not compared epoch_seconds: how long something took" in str(verdict)
    assert [(each.what, each.step) for each in verdict.differences] == [("loss", 7), ("late", 11)]
    assert any("os.urandom() (train.py, line 2)" in gap.what for gap in verdict.unknown)
    assert verdict.folder and Path(verdict.folder).is_dir()
    shutil.rmtree(verdict.folder)
    assert "parts first  loss at step 7" in str(verdict)
    assert autotrack.rebuild(first.id, tolerance=1.0).kind is Kind.CLOSE


def test_what_only_one_of_the_two_has_is_a_difference(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        project,
        train_py="""
        import os, autotrack
        from sklearn.tree import DecisionTreeClassifier
        with autotrack.start_run("more or less") as run:
            run.log_metric("steady", 1.0)
            if "MORE" in os.environ:
                DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1])
                run.log_text("more", "more.txt")
        """,
    )
    less, more = run(project, "train.py"), run(project, "train.py", MORE="1")
    gone = autotrack.rebuild(more.id, env="local")
    monkeypatch.setenv("MORE", "1")
    new = autotrack.rebuild(less.id, env="local")
    for verdict, saved, kept in (
        (new, "was not saved before", "was not kept before"),
        (gone, "was not saved", "was not kept"),
    ):
        assert verdict.kind is Kind.DIFFERENT
        said = {each.what: each.text for each in verdict.differences}
        assert said["model model"] == saved and said["artifact more.txt"] == kept
        assert {"training_score", "param criterion", "data X (train)"} <= said.keys(), said
        shutil.rmtree(str(verdict.folder))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_hash_seed_threads_and_modules_are_as_they_were(project: Path, seed: str) -> None:
    """``python -m``, with variables of the environment that change what comes out."""
    write(
        project,
        package____init___py="",
        package__train_py="""
        import os, sys, autotrack
        with autotrack.start_run() as run:
            run.log_params({"order": "".join({"a", "b", "c", "d", "e", "f"}), "threads": os.environ["OMP_NUM_THREADS"]})
            run.log_params({"words": sys.argv[1:], "optimised": sys.flags.optimize})
            print("".join({"a", "b", "c", "d", "e", "f"}))
        """,
    )
    first = run(project, "-m", "package.train", "--x", "1", PYTHONHASHSEED=seed, OMP_NUM_THREADS=seed)
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)


def test_a_program_that_fails_now_says_how(project: Path) -> None:
    source = "import autotrack, os\nonce = os.environ['ONCE']\nautotrack.start_run('a').log_metric('m', 1.0)\n"
    write(project, train_py=source)
    first = run(project, "train.py", ONCE="there")
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IMPOSSIBLE
    assert "before it made this run" in verdict.problems[0].what and "KeyError: 'ONCE'" in verdict.problems[0].close
    # One that has made the run by then: it differs, and why the program failed stands there, too.
    write(project, train_py="import autotrack, os\nwith autotrack.start_run('a') as run:\n    os.environ['ONCE']\n")
    verdict = autotrack.rebuild(run(project, "train.py", ONCE="there").id)
    assert verdict.kind is Kind.DIFFERENT and "KeyError: 'ONCE'" in str(verdict)
    assert "exit code 1, and did not before" in verdict.problems[0].what


def test_another_version_of_a_package_is_built_or_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of an environment that is not this one: its packages are installed anew, or those that it imported; where
    these cannot be had, they are named."""
    wheels = tmp_path / "wheels"
    put_wheel(wheels, "lower", "1.0")
    put_wheel(wheels, "unused", "1.0")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path / "cache"))
    write(
        project,
        train_py="""
        import autotrack, lower
        autotrack.start_run('a').log_param('version', lower.VERSION)
        print(lower.VERSION)
        """,
    )
    environment = environments.build(environments.from_requirements(["lower==1.0", "unused==1.0"]))
    tracked = launched_with(dict(os.environ), folder=str(project), behind=str(environments.folder_behind()))
    subprocess.run([environment.python, "train.py"], cwd=project, env=tracked, check=True)
    first = autotrack.last_run()
    shutil.rmtree(environment.folder)
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    assert str(verdict.environment).startswith("SAME: ") and "built in" in str(verdict.environment)
    assert autotrack.get_run(verdict.rebuilt).params["version"] == "1.0"
    shutil.rmtree(tmp_path / "cache")
    next(wheels.glob("unused*")).unlink()
    smaller = autotrack.rebuild(first.id)
    assert smaller.kind is Kind.IDENTICAL, str(smaller)
    assert str(smaller.environment).startswith("EQUIVALENT: unused 1.0 → none (not imported), built in ")
    shutil.rmtree(tmp_path / "cache")
    next(wheels.glob("lower*")).unlink()
    unbuilt = autotrack.rebuild(first.id)
    assert unbuilt.kind is Kind.IMPOSSIBLE
    said = unbuilt.problems[0].what
    assert said.startswith("IMPOSSIBLE HERE BECAUSE lower 1.0 cannot be installed: ") and "lower 1.0 → none" in said
    assert "--env local" in unbuilt.problems[0].close and "IMPOSSIBLE" in unbuilt.document()["environment"]


def test_a_package_that_was_not_imported_may_be_gone(project: Path, tmp_path: Path) -> None:
    """EQUIVALENT, and this environment is used; where the run imported it, another one would have to be built."""
    for name in ("used", "unused"):
        with zipfile.ZipFile(put_wheel(tmp_path / "wheels", name, "1.0")) as wheel:
            wheel.extractall(tmp_path / "site-packages")
    write(project, train_py="import autotrack\nautotrack.start_run('a').log_metric('value', 1)\n")
    first = run(project, "train.py", PYTHONPATH=str(tmp_path / "site-packages"))
    verdict = autotrack.rebuild(first.id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
    assert str(verdict.environment) == "EQUIVALENT: unused 1.0 → none (not imported), used 1.0 → none (not imported)"
    for one in (autotrack.get_run(first.id), autotrack.get_run(verdict.rebuilt)):
        assert one.tags["autotrack.rebuilt_in"] == str(verdict.environment)
    write(project, train_py="import autotrack, used\nautotrack.start_run('a').log_param('value', used.VERSION)\n")
    second = run(project, "train.py", PYTHONPATH=str(tmp_path / "site-packages"))
    verdict = autotrack.rebuild(second.id, env="local")
    assert verdict.kind is Kind.IMPOSSIBLE and str(verdict.environment) == "NOT THE SAME: used 1.0 → none"


def test_a_module_of_another_folder_is_checked_where_it_lies(project: Path, tmp_path: Path) -> None:
    """It is not put into the fresh folder: the program imports it from where it is, so it must be what it was."""
    write(tmp_path / "shared", beside_py="VALUE = 1\n")
    write(project, train_py="import autotrack, beside\nautotrack.start_run('a').log_metric('value', beside.VALUE)\n")
    first = run(project, "train.py", PYTHONPATH=str(tmp_path / "shared"))
    os.environ["PYTHONPATH"] = str(tmp_path / "shared")
    try:
        assert autotrack.rebuild(first.id, env="local").kind is Kind.IDENTICAL
        (tmp_path / "shared" / "beside.py").write_text("VALUE = 2\n")
        changed = autotrack.rebuild(first.id, env="local")
        (tmp_path / "shared" / "beside.py").unlink()
        gone = autotrack.rebuild(first.id, env="local")
    finally:
        del os.environ["PYTHONPATH"]
    assert changed.kind is gone.kind is Kind.IMPOSSIBLE
    assert "beside.py" in changed.problems[0].what and "has changed since" in changed.problems[0].what
    assert "is not there any more" in gone.problems[0].what


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_broken_off_it_can_be_begun_again(project: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Its program, and what that has started, end with it where it is asked to; nothing half made is in the way."""
    sleeping = tmp_path / "sleeping"
    write(
        project,
        train_py=f"""
            import os, pathlib, subprocess, sys, time
            import autotrack
            autotrack.start_run('a').log_metric('value', 1)
            if 'slow' in os.environ:
                child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
                pathlib.Path({str(sleeping)!r}).write_text(str(child.pid))
                time.sleep(60)
        """,
    )
    first = run(project, "train.py", LC_ALL="C")
    command = [sys.executable, "-m", "autotrack", "rebuild", first.id, "--env", "local"]
    process = subprocess.Popen(command, env={**os.environ, "slow": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(600):
        if sleeping.exists() and sleeping.read_text():
            break
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=30)
    child = int(sleeping.read_text())
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL:
        for _ in range(200):
            if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
                break
            time.sleep(0.05)
        else:
            pytest.fail("what the program started goes on")
    else:
        os.kill(child, signal.SIGKILL)
    assert autotrack.rebuild(first.id, env="local").kind is Kind.IDENTICAL


@pytest.mark.slow
@pytest.mark.parametrize("library", ["torch", "xgboost"])
def test_unseeded_trainings_of_other_libraries(project: Path, library: str) -> None:
    pytest.importorskip(library)
    programs = {
        "torch": """
            import torch
            data, target = torch.randn(64, 4), torch.randint(0, 2, (64,))
            model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 2))
            optimizer = torch.optim.Adam(model.parameters())
            for _ in range(12):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(data), target).backward()
                optimizer.step()
        """,
        "xgboost": """
            import numpy, xgboost
            X = numpy.random.normal(size=(300, 4))
            xgboost.XGBClassifier(n_estimators=8, subsample=0.5).fit(X, X[:, 0] > 0)
        """,
    }
    write(project, train_py=programs[library])
    verdict = autotrack.rebuild(run(project, "train.py").id)
    assert verdict.kind is Kind.IDENTICAL, str(verdict)
