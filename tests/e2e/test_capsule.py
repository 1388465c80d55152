"""``autotrack runs export -o run.zip``, and the run rebuilt from that file alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autotrack.core.objects import Objects

SECRET = "hf_" + "abcDEF123456" * 3
TRAIN = """
    import sys
    import autotrack
    import numpy
    from parts.noise import noise
    from sklearn.linear_model import LogisticRegression

    autotrack.enable()
    data = numpy.loadtxt(sys.argv[1], delimiter=",")
    own = numpy.loadtxt("own.csv", delimiter=",")
    LogisticRegression(C=float(open("strength.txt").read())).fit(data[:, :1] + noise(len(data)), data[:, 1])
"""
FILES = {
    "train.py": TRAIN,
    "parts/__init__.py": "",
    "parts/noise.py": "import numpy\ndef noise(n): return numpy.random.normal(size=(n, 1))\n",
    "strength.txt": "0.5\n",
    ".gitignore": "own.csv\n",
    ".env": f"TOKEN={SECRET}\n",
    "notes.py": f"api_key = '{SECRET}'\n",
}
ROWS = "".join(f"{at % 7},{at % 2}\n" for at in range(60))


def autotrack(folder: Path, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOTRACK_")}
    done = subprocess.run(
        [sys.executable, "-m", "autotrack", *arguments],
        cwd=folder,
        env={**environment, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert not ok or done.returncode == 0, done.stdout + done.stderr
    return done


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def verdict_of(folder: Path, *arguments: str) -> Any:
    return json.loads(autotrack(folder, "rebuild", *arguments, "--env", "local", "--json", ok=False).stdout)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with archives of one run, and nothing else: its repository, its data and its store are no more."""
    base = tmp_path_factory.mktemp("capsule")
    project = base / "there" / "project"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(textwrap.dedent(text).lstrip("\n"))
    (project / "link.txt").symlink_to("strength.txt")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    (project / "parts/noise.py").write_text("import numpy\ndef noise(n): return numpy.random.laplace(size=(n, 1))\n")
    (project / "own.csv").write_text(ROWS)
    (project.parent / "rows.csv").write_text(ROWS)
    autotrack(project, "run", "train.py", "../rows.csv")
    run = json.loads(autotrack(project, "runs", "list", "--json").stdout)[0]["id"]
    here = base / "here"
    here.mkdir()
    said = json.loads(autotrack(project, "runs", "export", run, "-o", str(here / "run.zip"), "--json").stdout)
    assert [each["what"] for each in said["left"]] == [
        ".env looks private by its name",
        "notes.py holds a secret, which is masked in it",
    ]
    assert {"train.py", "parts/noise.py", str(project / "own.csv"), str(project.parent / "rows.csv")} <= set(
        said["carried"]
    )
    autotrack(project, "runs", "export", run, "-o", str(here / "bare.zip"), "--bare")
    autotrack(project, "runs", "export", run, "-o", str(here / "small.zip"), "--inputs-up-to", "0.0001")
    shutil.rmtree(base / "there")
    return here


def test_it_is_rebuilt_where_nothing_of_it_is_known(exported: Path) -> None:
    verdict = verdict_of(exported, "run.zip")
    assert verdict["verdict"] == "IDENTICAL", verdict
    assert any("data sets" in each for each in verdict["compared"]) and "1 model" in verdict["compared"]
    # It is written down on both, and what stands on the run says that nothing is missing.
    shown = json.loads(autotrack(exported, "runs", "show", verdict["run"], "--json").stdout)
    assert shown["tags"]["autotrack.rebuilt"] == "IDENTICAL"
    assert shown["tags"]["autotrack.rebuilt_as"] == verdict["rebuilt"] and "autotrack.rebuilt_at" in shown["tags"]
    assert shown["made_by"]["rebuildability"]["score"] == 100
    made = json.loads(autotrack(exported, "runs", "show", verdict["rebuilt"], "--json").stdout)
    assert made["tags"]["autotrack.rebuilt"] == "IDENTICAL" and "rebuild.json" in str(made["artifacts"])
    # ... and once more: it is here now.
    assert verdict_of(exported, verdict["run"])["verdict"] == "IDENTICAL"


def test_no_secret_and_every_other_file_is_in_it(exported: Path) -> None:
    with zipfile.ZipFile(exported / "run.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert not [name for name, content in contents.items() if SECRET.encode() in content]
    assert textwrap.dedent(TRAIN).lstrip("\n").encode() in contents.values() and ROWS.encode() in contents.values()
    page = contents["report.html"].decode()
    assert page.startswith("<!doctype html>") and "LogisticRegression" in page


def test_what_is_not_in_it_is_named(exported: Path, tmp_path: Path) -> None:
    shutil.copy(exported / "bare.zip", tmp_path)
    bare = verdict_of(tmp_path, "bare.zip")
    assert bare["verdict"] == "CANNOT REBUILD" and "in no clone at hand" in str(bare["problems"])
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(exported / "small.zip", other)
    small = verdict_of(other, "small.zip")
    assert small["verdict"] == "CANNOT REBUILD" and "rows.csv" in str(small["problems"])


#: Passwords, each where another look would miss it.
PASSWORDS = {
    "settings.ini": "[db]\npassword = hunter2-COMMITTED\n",
    "deploy.sh": "export X=1\npassword=hunter2-SHELL\n",
    "../database.ini": "[db]\nuser = bob\npassword = hunter2-OUTSIDE\n",
    "../service.yaml": "db: {user: bob, password: hunter2-FLOW}\n",
    "../large.log": "1 2 3\n" * 1_000_000 + "login with password=hunter2-LARGE\n",
    "../kept.txt": "password = hunter2-KEPT\n",
}
PLAIN = {
    "../vocabulary.json": '{"password": 9206, "secret": 3595, "token": 11241}\n',
    "../rows.csv": "token,key,label\nabc,def,1\n",
    "run.sh": "TOKEN=$(cat token.txt)\npassword=$1\n",
    "own.py": "password = given\ntoken = tokenizer\n",
}


def test_passwords_stay_behind_whatever_file_they_are_in(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    names = [name for name in (*PASSWORDS, *PLAIN) if name.startswith("..")]
    for name, text in {**PASSWORDS, **PLAIN}.items():
        (project / name).write_text(text)
    (project / "train.py").write_text(
        f"import autotrack\nread = [len(open(name).read()) for name in {[*names, 'settings.ini']}]\n"
        "autotrack.start_run('a').log_metric('loss', sum(read))\n"
    )
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    autotrack(project, "run", "train.py")
    # One of the files is another by now; what it was is among the contents that the store keeps.
    Objects(project / ".autotrack" / "objects").put((project / "../kept.txt").read_bytes())
    (project / "../kept.txt").write_text("nothing to see\n")
    said = json.loads(autotrack(project, "runs", "export", "-o", "run.zip", run_of(project), "--json").stdout)
    with zipfile.ZipFile(project / "run.zip") as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    assert not [content for content in contents if b"hunter2" in content]
    left = {each["what"] for each in said["left"]}
    assert left == {
        "settings.ini holds a secret, which is masked in it",
        "deploy.sh holds a secret, which is masked in it",
        f"{project / 'settings.ini'} looks private: by its fingerprint only",
        *(f"{tmp_path / name[3:]} looks private: by its fingerprint only" for name in PASSWORDS if name[0] == "."),
    }
    for text in (*PLAIN.values(), "[db]\npassword = ***\n"):
        assert text.encode() in contents, text
    # Taken in elsewhere and exported from there, with files of an older archive that had a password in them.
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(project / "run.zip", here)
    autotrack(here, "runs", "import", "run.zip")
    secret = (project / "settings.ini").read_bytes()
    Objects(here / ".autotrack" / "objects").put(secret)
    shutil.rmtree(project)
    said = json.loads(autotrack(here, "runs", "export", "-o", "again.zip", run_of(here), "--json").stdout)
    with zipfile.ZipFile(here / "again.zip") as archive:
        assert not [name for name in archive.namelist() if b"hunter2" in archive.read(name)]
    assert {"settings.ini", "own.py", "run.sh"} <= set(said["carried"])


def run_of(folder: Path) -> str:
    return str(json.loads(autotrack(folder, "runs", "list", "--json").stdout)[0]["id"])
