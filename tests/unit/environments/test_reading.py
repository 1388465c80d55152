"""What projects and sessions have is read as requests; what cannot be meant is refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.core.errors import UsageError
from autotrack.environments import (
    Request,
    from_distributions,
    from_requirements,
    read_conda,
    read_lock,
    read_pyproject,
    read_python_env,
    read_requirements,
)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_requirements_file_stands_alone_after_it_was_read(tmp_path: Path) -> None:
    written(tmp_path, "more/base.txt", "numpy>=1  # a comment\n./own[extra]\n-c limits.txt\n")
    written(tmp_path, "more/limits.txt", "numpy<3\n")
    package = written(tmp_path, "more/own/pyproject.toml", "[project]\nname='own'\n").parent
    main = written(tmp_path, "requirements.txt", "-r more/base.txt\nscipy == \\\n  1.2\n-e more/own\n--pre\n")
    found = read_requirements(main, python="3.11")
    assert found.requirements == ("numpy>=1", f"{package}[extra]", "scipy ==    1.2", f"-e {package}", "--pre")
    assert found.constraints == ("numpy<3",) and found.python == "3.11"
    key = found.key()
    assert read_requirements(main, python="3.11").key() == key
    written(tmp_path, "more/own/code.py", "x = 1\n")
    assert read_requirements(main, python="3.11").key() != key  # the local package is another one now


def test_a_python_env_and_a_conda_file(tmp_path: Path) -> None:
    python_env = "python: 3.11\nbuild_dependencies: [pip==24.0]\ndependencies: [mlflow==2.1, '-r more.txt']\n"
    written(tmp_path, "more.txt", "numpy\n")
    found = read_python_env(written(tmp_path, "python_env.yaml", python_env))
    assert (found.python, found.first, found.requirements) == ("3.11", ("pip==24.0",), ("mlflow==2.1", "numpy"))
    conda = "channels: [x]\ndependencies: [python=3.11, pip, 'conda-forge::gcc>=9', cudatoolkit, {pip: [numpy]}]\n"
    found = read_conda(written(tmp_path, "conda.yaml", conda))
    assert (found.python, found.requirements, found.conda) == ("3.11", ("numpy",), conda)
    assert [line.split(" of ")[0] for line in found.left_out] == ["conda-forge::gcc>=9", "cudatoolkit"]


def test_a_pyproject_and_locks(tmp_path: Path) -> None:
    project = "[project]\ndependencies=['a>1']\n[project.optional-dependencies]\ndev=['b']\n"
    file = written(tmp_path, "pyproject.toml", project)
    assert read_pyproject(file, extras=["dev"]).requirements == ("a>1", "b")
    lock = read_lock(written(tmp_path, "requirements.lock", "a==1 --hash=sha256:0f\n"))
    assert lock.exact and lock.requirements == ("a==1 --hash=sha256:0f",)
    package = "[[packages]]\nname='a'\nversion='1'\nmarker=\"python_version<'4'\"\nwheels=[{hashes={sha256='0f'}}]\n"
    lock = read_lock(written(tmp_path, "pylock.toml", package))
    assert lock.exact and lock.requirements == ("a==1 ; python_version<'4' --hash=sha256:0f",)


def test_the_distributions_of_a_session() -> None:
    found = from_distributions(
        [
            {"name": "torch", "version": "2.13.0+cpu", "url": "file:///wheels/torch-2.13.0.whl"},
            {"name": "a", "version": "1", "url": "https://host/a", "commit": "0f" * 20},
            {"name": "own", "version": "2", "url": "file:///home/me/own", "editable": True},
            {"name": "b", "version": "3"},
        ]
    )
    assert found.exact and found.requirements == ("torch==2.13.0+cpu", f"a @ git+https://host/a@{'0f' * 20}", "b==3")
    assert found.left_out == ("own 2: it was installed from the folder /home/me/own",)


@pytest.mark.parametrize(
    ("read", "name", "text", "says"),
    [
        (read_requirements, "r.txt", "-r r.txt\n", "includes itself"),
        (read_requirements, "r.txt", "-r missing.txt\n", "missing.txt"),
        (read_python_env, "p.yaml", "dependencies: numpy\n", "a list of requirements was expected"),
        (read_python_env, "p.yaml", "python: '3.11; rm -rf /'\n", "no version of Python"),
        (read_python_env, "p.yaml", "dependencies: !!python/object/apply:os.system [id]\n", "not valid YAML"),
        (read_python_env, "p.yaml", "- numpy\n", "must hold a mapping"),
        (read_conda, "c.yaml", "dependencies: {a: b}\n", "must be a list"),
        (read_pyproject, "p.toml", "[project\n", "not valid TOML"),
        (read_lock, "r.lock", "a>=1\n", "no lock"),
        (read_lock, "pylock.toml", "[[packages]]\nname='-e .'\nversion='1'\n", "cannot be installed"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, read: Callable[[Path], Request], name: str, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(written(tmp_path, name, text))


@pytest.mark.parametrize("name", ["--index-url=https://evil", "a b", "a\nb", ""])
def test_names_of_distributions_are_no_options(name: str) -> None:
    with pytest.raises(UsageError):
        from_distributions([{"name": name, "version": "1"}])


def test_lines_of_requirements_are_lines() -> None:
    assert from_requirements(["a\nb"]).requirements == ("a", "b")
