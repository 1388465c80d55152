"""What is kept exactly, and what is refused with a reason."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core import keys
from autotrack.core.errors import UsageError


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=1000))
def test_any_valid_text_is_a_key(text: str) -> None:
    assert keys.check_key(text) == text


@pytest.mark.parametrize("key", ["", "x" * 1001, "a\0b", "a\ud800b", 7, None, b"x"])
def test_unfit_keys_are_refused(key: object) -> None:
    with pytest.raises(UsageError):
        keys.check_key(key)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, ("f8", 1.0)),
        (True, ("f8", 1.0)),
        (0.1, ("f8", 0.1)),
        (2**53, ("f8", 2.0**53)),
        (2**53 + 1, ("i8", 2**53 + 1)),
        (-(2**63), ("i8", -(2**63))),
        (np.float32(0.1), ("f8", float(np.float32(0.1)))),
        (np.float16(0.5), ("f8", 0.5)),
        (np.int64(2**53 + 1), ("i8", 2**53 + 1)),
        (np.array(3.5), ("f8", 3.5)),
        (np.array(7), ("f8", 7.0)),
        (Decimal("0.25"), ("f8", 0.25)),
        (Fraction(1, 4), ("f8", 0.25)),
    ],
)
def test_numbers(value: object, expected: tuple[str, float]) -> None:
    kind, number = keys.number(value)
    assert (kind, number) == expected
    assert type(number) is (float if kind == "f8" else int)


@pytest.mark.parametrize("value", ["1.5", b"1", None, 1j, [1.0], np.array([1.0, 2.0]), 2**63, object(), {"a": 1}])
def test_what_is_no_real_number_is_refused(value: object) -> None:
    with pytest.raises(UsageError):
        keys.number(value)


@pytest.mark.parametrize("step", [1.5, "7", 2**63, None, [1]])
def test_bad_steps_are_refused(step: object) -> None:
    with pytest.raises(UsageError):
        keys.check_step(step)


@pytest.mark.parametrize("step", [-1, 0, 2**63 - 1, np.int32(5), True])
def test_good_steps(step: int) -> None:
    assert keys.check_step(step) == int(step)


def test_nested_params_are_flattened() -> None:
    assert dict(keys.flatten({"a": {"b": 1, "c": {"d": 2}}, "e": {}})) == {"a.b": 1, "a.c.d": 2, "e": {}}


def test_ids_leave_the_random_streams_alone() -> None:
    import random

    before, before_numpy = random.getstate(), np.random.get_state()[1].copy()  # type: ignore[union-attr, index]
    assert keys.is_run_id(keys.new_id())
    assert random.getstate() == before
    assert (np.random.get_state()[1] == before_numpy).all()  # type: ignore[index]
