"""What every plugin promises, over all that are installed. A new one adds rows to ``calls.py``, nothing else."""

from __future__ import annotations

import copy
import gc
import inspect
import os
import pickle
import random
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

import autotrack
from autotrack.core import switch
from autotrack.core.guard import guard
from autotrack.core.plugins.manager import Manager
from autotrack.core.probes.patching import Family, Hook, Later, Patch, Tap, place_of
from tests.unit.probes.conftest import Lab
from tests.unit.probes.test_capture import Misbehaving

from .calls import ROWS, Row, made_there

#: Where autotrack is: the folder of a clone may have its name, too.
PACKAGE = f"{Path(autotrack.__file__).parent}{os.sep}"
NAMES = sorted(Manager().available())
EVERY = [pytest.param(name, row, id=f"{name}: {row.name}") for name in NAMES for row in ROWS.get(name, ())]
INJECTED = ("raises_before", "raises_after", "no_yield", "two_yields", "no_generator")


@pytest.fixture
def enabled(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """autotrack as users have it, with a store of its own and models left out for speed."""
    autotrack.enable(models=False, silent=True)
    yield store
    autotrack.disable()


def declared(name: str) -> list[Any]:
    manager = Manager()
    manager.load(name)
    found: list[Any] = []
    for _, declarations in manager.patches(name):
        for declaration in declarations:
            found += declaration.declare() if isinstance(declaration, Later) else [declaration]
    return found


def everything(name: str) -> list[Any]:
    """What has probes: taps and hooks have observers, which cannot do much (tests/unit/probes/test_listening.py)."""
    return [declaration for declaration in declared(name) if isinstance(declaration, (Patch, Family))]


def call(row: Row) -> Any:
    function, args, kwargs = row.make()
    return row.outcome(function(*args, **kwargs))


def failure(row: Row) -> BaseException:
    function, args, kwargs = row.fails()
    try:
        function(*args, **kwargs)
    except Exception as error:
        return error
    raise AssertionError(f"the failing call of {row.name!r} did not fail")


def count_runs() -> int:
    """Runs of their own; a search's candidates are children."""
    return sum(run.parent is None for run in autotrack.search_runs())


@pytest.mark.parametrize("name", NAMES)
def test_every_plugin_has_its_rows(name: str) -> None:
    assert name in ROWS, f"tests/contract/calls.py says nothing about plugin {name!r}"
    assert bool(ROWS[name]) == bool(everything(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_patch_says_what_it_was_tested_with(name: str) -> None:
    for declaration in declared(name):
        target = place_of(declaration)
        if isinstance(declaration, (Tap, Hook)):
            assert declaration.versions and declaration.observer.__doc__, declaration
            continue
        assert declaration.versions or target.partition(":")[0] in sys.stdlib_module_names, declaration
        assert declaration.nested in ("skip", "join", "child", "beside")
        assert inspect.isgeneratorfunction(declaration.probe), declaration
        assert declaration.probe.__doc__, f"{declaration.probe} has no docstring"
        assert ":" in target


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_results_exceptions_and_random_state_are_the_same(enabled: Path, name: str, row: Row) -> None:
    import numpy

    autotrack.disable()
    call(row)  # importing for the first time may draw random numbers
    random.seed(1)
    numpy.random.seed(1)
    expected, error = call(row), failure(row)
    states = random.getstate(), repr(numpy.random.get_state())
    random.seed(1)
    numpy.random.seed(1)
    filters = shown_filters()
    autotrack.enable(models=False, silent=True)
    assert call(row) == expected
    watched = failure(row)
    assert (type(watched), str(watched)) == (type(error), str(error))
    ours = [f for f in traceback.extract_tb(watched.__traceback__) if f.filename.startswith(PACKAGE)]
    assert len(ours) <= 2
    assert (random.getstate(), repr(numpy.random.get_state())) == states
    assert row.threads or shown_filters() == filters


def shown_filters() -> list[tuple[str, ...]]:
    """The warning filters, patterns as text: scikit-learn's own threads write them back compiled."""
    return [tuple(str(getattr(part, "pattern", part)) for part in entry) for entry in warnings.filters]


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_one_call_makes_its_runs(enabled: Path, name: str, row: Row) -> None:
    call(row)
    assert count_runs() == row.runs


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_the_same_object_comes_back(lab: Lab, name: str, row: Row) -> None:
    results: list[int] = []

    def probe(call: Any, run: Any) -> Iterator[None]:
        yield
        results.append(id(call.result))

    lab.installer.install(name, with_probe(name, probe))
    function, args, kwargs = row.make()
    results.clear()  # making it may have been watched, too
    result = function(*args, **kwargs)
    assert results[-1:] == [id(result)] and lab.errors == []  # the outermost call ends last


def with_probe(name: str, probe: Any) -> list[Any]:
    import dataclasses

    return [dataclasses.replace(declaration, probe=probe) for declaration in everything(name)]


@pytest.mark.parametrize("bug", INJECTED)
@pytest.mark.parametrize(("name", "row"), EVERY)
def test_an_injected_bug_costs_a_warning_only(lab: Lab, name: str, row: Row, bug: str) -> None:
    expected, error = call(row), failure(row)
    lab.installer.install(name, with_probe(name, getattr(Misbehaving, bug)))
    assert call(row) == expected
    assert str(failure(row)) == str(error)
    assert lab.errors and all(bug in text for text in lab.errors)


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_a_failing_call_is_no_failure_of_ours(enabled: Path, name: str, row: Row) -> None:
    failure(row)
    assert not guard.failures
    assert {run.status.value for run in autotrack.search_runs()} <= {"FAILED"}


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_a_call_with_wrong_arguments_raises_the_same_type_error(enabled: Path, name: str, row: Row) -> None:
    function = row.make()[0]
    with pytest.raises(TypeError) as watched:
        function()
    autotrack.disable()
    with pytest.raises(TypeError) as plain:
        row.make()[0]()
    assert str(watched.value) == str(plain.value)
    assert not guard.failures


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_off_means_off(enabled: Path, name: str, row: Row) -> None:
    autotrack.disable()
    call(row)
    assert count_runs() == 0


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_functions_pickle_copy_and_show_the_same_signature(enabled: Path, name: str, row: Row) -> None:
    function = row.make()[0]
    watched = [pickle.dumps(function), str(inspect.signature(function)), repr(type(function)), function.__doc__]
    assert callable(copy.deepcopy(function)) and callable(pickle.loads(watched[0]))  # type: ignore[arg-type]
    autotrack.disable()
    function = row.make()[0]
    plain = [pickle.dumps(function), str(inspect.signature(function)), repr(type(function)), function.__doc__]
    assert watched[1] == plain[1] and watched[3] == plain[3] and watched[0] == plain[0]


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_calls_in_threads(enabled: Path, name: str, row: Row) -> None:
    expected = call(row)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(call(row))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 3
    assert count_runs() == 4 * row.runs


@pytest.mark.parametrize(("name", "row"), EVERY)
def test_calls_in_worker_processes_make_no_runs(enabled: Path, name: str, row: Row) -> None:
    expected = call(row)
    function, args, kwargs = row.make() if row.travels else (made_there, (name, row.name), {})
    results = joblib.Parallel(2, backend="loky")([joblib.delayed(function)(*args, **kwargs)] * 2)
    assert [row.outcome(result) if row.travels else result for result in results] == [expected] * 2
    assert count_runs() == row.runs


@pytest.fixture(scope="module", autouse=True)
def no_workers_left() -> Iterator[None]:
    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize("name", [name for name in NAMES if ROWS.get(name)])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_makes_no_runs(enabled: Path, name: str) -> None:
    # The first child imports the library by itself; the others find it imported and watched by their parent.
    source = f"""
import importlib, os
import autotrack
from tests.contract.calls import ROWS
autotrack.enable(models=False)
for row in ROWS[{name!r}]:
    child = os.fork()
    if not child:
        function, args, kwargs = row.make()
        function(*args, **kwargs)
        os._exit(0 if autotrack.active_run() is None else 1)
    assert os.waitpid(child, 0)[1] == 0, row.name
    importlib.import_module(row.target.partition(":")[0])
assert len(autotrack.search_runs()) == 0
"""
    subprocess.run([sys.executable, "-c", source], check=True, timeout=110, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("name", NAMES)
def test_undo_is_exact(store: Path, name: str) -> None:
    for row in ROWS[name]:
        row.make()
    classes = [cls for cls in all_classes() if str(cls.__module__).partition(".")[0] != "autotrack"]
    modules = [m for m in list(sys.modules.values()) if type(m).__name__ == "module" and m.__name__ != "__main__"]
    before = [(owner, dict(vars(owner))) for owner in (*classes, *modules)]
    autotrack.enable(silent=True)
    watched = switch._watching.installer.watched()  # type: ignore[union-attr]
    assert bool(watched) or not ROWS[name]
    autotrack.disable()
    for owner, stood in before:
        if owner.__name__.startswith(("autotrack", "hypothesis")):  # hypothesis times each collection of garbage
            continue
        for attribute, value in stood.items():
            if attribute in ("__abstractmethods__", "_abc_impl"):
                continue
            if (owner.__name__, attribute) == ("RemovableHandle", "next_id"):  # torch counts the hooks it ever had
                continue
            assert vars(owner).get(attribute) is value, f"{owner}.{attribute}"
        if isinstance(owner, type):
            assert vars(owner).keys() - stood.keys() <= {"__doc__", "_abc_impl"}, owner


def all_classes() -> list[type]:
    gc.collect()
    found, waiting = {}, [object]
    while waiting:
        cls = waiting.pop()
        for sub in type.__subclasses__(cls) if cls is not type else ():
            if id(sub) not in found:
                found[id(sub)] = sub
                waiting.append(sub)
    return list(found.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_plugin_imports_with_its_targets_blocked(name: str) -> None:
    tops = {place_of(d).partition(".")[0].partition(":")[0] for d in declared(name)}
    source = f"""
import sys
for top in {sorted(tops)!r}:
    sys.modules[top] = None
import autotrack
from autotrack.core.guard import guard
from autotrack.core.plugins.manager import Manager
manager = Manager()
assert {name!r} in manager.load(), manager.problems
for _, declarations in manager.patches():
    for declaration in declarations:
        list(getattr(declaration, "declare", list)())
manager.flavors(); manager.settings(); manager.run_tags()
assert not guard.failures, guard.failures
"""
    subprocess.run([sys.executable, "-c", source], check=True, timeout=60)
