"""What separates the best of many runs from the rest: params whose values are spread otherwise among them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .goals import Goal

#: Numbers beyond which they are looked at as a range, not one by one; values of a param that are told.
_FEW = 12
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Range:
    """Where the middle of some numbers is: a quarter of them is below ``low``, half below ``median``."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """What part of the best, and of the rest, has a value (None: has no such param)."""

    value: str | None
    best: float
    rest: float


@dataclass(frozen=True, slots=True)
class Separation:
    """How one param separates the best: ``strength`` from 0 (not at all) to 1.

    Of numbers ``correlation`` is Spearman's, of the param with the metric, and ``best`` and ``rest`` are where they
    lie; of few values and of texts there are ``values``, the one that differs most first.
    """

    key: str
    strength: float
    correlation: float | None
    best: Range | None
    rest: Range | None
    values: list[Share]


def best_of(values: Mapping[int, float], goal: Goal, percent: float) -> set[int]:
    """The runs with the best so many percent of the values, one at least."""
    order = sorted(values, key=lambda run: (values[run] if goal == "min" else -values[run], run))
    return set(order[: max(1, math.ceil(len(order) * percent / 100))])


def separations(
    values: Mapping[int, float], params: Mapping[str, Mapping[int, str]], best: set[int]
) -> list[Separation]:
    """How each param separates the runs in ``best`` from the others of ``values``, the strongest first."""
    if len(best) in (0, len(values)):
        return []
    found = [_separation(key, values, texts, best) for key, texts in params.items()]
    return sorted(found, key=lambda each: (-each.strength, each.key))


def _separation(key: str, values: Mapping[int, float], texts: Mapping[int, str], best: set[int]) -> Separation:
    numbers = _numbers(texts)
    correlation = None
    if numbers is not None and len(numbers) > 2:
        runs = [run for run in numbers if run in values]
        correlation = spearman([numbers[run] for run in runs], [values[run] for run in runs])
    if numbers is not None and len(set(numbers.values())) > _FEW:
        inside = sorted(number for run, number in numbers.items() if run in best)
        outside = sorted(number for run, number in numbers.items() if run not in best)
        if inside and outside:
            strength = _distance(inside, outside)
            return Separation(key, strength, correlation, _range(inside), _range(outside), [])
    among = Counter(texts.get(run) for run in best)
    others = Counter(texts.get(run) for run in values if run not in best)
    rest = len(values) - len(best)
    shares = [Share(value, among[value] / len(best), others[value] / rest) for value in {**among, **others}]
    shares.sort(key=lambda share: (-abs(share.best - share.rest), share.value or ""))
    strength = sum(abs(share.best - share.rest) for share in shares) / 2
    return Separation(key, strength, correlation, None, None, shares[:_TOLD])


def _numbers(texts: Mapping[int, str]) -> dict[int, float] | None:
    """The texts as finite numbers; None where one is none."""
    found: dict[int, float] = {}
    for run, text in texts.items():
        try:
            number = float(text)
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        found[run] = number
    return found or None


def spearman(a: list[float], b: list[float]) -> float | None:
    """The rank correlation of two lists of one length, None where one of them does not vary."""
    ranks = _ranks(a), _ranks(b)
    middle = (len(a) - 1) / 2
    x, y = ([rank - middle for rank in each] for each in ranks)
    size = math.sqrt(math.fsum(each * each for each in x) * math.fsum(each * each for each in y))
    return math.fsum(p * q for p, q in zip(x, y, strict=True)) / size if size else None


def _ranks(values: list[float]) -> list[float]:
    """The rank of each value, from 0; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for place in order[at : end + 1]:
            found[place] = (at + end) / 2
        at = end + 1
    return found


def _distance(a: list[float], b: list[float]) -> float:
    """How far two sorted lists are apart: the greatest difference of their distributions (Kolmogorov and Smirnov)."""
    i = j = 0
    most = 0.0
    while i < len(a) and j < len(b):
        value = min(a[i], b[j])
        while i < len(a) and a[i] == value:
            i += 1
        while j < len(b) and b[j] == value:
            j += 1
        most = max(most, abs(i / len(a) - j / len(b)))
    return most


def _range(numbers: list[float]) -> Range:
    """Quarters of a sorted list."""
    last = len(numbers) - 1
    return Range(*(numbers[round(last * part)] for part in (0.25, 0.5, 0.75)))
