"""Warnings of our own questions: not shown, raised or remembered; those of the user's own calls are as they were."""

from __future__ import annotations

import pickle
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from autotrack.core.questions import unwarned

CATEGORIES = (UserWarning, DeprecationWarning, FutureWarning, RuntimeWarning)


@pytest.fixture(autouse=True)
def own_filters() -> Iterator[None]:
    with warnings.catch_warnings():
        yield


def answer(category: type[Warning] = UserWarning) -> None:
    warnings.warn("about the data", category, stacklevel=1)


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_warning_is_raised_and_the_filters_are_as_they_were(category: type[Warning]) -> None:
    warnings.simplefilter("error")
    filters, before = warnings.filters, list(warnings.filters)
    with unwarned():
        answer(category)
        with unwarned():
            answer(category)
        answer(category)
    assert warnings.filters is filters and list(filters) == before
    with pytest.raises(category):
        answer(category)


def test_what_the_user_was_shown_is_not_shown_again_and_the_rest_is_still_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ask() -> None:
        warnings.warn("first", stacklevel=1)

    def ask_more() -> None:
        warnings.warn("second", stacklevel=1)

    showing = warnings.showwarning
    warnings.showwarning = lambda message, *_: print(message, file=sys.stderr)
    warnings.simplefilter("default")
    ask()
    with unwarned():
        ask()
        ask_more()
    ask()
    ask_more()
    warnings.showwarning = showing
    assert capsys.readouterr().err.split() == ["first", "second"]


def test_another_threads_warnings_are_its_own() -> None:
    warnings.simplefilter("error")
    seen: list[Warning] = []

    def other() -> None:
        try:
            answer()
        except UserWarning as error:
            seen.append(error)

    with unwarned():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(seen) == 1


def test_a_thread_that_catches_meanwhile_is_left_no_filter_of_ours() -> None:
    before = list(warnings.filters)
    entered, asked = threading.Event(), threading.Event()

    def other() -> None:
        with warnings.catch_warnings():
            entered.set()
            asked.wait(20)

    with unwarned():
        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(20)
    during = list(warnings.filters)
    asked.set()
    thread.join()
    assert during == before and list(warnings.filters) == before


def test_a_model_that_clears_the_filters_changes_nothing() -> None:
    with unwarned():
        warnings.resetwarnings()
    assert list(warnings.filters) == []


def test_the_filters_go_to_other_processes() -> None:
    """scikit-learn sends them to its workers."""
    with unwarned():
        filters = pickle.loads(pickle.dumps(list(warnings.filters)))
        assert filters == list(warnings.filters)
