"""The state of the generators is read without moving them and comes back to the bit."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.core.errors import ArtifactError
from autotrack.core.objects import Objects
from autotrack.core.session.random_state import encoded_state, generators_in, random_state, restore

Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def streams_as_they_were() -> Iterator[None]:
    states = random.getstate(), numpy.random.get_state()
    yield
    random.setstate(states[0])
    numpy.random.set_state(states[1])


def _draws() -> list[float]:
    return [random.random(), random.gauss(0, 1), float(numpy.random.rand()), float(numpy.random.randn())]


@given(st.integers(0, 2**32 - 1), st.integers(0, 1300))
def test_the_streams_go_on_as_they_would_have(seed: int, drawn: int) -> None:
    random.seed(seed)
    numpy.random.seed(seed)
    numpy.random.rand(drawn)
    for _ in range(drawn % 7):
        _draws()
    content, gaps = encoded_state()
    assert gaps == [] and encoded_state()[0] == content  # reading it moves nothing
    expected = [_draws() for _ in range(3)]
    assert restore(content) == list(generators_in(content))
    assert [_draws() for _ in range(3)] == expected


def test_it_is_one_object_and_no_pickle(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    document, _ = random_state(objects)
    content = objects.get(document["sha256"])
    assert document["generators"][:2] == ["python", "numpy"] and content.startswith(b"autotrack-random 1\n{")
    assert random_state(objects)[0] == document


def _damaged() -> list[bytes]:
    content, _ = encoded_state()
    head = content.index(b"\n", 20) + 1
    return [
        b"",
        b"autotrack-random 2\n{}\n",
        content[:-1],
        content + b"x",
        content.replace(b'"bytes":2500', b'"bytes":2501', 1),
        content.replace(b'"python"', b'"perl"'),
        b"autotrack-random 1\n[]\n",
        b"autotrack-random 1\n{\n",
        b'autotrack-random 1\n{"python":{"bytes":-1}}\n',
        content.replace(b'"gauss":null', b'"gauss":"zz"', 1),
        content[: head + 2496] + b"\xff\xff\xff\xff" + content[head + 2500 :],  # no such position
    ]


@pytest.mark.parametrize("number", range(11))
def test_a_damaged_state_is_refused_and_nothing_moves(number: int) -> None:
    random.seed(1)
    numpy.random.seed(1)
    content = _damaged()[number]
    before = random.getstate(), repr(numpy.random.get_state())
    with pytest.raises(ArtifactError):
        restore(content)
    assert (random.getstate(), repr(numpy.random.get_state())) == before


def test_another_global_generator_is_a_gap(store: Path, script: Script) -> None:
    done = script(
        """
import numpy
from autotrack.core.session.random_state import encoded_state, generators_in
numpy.random.set_bit_generator(numpy.random.PCG64(3))
content, gaps = encoded_state()
print(list(generators_in(content)), gaps[0].what)
"""
    )
    assert done.stdout == "['python'] numpy's global generator is a PCG64, whose state is not kept\n", done.stderr


SEEDED = """
import sys
import random, numpy.random
{before}
import autotrack
autotrack.enable()
from autotrack.core.session.seeds import seeded
{after}
found = seeded()
entropy = found["numpy"].pop("entropy", None)
assert (entropy is not None) == (found["numpy"]["seeded"] is False)
assert len(found["numpy"].pop("unseeded", [])) == found["numpy"]["seeds"].count(None)
print(found["python"], found["numpy"], found["PYTHONHASHSEED"])
"""


@pytest.mark.parametrize(
    ("before", "after", "python", "numpys"),
    [
        ("", "", ([], None), ([], False)),
        ("random.seed(1); numpy.random.seed(2)", "", ([], None), ([], True)),
        ("", "random.seed(1); numpy.random.seed(seed=numpy.int64(2))", ([1], True), ([2], True)),
        ("from random import seed", "seed('a'); seed(); random.seed(a=2.5)", (["a", None, 2.5], True), ([], False)),
        ("", "random.seed(10**30); numpy.random.seed([1, 2])", ([str(10**30)], True), (["<builtins.list>"], True)),
        ("", "numpy.random.seed(1); numpy.random.seed()", ([], None), ([1, None], True)),
        ("", "[random.seed(i) for i in range(100)]", (list(range(20)), True), ([], False)),
    ],
)
def test_seeds_are_known(
    store: Path, script: Script, before: str, after: str, python: tuple[object, object], numpys: tuple[object, object]
) -> None:
    done = script(SEEDED.format(before=before, after=after))
    expected = [{"seeds": seeds, "seeded": answer} for seeds, answer in (python, numpys)]
    assert done.stdout == f"{expected[0]} {expected[1]} None\n", done.stderr


def test_seeding_is_the_same_when_watched(store: Path, script: Script) -> None:
    source = """
import copy, pickle, random, numpy
random.seed(3); numpy.random.seed(3)
print(random.random(), numpy.random.rand(), random.seed("x"), numpy.random.seed(None))
seed = numpy.random.seed
for bad in (lambda: random.seed([]), lambda: seed(-1), lambda: seed(1, 2), lambda: random.seed(b=1)):
    try:
        bad()
    except Exception as error:
        print(type(error), error)
print(seed.__doc__[:20], seed.__module__, random.seed.__name__, random.seed.__self__ is random._inst)
print(pickle.loads(pickle.dumps(numpy.random.seed)) == numpy.random.seed, pickle.dumps(numpy.random.seed))
assert callable(pickle.loads(pickle.dumps(random.seed))) and callable(copy.deepcopy(numpy.random.seed))
assert numpy.random.seed is numpy.random.mtrand.seed
"""
    plain, watched = script(source), script(f"import autotrack; autotrack.enable()\n{source}")
    assert (plain.returncode, plain.stdout) == (watched.returncode, watched.stdout), watched.stderr
    assert plain.returncode == 0


def test_torch_comes_back_too(store: Path, script: Script) -> None:
    pytest.importorskip("torch")
    done = script(
        """
import numpy, random, torch
from autotrack.core.session.random_state import encoded_state, restore
from autotrack.core.session.seeds import seeded
torch.manual_seed(5)
assert seeded()["torch"] == {"seeds": [5], "seeded": True}
torch.rand(3); torch.randn(1)
content, gaps = encoded_state()
assert gaps == [] and encoded_state()[0] == content
expected = torch.rand(5).tolist(), torch.randn(20).tolist()
assert restore(content)[-1] == "torch"
assert (torch.rand(5).tolist(), torch.randn(20).tolist()) == expected
torch.seed()
assert seeded()["torch"]["seeded"] is None
"""
    )
    assert done.returncode == 0, done.stderr
