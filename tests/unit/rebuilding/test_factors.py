"""What differs between two runs, one by one; and a run that is put together with some of it swapped."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.answers.imports import distributions_of, imported_in
from autotrack.answers.story import Story
from autotrack.core.entities import RunRecord, SessionRecord, Status
from autotrack.core.objects import Objects
from autotrack.core.session.random_state import encoded_state, put_together, states_in
from autotrack.rebuilding.factors import (
    SINGLE,
    Factor,
    Side,
    factors_of,
    options_of,
    places_in,
    units_of,
)
from autotrack.rebuilding.plan import Plan
from autotrack.rebuilding.swapping import mixed

ROOT = "/there/project"
Make = Callable[..., Side]


@pytest.fixture
def side(tmp_path: Path) -> Make:
    """A run in a folder: files by name, the data that it read, arguments, and what its collectors found."""
    objects = Objects(tmp_path / "objects")

    def make(
        name: str,
        files: dict[str, str] | None = None,
        *,
        data: dict[str, str] | None = None,
        arguments: Sequence[str] = (),
        packages: dict[str, str] | None = None,
        start: bytes | None = None,
        **parts: Any,
    ) -> Side:
        lock = {"distributions": [{"name": each, "version": version} for each, version in (packages or {}).items()]}
        lock |= {"format": 1}
        environment = {"lock": objects.put(json.dumps(lock).encode()), **parts.pop("environment", {})}
        seeds = {**parts.pop("seeds", {}), **({"start": objects.put(start)} if start is not None else {})}
        session = SessionRecord("5" * 32, 0, {}, {"environment": environment, "seeds": seeds})
        run = RunRecord("1" * 32, "a run", "e", "e", Status.FINISHED, 0, session=session.id)
        plan = Plan(Story(run, session, (), objects), {}, (), "train.py", False, tuple(arguments), ROOT, ROOT, **parts)
        made = Side(plan, tmp_path / name, data=data or {})
        for path, text in {"train.py": "import numpy\n", **(files or {})}.items():
            made.place(path).parent.mkdir(parents=True, exist_ok=True)
            made.place(path).write_text(text)
        return made

    return make


def named(factors: Sequence[Factor]) -> list[tuple[str, str]]:
    return [(factor.part, factor.name) for factor in factors]


def swap(a: Side, b: Side, *factors: Factor) -> tuple[Plan, Callable[[str], str | None]]:
    """The plan with those swapped, and what reads a file that was put there."""
    fresh = a.folder.parent / f"fresh-{len(list(a.folder.parent.iterdir()))}"
    plan, _ = mixed(a, b, factors, fresh)

    def read(name: str) -> str | None:
        path = plan.mirrored(f"{ROOT}/{name}", fresh)
        return path.read_text() if path.exists() else None

    return plan, read


def test_nothing_differs_between_equal_runs(side: Make) -> None:
    a, b = (side(name, {"rows.csv": "1\n"}, data={"rows.csv": "1" * 64}, packages={"numpy": "2.0"}) for name in "ab")
    assert factors_of(a, b) == []


def test_arguments_of_equal_number_go_by_their_place(side: Make) -> None:
    a, b = side("a", arguments=["--lr", "0.1", "x"]), side("b", arguments=["--lr", "0.3", "y"])
    lr, word = factors_of(a, b)
    assert [str(lr), str(word)] == ["argument 2  --lr 0.1 → 0.3", "argument 3  x → y"]
    assert swap(a, b, lr)[0].arguments == ("--lr", "0.3", "x")


def test_options_are_swapped_one_by_one_though_some_are_new_or_gone(side: Make) -> None:
    a = side("a", arguments=["in.csv", "--lr", "0.1", "--fast", "--seed=1"])
    b = side("b", arguments=["in.csv", "--seed=2", "--layers", "3", "-5", "--lr", "0.1"])
    found = {factor.name: factor for factor in factors_of(a, b)}
    assert {name: factor.text for name, factor in found.items()} == {
        "--fast": "given → not given",
        "--seed": "1 → 2",
        "--layers": "not given → 3 -5",
    }
    assert swap(a, b, found["--fast"])[0].arguments == ("in.csv", "--lr", "0.1", "--seed=1")
    assert swap(a, b, found["--layers"], found["--seed"])[0].arguments == (
        *("in.csv", "--lr", "0.1", "--fast", "--seed=2"),
        *("--layers", "3", "-5"),
    )


def test_what_cannot_be_told_apart_by_option_is_swapped_whole(side: Make) -> None:
    a, b = side("a", arguments=["-x", "1", "-x", "2"]), side("b", arguments=["-x", "1"])
    (all_of_it,) = factors_of(a, b)
    assert all_of_it.text == "-x 1 -x 2 → -x 1" and swap(a, b, all_of_it)[0].arguments == ("-x", "1")


def test_another_program_is_swapped_with_its_arguments(side: Make) -> None:
    a, b = side("a", arguments=["1"]), side("b", arguments=["2"])
    b.plan = replace(b.plan, target="project.train", is_module=True)
    (program,) = factors_of(a, b)
    assert str(program) == "argument  train.py 1 → project.train 2"
    plan = swap(a, b, program)[0]
    assert (plan.target, plan.is_module, plan.arguments) == ("project.train", True, ("2",))


@given(st.lists(st.sampled_from(["-a", "--b", "--c=1", "x", "-1", "-2e5", "--d", "y"])))
def test_options_hold_every_word_once(words: list[str]) -> None:
    found = options_of(words)
    options = [word.partition("=")[0] for word in words if word[0] == "-" and not word[1].isdigit()]
    assert (found is None) == (len(options) != len(set(options)))
    assert found is None or [word for each in found.values() for word in each] == words


def test_a_data_file_that_is_missing_is_no_code_that_is_gone(side: Make) -> None:
    a = side("a", {"start.txt": "0.5"}, data={"start.txt": "a" * 64, "rows.csv": "1" * 64})
    b = side("b", {"extra.csv": "7"}, data={"extra.csv": "b" * 64, "rows.csv": "2" * 64})
    found = {factor.name: factor for factor in factors_of(a, b)}
    assert {factor.part for factor in found.values()} == {"data"}
    assert found["start.txt"].text.endswith(" → not there") and found["extra.csv"].text.startswith("not there → ")
    assert found["rows.csv"].text == f"{'1' * 12} → {'2' * 12}"
    _, read = swap(a, b, found["start.txt"], found["extra.csv"])
    assert (read("start.txt"), read("extra.csv")) == (None, "7")


def test_files_of_code_and_the_places_in_them(side: Make) -> None:
    one = "import numpy\nA = 1\nB = 2\n\n\ndef f():\n    return A\n"
    other = "import numpy\nA = 3\nB = 2\nC = 4\n\n\ndef f():\n    return A\n\n\nprint(f())"
    a = side("a", {"train.py": one, "old.py": "x\n"})
    b = side("b", {"train.py": other, "new.py": "y\n"})
    new, old, train = factors_of(a, b)
    assert [new.text, old.text, train.text] == ["is new", "is gone", "is another"]
    _, read = swap(a, b, new, old)
    assert (read("new.py"), read("old.py"), read("train.py")) == ("y\n", None, one)
    places = places_in(a, b, train)
    assert [place.text for place in places] == [
        "line 2: A = 1 → A = 3",
        "behind line 3: C = 4 is new",
        "behind line 7: print(f()) is new",
    ]
    assert swap(a, b, places[0])[1]("train.py") == one.replace("A = 1", "A = 3")
    assert swap(a, b, *places[1:])[1]("train.py") == other.replace("A = 3", "A = 1")
    assert swap(a, b, *places)[1]("train.py") == other == swap(a, b, train)[1]("train.py")
    assert places_in(a, b, new) == [] and places_in(a, b, places[0]) == []


def test_bytes_have_no_places(side: Make) -> None:
    a, b = side("a"), side("b")
    for each, content in ((a, b"\0a\nb\nc\n"), (b, b"\0x\nb\nz\n")):
        each.place("w.bin").write_bytes(content)
    (factor,) = factors_of(a, b)
    assert places_in(a, b, factor) == []


def test_what_is_not_known_of_one_is_no_difference(side: Make) -> None:
    """Threads that no library had told of when the run began."""
    a, b = side("a", environment={}), side("b", environment={"blas": [{"num_threads": 2}]})
    assert factors_of(a, b) == [] and factors_of(b, a) == []


def test_cells_are_counted(side: Make) -> None:
    a, b = side("a"), side("b")
    for ours, theirs, said in (
        (("x", "1"), ("x", "2"), "1 of 2 is another"),
        (("x",), ("x", "2"), "1 → 2"),
        (("a", "b"), ("c", "d"), "2 of 2 are others"),
    ):
        one, other = (replace(each, plan=replace(each.plan, cells=cells)) for each, cells in ((a, ours), (b, theirs)))
        assert [str(factor) for factor in factors_of(one, other)] == [f"code cells  {said}"]


def test_variables_and_threads(side: Make) -> None:
    a = side("a", environment={"variables": {"TF_X": "1"}, "blas": [{"num_threads": 2}]}, seeds={"PYTHONHASHSEED": "1"})
    b = side("b", environment={"blas": [{"num_threads": 4}]})
    hashing, flag, threads = factors_of(a, b)
    assert [str(hashing), str(flag), str(threads)] == [
        "variable PYTHONHASHSEED  1 → not set",
        "variable TF_X  1 → not set",
        "threads  2 → 4",
    ]
    story = swap(a, b, flag, threads)[0].story
    assert story.session is not None
    environment = story.session.parts["environment"]
    assert environment["variables"] == {} and environment["blas"] == [{"num_threads": 4}]
    assert story.session.parts["seeds"]["PYTHONHASHSEED"] == "1"


def begun(seed: int) -> bytes:
    was = random.getstate()
    random.seed(seed)
    try:
        python = states_in(encoded_state()[0])["python"]
        return put_together({"python": python, "torch": ({"bytes": 4}, b"%4d" % seed)})
    finally:
        random.setstate(was)


def test_generators_begin_elsewhere_one_by_one(side: Make) -> None:
    a = side("a", start=begun(1), seeds={"numpy": {"entropy": "11"}, "torch": {"seeded": None, "seeds": [2**60]}})
    b = side("b", start=begun(2), seeds={"numpy": {"entropy": "22"}, "torch": {"seeded": True, "seeds": [3]}})
    python, numpy = factors_of(a, b)  # torch, which one of them seeded, begins where that one says
    assert named([python, numpy]) == [("randomness", "python"), ("randomness", "numpy")]
    assert units_of([python, numpy]) == [(python, numpy)]
    for chosen in ((python,), (numpy,), (python, numpy)):
        story = swap(a, b, *chosen)[0].story
        seeds = story.part("seeds") or {}
        states, one, other = map(states_in, (story.content(seeds["start"]) or b"", begun(1), begun(2)))
        assert states == one | ({"python": other["python"]} if python in chosen else {})
        assert seeds["numpy"]["entropy"] == ("22" if numpy in chosen else "11")


def test_states_that_are_taken_apart_are_put_together_again() -> None:
    content = encoded_state()[0]
    assert put_together(states_in(content)) == content


def test_packages_that_are_imported_come_first(side: Make) -> None:
    text = "import os, pandas as pd\nfrom sklearn.tree import X\n"
    ours = {"aaa": "1", "numpy": "2.0", "pandas": "1", "scikit-learn": "1", "same": "1"}
    theirs = {"aaa": "2", "numpy": "2.1", "pandas": "2", "scikit-learn": "2", "same": "1", "zzz": "9"}
    a = side("a", {"more.py": text}, packages=ours, environment={"python": {"version": "3.11.1"}})
    b = side("b", {"more.py": text}, packages=theirs, environment={"python": {"version": "3.12.0"}})
    found = factors_of(a, b)
    assert [factor.name for factor in found] == ["Python", "numpy", "pandas", "scikit-learn", "aaa", "zzz"]
    assert [factor.text for factor in found[::5]] == ["3.11.1 → 3.12.0", "none → 9"]
    assert units_of(found) == [tuple(found)]


def test_many_of_one_part_are_tried_together_first() -> None:
    few = [Factor("code", f"{at}.py", "is another") for at in range(SINGLE)]
    data = Factor("data", "rows.csv", "is another")
    assert units_of([data, *few]) == [(data,), *((factor,) for factor in few)]
    many = [*few, Factor("code", "one-more.py", "is another")]
    assert units_of([data, *many]) == [(data,), tuple(many)]


def test_what_a_text_imports() -> None:
    text = "import a.b, c as d  # e\n  from f.g import h\nfrom . import i\nprint('import j')\nimport k; import l\n"
    assert imported_in([text, "import m"]) == {"a", "c", "f", "k", "m"}
    assert distributions_of({"sklearn", "yaml", "My_Own"}, ["scikit-learn", "PyYAML", "my-own", "numpy"]) == {
        "scikit-learn",
        "PyYAML",
        "my-own",
    }
