"""Which run of a program that ran again is which: threads begin theirs in another order each time."""

from __future__ import annotations

import itertools

import pytest

from autotrack.core.entities import DatasetRecord, RunRecord, Status
from autotrack.core.runs.names import run_name
from autotrack.rebuilding.pairing import paired


def run(number: int, name: str | None, parent: int | None = None, data: str = "", **params: str) -> RunRecord:
    """A run that began at ``number``; without a name it has one of chance."""
    key = f"{number:032x}"
    above = None if parent is None else f"{parent:032x}"
    datasets = (DatasetRecord("X", "train", data),) if data else ()
    called = name or run_name(key)
    return RunRecord(key, called, "e", "e", Status.FINISHED, number, parent=above, params=params, datasets=datasets)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_threads_start_their_runs_in_any_order(order: tuple[int, ...]) -> None:
    """By names, by params where there is no name, by data where params are the same."""
    for made in (
        lambda at, fold: run(at, f"fold{fold}"),
        lambda at, fold: run(at, None, fold=str(fold)),
        lambda at, fold: run(at, "Tree", path=f"/tmp/{at}/{fold}.csv"),
        lambda at, fold: run(at, "Tree", data=f"{fold}" * 16, depth="3"),
    ):
        old = [made(at, at) for at in range(3)]
        new = [made(10 + at, fold) for at, fold in enumerate(order)]
        for fold, each in enumerate(old):
            assert paired(each, old, new) == new[order.index(fold)]


def test_a_child_belongs_to_its_parent() -> None:
    old = [run(0, "one"), run(1, "two"), run(2, "fit", parent=0), run(3, "fit", parent=1)]
    new = [run(10, "two"), run(11, "one"), run(12, "fit", parent=10), run(13, "fit", parent=11)]
    assert paired(old[2], old, new) == new[3] and paired(old[3], old, new) == new[2]


def test_equals_go_by_their_start_and_what_is_missing_is_none() -> None:
    old = [run(0, "prepare"), run(1, "fit"), run(2, "fit")]
    new = [run(10, "prepare"), run(11, "fit"), run(12, "fit")]
    assert paired(old[2], old, new) == new[2] and paired(old[1], old, new) == new[1]
    assert paired(old[2], old, new[:2]) is None and paired(old[1], old, new[:1]) is None


def test_params_go_before_when_they_began_where_the_data_are_others() -> None:
    old = [run(0, "Tree", data="a" * 16, depth="2"), run(1, "Tree", data="b" * 16, depth="3")]
    new = [run(10, "Tree", data="c" * 16, depth="3"), run(11, "Tree", data="d" * 16, depth="2")]
    assert paired(old[0], old, new) == new[1] and paired(old[1], old, new) == new[0]


def test_names_and_params_of_chance_go_by_what_is_left() -> None:
    old = [run(0, "prepare"), run(1, "run of Monday", drawn="1"), run(2, "after")]
    new = [run(10, "after"), run(11, "run of Friday", drawn="2"), run(12, "prepare")]
    assert paired(old[1], old, new) == new[1]


def test_what_a_launcher_started_is_at_the_top_when_it_is_made_again() -> None:
    old = [run(0, "project/main"), run(1, "fit", parent=0)]
    assert paired(old[1], old, [run(10, "fit")]) == run(10, "fit")
