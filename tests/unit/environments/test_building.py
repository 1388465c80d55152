"""An environment is built once for each content, whoever asks, and a half one is never used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autotrack.core.errors import EnvironmentBuildError
from autotrack.environments import Environment, build, from_distributions, from_requirements, read_conda
from autotrack.environments.installers import find_uv, surroundings

from .wheels import put_wheel

BUILD = """
import sys
from autotrack.environments import build, from_requirements
said = []
found = build(from_requirements(["upper"]), progress=said.append)
print(found.python, *("built" for line in said if line.startswith("building")))
"""


DISK = """
from autotrack.core.errors import EnvironmentBuildError
from autotrack.environments import build, from_requirements
try:
    build(from_requirements(["upper"]))
    print("built")
except EnvironmentBuildError as error:
    print(error)
print("--")
"""


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wheels, found through the user's own pip settings alone, and an empty cache."""
    wheels = tmp_path / "wheels"
    put_wheel(wheels, "lower", "1.0")
    put_wheel(wheels, "lower", "2.0")
    put_wheel(wheels, "upper", "3.0", requires="lower>=1")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("AUTOTRACK_ENVIRONMENTS", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(params=["uv", "pip"])
def tool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """uv is on the path, or nowhere."""
    scripts = sysconfig.get_path("scripts")
    if request.param == "uv":
        places = [scripts, os.environ["PATH"], str(Path(pytest.__file__).parents[4] / "bin")]
        monkeypatch.setenv("PATH", os.pathsep.join(places))
        assert find_uv(), "the development environment has uv"
    else:
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        monkeypatch.setattr("autotrack.environments.building.find_uv", lambda: None)
    return str(request.param)


def versions(environment: Environment) -> dict[str, str]:
    """What the environment's own Python imports."""
    code = "import upper, lower; print(upper.VERSION, lower.VERSION)"
    done = subprocess.run([environment.python, "-c", code], capture_output=True, text=True, check=True)
    assert {"upper", "lower"} <= {record["name"] for record in environment.distributions}
    return dict(zip(("upper", "lower"), done.stdout.split(), strict=True))


def test_what_was_asked_for_is_in_it_and_equal_requests_share_it(places: Path, tool: str) -> None:
    said: list[str] = []
    first = build(from_requirements(["upper"]), progress=said.append)
    assert versions(first) == {"upper": "3.0", "lower": "2.0"}
    assert f"({tool})" in said[0] and "lower" in first.log.read_text()
    again = build(from_requirements(["upper  # the same"]), progress=said.append)
    assert again.cached and again.python == first.python and again.lock == first.lock
    limited = build(from_requirements(["upper"], constraints=["lower<2"]))
    assert versions(limited) == {"upper": "3.0", "lower": "1.0"}
    rebuilt = build(from_distributions(limited.distributions, python="3.11" if sys.version_info < (3, 12) else None))
    assert rebuilt.key != limited.key and rebuilt.distributions == limited.distributions


def test_two_that_build_the_same_build_it_once(places: Path) -> None:
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(subprocess.run, [sys.executable, "-c", BUILD], capture_output=True, text=True, check=True)
            for _ in range(3)
        ]
    answers = [run.result().stdout.split() for run in runs]
    assert len({answer[0] for answer in answers}) == 1
    assert sum("built" in answer for answer in answers) == 1


def test_what_a_broken_off_build_left_is_thrown_away(places: Path) -> None:
    whole = build(from_requirements(["upper"]))
    (whole.folder / "environment.json").unlink()
    (whole.folder / "half").write_text("written by a build that was killed")
    again = build(from_requirements(["upper"]))
    assert not again.cached and again.key == whole.key and not (again.folder / "half").exists()
    assert versions(again)["upper"] == "3.0"
    os.unlink(again.python)  # its Python was uninstalled
    assert versions(build(from_requirements(["upper"])))["upper"] == "3.0"


def test_what_cannot_be_built_says_why_and_leaves_nothing(places: Path, tool: str) -> None:
    with pytest.raises(EnvironmentBuildError, match=r"(?s)no-such-thing.*All of it is in") as caught:
        build(from_requirements(["upper", "no-such-thing==7"]))
    log = Path(str(caught.value).rpartition(" ")[2])
    assert "no-such-thing" in log.read_text()
    assert [path for path in (places / "cache").iterdir() if path.is_dir()] == [log.parent]


def test_a_python_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotrack.environments.building.find_uv", lambda: None)
    with pytest.raises(EnvironmentBuildError, match=r"Python 2\.6 was asked for.*this machine has Python 3"):
        build(from_requirements(["upper"], python="2.6"))


@pytest.mark.parametrize("name", ["micromamba", "conda"])
def test_conda_makes_what_a_conda_yaml_names(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A stand-in has the place of conda, which no index of Python packages has; its environment is a real one."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / name).write_text(
        f"""#!{sys.executable}
import json, pathlib, shutil, subprocess, sys
folder, file = sys.argv[sys.argv.index("--prefix") + 1], sys.argv[sys.argv.index("--file") + 1]
said = pathlib.Path(file).read_text()
pathlib.Path({str(tmp_path / "told.json")!r}).write_text(json.dumps([sys.argv[1:], said]))
if "nothing-such" in said:
    pathlib.Path(folder, "conda-meta").mkdir(parents=True)
    sys.exit("PackagesNotFoundError: nothing-such")
subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
"""
    )
    (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr("autotrack.environments.building.find_uv", lambda: None)
    text = "dependencies: [python=2.6, cudatoolkit]\n"
    (tmp_path / "conda.yaml").write_text(text)
    said: list[str] = []
    built = build(read_conda(tmp_path / "conda.yaml"), progress=said.append)  # a Python that is not here is no obstacle
    words, given = json.loads((tmp_path / "told.json").read_text())
    verbs = ["create", "--yes"] if name == "micromamba" else ["env", "create"]
    assert words[:-3] == [*verbs, "--prefix"] and words[-3:-1] == [str(built.folder), "--file"] and text in given
    assert built.left_out == () and f"Python 2.6 ({name})" in said[0] and Path(built.python).is_file()
    assert build(read_conda(tmp_path / "conda.yaml")).cached
    (tmp_path / "conda.yaml").write_text("dependencies: [nothing-such]\n")
    with pytest.raises(EnvironmentBuildError, match=r"(?s)PackagesNotFoundError: nothing-such\nAll of it is in"):
        build(read_conda(tmp_path / "conda.yaml"))
    assert sum(path.is_dir() for path in (places / "cache").iterdir()) == 2  # that one, and the logs


def test_an_index_that_is_away_is_named_with_what_to_do(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name)
    for name, value in (("PIP_CONFIG_FILE", os.devnull), ("PIP_INDEX_URL", "http://127.0.0.1:9/simple")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_RETRIES", "1")  # of their own they try again for seconds
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(EnvironmentBuildError, match=r"cannot be reached from here: .*PIP_FIND_LINKS.*--env local"):
        build(from_requirements(["upper"]))


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    """Too full for the log; for the environment; then there is room."""
    place = tmp_path / "cache"
    place.mkdir()
    script = f"""
        set -e
        mount -t tmpfs -o size=64k none {place}
        head -c 65536 /dev/zero > {place}/fill
        {sys.executable} -c '{DISK}'
        rm {place}/fill
        {sys.executable} -c '{DISK}'
        mount -o remount,size=16m {place}
        {sys.executable} -c '{DISK}'
    """
    possible = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(place)], capture_output=True)
    if possible.returncode:
        pytest.skip("no file system can be mounted here")
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.split("--\n")[:-1]
    assert "cannot be kept in" in first and "make room, or say with AUTOTRACK_ENVIRONMENTS" in first
    assert "AUTOTRACK_ENVIRONMENTS" in second and "Traceback" not in second
    assert third == "built\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_broken_off_is_begun_again(places: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The installer of a process that is interrupted ends with what it started; where that process was killed, nobody
    builds before its installer has ended, and nothing of it is used."""
    tools = places / "tools"
    tools.mkdir()
    started = places / "started"
    (tools / "uv").write_text(
        f"#!/bin/sh\nmkdir -p {places}/cache/half\nsleep 600 &\necho $! $$ > {started}.part\n"
        f"mv {started}.part {started}\nwait\n"
    )
    (tools / "uv").chmod(0o755)
    found = find_uv()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
        process = subprocess.Popen([sys.executable, "-c", BUILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until(started.exists)
    child, installer = map(int, started.read_text().split())
    process.send_signal(number)
    process.communicate(timeout=60)
    monkeypatch.setattr("autotrack.environments.building.find_uv", lambda: found)
    said: list[str] = []
    if number == signal.SIGINT:
        wait_until(lambda: is_gone(child) and is_gone(installer))
        assert not [path for path in (places / "cache").glob("*/") if path.name not in ("logs", "half")]
        build(from_requirements(["upper"]), progress=said.append)
    else:
        assert not is_gone(installer)
        with ThreadPoolExecutor() as pool:
            other = pool.submit(build, from_requirements(["upper"]), progress=said.append)
            wait_until(lambda: bool(said))
            assert said == ["another process builds this environment: waiting for it"] and not other.done()
            os.kill(child, signal.SIGKILL)  # its installer's wait is over
            assert versions(other.result(60))["upper"] == "3.0"
    assert any(line.startswith("building") for line in said)


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_uv_is_told_what_pip_is_configured_to(tmp_path: Path) -> None:
    configured = tmp_path / "pip.conf"
    configured.write_text(
        "[global]\nindex-url = https://index.test/simple\nextra-index-url = https://a.test https://b.test\n"
    )
    given = {"PIP_CONFIG_FILE": str(configured), "PIP_FIND_LINKS": "/a /b", "PIP_PROXY": "p", "PYTHONPATH": "/ours"}
    told = surroundings("uv", given)
    assert told["UV_DEFAULT_INDEX"] == "https://index.test/simple"
    assert told["UV_INDEX"] == "https://a.test https://b.test"
    assert told["UV_FIND_LINKS"] == "/a,/b" and told["PIP_FIND_LINKS"] == "/a /b" and told["PIP_PROXY"] == "p"
    assert "PYTHONPATH" not in told
    assert surroundings("uv", {**given, "UV_INDEX": "https://own.test"})["UV_INDEX"] == "https://own.test"
