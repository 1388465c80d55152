"""An environment is built once for each content, whoever asks, and a half one is never used."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autotrack.core.errors import EnvironmentBuildError
from autotrack.environments import Environment, build, from_distributions, from_requirements
from autotrack.environments.installers import find_uv, surroundings

from .wheels import put_wheel

BUILD = """
import sys
from autotrack.environments import build, from_requirements
said = []
found = build(from_requirements(["upper"]), progress=said.append)
print(found.python, *("built" for line in said if line.startswith("building")))
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
