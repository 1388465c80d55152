"""One run on one screen: what it says first, and that it fits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from cli_records import run, summary

from autotrack.answers.story import Story
from autotrack.cli.page import heart_of, print_run
from autotrack.cli.screen import Screen
from autotrack.cli.words import width
from autotrack.core.entities import RunRecord

CHAINED = """\
Traceback (most recent call last):
  File "/home/ada/train.py", line 3, in load
    open("a")
FileNotFoundError: a

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/home/ada/train.py", line 9, in <module>
    fit()
  File "/home/ada/.venv/lib/python3.11/site-packages/sklearn/base.py", line 1, in fit
    raise ValueError(text)
ValueError: Input X contains NaN.
It does not accept missing values.
  Indented advice.
"""
Show = Callable[..., str]


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        (CHAINED, "ValueError: Input X contains NaN.", 'File "/home/ada/train.py", line 9, in <module>'),
        ("ValueError: no\nmore", "ValueError: no", ""),
        ('Traceback (most recent call last):\n  File "/x/site-packages/a.py", line 1, in f\nE: m', "E: m", "a.py"),
        ("", "", ""),
    ],
)
def test_the_heart_of_a_traceback(text: str, said: str, place: str) -> None:
    found = heart_of(text.splitlines())
    assert found[0] == said
    assert place in found[1] and bool(place) == bool(found[1])


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Show:
    """The page on a terminal of so many columns, without its colours."""

    def page(record: RunRecord, columns: int, *summaries: object, children: object = ()) -> str:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(columns))
        print_run(Screen(), record, summaries, children, Story(record, None, (), {}), full=False)  # type: ignore[arg-type]
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)

    return page


PARAMS = {f"param_{at}": str(at) for at in range(20)} | {"größe": "∞" * 30, "名前": "値" * 200, "empty": ""}


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
def test_params_and_metrics_stand_abreast_and_fit(show: Show, columns: int) -> None:
    record = run(params=PARAMS)
    said = show(record, columns, *(summary(f"training_{at}_score", at / 10) for at in range(9)))
    part = said[said.index("metrics (9)") : said.index("not captured")]
    assert all(width(line) <= columns for line in part.splitlines())
    assert all(f"training_{at}_score" in part for at in range(9))
    assert all(f"param_{at} " in part for at in range(20))
    if columns >= 80:
        assert len(part.splitlines()) < 9 + 23
    assert show(run(params={"only": "1"}), columns).count("only") == 1


def test_our_own_tags_are_left_to_the_full_page(show: Show) -> None:
    said = show(run(tags={"autotrack.plugin": "sklearn", "team": "risk"}), 80)
    assert "tags (1)" in said and "risk" in said and "autotrack.plugin" not in said
    assert "tags" not in show(run(tags={"autotrack.plugin": "sklearn"}), 80)


def test_a_search_for_a_cause_says_how_far_it_is_and_what_it_found(show: Show) -> None:
    tags = {"metric": "loss", "verdict": "CAUSE FOUND", "causes": "argument 4  --lr 0.1 → 0.3", "standing": "5 tried"}
    page = show(run(tags={f"autotrack.bisect_{name}": value for name, value in tags.items()}), 80)
    assert "  CAUSE FOUND  loss\n  because of  argument 4  --lr 0.1 → 0.3\n  so far      5 tried\n" in page
    assert "bisect" not in show(run(tags={"autotrack.bisect": "a b"}), 80)


def test_the_best_children_come_first(show: Show) -> None:
    scores = (0.5, 0.9, float("nan"), 0.7, 0.8)
    children = [run(f"c{at}", metrics={"score": score, "mean_fit_time": at}) for at, score in enumerate(scores)]
    said = show(run(), 80, children=children)
    named = [line.split()[1] for line in said.splitlines() if re.match(r"  0\w{7}  c\d", line)]
    assert named == ["c1", "c4", "c3"]


def test_of_an_error_the_heart_is_shown(show: Show) -> None:
    said = show(run(error=CHAINED), 80)
    assert "ValueError: Input X contains NaN." in said and "train.py" in said and "site-packages" not in said
    assert "--full" in said
