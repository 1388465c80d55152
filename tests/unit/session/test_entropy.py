"""What numpy's generators take from the operating system is listened to, and nothing of it is another for that."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy
import pytest

from autotrack.core.session import entropy

MODULE = numpy.random.bit_generator  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def nothing_heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entropy.stop()
    monkeypatch.setattr(entropy, "_drawn", [])
    monkeypatch.setattr(entropy, "_too_many", False)
    monkeypatch.setattr(entropy, "_with_seeded", False)
    yield
    entropy.stop()


def begun(generator: numpy.random.Generator) -> str:
    return str(generator.bit_generator.seed_seq.entropy)  # type: ignore[attr-defined]


def test_numbers_are_noted_and_given_again() -> None:
    entropy.watch()
    generators = [numpy.random.default_rng(), numpy.random.default_rng()]
    numpy.random.default_rng(7)
    assert entropy.drawn() == [begun(each) for each in generators] and entropy.gaps() == []
    entropy.watch(entropy.drawn()[1:])
    assert numpy.random.default_rng().random(3).tolist() == generators[1].random(3).tolist()
    assert begun(numpy.random.default_rng()) not in entropy.drawn()[:3]


def test_what_a_seeded_generator_throws_away_is_none_of_it() -> None:
    """numpy asks for a number before it uses the seed: of a forest's trees, for each. Older records have them."""
    from sklearn.utils import check_random_state

    entropy.watch(["11", "12"])
    for seed in range(entropy.MOST + 1):
        check_random_state(seed)
    assert entropy.gaps() == [] and begun(numpy.random.default_rng()) == "11" and entropy.drawn() == ["11"]
    entropy.watch(["11", "12"], with_seeded=True)
    check_random_state(1)
    assert begun(numpy.random.default_rng()) == "12"


def test_numpys_own_function_comes_back() -> None:
    own = MODULE.randbits
    entropy.watch()
    entropy.watch()
    assert MODULE.randbits is not own
    entropy.stop()
    assert MODULE.randbits is own
    numpy.random.default_rng()
    assert entropy.drawn() == []


def test_somebody_elses_function_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    entropy.watch()
    monkeypatch.setattr(MODULE, "randbits", lambda k: 5)
    entropy.stop()
    assert begun(numpy.random.default_rng()) == "5"


def test_a_loop_is_left_alone_and_said() -> None:
    own = MODULE.randbits
    entropy.watch()
    for _ in range(entropy.MOST):
        numpy.random.default_rng()
    assert entropy.gaps() == []
    numpy.random.default_rng()
    assert len(entropy.drawn()) == entropy.MOST and MODULE.randbits is own
    assert "more than 100 generators" in entropy.gaps()[0].what
    entropy.watch()
    assert MODULE.randbits is own


def test_a_forked_child_draws_its_own() -> None:
    """What the parent is given again is not the child's."""
    entropy.watch(["11", "12"])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, begun(numpy.random.default_rng()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) not in (b"11", b"12")
    assert begun(numpy.random.default_rng()) == "11"
    os.close(read)
    os.close(write)
