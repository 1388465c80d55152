"""MLproject files, and what says the same; types, defaults; and what cannot be meant, in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from autotrack_projects.commandline import command_line
from autotrack_projects.grammar import Docker, Project, read_project
from autotrack_projects.grid import combinations
from autotrack_projects.parameters import values_for

from autotrack.core.errors import UsageError

#: As MLflow's own examples have them (sklearn_elasticnet_wine, multistep_workflow, docker), comments and all.
WINE = """
name: tutorial

python_env: python_env.yaml

entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
      l1_ratio: {type: float, default: 0.1}
    command: "python train.py {alpha} {l1_ratio}"
"""
WORKFLOW = """
name: multistep_example
python_env: python_env.yaml
entry_points:
  load_raw_data:
    command: "python load_raw_data.py"
  etl_data:
    parameters:
      ratings_csv: path
      max_row_limit: {type: int, default: 100000}
    command: "python etl_data.py --ratings-csv {ratings_csv} --max-row-limit {max_row_limit}"
  main:
    parameters:
      als_max_iter: {type: int, default: 10}
      keras_hidden_units: {type: int, default: 20}
    command: "python main.py --als-max-iter {als_max_iter} --keras-hidden-units {keras_hidden_units}"
"""
DOCKER = """
name: docker-example
docker_env:
  image: mlflow-docker-example
  volumes: ["/local/path:/container/mount/path"]
  environment: [["NEW_ENV_VAR", "new_var_value"], "VAR_TO_COPY_FROM_HOST_ENVIRONMENT"]
entry_points:
  main:
    parameters: {alpha: float, l1_ratio: {type: float, default: 0.1}}
    command: "python train.py --alpha {alpha} --l1-ratio {l1_ratio}"
"""
PYPROJECT = """
[project]
name = "churn"
dependencies = ["numpy"]
[tool.autotrack.project.entry_points.main]
command = "python train.py {lr}"
parameters = { lr = { type = "float", default = 0.1 } }
"""


def made(folder: Path, text: str = "", name: str = "MLproject", files: tuple[str, ...] = ()) -> Project:
    for file in files:
        (folder / file).write_text("")
    if text:
        (folder / name).write_text(text)
    return read_project(folder)


def argv(project: Project, entry: str = "main", **given: str) -> tuple[str, ...]:
    point = project.entry_point(entry)
    values = values_for(point.parameters, given, entry_point=entry, project=project.folder)
    return command_line(point, values).argv


def test_the_public_examples(tmp_path: Path) -> None:
    wine = made(tmp_path, WINE, "mlproject", ("python_env.yaml",))
    assert (wine.name, wine.environment) == ("tutorial", tmp_path / "python_env.yaml")
    assert argv(wine, alpha="0.9") == ("python", "train.py", "0.9", "0.1")
    (tmp_path / "mlproject").unlink()
    flow = made(tmp_path, WORKFLOW, files=("ratings.csv",))
    assert argv(flow, "load_raw_data") == ("python", "load_raw_data.py")
    assert argv(flow)[-4:] == ("--als-max-iter", "10", "--keras-hidden-units", "20")
    docker = made(tmp_path, DOCKER).docker
    assert docker == Docker(
        "mlflow-docker-example",
        ("/local/path:/container/mount/path",),
        (("NEW_ENV_VAR", "new_var_value"), ("VAR_TO_COPY_FROM_HOST_ENVIRONMENT", None)),
    )


@pytest.mark.parametrize(
    "command",
    [
        "python -O train.py --max-runs {x}",
        "python3.11 -m package.train --x {x}",
        "Rscript --vanilla train.R --alpha {x}",
        "R --slave -f train.R --args {x}",
        "spark-submit --master local --py-files a.zip train.py {x}",
        "java -Xmx2g -jar train.jar {x}",
        "torchrun --standalone --nproc_per_node 2 train.py --lr={x}",
        "python -m torch.distributed.run --nproc-per-node=2 -m package.train {x}",
        "accelerate launch --num_processes 2 train.py {x}",
        "uv run --frozen train.py {x}",
        "uv run python -m package {x}",
        "mpirun -np 2 python train.py {x}",
        "srun -n 2 --gres=gpu:1 python train.py {x}",
        "CUDA_VISIBLE_DEVICES={x} python train.py",
        "cd src && python train.py {x}",
        "source env.sh && python train.py {x}",
        "mkdir -p {x} && python train.py --out {x}",
        "python train.py {x} | grep -v a | sort > log.txt; python report.py log.txt",
        'if [ "{x}" = yes ]; then python train.py {x}; else ./own {x}; fi',
        "case {x} in a) python a.py;; *) python b.py {x};; esac",
        "train-it --lr {x} more={x} {x}",
        "bin/train -c {x}",
        "curl -sSf -o rows.csv {x} && python train.py rows.csv",
    ],
)
def test_what_projects_say(tmp_path: Path, command: str) -> None:
    text = {"entry_points": {"main": {"command": command, "parameters": {"x": "string"}}}}
    assert argv(made(tmp_path, json.dumps(text)), x="0.5")


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = made(tmp_path, WORKFLOW, files=("python_env.yaml",))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a b.csv").write_text("")
    monkeypatch.chdir(elsewhere)
    assert argv(project, "etl_data", ratings_csv="a b.csv")[3] == str(elsewhere / "a b.csv")


def test_what_has_no_mlproject(tmp_path: Path) -> None:
    assert made(tmp_path).environment is None
    project = made(tmp_path, files=("requirements.txt", "train.py", "go.sh"))
    assert project.environment == tmp_path / "requirements.txt" and project.name is None
    assert argv(project, "train.py", lr="0.1") == ("python", "train.py", "--lr", "0.1")
    assert argv(project, "go.sh") == ("bash", "go.sh")
    with pytest.raises(UsageError, match=r"no entry point 'main'; there are: go\.sh, train\.py"):
        argv(project)
    said = made(tmp_path, PYPROJECT, "pyproject.toml")
    assert said.name == "churn" and argv(said, lr="2", more="x") == ("python", "train.py", "2", "--more", "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("entry_points: [main]", "a mapping was expected"),
        ("entry_points: {main: {parameters: {a: float}}}", "entry point main has no command"),
        ("entry_points: {main: {command: x, parameters: {a: {type: flaot}}}}", "there is no type 'flaot'"),
        ("python_env: a\nconda_env: b", "several environments"),
        ("python_env: ../a.yaml", "is not in the project's folder"),
        ("python_env: a.yaml", "there is no such file"),
        ("docker_env: {volumes: []}", "docker_env needs an image"),
        ("name: !!python/object/apply:os.system [id]", "not valid YAML"),
        ("- a", "a mapping was expected"),
        ("a: &a [*a]\nentry_points: *a", "not valid YAML|a mapping was expected"),
        ("entry_points: {main: {command: x, parameters: {'a b': float}}}", "is no name of a parameter"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        made(tmp_path, text)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("float", ["1", "-1e-3", "nan", "inf", " 2 "], ["", "one", "1,5", "0x10"]),
        ("int", ["1", "-7"], ["1.5", "", "a"]),
        ("bool", ["true", "False", "1", "no"], ["2", "", "maybe"]),
        ("path", ["."], ["nowhere.csv", "s3://b/c"]),
        ("uri", ["s3://b/c", "models:/m/1", "."], ["nowhere.csv", ""]),
        ("string", ["", "anything\n"], []),
    ],
)
def test_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, good: list[str], bad: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    text = f'entry_points: {{main: {{command: "python a.py {{x}}", parameters: {{x: {kind}}}}}}}'
    project = made(tmp_path, text)
    for value in good:
        expected = str(tmp_path) if kind == "path" else value
        assert argv(project, x=value)[-1] == expected
    for value in [*bad, None]:
        given: dict[str, Any] = {} if value is None else {"x": value}
        if kind == "uri" and value == "":
            continue  # the folder itself
        with pytest.raises(UsageError, match="parameter x"):
            argv(project, **given)


def test_grids() -> None:
    points = combinations({"lr": "0.1,0.01", "depth": "2,3", "name": r"a\,b"})
    assert points == [{"lr": lr, "depth": depth, "name": "a,b"} for lr in ("0.1", "0.01") for depth in ("2", "3")]
    with pytest.raises(UsageError, match="1,000,000 combinations"):
        combinations({name: ",".join("0123456789") for name in "abcdef"})
