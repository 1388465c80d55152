"""What is logged to a run holds no secret, and the run says where one was."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import autotrack
from autotrack.core.runs import trackers

TOKEN = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4h"


@pytest.fixture(autouse=True)
def fresh(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", "--token", TOKEN, f"--url=https://me:{TOKEN}@host/"])
    yield
    trackers.close_all()


class Named(LogisticRegression):
    """An estimator with a param of text."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.name = name


def is_kept(store: Path) -> bool:
    return any(TOKEN.encode() in path.read_bytes() for path in store.rglob("*") if path.is_file())


def test_params_tags_notes_and_errors(store: Path) -> None:
    with pytest.raises(ValueError, match=TOKEN), autotrack.start_run() as run:
        run.log_params({"hub": {"api_key": "abc"}, "url": f"https://me:{TOKEN}@host/x", "lr": 0.1, "max_tokens": 5})
        run.set_tags({"authorization": f"Bearer {TOKEN}", "team": "blue"})
        run.note(f"fetched with {TOKEN}")
        run.log_dataset([1.0], name=TOKEN, source=f"s3://key:{TOKEN}@bucket/a.csv")
        run.log_param("lr\x00", TOKEN)
        raise ValueError(f"the server refused {TOKEN}")
    trackers.close_all()
    (kept,) = autotrack.search_runs()
    assert kept.params == {"hub.api_key": "***", "url": "https://me:***@host/x", "lr": "0.1", "max_tokens": "5"}
    assert kept.tags["authorization"] == "***" and kept.tags["team"] == "blue"
    notes = kept.health["notes"]
    assert "what looks like a secret is kept as *** in param 'hub.api_key'" in notes
    assert "what looks like a secret is kept as *** in tag 'authorization'" in notes
    assert not any("'lr'" in note or "'team'" in note for note in notes)
    assert "the server refused ***" in (kept.error or "")
    assert kept.datasets[0].name == "***" and kept.datasets[0].source == "s3://key:***@bucket/a.csv"
    assert not is_kept(store)


def test_params_of_a_search_and_the_command_line(store: Path) -> None:
    autotrack.enable(models=False)
    search = GridSearchCV(Named(), {"name": [TOKEN, "plain"]}, cv=2).fit([[0.0], [1.0]] * 4, [0, 1] * 4)
    assert search.best_params_
    trackers.close_all()
    children = [run for run in autotrack.search_runs() if run.parent is not None]
    assert {run.params["name"] for run in children} == {"***", "plain"}
    assert not is_kept(store)


GITHUB = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4hJ6"
GIVEN, PRINTED = "Zq81kdPw77" + "xyzLong", "hunter2" + "secret9"
PRINTS = """
import sys
print("pass" "word=hunter2" "secret9 and", sys.argv[1])
print("{GITHUB}", "with", sys.argv[-1], "caf\\xe9", flush=True)
sys.stdout.buffer.write(bytes([255, 10]))
"""


@pytest.mark.parametrize("command", ["python show.py {api_token} --lr {lr}", "true && python show.py {api_token}"])
def test_command_and_output_of_a_project(store: Path, tmp_path: Path, command: str) -> None:
    """What a project was started with, and what it printed: by name, by shape, and where the given value comes back."""
    folder = tmp_path / "project"
    folder.mkdir()
    parameters = {"api_token": "string", "lr": "float"}
    points = {"main": {"command": command, "parameters": parameters}}
    (folder / "MLproject").write_text(json.dumps({"name": "p", "entry_points": points}))
    (folder / "show.py").write_text(PRINTS.replace("{GITHUB}", GITHUB[:9] + '" "' + GITHUB[9:]))
    given = {"api_token": GIVEN, "lr": 0.5, "url": f"https://me:{TOKEN}@host/", "password": "abc"}
    run = autotrack.run_project(str(folder), parameters=given, env="local").run
    trackers.close_all()
    console = Path(run.artifact_uri, "project/console.txt").read_bytes()
    assert console.startswith(b"password=*** and ***\n*** with ") and console.endswith(b"\xff\n")
    words = json.loads(Path(run.artifact_uri, "project/command.json").read_text())
    if words[0] == "python":
        assert words == [
            "python",
            "show.py",
            "***",
            "--lr",
            "0.5",
            "--url",
            "https://me:***@host/",
            "--password",
            "***",
        ]
    kept = autotrack.search_runs()[0]
    assert "what looks like a secret is kept as *** in project/console.txt" in kept.health["notes"]
    for secret in (GIVEN, PRINTED, GITHUB, TOKEN):
        assert [path for path in store.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()] == []
