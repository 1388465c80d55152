"""Which few of many things it takes: minimal for every oracle that grows with its set, no set asked twice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from autotrack.rebuilding.minimising import least

NUMBERS = st.integers(1, 40).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.sets(st.integers(0, count - 1), min_size=1), min_size=1, max_size=4),
        st.permutations(range(count)),
    )
)


class Oracle:
    """Done by every set that holds one of the causes whole; remembers what it was asked."""

    def __init__(self, causes: list[set[int]]) -> None:
        self.causes = causes
        self.asked: list[frozenset[int]] = []

    def __call__(self, items: Sequence[int]) -> bool:
        self.asked.append(frozenset(items))
        assert len(set(items)) == len(items)
        return any(cause <= set(items) for cause in self.causes)


@given(NUMBERS)
def test_a_minimal_set_is_found_and_no_set_asked_twice(case: tuple[int, list[set[int]], list[int]]) -> None:
    _, causes, order = case
    oracle = Oracle(causes)
    found = least(order, oracle)
    assert len(oracle.asked) == len(set(oracle.asked))
    assert frozenset() not in oracle.asked and frozenset(order) not in oracle.asked  # both were known before
    asked = Oracle(causes)
    assert asked(found)
    assert not any(asked([each for each in found if each != left_out]) for left_out in found)
    assert found == sorted(found, key=order.index)


@given(st.integers(1, 2000), st.data())
def test_one_cause_costs_few_tests_and_a_likely_one_fewer(count: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, count - 1))
    oracle = Oracle([{at}])
    assert least(range(count), oracle) == [at]
    assert len(oracle.asked) <= 2 * math.ceil(math.log2(at + 1)) + 1


@given(st.integers(2, 30), st.data())
def test_what_is_found_does_it_though_parts_fail(count: int, data: st.DataObject) -> None:
    """Some sets do not run at all, and so do nothing: the answer is one that does."""
    alike = data.draw(st.sets(st.integers(0, count - 1), min_size=2))
    cause = data.draw(st.integers(0, count - 1))

    def does(items: Sequence[int]) -> bool:
        runs = not alike & set(items) or alike <= set(items)
        return runs and cause in items

    assert does(least(range(count), does))


def test_the_only_one_needs_no_test() -> None:
    oracle = Oracle([{0}])
    assert least([0], oracle) == [0] and oracle.asked == []
