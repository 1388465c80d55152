"""The profile of a model that is being saved: from rows of its example, and from what the run knows of its data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .example import ROWS as FEW_ROWS
from .profile import LEAST_ROWS, Known, ModelProfile, column_profiles, known_columns
from .profile_file import profile_content
from .sampling import Columns, columns_of, distance, size_of, some

#: Rows that the model is asked about for the profile of its answers: the second time only where the first was quick.
ASKED_ROWS = (48, 512)
#: Seconds for which a model is asked where nothing is said of them.
_LONGEST = 5.0
#: A wider table has no profile.
MOST_COLUMNS = 2_000
#: The name of a model's only answer.
ANSWER = "prediction"


def answers_to_more(example: Any, ask: Callable[[Any], Any], spent: float, left: float | None) -> Any:
    """The model's answers to some rows of its example; None where these are few or it would take too long: asking about
    the first few took ``spent`` seconds, and ``left`` are left (None: nothing is said of them)."""
    size = size_of(example)
    if size is None or size[0] < LEAST_ROWS or size[1] > MOST_COLUMNS:
        return None
    deadline = time.perf_counter() + (_LONGEST if left is None else left)
    asked, answers = FEW_ROWS, None
    for wanted in ASKED_ROWS:
        began = time.perf_counter()
        rows = min(wanted, size[0])
        if rows <= asked or began + spent * rows / asked > deadline:
            break
        answers = ask(some(example, distance(size[0], size[1], wanted)))
        asked, spent = rows, time.perf_counter() - began
    return answers


def profile_of(example: Any, known: Known | None, answers: Any) -> bytes | None:
    """The content of ``profile.json``; None where there is too little to make one of.

    ``example`` are the data that the model was made of, or a few rows of them: then the columns of numbers of its
    fingerprint (``known``) stand for them. ``answers`` are the model's to some of the rows, or to all.
    """
    size = size_of(example)
    rows, width = size or (0, 0)
    if width > MOST_COLUMNS:
        return None
    inputs: Columns | None = None
    if rows >= LEAST_ROWS:
        step = distance(rows, width)
        inputs = columns_of(example, step=step)
    sampled = _rows(inputs)
    if inputs:
        same = known if known is not None and known.rows == rows else None
        columns = column_profiles(inputs, same, whole=sampled == rows)
    elif known is not None and known.rows >= LEAST_ROWS and _same_columns(example, known):
        columns, rows, sampled = known_columns(known), known.rows, known.rows
    else:
        columns = []
    answered = size_of(answers)
    given: Columns | None = None
    if answered is not None and answered[0] >= LEAST_ROWS and answered[1] <= MOST_COLUMNS:
        given = columns_of(answers, ANSWER, distance(*answered))
    if not columns and not given:
        return None
    profile = ModelProfile(
        rows=rows,
        sampled=sampled,
        answered=answered[0] if given and answered is not None else 0,
        inputs=tuple(columns),
        answers=tuple(column_profiles(given, whole=_rows(given) == rows) if given else ()),
    )
    return profile_content(profile)


def _rows(columns: Columns | None) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def _same_columns(example: Any, known: Known) -> bool:
    found = columns_of(example)
    return found is not None and set(found) <= set(known.columns)
